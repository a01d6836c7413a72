import TokenHealth

/// How fast looks may begin.
///
/// After a start they are spread by ``StartStagger``; after a sleep of the host or a reload all are due at once. Then they
/// begin a few times as fast as in calm, so that the schedule is caught up with in a part of the interval, and no server is
/// run over.
struct Pace {
    /// Looks that fall due within this time share a wake-up: a thirtieth of the shortest interval.
    let grain: Duration
    /// Looks per second that the intervals ask for.
    private let rate: Double
    /// Looks per second that may begin: never fewer than fall due after a start, or those with long intervals would hold
    /// up those with short ones.
    private let pickUp: Double
    /// Looks that may begin at once.
    private var credit: Double
    private var countedAt: Duration?

    /// How much faster than in calm; a token that is being confirmed asks four times a minute.
    private static let haste = 4.0
    /// So many may always begin at once.
    private static let burst = 1000.0

    init(of tokens: [WatchedToken]) {
        let shortest = tokens.map(\.interval).min() ?? .seconds(60)
        grain = min(max(shortest / 30, .milliseconds(10)), .milliseconds(500))
        rate = tokens.reduce(0) { $0 + 1 / max($1.interval.inSeconds, 0.001) }
        pickUp = max(rate * Pace.haste, 1 / StartStagger.longestStep.inSeconds)
        credit = Pace.burst + rate
    }

    /// How many looks may begin now.
    mutating func allowance(at now: Duration) -> Int {
        let passed = countedAt.map { max(.zero, now - $0) } ?? .zero
        countedAt = now
        credit = min(Pace.burst + rate, credit + passed.inSeconds * pickUp)
        return Int(credit)
    }

    /// Whether none may begin before some time has passed.
    var isExhausted: Bool { credit < 1 }

    /// So many have begun.
    mutating func spend(_ count: Int) { credit -= Double(count) }
}
