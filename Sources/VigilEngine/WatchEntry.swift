import FoundationEssentials
import TokenHealth

/// One token under watch: what is configured, what is believed, and when it may be asked again.
struct WatchEntry {
    var token: WatchedToken {
        _read { yield sharedToken.value }
        _modify { yield &sharedToken.value }
    }
    var belief: Belief {
        _read { yield sharedBelief.value }
        _modify { yield &sharedBelief.value }
    }
    var intervals: [ValidityInterval]
    var realm: RealmName { _read { yield keptRealm.wrappedValue } }
    /// Of the settings it is asked under: an answer that was asked for under others is not believed.
    private(set) var generation = 0
    /// Whether this process has looked before: a restart leaves a gap in the record.
    var isContinuing = false
    /// Uptime before which the network is left alone, unless the secret changes.
    var networkDue = Duration.zero
    /// Uptime until which the server asked to be left alone.
    var quietUntil = Duration.zero
    /// Uptime of the last use of the network.
    var lookedAt: Duration?
    /// Uptime of the first look that did not find the token accepted.
    var troubleSince: Duration?
    var nextProbeAt: Date?
    /// Uptime since which it waits until its host bears another look; `nil` where it does not.
    private(set) var dueSince: Duration?
    /// The last accepted answer, as long as it is known to mean what it meant.
    private(set) var known: KnownAnswer?
    /// Uptime at which the next look was last promised, and for when.
    private var promise: (at: Duration, pause: Duration)

    private var sharedToken: CopyOnWrite<WatchedToken>
    private var sharedBelief: CopyOnWrite<Belief>
    private var keptRealm: Kept<RealmName>

    /// - `uptime`: the same time as `now`.
    init(token: WatchedToken, stored: StoredToken?, now: Date, uptime: Duration = .zero, generation: Int = 0) {
        sharedToken = CopyOnWrite(token)
        self.generation = generation
        promise = (uptime, token.interval)
        keptRealm = Kept(wrappedValue: token.realm)
        sharedBelief = CopyOnWrite(stored?.belief.restarted(as: token) ?? Belief(at: now))
        intervals = stored?.intervals ?? []
    }

    var name: TokenName { token.name }

    /// How long its look may wait for those that can wait less; a doubted token never waits for others.
    var patience: Duration { belief.isDoubted ? .zero : token.patience }

    /// What its host is to expect of the next look, by what is known of this token alone.
    var standing: HostLedger.Standing {
        if belief.state.name == .invalid { return .refused }
        let isRefused = belief.lastProbe?.isRefusal(of: token) ?? false
        guard let suspicion = belief.state.suspicion else { return isRefused ? .refused : .good }
        if isRefused, belief.lastProbe?.verdict != .rejected { return .refused }
        return suspicion.rejections > 1 ? .doubted : .suspected
    }

    /// Keeps what is equal in both once: of a hundred thousand entries, most are alike.
    mutating func share(with other: WatchEntry) {
        keptRealm.share(with: other.keptRealm)
        belief.share(with: other.belief)
        if let model = other.known { known?.share(with: model) }
    }

    /// Goes on under new settings.
    ///
    /// - Parameters:
    ///   - token: as it is configured now.
    ///   - now: the time.
    ///   - generation: of the settings, where an answer to the old ones says nothing about the new ones.
    mutating func follow(_ token: WatchedToken, at now: Moment, as generation: Int) {
        let old = self.token
        guard token != old else { return }
        // Under other rules the same answer may mean something else.
        known = nil
        self.token = token
        // What another host has asked for is of no concern to this one.
        if token.realm != realm { quietUntil = .zero }
        keptRealm.wrappedValue = token.realm
        belief = belief.following(token, after: old, at: now.wall)
        if token.isAskedLike(old) {
            let due = (lookedAt ?? now.uptime) + belief.rest(of: token, chance: 0)
            rest(until: min(networkDue, max(due, quietUntil)), at: now)
        } else {
            self.generation = generation
            troubleSince = nil
            rest(until: quietUntil, at: now)
        }
    }

