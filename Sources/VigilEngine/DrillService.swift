import FoundationEssentials
package import Logging
import ServiceLifecycle
import Synchronization
package import TokenHealth

/// Sends a test alert by every notifier when the schedule says so, and reports which of them delivered, and how fast.
///
/// What is due is remembered in the store: a restart repeats no drill, and makes up for one that was missed.
package final class DrillService: Service {
    private let schedule: DrillSchedule
    private let notifiers: @Sendable () -> [String]
    private let composer: AlertComposer
    private let store: any HealthStore
    private let timekeeper: any Timekeeper
    private let logger: Logger
    private let changed: @Sendable () -> Void
    private let record = Mutex<DrillRecord?>(nil)

    /// How often a drill under way is looked at.
    private static let step = Duration.seconds(5)
    /// Wall time may be set: it is read again so often.
    private static let longestPause = Duration.seconds(3600)

    /// - `changed`: called after alerts have been stored.
    package init(
        schedule: DrillSchedule,
        notifiers: @escaping @autoclosure @Sendable () -> [String],
        composer: AlertComposer,
        store: any HealthStore,
        timekeeper: any Timekeeper,
        logger: Logger,
        changed: @escaping @Sendable () -> Void
    ) {
        self.schedule = schedule
        self.notifiers = notifiers
        self.composer = composer
        self.store = store
        self.timekeeper = timekeeper
        self.logger = logger
        self.changed = changed
    }

    /// The notifiers that the last drill found failing and that have delivered nothing since, in sentences.
    package func problems(_ reports: [String: NotifierReport]) -> [String] {
        guard let last = record.withLock({ $0?.last }) else { return [] }
        return last.results.compactMap { result in
            guard result.seconds == nil else { return nil }
            if let at = reports[result.notifier]?.lastDeliveredAt, at > last.finishedAt { return nil }
            return "the drill of \(last.startedAt.rfc3339) found: \(result.text)"
        }
    }

    /// Begins what is due, ends what is over.
    ///
    /// - Returns: how long nothing more happens.
    @discardableResult
    package func tick() -> Duration {
        let now = timekeeper.now().wall
        do {
            var record = try current(at: now)
            if let drill = record.underWay {
                try end(drill, &record, at: now)
            } else if now >= record.dueAt {
                try begin(&record, at: now)
            }
            let isUnderWay = record.underWay != nil
            self.record.withLock { [record] in $0 = record }
            guard !isUnderWay else { return DrillService.step }
            let wait = Duration.seconds(record.dueAt.timeIntervalSince(now))
            return min(max(wait, .seconds(1)), DrillService.longestPause)
        } catch {
            logger.error("the drill cannot be kept in the store", metadata: ["error": "\(error)"])
            return .seconds(60)
        }
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown { await self.loop() }
    }

    private func loop() async {
        while !Task.isCancelled {
            let pause = tick()
            try? await timekeeper.sleep(until: timekeeper.now().uptime + pause)
        }
    }

    private func current(at now: Date) throws -> DrillRecord {
        if let known = record.withLock({ $0 }) { return known }
        let stored = try store.drill()
        if let stored, stored.schedule == schedule.text { return stored }
        let begun = DrillRecord(
            schedule: schedule.text,
            dueAt: schedule.first(after: now),
            underWay: stored?.underWay,
            last: stored?.last
        )
        try store.keep(begun)
        return begun
    }

    private func begin(_ record: inout DrillRecord, at now: Date) throws {
        let alert = composer.drillAlert(at: now)
        let notifiers = notifiers()
        record.dueAt = schedule.following(record.dueAt, after: now)
        record.underWay = Drill(alert: alert.id, startedAt: now, notifiers: notifiers)
        try store.write([.drill(record), .news(News(alerts: [OutgoingAlert(alert, to: notifiers)]))])
        logger.info("drill begun", metadata: ["alert.id": "\(alert.id)", "notifiers": "\(notifiers.count)"])
        changed()
    }

    private func end(_ drill: Drill, _ record: inout DrillRecord, at now: Date) throws {
        guard let report = drill.report(on: try store.deliveryRecords(of: drill.alert), at: now) else { return }
        record.underWay = nil
        record.last = report
        let alert = composer.drillAlert(reporting: report, at: now)
        let outgoing = report.delivered.isEmpty ? [] : [OutgoingAlert(alert, to: report.delivered)]
        try store.write([.drill(record), .news(News(alerts: outgoing))])
        let isGood = report.delivered.count == report.results.count
        logger.log(level: isGood ? .notice : .error, "drill over", metadata: ["drill.result": "\(report.summary)"])
        changed()
    }
}
