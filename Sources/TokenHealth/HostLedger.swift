/// What was asked of one host lately, and so whether it may be asked again.
///
/// It keeps the provider's rate ceiling and the budget of failed logins: an API takes a host that fails too many logins
/// for an attacker, and then bans it with all its tokens. Every look under way is counted as if it would fail.
package struct HostLedger: Sendable {
    /// What is expected of the next answer to a token.
    package enum Standing: Sendable, CaseIterable {
        /// Its newest answer was no refusal.
        case good
        /// The same, but another token of its owner is being refused.
        case implicated
        /// It was refused, and has got a new secret since.
        case renewed
        /// It was refused for the first time: its death takes more than one more refusal.
        case suspected
        /// It was refused again, and the next refusal may confirm its death.
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

    package init(limits: ProviderLimits) {
        self.limits = limits
        requests = limits.rate.map(RecentEvents.init)
        logins = limits.failedLogins.map(FailedLogins.init)
    }

    /// Uptime from which a look may use the network; `nil` for at once.
    ///
    /// It is tried again sooner where looks under way, or suspects, may turn out to need less than is put by for them.
    ///
    /// - Parameters:
    ///   - standing: of the token that is to be looked at.
    ///   - suspects: those of this host.
    ///   - now: uptime.
    /// - Returns: when to ask again.
    package func wait(for standing: Standing, suspects: Suspects, at now: Duration) -> Duration? {
        let needed = min(HostLedger.requestsOfOneLook, requests?.limit ?? 0)
        let room = requests?.wait(for: needed, beside: underWay * needed, at: now)
        let risk = logins?.wait(for: standing, suspects: suspects, underWay: underWay, at: now)
        guard let room, let risk else { return room ?? risk }
        return max(room, risk)
    }

    /// Whether the budget of failed logins, rather than anything else, keeps tokens waiting for their confirmation.
    package func hasSpentLogins(at now: Duration) -> Bool { logins?.isSpent(at: now) ?? false }

    /// A look begins.
    package mutating func begin() { underWay += 1 }

    /// A look has ended.
    ///
    /// - Parameters:
    ///   - standing: as it was when it began.
    ///   - suspects: those of this host.
    ///   - sent: how many requests were sent.
    ///   - failedLogins: how many of them were refused as a login.
    ///   - now: uptime.
    package mutating func end(
        _ standing: Standing,
        suspects: Suspects,
        requests sent: Int,
        failedLogins: Int,
        at now: Duration
    ) {
        underWay = max(0, underWay - 1)
        requests?.note(sent, at: now)
        for _ in 0..<failedLogins { logins?.note(standing, suspects: suspects, underWay: underWay, at: now) }
    }
}

/// How many tokens are being confirmed.
package struct Suspects: Sendable, Hashable {
    /// That were refused once.
    package var fresh: Int
    /// That were refused again.
    package var doubted: Int

    package init(fresh: Int = 0, doubted: Int = 0) {
        self.fresh = fresh
        self.doubted = doubted
    }
}

/// The budget of failed logins, of which nobody may spend what others need.
///
/// - With the first refusal of a token, what its confirmation takes is put by: were the budget spent on first refusals
///   alone, no death could be confirmed.
/// - What decides nothing gets no more than a third: tokens that are refused day after day must not delay the news of a death.
/// - A tenth is for trials: where the rest is spent or put by, tokens in good standing go on one at a time, which costs
///   nothing as long as they are accepted.
/// - A tenth is for secrets that are new, for which a person is waiting.
///
/// Small budgets do without trials.
private struct FailedLogins {
    private var spent: RecentEvents
    /// Those of ``spent`` that decided nothing.
    private var idle: RecentEvents
    private var trials: RecentEvents
    private var renewals: RecentEvents

    /// How many more refusals usually confirm a death after the first.
    private static let confirmation = 2

    /// What the confirmation of all of these takes.
    private func cost(of suspects: Suspects) -> Int { suspects.fresh * FailedLogins.confirmation + suspects.doubted }

    init(_ budget: Rate) {
        let tenth = budget.count / 10
        let rest = budget.count - 2 * tenth
        spent = RecentEvents(Rate(count: rest, per: budget.per))
        idle = RecentEvents(Rate(count: max(1, rest / 3), per: budget.per))
        trials = RecentEvents(Rate(count: tenth, per: budget.per))
        renewals = RecentEvents(Rate(count: tenth, per: budget.per))
    }

    func isSpent(at now: Duration) -> Bool { !spent.hasRoom(for: FailedLogins.confirmation, at: now) }

    /// Uptime from which one more may be risked; `nil` for at once.
    func wait(
        for standing: HostLedger.Standing,
        suspects: Suspects,
        underWay: Int,
        at now: Duration
    ) -> Duration? {
        let putBy = cost(of: suspects)
        switch standing {
        case .suspected:
            // Not all get one more where only some can get two.
            let needed = min(FailedLogins.confirmation, spent.limit)
            return spent.wait(for: needed, beside: underWay * needed, putBy: suspects.doubted, at: now)
        case .doubted:
            return spent.wait(for: 1, beside: underWay, at: now)
        case .refused:
            let wait = spent.wait(for: 1, beside: underWay, putBy: putBy, at: now)
            guard let own = idle.wait(for: 1, beside: underWay, at: now) else { return wait }
            return max(own, wait ?? own)
        case .renewed:
            let wait = spent.wait(for: 1, beside: underWay, at: now)
            guard let wait, renewals.limit > 0 else { return wait }
            return renewals.wait(for: 1, beside: underWay, at: now).map { min($0, wait) }
        case .good, .implicated:
            let cost = min(1 + FailedLogins.confirmation, spent.limit)
            guard let wait = spent.wait(for: cost, beside: underWay * cost, putBy: putBy, at: now) else { return nil }
            // One at a time then. One whose owner has lost others is not the one to try the host with again and again.
            let tried = standing == .good ? trials.limit : min(1, trials.limit)
            if trials.count(at: now) < tried { return underWay == 0 ? nil : now + RecentEvents.pause }
            return spent.wait(for: 1, beside: underWay * cost, putBy: putBy, at: now).map { min($0, wait) }
        }
    }

    /// Charges one to what it was risked on: those under way still count on their room.
    mutating func note(_ standing: HostLedger.Standing, suspects: Suspects, underWay: Int, at now: Duration) {
        switch standing {
        case .suspected, .doubted:
            spent.note(1, at: now)
        case .refused:
            spent.note(1, at: now)
            idle.note(1, at: now)
        case .renewed:
            let isOwn = !spent.hasRoom(for: 1 + underWay, at: now)
            if isOwn, renewals.hasRoom(for: 1, at: now) { renewals.note(1, at: now) } else { spent.note(1, at: now) }
        case .good, .implicated:
            let isTrial = !spent.hasRoom(for: 1 + underWay + cost(of: suspects), at: now)
            if isTrial, trials.hasRoom(for: 1, at: now) { trials.note(1, at: now) } else { spent.note(1, at: now) }
        }
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

    /// When a look that must wait for those under way is tried again.
    static let pause = Duration.milliseconds(100)

    /// When a look that must wait for what is put by is tried again.
    private static let longPause = Duration.seconds(5)

    func hasRoom(for needed: Int, at now: Duration) -> Bool { count(at: now) + needed <= limit }

    /// Uptime from which there may be room for `needed` more beside what others may need; `nil` for at once.
    ///
    /// - Parameters:
    ///   - needed: how many.
    ///   - others: what looks under way may need.
    ///   - putBy: what is kept for later.
    ///   - now: uptime.
    /// - Returns: when to ask again.
    func wait(for needed: Int, beside others: Int, putBy: Int = 0, at now: Duration) -> Duration? {
        // However much is put by, one goes when nothing is spent: else they might all wait for each other.
        let putBy = min(putBy, max(0, limit - needed))
        if hasRoom(for: needed + others + putBy, at: now) { return nil }
        guard hasRoom(for: needed, at: now) else { return earliestRoom(for: needed, at: now) }
        return now + (hasRoom(for: needed + putBy, at: now) ? RecentEvents.pause : RecentEvents.longPause)
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
