package import FoundationEssentials
package import Logging
import ServiceLifecycle
package import TokenHealth

/// Writes the status file: at once after a transition, else once a period.
///
/// Between times it has healthy sightings stored.
package struct StatusReporter: Service {
    private let watch: TokenWatch
    private let store: any HealthStore
    private let publisher: any StatusPublisher
    private let timekeeper: any Timekeeper
    private let progress: Progress
    private let monitor: @Sendable () -> MonitorReport
    private let notifierNames: @Sendable () -> [String]
    private let period: @Sendable () -> Duration
    private let logger: Logger
    private let published: @Sendable (StatusDocument) -> Void
    private let wakeup: Wakeup
    private let disabledNotifiers: @Sendable () -> Set<String>
    private let problems: @Sendable () async -> [String]

    /// - `monitor`: what is known of this daemon; health and further problems are filled in.
    /// - `period`: longest time between two documents; a document is valid for twice as long.
    /// - `wakeup`: signalled when something has changed.
    /// - `problems`: what hinders the monitor itself, beside what the watch and the store say.
    /// - `published`: called after each document that was written.
    package init(
        watch: TokenWatch,
        store: any HealthStore,
        publisher: any StatusPublisher,
        timekeeper: any Timekeeper,
        progress: Progress,
        monitor: @escaping @autoclosure @Sendable () -> MonitorReport,
        notifierNames: @escaping @autoclosure @Sendable () -> [String],
        period: @escaping @autoclosure @Sendable () -> Duration,
        wakeup: Wakeup,
        disabledNotifiers: @escaping @Sendable () -> Set<String> = { [] },
        problems: @escaping @Sendable () async -> [String] = { [] },
        logger: Logger,
        published: @escaping @Sendable (StatusDocument) -> Void = { _ in }
    ) {
        self.watch = watch
        self.store = store
        self.publisher = publisher
        self.timekeeper = timekeeper
        self.progress = progress
        self.monitor = monitor
        self.notifierNames = notifierNames
        self.period = period
        self.logger = logger
        self.wakeup = wakeup
        self.disabledNotifiers = disabledNotifiers
        self.problems = problems
        self.published = published
    }

    /// Publishes one document.
    package func tick() async {
        let document = await document(at: timekeeper.now().wall)
        do {
            try await publisher.publish(document)
            published(document)
        } catch {
            logger.error("the status file cannot be written", metadata: ["error": "\(error)"])
        }
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var flushedAt = timekeeper.now().uptime
            while !Task.isCancelled {
                await tick()
                let due = timekeeper.now().uptime + period()
                var now = timekeeper.now().uptime
                repeat {
                    progress.mark(.publishing, at: now)
                    let pause = min(due, now + progress.longestPause)
                    await wakeup.wait(until: pause, on: timekeeper)
                    now = timekeeper.now().uptime
                    if now < pause { break }
                } while now < due && !Task.isCancelled
                if now - flushedAt >= .seconds(60) {
                    await watch.flush()
                    flushedAt = now
                }
            }
        }
        await watch.flush()
    }

    /// What is known now.
    package func document(at now: Date) async -> StatusDocument {
        var monitor = monitor()
        monitor.problems += await watch.standingProblems
        monitor.problems += await problems()
        var notifiers = Dictionary(uniqueKeysWithValues: notifierNames().map { ($0, NotifierReport()) })
        do {
            // Those that are no more are of interest while something waits for them.
            let reports = try store.notifierReports().filter { notifiers[$0.key] != nil || $0.value.pending > 0 }
            notifiers.merge(reports) { $1 }
        } catch {
            monitor.problems.append("the outbox cannot be read: \(error)")
        }
        for name in disabledNotifiers() { notifiers[name]?.state = .disabled }
        var told: Set<String> = []
        monitor.problems.removeAll { !told.insert($0).inserted }
        monitor.healthy = monitor.problems.isEmpty
        return StatusDocument(
            generatedAt: now,
            validUntil: now.advanced(by: period() * 2),
            monitor: monitor,
            tokens: await watch.reports(at: now),
            notifiers: notifiers
        )
    }
}
