/// Who may be asked when, once half of a ceiling is spent: were the rest spent as fast, nobody could be asked until the
/// ceiling's time is over.
///
/// From then on one look after the other has its turn, so that what is left lasts until more is free.
struct RequestTurns: Sendable {
    /// Uptime of the next turn; `nil` while anybody may go.
    private(set) var next: Duration?
    /// Uptime of the last turn that was given away.
    private var given: Duration?

    /// What is kept of a ceiling for looks on which the news of a death waits.
    static func putBy(of limit: Int) -> Int { min(8, limit / 25) }

    /// A look begins: the next has its turn after a pause, the same for all who ask meanwhile.
    mutating func begin(in requests: RecentEvents, underWay: Int, at now: Duration) {
        next = RequestTurns.pause(in: requests, underWay: underWay, at: now).map { now + $0 }
    }

    /// One more waits, until `until` or longer.
    ///
    /// - Returns: when it is its turn; `nil` where there are none.
    mutating func queue(until: Duration, in requests: RecentEvents) -> Duration? {
        guard next != nil else { return nil }
        let turn = given.map { max(until, $0 + requests.span / requests.limit) } ?? until
        given = turn
        return turn
    }

    /// From one turn to the next; `nil` where none are needed.
    private static func pause(in requests: RecentEvents, underWay: Int, at now: Duration) -> Duration? {
        let spent = requests.count(at: now) + underWay
        guard spent * 2 >= requests.limit else { return nil }
        let left = max(1, requests.limit - putBy(of: requests.limit) - spent)
        let release = requests.nextRelease(at: now) ?? now + requests.span
        return max(requests.span / requests.limit, (release - now) / left)
    }
}