    /// Leaves the network alone until this uptime.
    private mutating func rest(until uptime: Duration, at now: Moment) {
        networkDue = uptime
        let wait = max(.zero, uptime - now.uptime)
        nextProbeAt = now.wall.advanced(by: wait)
        promise = (now.uptime, wait)
    }

    /// The answer that would change nothing now.
    func expected(at now: Moment) -> KnownAnswer? {
        isExpecting(at: now) ? known : nil
    }

    /// Whether there is an answer that would change nothing now; see ``expected(at:)``.
    func isExpecting(at now: Moment) -> Bool {
        known != nil && isContinued(at: now.wall) && belief.isSettled(for: token, at: now)
    }

    /// Whether the next answer is read whatever it is, and the token is not doubted: then it is asked with the others.
    var isUnread: Bool { known == nil && !belief.isDoubted && token.grant == nil }

    /// Remembers an answer that has been read.
    mutating func remember(_ exchange: Exchange?, after observation: Observation) {
        let finding = observation.finding
        guard case .accepted = finding.verdict, finding.retryAfter == nil, let mark = exchange?.mark else {
            return known = nil
        }
        known = KnownAnswer(mark: mark, question: known?.question ?? token.question)
    }

    /// Has the next answer read, whatever it is.
    mutating func forgetAnswer() { known = nil }

    /// Takes note of one more acceptance just like the last.
    ///
    /// - Returns: when to look again.
    mutating func note(_ reaffirmation: Reaffirmation, chance: Double) -> Duration {
        let now = reaffirmation.at
        belief.note(reaffirmation)
        intervals[intervals.count - 1].end = max(intervals[intervals.count - 1].end, now.wall)
        let (pause, rest) = token.calm(chance: chance)
        networkDue = now.uptime + rest
        nextProbeAt = now.wall.advanced(by: rest)
        promise = (now.uptime, rest)
        lookedAt = now.uptime
        dueSince = nil
        quietUntil = now.uptime
        troubleSince = nil
        return now.uptime + pause
    }

    /// What the store must know of the looks since it was last told of this token.
    var sighting: Sighting? {
        guard let interval = intervals.last else { return nil }
        let isMere = belief.state == .valid && belief.incident == nil
        return Sighting(token: name, belief: isMere ? nil : belief, interval: interval)
    }

    /// Whether the open interval goes on with one more look that finds the same.
    private func isContinued(at now: Date) -> Bool {
        guard isContinuing, let last = intervals.last else { return false }
        return last.state == belief.state.name && last.reason == belief.state.reason
            && now.timeIntervalSince(last.end) < longestGap
    }

    /// Leaves the network alone as long as `decision` says; in calm counted from the answer, `lag` ago.
    mutating func rest(for decision: Decision, at now: Moment, after lag: Duration) {
        let isCalm = decision.belief.state == .valid
        let rest = isCalm ? max(decision.rest - lag, decision.rest / 2) : decision.rest
        networkDue = now.uptime + rest
        nextProbeAt = now.wall.advanced(by: rest)
        promise = (now.uptime, rest)
    }

    /// Leaves the network alone until then: its provider has asked for that before a restart.
    ///
    /// - `until`: the clock may have been set since; no provider is obeyed for longer than ``RetryAfter/cap``.
    mutating func rest(until: Date, at now: Moment) {
        let wait = min(.seconds(max(0, until.timeIntervalSince(now.wall))), RetryAfter.cap)
        guard wait > .zero else { return }
        quietUntil = now.uptime + wait
        networkDue = quietUntil
        nextProbeAt = now.wall.advanced(by: wait)
        promise = (now.uptime, wait)
    }

