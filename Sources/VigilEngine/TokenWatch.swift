package import FoundationEssentials
package import Logging
package import TokenHealth

/// Looks at every token when it is due, decides, and has the decision stored before it believes it.
///
/// At most one look at a token is under way at any time, so a belief is only ever changed by the look that read it.
package actor TokenWatch {
    fileprivate struct Entry {
        var token: WatchedToken
        var belief: Belief
        var intervals: [ValidityInterval]
        /// Whether this process has looked before: a restart leaves a gap in the record.
        var isContinuing = false
        /// Uptime before which the network is left alone, unless the secret changes.
        var networkDue = Duration.zero
        var nextProbeAt: Date?
        var isDirty = false
    }

    private let observer: TokenObserver
    private let store: any HealthStore
    private let composer: AlertComposer
    private let timekeeper: any Timekeeper
    private let chance: @Sendable () -> Double
    private let changed: @Sendable () -> Void
    private let logger: Logger
    private let limit: Int

    private var entries: [TokenName: Entry] = [:]
    private var agenda = Agenda<TokenName>()
    private var underWay: Set<TokenName> = []
    /// What ``nextWake(latest:)`` last said.
    private var promisedWake = Duration.zero
    /// What hinders the watch itself, by subject.
    private var problems: [String: String] = [:]

    /// - `limit`: most looks under way at once.
    /// - `chance`: a number from 0 to below 1 at every call.
    /// - `changed`: called after a transition has been stored.
    package init(
        tokens: [WatchedToken],
        stored: [TokenName: StoredToken],
        observer: TokenObserver,
        store: any HealthStore,
        composer: AlertComposer,
        timekeeper: any Timekeeper,
        logger: Logger,
        limit: Int = 64,
        chance: @escaping @Sendable () -> Double,
        changed: @escaping @Sendable () -> Void
    ) {
        self.observer = observer
        self.store = store
        self.composer = composer
        self.timekeeper = timekeeper
        self.logger = logger
        self.limit = limit
        self.chance = chance
        self.changed = changed
        let now = timekeeper.now()
        let stagger = StartStagger(tokens: tokens)
        for (index, token) in tokens.enumerated() {
            let known = stored[token.name]
            entries[token.name] = Entry(
                token: token,
                belief: known?.belief ?? Belief(at: now.wall),
                intervals: known?.intervals ?? []
            )
            agenda.schedule(token.name, at: now.uptime + stagger.delay(of: index))
        }
    }

    // MARK: - The tokens

    /// Watches these tokens from now on: new ones are looked at once, those that are gone are forgotten here and keep
    /// their history, the others go on as they are under their new settings.
    package func adopt(_ tokens: [WatchedToken]) throws {
        let now = timekeeper.now()
        let added = tokens.contains { entries[$0.name] == nil }
        let stored = added ? try store.load() : [:]
        let names = Set(tokens.map(\.name))
        for name in entries.keys where !names.contains(name) {
            entries[name] = nil
            agenda.remove(name)
        }
        for token in tokens {
            if entries[token.name] != nil {
                entries[token.name]?.token = token
            } else {
                let known = stored[token.name]
                entries[token.name] = Entry(
                    token: token,
                    belief: known?.belief ?? Belief(at: now.wall),
                    intervals: known?.intervals ?? []
                )
            }
            // One look at each: an interval or a secret may have changed. It does not ask a dead token again.
            if !underWay.contains(token.name) { agenda.schedule(token.name, at: now.uptime) }
        }
        changed()
    }

    // MARK: - The schedule

    /// Uptime of the next look; `nil` while as many are under way as may be.
    package var nextDue: Duration? { underWay.count < limit ? agenda.nextDue : nil }

    /// Uptime of the next look, at most `latest`.
    ///
    /// Until then the caller may sleep, unless a look says otherwise.
    package func nextWake(latest: Duration) -> Duration {
        promisedWake = min(nextDue ?? latest, latest)
        return promisedWake
    }

    /// Names whose time has come; each must be given to ``look(at:)``.
    package func takeDue() -> [TokenName] {
        let now = timekeeper.now().uptime
        let due = agenda.takeDue(at: now, limit: limit - underWay.count)
        underWay.formUnion(due)
        return due
    }

    /// Looks at everything that is due now, and returns when it is done.
    package func tick() async {
        while !Task.isCancelled {
            let due = takeDue()
            guard !due.isEmpty else { return }
            await withDiscardingTaskGroup { group in
                for name in due { group.addTask { await self.look(at: name) } }
            }
        }
    }

    // MARK: - One look

    /// Reads the secret, asks the provider if it is time, decides, and stores what follows.
    ///
    /// - Returns: whether something is due earlier now than ``nextWake(latest:)`` last said.
    @discardableResult
    package func look(at name: TokenName) async -> Bool {
        await take(name)
        let wasFull = underWay.count == limit - 1
        let isEarlier = agenda.nextDue.map { $0 < promisedWake } ?? false
        return wasFull || isEarlier
    }

    private func take(_ name: TokenName) async {
        guard let entry = entries[name] else {
            underWay.remove(name)
            return
        }
        let sight = await observer.sight(of: entry.token, belief: entry.belief, isResting: isResting(entry))
        underWay.remove(name)
        guard let current = entries[name] else { return }
        guard !Task.isCancelled else { return agenda.schedule(name, at: timekeeper.now().uptime) }
        let now = sight.observation?.at ?? timekeeper.now()
        let decision =
            sight.observation.map { current.belief.considering($0, of: current.token, chance: chance()) }
            ?? current.belief.ageing(at: now.wall, of: current.token, chance: chance())
        adopt(decision, for: current, asked: sight.observation != nil, at: now)
    }

    private func isResting(_ entry: Entry) -> Bool {
        entry.isContinuing && timekeeper.now().uptime < entry.networkDue
    }

    private func adopt(_ decision: Decision, for entry: Entry, asked: Bool, at now: Moment) {
        var next = entry
        next.belief = decision.belief
        let ended = next.extendHistory(with: decision.belief.state, isContinuing: entry.isContinuing, at: now.wall)
        next.isContinuing = true
        if asked {
            next.networkDue = now.uptime + decision.rest
            next.nextProbeAt = now.wall.advanced(by: decision.rest)
        }
        let remaining = max(next.networkDue - now.uptime, .milliseconds(1))
        let isNew = ended != nil || entry.intervals.last?.start != next.intervals.last?.start
        if decision.isWorthStoring(after: entry.belief) || isNew {
            guard store(decision, entry: next, ended: ended, previous: entry, at: now.wall) else {
                // The belief is not adopted: what is not stored has not happened, and the next look decides again, no
                // sooner than the provider may be asked again.
                let soon = min(entry.token.interval, .seconds(5))
                agenda.schedule(entry.token.name, at: now.uptime + (asked ? max(soon, decision.rest) : soon))
                return
            }
            next.isDirty = false
        } else {
            next.isDirty = true
        }
        entries[entry.token.name] = next
        agenda.schedule(entry.token.name, at: now.uptime + min(decision.pause, remaining))
        if decision.transition != nil || !decision.notices.isEmpty { changed() }
    }

    private func store(
        _ decision: Decision,
        entry: Entry,
        ended: ValidityInterval?,
        previous: Entry,
        at now: Date
    ) -> Bool {
        guard let interval = entry.intervals.last else { return true }
        let report = report(on: entry, at: now)
        let alerts = decision.notices.map { notice in
            let alert = composer.alert(
                for: notice,
                token: entry.token,
                belief: decision.belief,
                report: report,
                at: now
            )
            return OutgoingAlert(alert, to: entry.token.notify)
        }
        let change = HealthChange(
            token: entry.token.name,
            belief: decision.belief,
            transition: decision.transition,
            interval: interval,
            endedInterval: ended,
            endedIncident: decision.belief.incident == nil ? previous.belief.incident : nil,
            alerts: alerts,
            at: now
        )
        do {
            try store.commit(change)
            problems["store"] = nil
        } catch {
            note(problem: "history cannot be written: \(error)", on: "store")
            return false
        }
        log(decision, token: entry.token)
        return true
    }

    private func note(problem: String, on subject: String) {
        if problems[subject] != problem {
            logger.error("the store does not take what was observed", metadata: ["error": "\(problem)"])
        }
        problems[subject] = problem
        changed()
    }

    private func log(_ decision: Decision, token: WatchedToken) {
        guard let transition = decision.transition else { return }
        let metadata: Logger.Metadata = [
            "token.name": "\(token.name)",
            "token.state": "\(transition.to.rawValue)",
            "token.state_before": "\(transition.from.rawValue)",
            "token.reason": "\(transition.reason ?? "-")",
            "explanation": "\(transition.explanation)",
        ]
        switch transition.to {
        case .valid, .pending: logger.info("token state changed", metadata: metadata)
        case .suspect, .unknown: logger.notice("token state changed", metadata: metadata)
        case .limited, .blind, .misconfigured: logger.warning("token state changed", metadata: metadata)
        case .invalid: logger.error("token state changed", metadata: metadata)
        }
    }

    // MARK: - For the status file and the store

    /// Every token as programs see it.
    package func reports(at now: Date) -> [TokenName: TokenReport] {
        entries.mapValues { report(on: $0, at: now) }
    }

    /// What hinders the watch itself, in sentences.
    package var standingProblems: [String] { problems.values.sorted() }

    private func report(on entry: Entry, at now: Date) -> TokenReport {
        TokenReport(
            token: entry.token,
            belief: entry.belief,
            uptime: Uptime(of: entry.intervals, at: now),
            nextProbeAt: entry.nextProbeAt
        )
    }

    /// Stores what healthy probes have confirmed since the last call.
    package func flush() {
        let dirty = entries.filter(\.value.isDirty)
        let sightings = dirty.compactMap { name, entry in
            entry.intervals.last.map { Sighting(token: name, belief: entry.belief, interval: $0) }
        }
        guard !sightings.isEmpty else { return }
        do {
            try store.confirm(sightings)
            for name in dirty.keys { entries[name]?.isDirty = false }
            problems["store"] = nil
        } catch {
            note(problem: "history cannot be written: \(error)", on: "store")
        }
    }
}

extension TokenWatch.Entry {
    /// Lengthens the open interval, or begins a new one.
    ///
    /// - Returns: the interval that ended, where there was one to end in this process.
    fileprivate mutating func extendHistory(
        with state: TokenState,
        isContinuing: Bool,
        at now: Date
    ) -> ValidityInterval? {
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

/// Spreads the first looks after a start: at once for a few tokens, over an interval for many.
private struct StartStagger {
    let step: Duration

    init(tokens: [WatchedToken]) {
        let shortest = tokens.map(\.interval).min() ?? .zero
        step = tokens.isEmpty ? .zero : min(.milliseconds(10), shortest / tokens.count)
    }

    func delay(of index: Int) -> Duration { step * index }
}
