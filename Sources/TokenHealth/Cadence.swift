/// When to look again.
struct Cadence {
    let token: WatchedToken
    /// From 0 to below 1.
    let chance: Double
    let retryAfter: Duration?
    /// Whether the rejections are in and only the siblings speak against a death.
    let isHeldBack: Bool

    init(token: WatchedToken, chance: Double, retryAfter: Duration?, isHeldBack: Bool = false) {
        self.token = token
        self.chance = chance
        self.retryAfter = retryAfter
        self.isHeldBack = isHeldBack
    }

    /// Pauses between the probes of a dead token; the last one repeats.
    private static let deadPauses: [Duration] = [.seconds(60), .seconds(300), .seconds(900), .seconds(3600)]

    /// The interval less up to a twentieth: never later than promised, and no two tokens in step for long.
    var spreadInterval: Duration {
        token.interval * (1 - 0.05 * chance)
    }

    /// How long the network is left alone while all is well, spread in the same way.
    private var spreadRest: Duration {
        token.networkInterval * (1 - 0.05 * chance)
    }

    /// How long the network is left alone.
    func rest(after belief: Belief) -> Duration {
        let wait = retryAfter ?? .zero
        let soon = min(token.interval, token.confirmation.pause)
        switch belief.state {
        case .invalid:
            let index = min(max(belief.deadProbes - 1, 0), Cadence.deadPauses.count - 1)
            return max(Cadence.deadPauses[index], wait)
        case .suspect:
            // Nothing but time can decide it, and the grace may be shorter than the pause.
            let held = max(soon, min(Cadence.deadPauses[0], token.providerGrace))
            return max(isHeldBack ? held : soon, wait)
        case .limited, .misconfigured:
            return max(belief.incident == nil ? soon : spreadRest, wait)
        case .valid:
            return max(spreadRest, wait)
        case .pending, .unknown, .blind:
            return max(spreadInterval, wait)
        }
    }
}