    /// Puts off the look until this uptime, because the host bears no more before.
    mutating func wait(until uptime: Duration, at now: Moment) {
        dueSince = dueSince ?? now.uptime
        nextProbeAt = now.wall.advanced(by: uptime - now.uptime)
        // Of one in good standing nobody knows any more how it is: that it is late is not to be kept quiet.
        if standing != .good { promise = (now.uptime, uptime - now.uptime) }
    }

    /// Whether a suspicion of it may be confirmed by that uptime.
    func isConfirmable(by end: Duration) -> Bool {
        troubleSince.map { $0 + token.confirmation.over <= end } ?? true
    }

    /// Whether it was not looked at for three times as long as was promised.
    func isLate(at now: Duration) -> Bool {
        now - promise.at > promise.pause * 3 + token.timeout * 2 + .seconds(10)
    }

    /// The provider was asked.
    mutating func note(_ observation: Observation, at now: Duration) {
        lookedAt = now
        dueSince = nil
        let wait = observation.finding.retryAfter?.wait(at: observation.at.wall) ?? .zero
        quietUntil = now + wait
        switch observation.finding.verdict {
        case .accepted, .limited: troubleSince = nil
        case .rejected, .indeterminate, .misconfigured: troubleSince = troubleSince ?? now
        }
    }

    func report(at now: Date) -> TokenReport {
        TokenReport(
            token: token,
            belief: belief,
            uptime: Uptime(of: intervals, at: now),
            nextProbeAt: nextProbeAt
        )
    }

    /// What it was on each of the last days.
    func lastDays(until now: Date) -> DayBar { DayBar(of: intervals, days: Alert.shownDays, until: now) }

    /// Lengthens the open interval, or begins a new one.
    ///
    /// - Returns: the interval that ended, where there was one to end in this process.
    mutating func extendHistory(with state: TokenState, at now: Date) -> ValidityInterval? {
        intervals.removeAll { $0.end < now.addingTimeInterval(-30 * 86_400) }
        guard isContinuing, var last = intervals.last, now.timeIntervalSince(last.end) < longestGap else {
            let ended = isContinuing ? intervals.last : nil
            intervals.append(ValidityInterval(start: now, end: now, state: state.name, reason: state.reason))
            return ended
        }
        intervals.removeLast()
        last.end = max(last.end, now)
        intervals.append(last)
        guard last.state != state.name || last.reason != state.reason else { return nil }
        intervals.append(ValidityInterval(start: last.end, end: last.end, state: state.name, reason: state.reason))
        return last
    }

    /// Longest time between two looks that still counts as watching, in seconds.
    private var longestGap: Double { token.interval.inSeconds * 3 + 60 }
}

/// The last entry of each provider, with which the next ones share what is equal.
struct EntryModels {
    private var latest: [String: WatchEntry] = [:]

    /// Has `entry` keep what is equal once.
    mutating func align(_ entry: inout WatchEntry) {
        if let model = latest[entry.realm.provider] { entry.share(with: model) }
        latest[entry.realm.provider] = entry
    }
}

/// Spreads the first looks after a start: at once for a few tokens, over an interval for many.
struct StartStagger {
    static let longestStep = Duration.milliseconds(10)

    private let step: Duration

    init(tokens: [WatchedToken]) {
        let shortest = tokens.map(\.interval).min() ?? .zero
        step = tokens.isEmpty ? .zero : min(StartStagger.longestStep, shortest / tokens.count)
    }

    func delay(of index: Int) -> Duration { step * index }
}

extension WatchedToken {
    /// How long a look may wait for those that can wait less.
    var patience: Duration { habits.interval / 4 }
}

extension LastProbe {
    /// Whether the host may have counted the answer to `token` as a failed login.
    fileprivate func isRefusal(of token: WatchedToken) -> Bool {
        switch verdict {
        case .accepted, .limited: return false
        case .rejected, .indeterminate, .misconfigured: break
        }
        return httpStatus == 401 || httpStatus == 403 || httpStatus == 400 && token.grant != nil
    }
}
