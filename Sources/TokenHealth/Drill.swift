package import FoundationEssentials

/// What is remembered of drills across restarts.
package struct DrillRecord: Sendable, Hashable, Codable {
    /// The schedule that ``dueAt`` follows.
    package var schedule: String
    package var dueAt: Date
    /// The drill that is not over yet.
    package var underWay: Drill?
    package var last: DrillReport?

    package init(schedule: String, dueAt: Date, underWay: Drill? = nil, last: DrillReport? = nil) {
        self.schedule = schedule
        self.dueAt = dueAt
        self.underWay = underWay
        self.last = last
    }
}

/// One test of all the ways to people.
package struct Drill: Sendable, Hashable, Codable {
    package var alert: String
    package var startedAt: Date
    package var notifiers: [String]

    package init(alert: String, startedAt: Date, notifiers: [String]) {
        self.alert = alert
        self.startedAt = startedAt
        self.notifiers = notifiers
    }
}

/// What a drill has shown.
package struct DrillReport: Sendable, Hashable, Codable {
    /// What became of the test alert at one notifier.
    package struct Result: Sendable, Hashable, Codable {
        package var notifier: String
        /// How long it took, in seconds; `nil` where it did not arrive.
        package var seconds: Double?
        package var error: String?

        package init(notifier: String, seconds: Double? = nil, error: String? = nil) {
            self.notifier = notifier
            self.seconds = seconds
            self.error = error
        }

        /// `mail in 0.4 s`, or `mail FAILED (HTTP 503)`.
        package var text: String {
            guard let seconds else { return "\(notifier) FAILED (\(error ?? "for no known reason"))" }
            let tenths = (seconds * 10).rounded() / 10
            return "\(notifier) in \(tenths < 100 ? "\(tenths)" : "\(Int(tenths))") s"
        }
    }

    package var startedAt: Date
    package var finishedAt: Date
    /// By name of the notifier.
    package var results: [Result]

    package init(startedAt: Date, finishedAt: Date, results: [Result]) {
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.results = results
    }

    package var delivered: [String] { results.filter { $0.seconds != nil }.map(\.notifier) }

    /// As in `2 of 3 notifiers delivered: mail failed`.
    package var summary: String {
        let failedFirst = results.filter { $0.seconds == nil } + results.filter { $0.seconds != nil }
        let all = failedFirst.map(\.text).joined(separator: ", ")
        return "\(delivered.count) of \(results.count) notifiers delivered: \(all)"
    }
}

/// What became of an alert at one notifier.
package struct DeliveryRecord: Sendable, Hashable {
    package var notifier: String
    package var queuedAt: Date
    /// When it was delivered; `nil` where it was not.
    package var deliveredAt: Date?
    /// Whether no further attempt is made.
    package var isSettled: Bool
    package var lastError: String?

    package init(
        notifier: String,
        queuedAt: Date,
        deliveredAt: Date? = nil,
        isSettled: Bool = false,
        lastError: String? = nil
    ) {
        self.notifier = notifier
        self.queuedAt = queuedAt
        self.deliveredAt = deliveredAt
        self.isSettled = isSettled
        self.lastError = lastError
    }
}

extension Drill {
    /// Longest time that a notifier has.
    package static let patience = Duration.seconds(900)

    /// What it has shown; `nil` while that may still change.
    package func report(on records: [DeliveryRecord], at now: Date) -> DrillReport? {
        let isOverdue = now.timeIntervalSince(startedAt) >= Drill.patience.inSeconds
        let byNotifier = Dictionary(records.map { ($0.notifier, $0) }) { first, _ in first }
        let isOver = notifiers.allSatisfy { byNotifier[$0]?.isSettled ?? false }
        guard isOver || isOverdue else { return nil }
        let results = notifiers.sorted().map { name in
            guard let record = byNotifier[name] else { return DrillReport.Result(notifier: name, error: "never sent") }
            if let at = record.deliveredAt {
                return DrillReport.Result(notifier: name, seconds: max(0, at.timeIntervalSince(record.queuedAt)))
            }
            let late = record.isSettled ? "" : "not within \(Drill.patience.short): "
            return DrillReport.Result(notifier: name, error: late + (record.lastError ?? "no attempt has ended"))
        }
        return DrillReport(startedAt: startedAt, finishedAt: now, results: results)
    }
}

extension Alert {
    private static let drillReportPrefix = "drill-report-"

    /// Whether it tells what a drill has shown.
    package var isDrillReport: Bool { kind == .test && id.hasPrefix(Alert.drillReportPrefix) }

    fileprivate static func drillReportID(_ report: DrillReport) -> String {
        drillReportPrefix + report.startedAt.compactUTC
    }
}

extension AlertComposer {
    /// The alert of a drill.
    package func drillAlert(at now: Date) -> Alert {
        Alert(
            id: "drill-\(now.compactUTC)",
            kind: .test,
            severity: AlertKind.test.severity,
            createdAt: now,
            summary: "DRILL on \(host): this is how an alert arrives",
            host: host
        )
    }

    /// The alert that tells what a drill has shown.
    package func drillAlert(reporting report: DrillReport, at now: Date) -> Alert {
        Alert(
            id: Alert.drillReportID(report),
            kind: .test,
            severity: AlertKind.test.severity,
            createdAt: now,
            summary: "DRILL on \(host): \(report.summary)",
            host: host
        )
    }
}
