import FoundationEssentials
import GRDB
import TokenHealth
import VigilEngine

extension DeliveryOutcome {
    /// When it was; `nil` for one that is yet to come.
    var date: Date? {
        switch self {
        case .delivered(let at), .overtaken(let at, _), .undeliverable(let at, _): at
        case .postponed: nil
        }
    }
}

extension Database {
    /// Notes what became of an attempt.
    func settle(_ delivery: PendingDelivery, as outcome: DeliveryOutcome) throws {
        let row: (state: String, due: Date, error: String?, overtakenBy: String?) =
            switch outcome {
            case .delivered: ("delivered", delivery.dueAt, nil, nil)
            case .overtaken(_, let alert): ("delivered", delivery.dueAt, nil, alert)
            case .postponed(let until, let error): ("waiting", until, error, nil)
            case .undeliverable(_, let error): ("undeliverable", delivery.dueAt, error, nil)
            }
        try put(
            """
            UPDATE delivery SET state = ?, attempts = attempts + ?, due_at = ?, settled_at = ?, last_error = ?,
                overtaken_by = ?
            WHERE alert_id = ? AND notifier = ?
            """,
            [
                row.state, row.overtakenBy == nil ? 1 : 0, row.due.milliseconds, outcome.date?.milliseconds, row.error,
                row.overtakenBy, delivery.alert.id, delivery.notifier,
            ]
        )
    }

    /// Writes what follows from an attempt.
    func write(_ consequences: Consequences, of delivery: PendingDelivery) throws {
        if let notifier = consequences.handOver { try enqueue(OutgoingAlert(delivery.alert, to: [notifier])) }
        if let alert = consequences.alert { try enqueue(alert) }
        switch consequences.notifierIncident {
        case .opened(let incident):
            try put(
                "INSERT OR REPLACE INTO notifier_incident (notifier, document) VALUES (?, ?)",
                [delivery.notifier, try incident.json()]
            )
        case .ended:
            try put("DELETE FROM notifier_incident WHERE notifier = ?", [delivery.notifier])
        case nil:
            break
        }
    }
}
