/// What was asked of one host lately, and so whether it may be asked again.
///
/// It keeps the provider's rate ceiling and the budget of failed logins: an API takes a host that fails too many logins
/// for an attacker, and then bans it with all its tokens. Every look under way is counted as if it would fail.
///
/// A third of the budget is for first refusals, the rest for asking again: were it spent on first refusals alone, no
/// death could be confirmed; were it spent on dead tokens alone, the others would go unwatched. Half of that rest is kept
/// for confirmations: tokens that are refused day after day must not delay the news of a death.
package struct HostLedger: Sendable {
    /// What is expected of the next answer to a token.
    package enum Standing: Sendable {
        /// Its newest answer was no refusal.
        case good
        /// It is being refused, and the next refusal may confirm its death.
        case doubted
        /// It was refused, and one more refusal decides nothing: a dead token, or one behind a wall.
        case refused
    }

    package let limits: ProviderLimits
    private var requests: RecentEvents?
    private var firstRefusals: RecentEvents?
    private var repeatedRefusals: RecentEvents?
    private var underWay = 0
    /// Whether the newest look at a token in good standing was not refused.
    private var isWelcome = true

    /// Most requests that one look is expected to need: the question, and the control.
    private static let requestsOfOneLook = 2

    /// When a look that must wait for others to end is tried again.
    private static let pauseForOthers = Duration.milliseconds(100)

    package init(limits: ProviderLimits) {
        self.limits = limits
        requests = limits.rate.map(RecentEvents.init)
        guard let budget = limits.failedLogins else { return }
        let first = max(1, budget.count / 3)
        firstRefusals = RecentEvents(Rate(count: first, per: budget.per))
        repeatedRefusals = RecentEvents(Rate(count: max(1, budget.count - first), per: budget.per))
    }

    /// Uptime from which a look may use the network; `nil` for at once.
    ///
    /// - `standing`: of the token that is to be looked at.
    package func wait(for standing: Standing, at now: Duration) -> Duration? {
        var earliest: Duration?
        if let requests {
            let needed = min(HostLedger.requestsOfOneLook, requests.limit)
            earliest = room(in: requests, for: needed, at: now)
        }
        return later(earliest, waitForLogins(of: standing, at: now))
    }

    /// Uptime from which one more failed login would do; `nil` for at once.
    private func waitForLogins(of standing: Standing, at now: Duration) -> Duration? {
        guard let firstRefusals, let repeatedRefusals else { return nil }
        switch standing {
        case .doubted:
            return room(in: repeatedRefusals, for: 1, at: now)
        case .refused:
            return room(in: repeatedRefusals, for: 1, keeping: repeatedRefusals.limit / 2, at: now)
        case .good:
            let wait = room(in: firstRefusals, for: 1, at: now)
            // With the budget spent, tokens in good standing go on one at a time as long as they are welcome.
            let isTrusted = isWelcome && repeatedRefusals.count(at: now) < repeatedRefusals.limit
            return wait != nil && isTrusted ? (underWay == 0 ? nil : soon(now)) : wait
        }
    }

    /// Whether the budget of failed logins, rather than anything else, keeps doubted tokens waiting.
    package func hasSpentLogins(at now: Duration) -> Bool {
        repeatedRefusals.map { $0.count(at: now) >= $0.limit } ?? false
    }

    /// A look begins.
    package mutating func begin() { underWay += 1 }

    /// A look has ended.
    ///
    /// - Parameters:
    ///   - standing: as it was when it began.
    ///   - sent: how many requests were sent.
    ///   - failedLogins: how many of them were refused as a login.
    ///   - now: uptime.
    package mutating func end(_ standing: Standing, requests sent: Int, failedLogins: Int, at now: Duration) {
        underWay = max(0, underWay - 1)
        requests?.note(sent, at: now)
        guard sent > 0 else { return }
        switch standing {
        case .good:
            firstRefusals?.note(failedLogins, at: now)
            isWelcome = failedLogins == 0
        case .doubted, .refused:
            repeatedRefusals?.note(failedLogins, at: now)
            if failedLogins == 0 { isWelcome = true }
        }
    }

    private func soon(_ now: Duration) -> Duration { now + HostLedger.pauseForOthers }

    private func later(_ left: Duration?, _ right: Duration?) -> Duration? {
        guard let left, let right else { return left ?? right }
        return max(left, right)
    }

    /// `nil` where there is room for `needed` more beside those that are kept, those under way counted like them.
    private func room(
        in events: RecentEvents,
        for needed: Int,
        keeping kept: Int = 0,
        at now: Duration
    ) -> Duration? {
        let free = events.limit - kept - events.count(at: now)
        if free - underWay * needed >= needed { return nil }
        // Those under way may turn out to cost less than was put by for them.
        return free >= needed ? soon(now) : events.earliestRoom(for: needed + kept, at: now)
    }
}

/// How many events there were in the last stretch of time, to a twentieth of it.
///
/// An event counts a little longer than it must, never shorter.
struct RecentEvents: Sendable {
    private struct Bucket: Sendable {
        let index: Int64
        var count: Int
    }

    private static let parts = 20

    let limit: Int
    /// Nanoseconds of one part.
    private let width: Int64
    private var buckets: [Bucket] = []

    init(_ rate: Rate) {
        limit = rate.count
        width = max(rate.per.inNanoseconds / Int64(RecentEvents.parts), 1000)
    }

    mutating func note(_ count: Int, at now: Duration) {
        guard count > 0 else { return }
        let index = index(at: now)
        buckets = buckets.filter { !isPast($0, at: index) }
        if let last = buckets.indices.last, buckets[last].index >= index {
            buckets[last].count += count
        } else {
            buckets.append(Bucket(index: index, count: count))
        }
    }

    func count(at now: Duration) -> Int {
        let index = index(at: now)
        return buckets.reduce(0) { isPast($1, at: index) ? $0 : $0 + $1.count }
    }

    /// Uptime at which there is room for `needed` more.
    func earliestRoom(for needed: Int, at now: Duration) -> Duration {
        var left = count(at: now)
        for bucket in buckets where !isPast(bucket, at: index(at: now)) {
            if left + needed <= limit { return now }
            left -= bucket.count
            if left + needed <= limit { return .nanoseconds(width * (bucket.index + Int64(RecentEvents.parts) + 1)) }
        }
        return now
    }

    private func index(at now: Duration) -> Int64 { now.inNanoseconds / width }

    private func isPast(_ bucket: Bucket, at index: Int64) -> Bool {
        bucket.index + Int64(RecentEvents.parts) < index
    }
}

extension Duration {
    /// Whole nanoseconds; good for some three hundred years.
    fileprivate var inNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return min(seconds, 9_000_000_000) * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
