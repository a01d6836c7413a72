import TokenHealth

/// How often the tokens of one host want to ask it, beside what its provider allows.
struct HostDemand {
    let realm: RealmName
    /// What is allowed.
    let rate: Rate
    private var tokens = 0
    /// Questions in the time of ``rate``.
    private var questions = 0.0

    private init(realm: RealmName, rate: Rate) {
        self.realm = realm
        self.rate = rate
    }

    /// One for each host whose provider sets a ceiling, in no order.
    static func demands(of tokens: [WatchedToken]) -> some Collection<HostDemand> {
        var demands: [RealmName: HostDemand] = [:]
        for token in tokens {
            guard let rate = token.provider.limits.rate, token.interval > .zero else { continue }
            let realm = token.realm
            demands[realm, default: HostDemand(realm: realm, rate: rate)].add(token)
        }
        return demands.values
    }

    private mutating func add(_ token: WatchedToken) {
        tokens += 1
        questions += rate.per / token.interval
    }

    /// What a person should know, where the ceiling makes the intervals longer than they are written.
    var warning: String? {
        let strain = questions / Double(rate.count)
        guard strain > 1 else { return nil }
        let factor = Double((strain * 10).rounded(.up)) / 10
        return "\(tokens) tokens of \(realm) ask \(Int(questions.rounded())) times in "
            + "\(DurationText.format(rate.per)), and the provider allows \(rate.count): "
            + "their probes come \(factor) times as seldom as their intervals say"
    }
}
