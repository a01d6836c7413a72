import FoundationEssentials
package import Logging
import ServiceLifecycle
import Synchronization
package import TokenHealth

/// Delivers what waits in the outbox: one loop for each notifier, so that a slow one never delays another.
///
/// An alert is marked done after it was handed over. A crash between the two repeats it under the same id.
package struct OutboxDispatcher: Service {
    let roster: NotifierRoster
    private let heirs: @Sendable (Alert) -> [String]
    let store: any HealthStore
    let timekeeper: any Timekeeper
    private let progress: Progress
    let logger: Logger
    let chance: @Sendable () -> Double
    let tally: Tally
    let settled: @Sendable () -> Void
    let unsettled = UnsettledOutcomes()
    let reading = StandingFault("the outbox cannot be read")
    let ordering = StandingFault("the order of the outbox cannot be read")
    let writing = StandingFault("the outbox cannot be written")
    let checking = StandingFault("a failing notifier cannot be tried")
    private let inheriting = StandingFault("the outbox of removed notifiers cannot be settled")
    let disabled = DisabledNotifiers()
    let composer: AlertComposer
    let failing: FailingNotifiers
    let courses = NotifierCourses()
    let checks = NotifierChecks()
    /// The notifiers whose loop is running.
    private let looping = LoopingNotifiers()

    /// How long a delivery under way may still take when the daemon is to stop.
    private static let graceAtStop = Duration.seconds(10)

    /// How long the outbox is left alone after it could not be read or written.
    private static let pauseAfterFailure = Duration.seconds(30)

    /// - `roster`: the notifiers there are.
    /// - `failing`: the notifiers that were failing before a restart.
    /// - `heirs`: who is told of an alert now, where its notifier is no more and had no fallback.
    /// - `settled`: called after the state of a delivery has changed.
    package init(
        roster: NotifierRoster,
        failing: [String: Incident] = [:],
        heirs: @escaping @Sendable (Alert) -> [String] = { _ in [] },
        composer: AlertComposer,
        store: any HealthStore,
        timekeeper: any Timekeeper,
        progress: Progress,
        logger: Logger,
        chance: @escaping @Sendable () -> Double,
        tally: Tally = Tally(),
        settled: @escaping @Sendable () -> Void = {}
    ) {
        self.roster = roster
        self.heirs = heirs
        self.composer = composer
        self.failing = FailingNotifiers(failing)
        self.store = store
        self.timekeeper = timekeeper
        self.progress = progress
        self.logger = logger
        self.chance = chance
        self.tally = tally
        self.settled = settled
    }

    /// The same for notifiers that never change.
    ///
    /// - `rules`: what happens when a notifier does not deliver.
    /// - `signal`: given whenever new alerts have been stored.
    package init(
        notifiers: [String: any Notifier],
        rules: [String: NotifierRules] = [:],
        failing: [String: Incident] = [:],
        composer: AlertComposer,
        store: any HealthStore,
        timekeeper: any Timekeeper,
        progress: Progress,
        signal: OutboxSignal,
        logger: Logger,
        chance: @escaping @Sendable () -> Double,
        tally: Tally = Tally(),
        settled: @escaping @Sendable () -> Void = {}
    ) {
        let members = notifiers.map { ($0, NotifierRoster.Member($1, rules: rules[$0] ?? NotifierRules())) }
        self.init(
            roster: NotifierRoster(Dictionary(uniqueKeysWithValues: members), signal: signal),
            failing: failing,
            composer: composer,
            store: store,
            timekeeper: timekeeper,
            progress: progress,
            logger: logger,
            chance: chance,
            tally: tally,
            settled: settled
        )
    }

    var policy: DeliveryPolicy { DeliveryPolicy(composer: composer, rules: roster.rules) }

    /// Delivers everything that is due now, and returns when it is done.
    package func tick() async {
        await withDiscardingTaskGroup { group in
            for name in roster.names { group.addTask { await deliverDue(to: name) } }
        }
    }

    package func run() async throws {
        // A delivery under way is given some time at a shut-down: cut short, nobody could say whether it had arrived.
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { race in
                race.addTask { await deliverUntilStopped() }
                race.addTask {
                    try? await gracefulShutdown()
                    try? await timekeeper.sleep(until: timekeeper.now().uptime + OutboxDispatcher.graceAtStop)
                }
                await race.next()
                race.cancelAll()
            }
        } onGracefulShutdown: {
            roster.signal.send()
            roster.changes.signal()
        }
    }

    /// The notifiers whose receiver has asked for no more; they are tried again after a restart, or after ``enable(_:)``.
    package var disabledNotifiers: Set<String> { disabled.names }

    /// Tries these notifiers again, because they are others now under the same names.
    package func enable(_ names: some Sequence<String>) {
        for name in names {
            disabled.remove(name)
            courses.forget(name)
            checks.forget(name)
        }
    }

    private func deliverUntilStopped() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await cancelWhenGracefulShutdown { await markProgress() } }
            while !isStopping {
                for name in looping.begin(roster.names) {
                    group.addTask {
                        await loop(for: name)
                        looping.end(name)
                        roster.changes.signal()
                    }
                }
                handOverLegacies()
                checkFailingNotifiers()
                await roster.changes.wait(until: timekeeper.now().uptime + .seconds(60), on: timekeeper)
            }
        }
    }

    /// Hands what waits for notifiers that are no more to their fallback, or to whoever is told of such an alert now, and
    /// ends what the others were told of them.
    package func handOverLegacies() {
        do {
            let present = Set(roster.names)
            for (name, report) in try store.notifierReports()
            where report.pending > 0 && !present.contains(name) && !looping.contains(name) {
                try handOver(from: name, among: present)
            }
            for (name, incident) in failing.all where !present.contains(name) && !looping.contains(name) {
                try end(incident, of: name, among: present)
            }
            inheriting.note(nil, on: logger)
        } catch {
            inheriting.note(error, on: logger)
        }
    }

    private func handOver(from name: String, among present: Set<String>) throws {
        let now = timekeeper.now().wall
        // Every pause ends before this.
        let horizon = now.advanced(by: RetryAfter.cap * 2)
        while case let legacies = try store.deliveries(for: name, dueAt: horizon, limit: 20), !legacies.isEmpty {
            for legacy in legacies {
                var takers = roster.heir(of: name).map { [$0] } ?? heirs(legacy.alert).filter(present.contains)
                if takers.isEmpty { takers = present.sorted() }
                let fate = takers.isEmpty ? "there is no other" : "handed to \(takers.joined(separator: ", "))"
                var consequences = Consequences()
                if !takers.isEmpty { consequences.alert = OutgoingAlert(legacy.alert, to: takers) }
                let error = "the notifier was removed from the configuration; \(fate)"
                try store.settle(legacy, as: .undeliverable(at: now, error: error), with: consequences)
                logger.warning(
                    "an alert waited for a notifier that was removed",
                    metadata: [
                        "notifier.name": "\(name)", "alert.id": "\(legacy.alert.id)",
                        "alert.handed_to": "\(takers.joined(separator: ", "))",
                    ]
                )
            }
            roster.signal.send()
            settled()
        }
    }

    /// Nobody will see a notifier deliver again that is no more: its incident ends with it.
    private func end(_ incident: Incident, of name: String, among present: Set<String>) throws {
        var news = News()
        news.notifierIncidents[name] = .ended
        if !present.isEmpty {
            let alert = composer.notifierAlert(
                .notifierRecovered,
                notifier: name,
                incident: incident,
                detail: "",
                ending: .removed,
                at: timekeeper.now().wall
            )
            news.alerts = [OutgoingAlert(alert, to: present.sorted())]
        }
        try store.commit(news)
        failing.note(.ended, of: name)
        roster.signal.send()
    }

    var isStopping: Bool { Task.isCancelled || Task.isShuttingDownGracefully }

    private func loop(for name: String) async {
        let wakeup = roster.signal.wakeup(of: name)
        while !isStopping, roster.notifier(name) != nil {
            let isInOrder = await deliverDue(to: name)
            guard !isStopping else { return }
            let now = timekeeper.now()
            var pause = isInOrder ? .seconds(60) : OutboxDispatcher.pauseAfterFailure
            if isInOrder, let due = try? store.nextDelivery(for: name) {
                pause = min(pause, max(.seconds(due.timeIntervalSince(now.wall)), .milliseconds(10)))
            }
            await wakeup.wait(until: now.uptime + pause, on: timekeeper)
        }
    }

    /// Deliveries take up to a minute each, so progress here means that the outbox can be read.
    private func markProgress() async {
        while !Task.isCancelled {
            let now = timekeeper.now().uptime
            if (try? store.notifierReports()) != nil { progress.mark(.delivering, at: now) }
            try? await timekeeper.sleep(until: now + progress.longestPause)
        }
        progress.end(.delivering)
    }
}

/// The notifiers whose loop is running.
private final class LoopingNotifiers: Sendable {
    private let names = Mutex<Set<String>>([])

    /// Notes that the loops of `all` run.
    ///
    /// - Returns: those that did not.
    func begin(_ all: [String]) -> [String] {
        names.withLock { names in all.filter { names.insert($0).inserted } }
    }

    func end(_ name: String) { _ = names.withLock { $0.remove(name) } }
    func contains(_ name: String) -> Bool { names.withLock { $0.contains(name) } }
}
