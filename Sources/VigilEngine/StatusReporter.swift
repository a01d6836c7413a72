package import FoundationEssentials
package import Logging
import ServiceLifecycle
import Synchronization
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
    private let published: @Sendable (StatusHead) -> Void
    private let wakeup: Wakeup
    private let disabledNotifiers: @Sendable () -> Set<String>
    private let fault: StandingFault
    private let problems: @Sendable () async -> [String]
    private let shown = ShownEditions()

    /// So many times as long as it took to write an edition, no other is written: of very many tokens each is work.
    private static let calm = 9

    /// - `monitor`: what is known of this daemon; health and further problems are filled in.
    /// - `period`: longest time between two documents; a document is valid for twice as long.
    /// - `wakeup`: signalled when something has changed.
    /// - `problems`: what hinders the monitor itself, beside what the watch and the store say.
    /// - `fault`: holds what keeps an edition from being published.
    /// - `published`: called after each edition that was written.
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
        fault: StandingFault = StandingFault("the status cannot be published"),
        logger: Logger,
        published: @escaping @Sendable (StatusHead) -> Void = { _ in }
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
        self.fault = fault
        self.published = published
    }

    /// Publishes one edition.
    package func tick() async {
        let begun = timekeeper.now()
        let edition = await edition(at: begun.wall)
        do {
            try await publisher.publish(edition)
            shown.note(begun.uptime)
            published(edition.head)
            fault.note(nil, on: logger)
        } catch {
            fault.note(error, on: logger)
        }
    }

    /// Returns when what is known by now has been published, or after `patience`: whoever did something looks next.
    package func show(within patience: Duration) async {
        let now = timekeeper.now().uptime
        let arrival = Wakeup()
        shown.await(arrival, since: now)
        wakeup.signal()
        await arrival.wait(until: now + patience, on: timekeeper)
        shown.forget(arrival)
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var flushedAt = timekeeper.now().uptime
            while !Task.isCancelled {
                let begun = timekeeper.now().uptime
                await tick()
                let ended = timekeeper.now().uptime
                await pause(from: ended, until: ended + period(), atLeastFor: (ended - begun) * StatusReporter.calm)
                let now = timekeeper.now().uptime
                if now - flushedAt >= .seconds(60) {
                    await watch.flush()
                    flushedAt = now
                }
            }
        }
        await watch.flush()
        progress.end(.publishing)
    }

    /// Waits for the end of a period or for news; after an edition that took long, not even for that at once.
    private func pause(from start: Duration, until due: Duration, atLeastFor shortest: Duration) async {
        var now = start
        var hasNews = false
        while !Task.isCancelled, now < due, !hasNews || now < start + shortest {
            progress.mark(.publishing, at: now)
            let pause = min(hasNews ? start + shortest : due, now + progress.longestPause)
            await wakeup.wait(until: pause, on: timekeeper)
            now = timekeeper.now().uptime
            if now < pause { hasNews = true }
        }
    }

    /// What is known now.
    package func edition(at now: Date) async -> StatusEdition {
        var monitor = monitor()
        monitor.problems += await watch.standingProblems
        monitor.problems += await problems()
        if let problem = fault.problem { monitor.problems.append(problem) }
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
        let (names, census) = await watch.roll
        let head = StatusHead(
            generatedAt: now,
            validUntil: now.advanced(by: period() * 2),
            monitor: monitor,
            census: census,
            notifiers: notifiers
        )
        return StatusEdition(head: head, names: names) { [watch] names in await watch.reports(of: names, at: now) }
    }
}

/// Who waits for an edition that shows what has just been done.
private final class ShownEditions: Sendable {
    private let waiting = Mutex<[(arrival: Wakeup, since: Duration)]>([])

    /// - `since`: uptime at which the edition must have begun.
    func await(_ arrival: Wakeup, since: Duration) { waiting.withLock { $0.append((arrival, since)) } }

    /// An edition that was begun at this uptime has been published.
    func note(_ begun: Duration) {
        let arrived = waiting.withLock { waiting in
            let arrived = waiting.filter { $0.since <= begun }
            waiting.removeAll { $0.since <= begun }
            return arrived
        }
        for waiter in arrived { waiter.arrival.signal() }
    }

    func forget(_ arrival: Wakeup) { waiting.withLock { $0.removeAll { $0.arrival === arrival } } }
}
