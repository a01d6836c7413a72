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

        /// Whether its look is one of those that come round, rather than one on which the news of a death, or a person, waits.
        var isRoutine: Bool {
            switch self {
            case .good, .implicated, .refused: true
            case .renewed, .suspected, .doubted: false
            }
        }
    }

    package let limits: ProviderLimits
    /// Whether its tokens need more requests than its ceiling allows: then what it allows is spread.
    package var isScarce = false
    private var requests: RecentEvents?
    private var turns = RequestTurns()
    private var logins: FailedLogins?
    private var underWay = 0
    /// What is on disk: so many looks under way, and requests beyond those that are recorded, are allowed for there.
    private var allowed = (looks: 0, requests: 0)
    /// Requests that are not recorded, and whether a failed login is not.
    private var unrecorded = (requests: 0, login: false)

    /// What is allowed for on disk beside what is under way, of the ceiling: a daemon that is killed again and again spends
    /// so much at each start without asking anybody.
    private static let slices = 16
    /// Most requests that one look is expected to need: the question, and the control.
    private static let requestsOfOneLook = 2

    package init(limits: ProviderLimits) {
        self.limits = limits
        requests = limits.rate.map { RecentEvents($0) }
        logins = limits.failedLogins.map { FailedLogins($0) }
    }

    /// Goes on with what was recorded; what was only allowed for is taken to have happened just now.
    package init(limits: ProviderLimits, record: HostRecord, at now: Moment) {
        self.limits = limits
        requests = limits.rate.map { RecentEvents($0, record.requests, at: now) }
        logins = limits.failedLogins.map { FailedLogins($0, record, at: now) }
        let allowed = min(record.allowedRequests, limits.rate?.count ?? 0)
        requests?.note(allowed, at: now.uptime)
        logins?.charge(record.allowedLooks, at: now.uptime)
    }

    /// The same under new limits: what was spent stays spent.
    package func following(_ limits: ProviderLimits, at now: Moment) -> HostLedger {
        var record = HostRecord()
        fill(&record, at: now)
        var next = HostLedger(limits: limits, record: record, at: now)
        next.underWay = underWay
        next.turns = turns
        next.isScarce = isScarce
        return next
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
        let room = roomWait(for: standing, needed, at: now)
        let risk = logins?.wait(for: standing, suspects: suspects, underWay: underWay, at: now)
        guard let room, let risk else { return room ?? risk }
        return max(room, risk)
    }

    /// The same for the ceiling of requests alone.
    private func roomWait(for standing: Standing, _ needed: Int, at now: Duration) -> Duration? {
        guard let requests else { return nil }
        let isQueued = queues(standing)
        let putBy = isQueued ? RequestTurns.putBy(of: requests.limit) : 0
        let room = requests.wait(for: needed, beside: underWay * needed, putBy: putBy, at: now)
        guard isQueued, let turn = turns.next, turn > now else {
            return room
        }
        return room.map { max($0, turn) } ?? turn
    }

    /// Whether looks of such standing have turns.
    package func queues(_ standing: Standing) -> Bool { isScarce && standing.isRoutine }

    /// One more look has to wait until `until`, as ``wait(for:suspects:at:)`` says: behind those that were told so already.
    ///
    /// - Returns: its turn; `nil` where nobody has to wait for others.
    package mutating func queue(_ standing: Standing, until: Duration) -> Duration? {
        guard let requests, queues(standing) else { return nil }
        return turns.queue(until: until, in: requests)
    }

    /// Whether the budget of failed logins, rather than anything else, keeps tokens waiting for their confirmation.
    package func hasSpentLogins(at now: Duration) -> Bool { logins?.isSpent(at: now) ?? false }

    /// A look begins.
    ///
    /// - `now`: uptime.
    package mutating func begin(at now: Duration) {
        underWay += 1
        if let requests { turns.begin(in: requests, underWay: underWay, at: now) }
    }

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
        if requests != nil { unrecorded.requests += sent }
        if logins != nil, failedLogins > 0 { unrecorded.login = true }
        for _ in 0..<failedLogins { logins?.note(standing, suspects: suspects, underWay: underWay, at: now) }
    }
}

// MARK: - Across a restart

extension HostLedger {
    /// Whether ``record(at:)`` must be on disk before the next request is sent.
    ///
    /// What is there allows for the looks under way, each of which may fail, and for some requests: a daemon that is
    /// killed has spent no more than its successor reckons with, and where all is accepted nothing is written.
    package var mustBeRecorded: Bool {
        if logins != nil, unrecorded.login || underWay > allowed.looks { return true }
        return requests != nil && openRequests > allowed.requests
    }

    /// Whether ``record(at:)`` would say anything that is not on disk, or ``lastRecord(at:)`` less.
    package var isUnrecorded: Bool {
        mustBeRecorded || unrecorded.requests > 0 || allowed.looks > underWay || allowed.requests > 0
    }

    /// Whether requests were sent that are not recorded.
    package var hasUnrecordedRequests: Bool { unrecorded.requests > 0 }

    /// The last record was not stored: nothing of it is on disk.
    package mutating func takeBack() {
        allowed = (0, 0)
        unrecorded = (max(unrecorded.requests, 1), true)
    }

    /// Requests that may be sent and are not recorded.
    private var openRequests: Int { unrecorded.requests + underWay * HostLedger.requestsOfOneLook }

    /// What must be known after a restart; it counts as being on disk from now on.
    package mutating func record(at now: Moment) -> HostRecord {
        let looks = logins == nil ? 0 : max(allowed.looks, underWay)
        let open = underWay * HostLedger.requestsOfOneLook
        let slice = requests.map { max(1, $0.limit / HostLedger.slices) }
        return record(allowing: looks, requests: slice.map { open + $0 } ?? 0, at: now)
    }

    /// The same for one that sends nothing more.
    package mutating func lastRecord(at now: Moment) -> HostRecord {
        let open = requests == nil ? 0 : underWay * HostLedger.requestsOfOneLook
        return record(allowing: logins == nil ? 0 : underWay, requests: open, at: now)
    }

    private mutating func record(allowing looks: Int, requests: Int, at now: Moment) -> HostRecord {
        allowed = (looks, requests)
        unrecorded = (0, false)
        var record = HostRecord()
        record.allowedLooks = looks
        record.allowedRequests = requests
        fill(&record, at: now)
        return record
    }

    private func fill(_ record: inout HostRecord, at now: Moment) {
        record.requests = requests?.events(at: now) ?? []
        logins?.fill(&record, at: now)
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

    /// Goes on with what was recorded.
    init(_ budget: Rate, _ record: HostRecord, at now: Moment) {
        self.init(budget)
        spent.restore(record.spent, at: now)
        idle.restore(record.idle, at: now)
        trials.restore(record.trials, at: now)
        renewals.restore(record.renewals, at: now)
    }

    func fill(_ record: inout HostRecord, at now: Moment) {
        record.spent = spent.events(at: now)
        record.idle = idle.events(at: now)
        record.trials = trials.events(at: now)
        record.renewals = renewals.events(at: now)
    }

    /// Charges what may have failed, nobody knows on what: beyond the common part, on each of the others.
    mutating func charge(_ count: Int, at now: Duration) {
        let common = min(count, max(0, spent.limit - spent.count(at: now)))
        spent.note(common, at: now)
        trials.note(min(count - common, trials.limit), at: now)
        renewals.note(min(count - common, renewals.limit), at: now)
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
