import FoundationEssentials
import GRDB
import TokenHealth
import VigilEngine

extension DeliveryOutcome {
    /// When it was; `nil` for one that is yet to come.
    var date: Date? {
        switch self {
        case .delivered(let at), .overtaken(let at, _), .undeliverable(let at, _): at
        case .postponed, .held: nil
        }
    }
}

extension Database {
    /// Puts an alert into the outbox, behind all others; one that is there already gets further notifiers.
    func enqueue(_ outgoing: OutgoingAlert) throws {
        let (alert, isNew) = try withOwnID(outgoing.alert)
        let created = alert.createdAt.milliseconds
        if isNew {
            try put(
                """
                INSERT INTO alert (id, kind, created_at, document, sequence)
                VALUES (?, ?, ?, ?, (SELECT coalesce(max(sequence), 0) + 1 FROM alert))
                """,
                [alert.id, alert.kind.rawValue, created, try alert.json()]
            )
        }
        for subject in Set(alert.subjects) {
            try put(
                "INSERT INTO alert_subject (subject, alert_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
                [subject, alert.id]
            )
        }
        for notifier in outgoing.notifiers {
            try put(
                """
                INSERT INTO delivery (alert_id, notifier, state, attempts, queued_at, due_at)
                VALUES (?, ?, 'waiting', 0, ?, ?) ON CONFLICT DO NOTHING
                """,
                [alert.id, notifier, created, created]
            )
        }
    }

    /// `alert`, and whether it is new; under another id where another alert has its own: none may vanish for that.
    private func withOwnID(_ alert: Alert) throws -> (Alert, isNew: Bool) {
        let sql = "SELECT kind, created_at, document ->> '$.incident_id' AS incident FROM alert WHERE id = ?"
        guard let known = try Row.fetchOne(cachedStatement(sql: sql), arguments: [alert.id]) else {
            return (alert, true)
        }
        let (kind, created, incident): (String, Int64, String?) = (
            known["kind"], known["created_at"], known["incident"]
        )
        if kind == alert.kind.rawValue, created == alert.createdAt.milliseconds, incident == alert.incidentID {
            return (alert, false)
        }
        let next = try Int64.fetchOne(self, sql: "SELECT coalesce(max(sequence), 0) + 1 FROM alert") ?? 1
        return (alert.renamed("\(alert.id)-\(next)"), true)
    }

    /// Notes what became of an attempt.
    func settle(_ delivery: PendingDelivery, as outcome: DeliveryOutcome) throws {
        let row: (state: String, attempts: Int, due: Date, error: String?, overtakenBy: String?) =
            switch outcome {
            case .delivered: ("delivered", 1, delivery.dueAt, nil, nil)
            case .overtaken(_, let alert): ("delivered", 0, delivery.dueAt, nil, alert)
            case .postponed(let until, let error): ("waiting", 1, until, error, nil)
            case .held(let until): ("waiting", 0, until, delivery.lastError, nil)
            case .undeliverable(_, let error): ("undeliverable", 1, delivery.dueAt, error, nil)
            }
        try put(
            """
            UPDATE delivery SET state = ?, attempts = attempts + ?, due_at = ?, settled_at = ?, last_error = ?,
                overtaken_by = ?
            WHERE alert_id = ? AND notifier = ?
            """,
            [
                row.state, row.attempts, row.due.milliseconds, outcome.date?.milliseconds, row.error,
                row.overtakenBy, delivery.alert.id, delivery.notifier,
            ]
        )
    }

    /// Writes what follows from an attempt.
    func write(_ consequences: Consequences, of delivery: PendingDelivery) throws {
        if let notifier = consequences.handOver { try enqueue(OutgoingAlert(delivery.alert, to: [notifier])) }
        if let alert = consequences.alert { try enqueue(alert) }
        if let change = consequences.notifierIncident { try write(change, ofNotifier: delivery.notifier) }
        if let due = consequences.waitingDueBy?.milliseconds {
            try put(
                "UPDATE delivery SET due_at = ? WHERE notifier = ? AND state = 'waiting' AND due_at > ?",
                [due, delivery.notifier, due]
            )
        }
    }

    /// Writes what becomes of the incident of a notifier.
    func write(_ change: NotifierChange, ofNotifier name: String) throws {
        switch change {
        case .opened(let incident):
            try put(
                "INSERT OR REPLACE INTO notifier_incident (notifier, document) VALUES (?, ?)",
                [name, try incident.json()]
            )
        case .ended:
            try put("DELETE FROM notifier_incident WHERE notifier = ?", [name])
        }
    }
}

/// Reads of the outbox by what alerts are about.
extension Database {
    /// What was decided after an alert about the same subjects or the same incident, in order.
    func later(than alert: Alert, for notifier: String) throws -> [LaterAlert] {
        let subjects = alert.subjects
        let statement = try cachedStatement(
            sql: """
                SELECT alert.document, delivery.state FROM alert JOIN delivery ON delivery.alert_id = alert.id
                WHERE notifier = ? AND sequence > (SELECT sequence FROM alert WHERE id = ?)
                    AND (state = 'waiting' OR (state = 'delivered' AND overtaken_by IS NULL))
                    AND alert.id IN (
                        SELECT id FROM alert WHERE document ->> '$.incident_id' = ?
                        UNION SELECT alert_id FROM alert_subject WHERE subject IN \(places(subjects.count))
                    )
                ORDER BY sequence
                """
        )
        let arguments: [(any DatabaseValueConvertible)?] = [notifier, alert.id, alert.incidentID] + subjects
        return try Row.fetchAll(statement, arguments: StatementArguments(arguments)).compactMap { row in
            let document: String = row["document"]
            let later = try? Wire.decoder().decode(Alert.self, from: Data(document.utf8))
            return later.map { LaterAlert($0, isDelivered: row["state"] == "delivered") }
        }
    }

    /// The first alert decided before another about the same subjects that still waits.
    func firstWaiting(before alert: Alert, for notifier: String) throws -> PendingDelivery? {
        let subjects = alert.subjects
        guard !subjects.isEmpty else { return nil }
        let statement = try cachedStatement(
            sql: """
                SELECT delivery.*, alert.document FROM delivery JOIN alert ON alert.id = delivery.alert_id
                WHERE state = 'waiting' AND notifier = ?
                    AND alert_id IN (SELECT alert_id FROM alert_subject WHERE subject IN \(places(subjects.count)))
                    AND sequence < (SELECT sequence FROM alert WHERE id = ?)
                ORDER BY sequence LIMIT 1
                """
        )
        let arguments = StatementArguments([notifier] + subjects + [alert.id])
        return try Row.fetchOne(statement, arguments: arguments).flatMap(PendingDelivery.init(row:))
    }

    private func places(_ count: Int) -> String {
        "(" + Array(repeating: "?", count: count).joined(separator: ", ") + ")"
    }
}
