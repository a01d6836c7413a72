import FoundationEssentials
package import Logging
import ServiceLifecycle
package import TokenHealth

/// Delivers what waits in the outbox: one loop for each notifier, so that a slow one never delays another.
///
/// An alert is marked done after it was handed over. A crash between the two repeats it under the same id.
package struct OutboxDispatcher: Service {
    private let notifiers: [String: any Notifier]
    private let store: any HealthStore
    private let timekeeper: any Timekeeper
    private let progress: Progress
    private let logger: Logger
    private let chance: @Sendable () -> Double
    private let signal: OutboxSignal
    private let settled: @Sendable () -> Void
    private let unsettled = UnsettledOutcomes()
    private let disabled = DisabledNotifiers()
    private let policy: DeliveryPolicy
    private let failing: FailingNotifiers

    /// How long a delivery under way may still take when the daemon is to stop.
    private static let graceAtStop = Duration.seconds(10)

    /// How long the outbox is left alone after it could not be read or written.
    private static let pauseAfterFailure = Duration.seconds(30)

    /// - `rules`: what happens when a notifier does not deliver.
    /// - `failing`: the notifiers that were failing before a restart.
    /// - `signal`: given whenever new alerts have been stored.
    /// - `settled`: called after the state of a delivery has changed.
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
        settled: @escaping @Sendable () -> Void = {}
    ) {
        self.notifiers = notifiers
        let usual = notifiers.mapValues { _ in NotifierRules() }
        policy = DeliveryPolicy(composer: composer, rules: usual.merging(rules) { $1 })
        self.failing = FailingNotifiers(failing)
        self.store = store
        self.timekeeper = timekeeper
        self.progress = progress
        self.logger = logger
        self.chance = chance
        self.signal = signal
        self.settled = settled
    }

    /// Delivers everything that is due now, and returns when it is done.
    package func tick() async {
        await withDiscardingTaskGroup { group in
            for name in notifiers.keys { group.addTask { await deliverDue(to: name) } }
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
            signal.send()
        }
    }

    /// The notifiers whose receiver has asked for no more; they are tried again after a restart.
    package var disabledNotifiers: Set<String> { disabled.names }

    private func deliverUntilStopped() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await cancelWhenGracefulShutdown { await markProgress() } }
            for name in notifiers.keys { group.addTask { await loop(for: name) } }
        }
    }

    private var isStopping: Bool { Task.isCancelled || Task.isShuttingDownGracefully }

    private func loop(for name: String) async {
        guard let wakeup = signal.wakeups[name] else { preconditionFailure("no wake-up for notifier \(name)") }
        while !isStopping {
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
    }

    /// Delivers what is due to one notifier.
    ///
    /// - Returns: whether the outbox could be read and written.
    @discardableResult
    private func deliverDue(to name: String) async -> Bool {
        guard let notifier = notifiers[name] else { return true }
        while !isStopping {
            let due: [PendingDelivery]
            do {
                due = try store.deliveries(for: name, dueAt: timekeeper.now().wall, limit: 20)
            } catch {
                logger.error("the outbox cannot be read", metadata: ["notifier.name": "\(name)", "error": "\(error)"])
                return false
            }
            guard !due.isEmpty else { return true }
            for delivery in due where !isStopping {
                guard await attempt(delivery, by: notifier) else { return false }
                if Task.isCancelled { return true }
            }
        }
        return true
    }

    /// Tries one delivery.
    ///
    /// - Returns: whether the outbox could be read and written.
    private func attempt(_ delivery: PendingDelivery, by notifier: any Notifier) async -> Bool {
        if let outcome = unsettled.outcome(of: delivery) { return settle(delivery, as: outcome) }
        let earlier: [Alert]
        do {
            if let later = try overtaking(delivery) {
                return settle(delivery, as: .overtaken(at: timekeeper.now().wall, by: later.id))
            }
            earlier =
                try delivery.alert.kind.endsIncident
                ? store.overtaken(by: delivery.alert, for: delivery.notifier) : []
        } catch {
            logger.error("the outbox cannot be read", metadata: ["error": "\(error)"])
            return false
        }
        let result = await deliver(delivery.alert.telling(also: earlier), by: notifier, called: delivery.notifier)
        // A delivery that was cut short has an unknown end: it stays due, under the same id.
        if Task.isCancelled, case .failed = result { return true }
        let outcome = policy.outcome(of: result, for: delivery, chance: chance(), at: timekeeper.now().wall)
        log(outcome, result, of: delivery)
        return settle(delivery, as: outcome)
    }

    /// An alert that waits, too, and makes this one needless.
    private func overtaking(_ delivery: PendingDelivery) throws -> Alert? {
        // At the first attempt nothing can have happened since.
        guard let incident = delivery.alert.incidentID, !delivery.alert.kind.endsIncident,
            delivery.attempts > 0 || timekeeper.now().wall.timeIntervalSince(delivery.alert.createdAt) > 1
        else { return nil }
        return try store.waiting(for: delivery.notifier, about: incident).last { $0.alert.overtakes(delivery.alert) }?
            .alert
    }

    private func deliver(_ alert: Alert, by notifier: any Notifier, called name: String) async -> DeliveryResult {
        if let refusal = disabled.result(for: name) { return refusal }
        let result = await notifier.deliver(alert)
        if case .gone(let detail) = result { disabled.add(name, because: detail) }
        return result
    }

    private func log(_ outcome: DeliveryOutcome, _ result: DeliveryResult, of delivery: PendingDelivery) {
        let metadata: Logger.Metadata = [
            "notifier.name": "\(delivery.notifier)",
            "alert.id": "\(delivery.alert.id)",
            "alert.kind": "\(delivery.alert.kind.rawValue)",
            "delivery.attempt": "\(delivery.attempts + 1)",
            "delivery.result": "\(result.detail)",
        ]
        switch outcome {
        case .delivered, .overtaken: logger.info("alert delivered", metadata: metadata)
        case .postponed:
            let isNews = delivery.lastError != result.detail
            logger.log(level: isNews ? .warning : .debug, "alert not delivered, trying again later", metadata: metadata)
        case .undeliverable: logger.error("alert set aside as undeliverable", metadata: metadata)
        }
    }

    private func settle(_ delivery: PendingDelivery, as outcome: DeliveryOutcome) -> Bool {
        let incident = failing.incident(of: delivery.notifier)
        let now = timekeeper.now().wall
        let consequences = policy.consequences(of: outcome, for: delivery, incident: incident, at: now)
        do {
            try store.settle(delivery, as: outcome, with: consequences)
        } catch {
            unsettled.note(outcome, of: delivery)
            logger.error(
                "the outbox cannot be written",
                metadata: ["alert.id": "\(delivery.alert.id)", "error": "\(error)"]
            )
            return false
        }
        unsettled.forget(delivery)
        failing.note(consequences.notifierIncident, of: delivery.notifier)
        if consequences.alert != nil || consequences.handOver != nil { signal.send() }
        settled()
        return true
    }
}

/// Tells the loop of every notifier that new alerts wait.
package struct OutboxSignal: Sendable {
    let wakeups: [String: Wakeup]

    package init(notifiers: some Sequence<String>) {
        wakeups = Dictionary(notifiers.map { ($0, Wakeup()) }) { first, _ in first }
    }

    package func send() {
        for wakeup in wakeups.values { wakeup.signal() }
    }
}
