/// What was asked of one host lately, and so whether it may be asked again.
///
/// It keeps the provider's rate ceiling and the budget of failed logins: an API takes a host that fails too many logins
/// for an attacker, and then bans it with all its tokens. Every look under way is counted as if it would fail.
///
/// The budget has three parts, so that no kind of look can spend it alone:
/// - first refusals;
/// - twice as many for asking again, without which no death could be confirmed; half of them are kept for confirmations,
///   for tokens that are refused day after day must not delay the news of a death;
/// - a few trials: with the first part spent, tokens in good standing go on one at a time, for an acceptance costs nothing;
///   half of them are kept for secrets that are new, which a person is waiting for.
package struct HostLedger: Sendable {
    /// What is expected of the next answer to a token.
    package enum Standing: Sendable, CaseIterable {
        /// Its newest answer was no refusal.
        case good
        /// The same, but another token of its owner is being refused.
        case implicated
        /// It was refused, and has got a new secret since.
        case renewed
        /// It is being refused, and the next refusal may confirm its death.
        case doubted
        /// It was refused, and one more refusal decides nothing: a dead token, one behind a wall, one that waits for its
        /// siblings.
        case refused
    }

    package let limits: ProviderLimits
    private var requests: RecentEvents?
    private var logins: FailedLogins?
    private var underWay = 0

    /// Most requests that one look is expected to need: the question, and the control.
    private static let requestsOfOneLook = 2

    /// When a look that must wait for others to end is tried again.
    private static let pauseForOthers = Duration.milliseconds(100)

    package init(limits: ProviderLimits) {
        self.limits = limits
        requests = limits.rate.map { RecentEvents($0) }
        logins = limits.failedLogins.map(FailedLogins.init)
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
        return later(earliest, logins.flatMap { wait(for: standing, in: $0, at: now) })
    }

    /// Uptime from which one more failed login would do; `nil` for at once.
    private func wait(for standing: Standing, in logins: FailedLogins, at now: Duration) -> Duration? {
        switch standing {
        case .implicated:
            return room(in: logins.first, for: 1, at: now)
        case .doubted:
            return room(in: logins.repeated, for: 1, at: now)
        case .refused:
            return room(in: logins.repeated, for: 1, keeping: logins.keptForDoubted, at: now)
        case .good:
            guard let wait = room(in: logins.first, for: 1, at: now) else { return nil }
            guard logins.trials.limit > logins.keptForRenewed else { return wait }
            guard underWay == 0 else { return soon(now) }
            return room(in: logins.trials, for: 1, keeping: logins.keptForRenewed, at: now).map { min($0, wait) }
        case .renewed:
            guard let wait = room(in: logins.first, for: 1, at: now) else { return nil }
            guard logins.trials.limit > 0 else { return wait }
            return room(in: logins.trials, for: 1, at: now).map { min($0, wait) }
        }
    }

    /// Whether the budget of failed logins, rather than anything else, keeps doubted tokens waiting.
    package func hasSpentLogins(at now: Duration) -> Bool {
        logins.map { !$0.repeated.hasRoom(for: 1, at: now) } ?? false
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
        if sent > 0 { logins?.note(failedLogins, from: standing, at: now) }
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

/// The budget of failed logins, in its parts.
private struct FailedLogins {
    /// Of tokens in good standing.
    private(set) var first: RecentEvents
    /// Of tokens that were refused before.
    private(set) var repeated: RecentEvents
    /// Of those that are asked although ``first`` is spent.
    private(set) var trials: RecentEvents
    /// How much of ``repeated`` is kept for confirmations.
    let keptForDoubted: Int
    /// How much of ``trials`` is kept for new secrets.
    let keptForRenewed: Int

    init(_ budget: Rate) {
        let tried = budget.count < 3 ? 0 : (budget.count + 4) / 5
        let once = max(1, (budget.count - tried) / 3)
        first = RecentEvents(Rate(count: once, per: budget.per))
        repeated = RecentEvents(Rate(count: max(1, budget.count - tried - once), per: budget.per))
        trials = RecentEvents(Rate(count: tried, per: budget.per))
        keptForDoubted = repeated.limit / 2
        keptForRenewed = (tried + 1) / 2
    }

    mutating func note(_ count: Int, from standing: HostLedger.Standing, at now: Duration) {
        switch standing {
        case .good, .implicated, .renewed:
            if first.hasRoom(for: 1, at: now) { first.note(count, at: now) } else { trials.note(count, at: now) }
        case .doubted, .refused:
            repeated.note(count, at: now)
            if count == 0 { renewTrials(at: now) }
        }
    }

    /// One that was refused is accepted, and whatever stood before it may be gone for the others as well: those in good
    /// standing are tried again, at the expense of asking again.
    private mutating func renewTrials(at now: Duration) {
        let spent = trials.count(at: now)
        guard repeated.hasRoom(for: keptForDoubted + spent, at: now) else { return }
        repeated.note(spent, at: now)
        trials.clear()
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

    func hasRoom(for needed: Int, at now: Duration) -> Bool { count(at: now) + needed <= limit }

    mutating func clear() { buckets = [] }

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
