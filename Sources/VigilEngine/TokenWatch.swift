package import FoundationEssentials
package import Logging
package import TokenHealth

/// Looks at every token when it is due, decides, and has the decision stored before it believes it.
///
/// At most one look at a token is under way at any time, so a belief is only ever changed by the look that read it.
package actor TokenWatch {
    let observer: TokenObserver
    let store: any HealthStore
    let timekeeper: any Timekeeper
    private let chance: @Sendable () -> Double
    let changed: @Sendable () -> Void
    private let logger: Logger
    private let limit: Int

    var entries: [TokenName: WatchEntry] = [:]
    var correlation: Correlation
    var ledgers: [RealmName: HostLedger] = [:]
    private var agenda = Agenda<TokenName>()
    private var underWay: Set<TokenName> = []
    /// Those who wait for the end of a look.
    private var spectators: [TokenName: [AsyncStream<Void>.Continuation]] = [:]
    /// What ``nextWake(latest:)`` last said.
    private var promisedWake = Duration.zero
    /// What hinders the watch itself, by subject.
    var problems: [String: String] = [:]

    /// - `limit`: most looks under way at once.
    /// - `chance`: a number from 0 to below 1 at every call.
    /// - `changed`: called after a transition has been stored.
    package init(
        tokens: [WatchedToken],
        stored: [TokenName: StoredToken],
        untold: UntoldNews = UntoldNews(),
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
        self.timekeeper = timekeeper
        self.logger = logger
        self.limit = limit
        self.chance = chance
        self.changed = changed
        let now = timekeeper.now()
        let stagger = StartStagger(tokens: tokens)
        var entries: [TokenName: WatchEntry] = [:]
        for (index, token) in tokens.enumerated() {
            entries[token.name] = WatchEntry(token: token, stored: stored[token.name], now: now.wall)
            agenda.schedule(token.name, at: now.uptime + stagger.delay(of: index))
        }
        self.entries = entries
        ledgers = TokenWatch.ledgers(of: tokens)
        correlation = Correlation(composer: composer, entries: entries, untold: untold, at: now)
    }

    // MARK: - The tokens

    /// Watches these tokens from now on: new ones are looked at once, the others go on as they are under their new
    /// settings.
    ///
    /// Those that are gone are forgotten here and keep their history; their incidents are closed, and nobody is told.
    package func adopt(_ tokens: [WatchedToken]) throws {
        let now = timekeeper.now()
        let added = tokens.contains { entries[$0.name] == nil }
        let stored = added ? try store.load() : [:]
        let names = Set(tokens.map(\.name))
        // Nothing that waits to be told gets lost over a change of settings.
        let gone = Set(entries.keys.filter { !names.contains($0) })
        let untold = correlation.everything(in: entries, forgetting: gone, at: now)
        do {
            try store.commit(untold)
            regroup(untold)
            log(untold.interventions)
        } catch {
            correlation.takeBack(untold, in: entries, at: now)
            throw error
        }
        for (name, entry) in entries where !names.contains(name) {
            correlation.remove(entry)
            entries[name] = nil
            agenda.remove(name)
        }
        for token in tokens {
            if var entry = entries[token.name] {
                correlation.remove(entry)
                entry.follow(token)
                entries[token.name] = entry
                correlation.add(entry, at: now.uptime)
            } else {
                let entry = WatchEntry(
                    token: token,
                    stored: stored[token.name],
                    now: now.wall,
                    uptime: now.uptime
                )
                entries[token.name] = entry
                correlation.add(entry, at: now.uptime)
            }
            // One look at each: an interval or a secret may have changed. It does not ask a dead token again.
            if !underWay.contains(token.name) { agenda.schedule(token.name, at: now.uptime) }
        }
        for (realm, ledger) in TokenWatch.ledgers(of: tokens) where ledgers[realm]?.limits != ledger.limits {
            ledgers[realm] = ledger
        }
        changed()
    }

    /// What each host bears, where its provider sets a limit.
    private static func ledgers(of tokens: [WatchedToken]) -> [RealmName: HostLedger] {
        var ledgers: [RealmName: HostLedger] = [:]
        for token in tokens where token.provider.limits.rate != nil || token.provider.limits.failedLogins != nil {
            ledgers[token.realm] = ledgers[token.realm] ?? HostLedger(limits: token.provider.limits)
        }
        return ledgers
    }

    // MARK: - The schedule

    /// Uptime of the next look; `nil` while as many are under way as may be.
    package var nextDue: Duration? {
        let look = underWay.count < limit ? agenda.nextDue : nil
        guard let look, let news = correlation.nextDeadline else { return look ?? correlation.nextDeadline }
        return min(look, news)
    }

    /// Uptime of the next look, at most `latest`.
    ///
    /// Until then the caller may sleep, unless a look says otherwise.
    package func nextWake(latest: Duration) -> Duration {
        promisedWake = min(nextDue ?? latest, latest)
        return promisedWake
    }

    /// Names whose time has come; each must be given to ``look(at:)``.
    package func takeDue() -> [TokenName] {
        let now = timekeeper.now()
        tellOverdue(at: now)
        let due = agenda.takeDue(at: now.uptime, limit: limit - underWay.count)
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
        for spectator in spectators.removeValue(forKey: name) ?? [] { spectator.finish() }
        let wasFull = underWay.count == limit - 1
        let isEarlier = nextDue.map { $0 < promisedWake } ?? false
        return wasFull || isEarlier
    }

    /// Looks at `name` now, or waits for the end of the look that is under way.
    func lookNow(at name: TokenName) async {
        guard !underWay.contains(name) else {
            let (end, spectator) = AsyncStream.makeStream(of: Void.self)
            spectators[name, default: []].append(spectator)
            for await _ in end {}
            return
        }
        entries[name]?.networkDue = .zero
        agenda.remove(name)
        underWay.insert(name)
        await look(at: name)
    }

    /// Looks at `name` with what there is now: a look that is under way may have read the old secret.
    func lookAnew(at name: TokenName) async {
        if underWay.contains(name) { await lookNow(at: name) }
        await lookNow(at: name)
    }

    private func take(_ name: TokenName) async {
        guard let entry = entries[name] else {
            underWay.remove(name)
            return
        }
        let isDoubted = entry.belief.isDoubted
        if let until = ledgers[entry.realm]?.wait(forDoubted: isDoubted, at: timekeeper.now().uptime) {
            underWay.remove(name)
            return postpone(entry, until: until)
        }
        ledgers[entry.realm]?.begin()
        let siblings = correlation.siblings(of: entry)
        let sight = await observer.sight(
            of: entry.token,
            belief: entry.belief,
            siblingsPass: siblings.pass,
            isResting: isResting(entry)
        )
        underWay.remove(name)
        let now = sight.observation?.at ?? timekeeper.now()
        ledgers[entry.realm]?.end(
            wasDoubted: isDoubted,
            requests: sight.requests,
            failedLogins: sight.failedLogins,
            at: now.uptime
        )
        guard let current = entries[name] else { return }
        guard !Task.isCancelled else { return agenda.schedule(name, at: now.uptime) }
        adopt(decision(on: sight.observation, of: current, at: now), of: sight.observation, for: current, at: now)
    }

    private func decision(on observation: Observation?, of entry: WatchEntry, at now: Moment) -> Decision {
        guard let observation else { return entry.belief.ageing(at: now.wall, of: entry.token, chance: chance()) }
        return entry.belief.considering(
            observation,
            of: entry.token,
            siblings: correlation.siblings(of: entry),
            chance: chance()
        )
    }

    /// Leaves the host alone until it may be asked again; time and siblings may decide meanwhile.
    private func postpone(_ entry: WatchEntry, until: Duration) {
        let now = timekeeper.now()
        let isSpent = ledgers[entry.realm]?.hasSpentLogins(at: now.uptime) ?? false
        let siblings = correlation.siblings(of: entry)
        if isSpent, let spoken = entry.belief.following(siblings, at: now.wall, of: entry.token, chance: chance()) {
            return adopt(spoken, of: nil, for: entry, at: now)
        }
        let aged = entry.belief.ageing(at: now.wall, of: entry.token, chance: chance())
        if !aged.notices.isEmpty { adopt(aged, of: nil, for: entry, at: now) }
        entries[entry.name]?.wait(until: until, at: now)
        agenda.schedule(entry.name, at: until)
    }

    private func isResting(_ entry: WatchEntry) -> Bool {
        entry.isContinuing && timekeeper.now().uptime < entry.networkDue
    }

    /// Believes `decision` once it is stored.
    ///
    /// `observation`: what it rests on; `nil` where the network was not used.
    private func adopt(_ decision: Decision, of observation: Observation?, for entry: WatchEntry, at now: Moment) {
        var next = entry
        next.belief = decision.belief
        let ended = next.extendHistory(with: decision.belief.state, at: now.wall)
        next.isContinuing = true
        let hasJustDied = decision.transition?.to == .invalid
        if observation != nil || hasJustDied { next.rest(for: decision, at: now) }
        if let observation { next.note(observation, at: now.uptime) }
        let verdict = observation?.finding.verdict.name
        let news = correlation.note(decision, of: next, verdict: verdict, in: entries, at: now)
        let remaining = max(next.networkDue - now.uptime, .milliseconds(1))
        let isNew = ended != nil || entry.intervals.last?.start != next.intervals.last?.start
        if decision.isWorthStoring(after: entry.belief) || isNew || !news.isEmpty {
            guard store(decision, news, entry: next, ended: ended, previous: entry, at: now) else {
                // The belief is not adopted: what is not stored has not happened, and the next look decides again, no
                // sooner than the provider may be asked again.
                let soon = min(entry.token.interval, .seconds(5))
                agenda.schedule(entry.name, at: now.uptime + (observation == nil ? soon : max(soon, decision.rest)))
                return
            }
            next.isDirty = false
        } else {
            next.isDirty = true
        }
        entries[entry.name] = next
        regroup(news)
        agenda.schedule(entry.name, at: now.uptime + min(decision.pause, remaining))
        for sibling in correlation.kin(of: next, after: entry.belief.state, in: entries, at: now.uptime) {
            hurry(sibling, at: now.uptime)
        }
        if decision.transition != nil || !news.isEmpty { changed() }
    }

    /// Takes over beliefs whose incidents are told together.
    func regroup(_ news: News) {
        for (name, belief) in news.regrouped { entries[name]?.belief = belief }
    }

    /// Looks at `name` as soon as it may be: its siblings have news.
    private func hurry(_ name: TokenName, at now: Duration) {
        guard !underWay.contains(name), let entry = entries[name] else { return }
        // A dead token is only looked at: its secret may have changed too.
        if entry.belief.state.name != .invalid { entries[name]?.networkDue = max(now, entry.quietUntil) }
        agenda.schedule(name, at: max(now, entry.quietUntil))
    }

    /// Tells what has waited long enough for its siblings.
    private func tellOverdue(at now: Moment) {
        guard let due = correlation.nextDeadline, due <= now.uptime else { return }
        let news = correlation.overdue(in: entries, at: now)
        guard !news.isEmpty else { return }
        do {
            try store.commit(news)
            problems["store"] = nil
            regroup(news)
            changed()
        } catch {
            correlation.takeBack(news, in: entries, at: now)
            note(problem: "alerts cannot be written: \(error)", on: "store")
        }
    }

    private func store(
        _ decision: Decision,
        _ news: News,
        entry: WatchEntry,
        ended: ValidityInterval?,
        previous: WatchEntry,
        at now: Moment
    ) -> Bool {
        guard let interval = entry.intervals.last else { return true }
        let change = HealthChange(
            token: entry.name,
            belief: decision.belief,
            transition: decision.transition,
            interval: interval,
            endedInterval: ended,
            endedIncident: decision.belief.incident == nil ? previous.belief.incident : nil,
            certificate: DeathCertificate(token: entry.token, belief: decision.belief),
            news: news,
            at: now.wall
        )
        do {
            try store.commit(change)
            problems["store"] = nil
        } catch {
            correlation.takeBack(news, in: entries, at: now)
            note(problem: "history cannot be written: \(error)", on: "store")
            return false
        }
        log(decision, token: entry.token)
        return true
    }

    func note(problem: String, on subject: String) {
        if problems[subject] != problem {
            logger.error("the store does not take what was observed", metadata: ["error": "\(problem)"])
        }
        problems[subject] = problem
        changed()
    }

    func log(_ interventions: [Intervention]) {
        for intervention in interventions {
            logger.notice(
                "intervention",
                metadata: [
                    "token.name": "\(intervention.token)", "intervention.deed": "\(intervention.deed.rawValue)",
                    "intervention.by": "\(intervention.by)", "intervention.reason": "\(intervention.reason)",
                ]
            )
        }
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

    func report(on entry: WatchEntry, at now: Date) -> TokenReport {
        var report = entry.report(at: now)
        report.incident?.silencedUntil = correlation.hushEnd(of: entry, at: now)
        return report
    }

    /// Every open incident as it would be told now, and to whom.
    package func openIncidents(at now: Date) -> [OutgoingAlert] {
        correlation.standing(in: entries, at: now)
    }

    /// The tokens that were not looked at for three times as long as was promised, by name.
    package func lateTokens(at now: Duration) -> [TokenName] {
        entries.values.filter { $0.isLate(at: now) }.map(\.name).sorted()
    }

    /// What hinders the watch itself, in sentences.
    package var standingProblems: [String] { problems.values.sorted() }

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
