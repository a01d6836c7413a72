package import FoundationEssentials
package import Logging
import OrderedCollections
package import TokenHealth

/// What is due at once: tokens to be looked at, and those for which a glance may do.
package struct Round: Sendable {
    /// Uptime at which everything was ready to be asked.
    fileprivate var begunAt = Duration.zero
    package fileprivate(set) var looks: [TokenName] = []
    fileprivate var glances: [GlanceRequest] = []

    /// How long an answer that took `latency` has been waiting for its turn: no more than half the interval, for a latency
    /// does not count a sleep of the host.
    fileprivate func lag(at now: Duration, behind latency: Duration, of token: WatchedToken) -> Duration {
        min(max(.zero, now - begunAt - latency), token.interval / 2)
    }

    package var isEmpty: Bool { looks.isEmpty && glances.isEmpty }
}

/// Looks at every token when it is due, decides, and has the decision stored before it believes it.
///
/// At most one look at a token is under way at any time, so a belief is only ever changed by the look that read it.
package actor TokenWatch {
    let observer: TokenObserver
    let store: any HealthStore
    let timekeeper: any Timekeeper
    let chance: @Sendable () -> Double
    let changed: @Sendable () -> Void
    private let logger: Logger

    var entries: Correlation.Entries = [:]
    var models = EntryModels()
    /// Tokens of which something is known that is not stored, and need not be at once.
    var dirty: Set<TokenName> = []
    /// Their names in order; empty until somebody wants them.
    var names: [TokenName] = []
    var correlation: Correlation
    var ledgers: [RealmName: HostLedger] = [:]
    /// What was spent at hosts whose limits were lifted: they may be set again.
    var liftedLimits: [RealmName: HostRecord] = [:]
    /// Tokens that are configured no more since a restart, and of whose incidents the end is not told yet.
    var strangers: [TokenName: WatchEntry] = [:]
    var hasDesertedProviders = false
    /// Counts changes of settings under which an answer may mean something else.
    var generation = 0
    /// Waits that providers have asked for and that are stored, or are to be with the next decision.
    var quiet = QuietMemory()
    var agenda = Agenda<TokenName, RealmName>()
    var pace: Pace
    /// Those that are being looked at.
    var places: Places
    /// Whether a place was left since ``takeDue()`` for which somebody was set aside.
    var hasLeftPlace = false
    /// Looks that have ended and are not decided yet, and those who wait for that.
    var ended: [EndedLook] = []
    var waiters: [CheckedContinuation<Void, Never>] = []
    /// Those who wait for the end of a look.
    private var spectators: [TokenName: [AsyncStream<Void>.Continuation]] = [:]
    /// What ``nextWake(latest:)`` last said.
    private var promisedWake = Duration.zero
    /// What hinders the watch itself, by subject.
    var problems: [String: String] = [:]
    private var hostWants = HostWants()

    /// - `hosts`: what they were asked lately.
    /// - `limit`: most looks under way at once.
    /// - `connections`: most connections that are open at once.
    /// - `chance`: a number from 0 to below 1 at every call.
    /// - `changed`: called after a transition has been stored.
    package init(
        tokens: [WatchedToken],
        stored: [TokenName: StoredToken],
        untold: UntoldNews = UntoldNews(),
        hosts: HostMemory = HostMemory(),
        observer: TokenObserver,
        store: any HealthStore,
        composer: AlertComposer,
        timekeeper: any Timekeeper,
        logger: Logger,
        limit: Int = 1024,
        connections: Int = .max,
        chance: @escaping @Sendable () -> Double,
        changed: @escaping @Sendable () -> Void
    ) {
        self.observer = observer
        self.store = store
        self.timekeeper = timekeeper
        self.logger = logger
        places = Places(limit: limit, connections: connections)
        self.chance = chance
        self.changed = changed
        let now = timekeeper.now()
        let stagger = StartStagger(tokens: tokens)
        pace = Pace(of: tokens)
        var entries: Correlation.Entries = [:]
        entries.reserveCapacity(tokens.count)
        for (index, token) in tokens.enumerated() {
            var entry = WatchEntry(token: token, stored: stored[token.name], now: now.wall, uptime: now.uptime)
            models.align(&entry)
            if let until = hosts.quiet[token.name] { entry.rest(until: until, at: now) }
            entries[token.name] = entry
            agenda.schedule(token.name, at: now.uptime + stagger.delay(of: index), patience: token.patience)
        }
        self.entries = entries
        quiet = QuietMemory(hosts.quiet.keys)
        ledgers = TokenWatch.ledgers(of: tokens, after: hosts.records, at: now)
        correlation = Correlation(composer: composer, entries: entries, untold: untold, at: now)
        strangers = TokenWatch.strangers(among: stored, holding: untold.held, beside: entries, at: now)
        hasDesertedProviders = correlation.hasDesertedProviders(beside: Set(entries.values.lazy.map(\.realm)))
    }

    /// How many sightings are stored in one transaction.
    private static let flushed = 2000

    // MARK: - The schedule

    /// Uptime of the next look; `nil` while as many are under way as may be.
    package var nextDue: Duration? {
        let look = places.isFull ? nil : hasLeftPlace ? .zero : agenda.nextDue
        guard let look, let news = correlation.nextDeadline else { return look ?? correlation.nextDeadline }
        return min(look, news)
    }

    /// Until when the caller may sleep, at most `latest`, unless a look says otherwise.
    ///
    /// Looks that fall due close to each other share a wake-up, which costs more than a look.
    package func nextWake(at now: Duration, latest: Duration) -> Duration {
        promisedWake = min(nextDue ?? latest, latest)
        // What should have begun already waits for a free place alone, and there is one.
        if promisedWake <= now, !pace.isExhausted { return now }
        return max(promisedWake, now + pace.grain)
    }

    /// What is due now; it must be given to ``run(_:sooner:)``.
    package func takeDue() async -> Round {
        let now = timekeeper.now()
        partWithStrangers(at: now)
        tellOverdue(at: now)
        let due = takePlaces(atMost: pace.allowance(at: now.uptime), now: now.uptime)
        pace.spend(due.count)
        var round = Round()
        for name in due {
            if let request = await glanceRequest(for: name, at: now) {
                round.glances.append(request)
            } else {
                round.looks.append(name)
            }
        }
        remember(round.glances.map(\.request.token.realm))
        // Reading the secrets takes its time.
        round.begunAt = timekeeper.now().uptime
        return round
    }

    /// Looks at everything of `round`, and returns when it is done.
    ///
    /// - `sooner`: called when something is due earlier than ``nextWake(at:latest:)`` last said.
    package func run(_ round: Round, sooner: @escaping @Sendable () -> Void = {}) async {
        await withDiscardingTaskGroup { group in
            for name in round.looks {
                group.addTask {
                    await self.look(at: name)
                    if await self.isHastened { sooner() }
                }
            }
            guard !round.glances.isEmpty else { return }
            var open = Set(round.glances.indices)
            for await results in observer.glances(at: round.glances) {
                open.subtract(results.map(\.index))
                for (name, glimpse) in conclude(results, of: round) {
                    group.addTask {
                        await self.look(at: name, glimpse: glimpse)
                        if await self.isHastened { sooner() }
                    }
                }
                if isHastened { sooner() }
            }
            // Cancelled.
            for index in open { abandon(round.glances[index]) }
        }
    }

    /// Whether something is due earlier than ``nextWake(at:latest:)`` last said.
    private var isHastened: Bool { nextDue.map { $0 < promisedWake } ?? false }

    /// Looks at everything that is due now, and returns when it is done.
    package func tick() async {
        while !Task.isCancelled {
            let round = await takeDue()
            guard !round.isEmpty else { return }
            await run(round)
        }
    }

    // MARK: - Looks at a glance

    /// What to ask about a token in good standing, or one that is not doubted and whose next answer is read whatever it
    /// is; `nil` where a look has more to do before it may ask.
    private func glanceRequest(for name: TokenName, at now: Moment) async -> GlanceRequest? {
        guard let entry = entries[name] else { return nil }
        // Of a token in good standing, while all is calm, the siblings have nothing to say.
        let known = correlation.isCalm(in: entry.realm) ? entry.expected(at: now) : nil
        guard known != nil || entry.isUnread, !isResting(entry),
            hostWait(for: standing(of: entry), in: entry.realm) == nil,
            let request = await observer.glanceRequest(
                for: entry.token,
                fingerprint: entry.belief.fingerprint,
                known: known
            )
        else { return nil }
        ledgers[entry.realm]?.begin(at: now.uptime)
        return request
    }

    /// Believes on where the answers are those expected.
    ///
    /// - Returns: the others, which must be looked at.
    private func conclude(
        _ results: [GlanceResult],
        of round: Round
    ) -> [(TokenName, TokenObserver.Glimpse)] {
        let now = timekeeper.now()
        var others: [(TokenName, TokenObserver.Glimpse)] = []
        for result in results {
            let request = round.glances[result.index]
            let token = request.request.token
            let name = token.name
            switch result.glance {
            case .same(let status, let latency):
                places.note(.answered, of: name, now: now.uptime)
                endGlance(request.request, requests: 1, at: now.uptime)
                // Where much is to be done, an answer may have been waiting for a while.
                let answered = now.earlier(by: round.lag(at: now.uptime, behind: latency, of: token))
                adopt(observer.reaffirmation(of: name, status: status, latency: latency, at: answered), of: name)
                endLook(at: name)
            case .other(let exchange):
                note(exchange, of: name, at: now.uptime)
                let answeredAt = now.uptime - round.lag(at: now.uptime, behind: exchange.latency, of: token)
                let glimpse = TokenObserver.Glimpse(
                    request: request.request,
                    exchange: exchange,
                    answeredAt: answeredAt
                )
                others.append((name, glimpse))
            }
        }
        return others
    }

    /// Of `request` nothing came.
    private func abandon(_ request: GlanceRequest) {
        let (name, now) = (request.request.token.name, timekeeper.now().uptime)
        endGlance(request.request, requests: 0, at: now)
        if let entry = entries[name] { agenda.schedule(name, at: now, patience: entry.patience) }
        endLook(at: name)
    }

    /// Tells the ledger in which it began: a reload may have come in between.
    private func endGlance(_ request: ProbeRequest, requests: Int, failedLogins: Int = 0, at now: Duration) {
        guard !ledgers.isEmpty else { return }
        let realm = request.token.realm
        let suspects = correlation.suspects(in: realm)
        ledgers[realm]?.end(.good, suspects: suspects, requests: requests, failedLogins: failedLogins, at: now)
    }

    /// Nothing is under way at `name` any more.
    private func endLook(at name: TokenName) {
        leavePlace(of: name)
        dismissSpectators(of: name)
    }

    private func dismissSpectators(of name: TokenName) {
        for spectator in spectators.removeValue(forKey: name) ?? [] { spectator.finish() }
    }

    // MARK: - One look

    /// Reads the secret, asks the provider if it is time, decides, and stores what follows.
    ///
    /// - `glimpse`: what was asked already for this look.
    package func look(at name: TokenName, glimpse: TokenObserver.Glimpse? = nil) async {
        await take(name, glimpse: glimpse)
        // It may be under way again already: only those who waited for this look are told.
        dismissSpectators(of: name)
    }

    /// Looks at `name` now, or waits for the end of the look that is under way.
    func lookNow(at name: TokenName) async {
        guard let entry = entries[name] else { return }
        guard !places.contains(name) else {
            let (end, spectator) = AsyncStream.makeStream(of: Void.self)
            spectators[name, default: []].append(spectator)
            for await _ in end {}
            return
        }
        entries[name]?.networkDue = .zero
        agenda.remove(name)
        places.begin(name, at: entry.realm, now: timekeeper.now().uptime)
        await look(at: name)
    }

    /// Looks at `name` with what there is now: a look that is under way may have read the old secret.
    func lookAnew(at name: TokenName) async {
        if places.contains(name) { await lookNow(at: name) }
        await lookNow(at: name)
    }

    private func take(_ name: TokenName, glimpse: TokenObserver.Glimpse?) async {
        let standing = await standing(of: name, after: glimpse)
        if let glimpse, entries[name]?.token != glimpse.request.token {
            // A reload came in between: what was asked is of no concern any more.
            let now = timekeeper.now().uptime
            let failedLogins = glimpse.request.countsAsFailedLogin(glimpse.exchange) ? 1 : 0
            endGlance(glimpse.request, requests: 1, failedLogins: failedLogins, at: now)
            leavePlace(of: name)
            if entries[name] != nil { agenda.schedule(name, at: now) }
            return
        }
        guard let entry = entries[name] else {
            leavePlace(of: name)
            return
        }
        if glimpse == nil {
            if let until = hostWait(for: standing, in: entry.realm) {
                leavePlace(of: name)
                return postpone(entry, standing, until: until)
            }
            ledgers[entry.realm]?.begin(at: timekeeper.now().uptime)
            remember([entry.realm])
        }
        let sight = await observer.sight(
            of: entry.token,
            belief: entry.belief,
            siblingsPass: correlation.siblings(of: entry).pass,
            isResting: isResting(entry),
            glimpse: glimpse
        )
        let now = sight.observation?.at ?? timekeeper.now()
        if glimpse == nil { note(sight.exchange, of: name, at: now.uptime) }
        ledgers[entry.realm]?.end(
            standing,
            suspects: correlation.suspects(in: entry.realm),
            requests: sight.requests,
            failedLogins: sight.failedLogins,
            at: now.uptime
        )
        guard !Task.isCancelled else {
            leavePlace(of: name)
            return agenda.schedule(name, at: now.uptime)
        }
        let lag = glimpse.map { now.uptime - $0.answeredAt } ?? .zero
        await settle(EndedLook(entry, findings: .seen(sight.observation, sight.exchange), at: now, lag: lag))
    }

    /// Believes on, after one more answer just like the last.
    private func adopt(_ reaffirmation: Reaffirmation, of name: TokenName) {
        let now = reaffirmation.at
        guard let (realm, isExpecting) = entries.read(name, { ($0.realm, $0.isExpecting(at: now)) }) else { return }
        // New settings, or a person, may have come in between: then what it means is found out by another look.
        guard isExpecting, correlation.isCalm(in: realm) else {
            entries[name]?.forgetAnswer()
            return agenda.schedule(name, at: now.uptime)
        }
        correlation.noteAcceptance(of: name, in: realm, at: now.uptime)
        let next = entries.change(name) { ($0.note(reaffirmation, chance: chance()), $0.patience) }
        guard let (due, patience) = next else { return }
        dirty.insert(name)
        agenda.schedule(name, at: due, patience: patience)
    }

    func isResting(_ entry: WatchEntry) -> Bool {
        let now = timekeeper.now().uptime
        return (entry.isContinuing || now < entry.quietUntil) && now < entry.networkDue
    }

    /// Takes over beliefs whose incidents are told together.
    func regroup(_ news: News) {
        for (name, belief) in news.regrouped { entries[name]?.belief = belief }
    }

    /// Looks at `name` as soon as it may be: its siblings have news.
    func hurry(_ name: TokenName, at now: Duration) {
        guard !places.contains(name), let entry = entries[name] else { return }
        // A dead token is only looked at: its secret may have changed too.
        let soonest = max(now, entry.quietUntil)
        if entry.belief.state.name != .invalid { entries[name]?.networkDue = soonest }
        // One that is to be left alone for longer is looked at meanwhile as before: time passes for it, too.
        guard soonest <= now + entry.token.interval else { return }
        agenda.schedule(name, at: soonest, patience: entry.patience)
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

    func note(problem: String, on subject: String) {
        if problems[subject] != problem {
            logger.error("the store does not take what was observed", metadata: ["error": "\(problem)"])
        }
        problems[subject] = problem
        changed()
    }

    /// Takes note of whether the host could read the secret of `name`.
    func noteHost(_ observation: Observation, of name: TokenName) {
        switch hostWants.note(observation.hostWant, of: name) {
        case .begun(let cause)?:
            logger.error("this host cannot read secrets", metadata: ["token.name": "\(name)", "error": "\(cause)"])
        case .over?: logger.notice("this host reads secrets again")
        case nil: break
        }
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

    func log(_ decision: Decision, token: WatchedToken) {
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

    /// These tokens as programs see them; those that are watched no more are left out.
    package func reports(of names: ArraySlice<TokenName>, at now: Date) -> [StatusEdition.Line] {
        names.compactMap { name in entries[name].map { (name, report(on: $0, at: now)) } }
    }

    /// The names of all tokens in order, and how many are in each state.
    var roll: (names: [TokenName], census: StateCensus) {
        if names.count != entries.count { names = entries.keys.sorted() }
        var census = StateCensus()
        entries.readAll { census.count($0.belief.state.name) }
        return (names, census)
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
        var late: [TokenName] = []
        entries.readAll { if $0.isLate(at: now) { late.append($0.name) } }
        return late.sorted()
    }

    /// What hinders the watch itself, in sentences.
    package var standingProblems: [String] {
        problems.values.sorted() + (hostWants.problem { entries[$0] != nil }.map { [$0] } ?? [])
    }

    /// Stores what healthy probes have confirmed since the last call.
    ///
    /// Some at a time, so that the next look need not wait for a hundred thousand rows; in the order of the configuration,
    /// in which they were stored first: neighbours share a page, and a page is written once for all of them.
    package func flush() async {
        remember(ledgers.filter { $0.value.hasUnrecordedRequests }.map(\.key), always: true)
        guard !dirty.isEmpty else { return }
        var rest = entries.keys.elements.filter { dirty.contains($0) }
        while !rest.isEmpty {
            let names = rest.suffix(TokenWatch.flushed)
            rest.removeLast(names.count)
            guard flush(names) else { return }
            await Task.yield()
        }
    }

    private func flush(_ names: ArraySlice<TokenName>) -> Bool {
        let sightings = names.compactMap { entries[$0]?.sighting }
        do {
            if !sightings.isEmpty { try store.confirm(sightings) }
            dirty.subtract(names)
            problems["store"] = nil
            return true
        } catch {
            note(problem: "history cannot be written: \(error)", on: "store")
            return false
        }
    }
}
