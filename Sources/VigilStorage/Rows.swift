import FoundationEssentials
import GRDB
import TokenHealth
import VigilEngine

extension Date {
    /// Whole milliseconds since 1970.
    var milliseconds: Int64 { Int64((timeIntervalSince1970 * 1000).rounded()) }

    init(milliseconds: Int64) {
        self.init(timeIntervalSince1970: Double(milliseconds) / 1000)
    }
}

extension Encodable {
    func json() throws -> String { try Wire.stored(self) }
}

extension Database {
    /// Executes a statement that is compiled once: a storm of news, or a start with very many tokens, is the same few
    /// statements again and again.
    func put(_ sql: String, _ arguments: StatementArguments) throws {
        try cachedStatement(sql: sql).execute(arguments: arguments)
    }

    /// Writes a belief; the row's id comes back.
    func upsert(_ belief: Belief, of token: TokenName) throws -> Int64 {
        let upsert = try cachedStatement(
            sql: """
                INSERT INTO token (name, belief) VALUES (?, ?)
                ON CONFLICT (name) DO UPDATE SET belief = excluded.belief RETURNING id
                """
        )
        let id = try Int64.fetchOne(upsert, arguments: [token.text, try belief.json()])
        guard let id else { throw DatabaseError(resultCode: .SQLITE_INTERNAL, message: "no id for \(token)") }
        return id
    }

    func write(_ interval: ValidityInterval, of token: Int64) throws {
        let start = interval.start.milliseconds
        try put(
            """
            INSERT INTO validity (token_id, start_at, end_at, state, reason) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT (token_id, start_at)
            DO UPDATE SET end_at = excluded.end_at, state = excluded.state, reason = excluded.reason
            """,
            [token, start, max(start, interval.end.milliseconds), interval.state.rawValue, interval.reason]
        )
    }

    func insert(_ transition: Transition, of token: Int64) throws {
        try put(
            """
            INSERT INTO transition (token_id, at, from_state, to_state, reason, explanation, fingerprint)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            [
                token, transition.at.milliseconds, transition.from.rawValue, transition.to.rawValue,
                transition.reason, transition.explanation, transition.fingerprint?.text,
            ]
        )
    }

    func write(_ incident: Incident, _ belief: Belief, certificate: DeathCertificate?, of token: Int64) throws {
        try put(
            """
            INSERT INTO incident
                (id, token_id, kind, opened_at, last_accepted_at, first_rejected_at, explanation, shared_id, certificate)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, explanation = excluded.explanation,
                shared_id = excluded.shared_id,
                first_rejected_at = coalesce(first_rejected_at, excluded.first_rejected_at),
                certificate = coalesce(certificate, excluded.certificate)
            """,
            [
                incident.id, token, incident.kind.rawValue, incident.openedAt.milliseconds,
                belief.lastAcceptedAt?.milliseconds, belief.firstRejectedAt?.milliseconds, belief.explanation,
                incident.sharedID,
                try certificate?.json(),
            ]
        )
    }

    func close(_ incident: Incident, by fingerprint: Fingerprint?, at now: Date) throws {
        try put(
            """
            UPDATE incident SET closed_at = max(opened_at, ?), closed_fingerprint = ?
            WHERE id = ? AND closed_at IS NULL
            """,
            [now.milliseconds, fingerprint?.text, incident.id]
        )
    }
}

extension Database {
    /// Gives up an alert that cannot be read: listed and counted, like any other that is undeliverable.
    func setAside(alert: String, for notifier: String, at now: Date) throws {
        try put(
            """
            UPDATE delivery SET state = 'undeliverable', settled_at = ?, last_error = 'the alert cannot be read'
            WHERE alert_id = ? AND notifier = ?
            """,
            [now.milliseconds, alert, notifier]
        )
    }
}

extension ValidityInterval {
    init?(row: Row) {
        guard let state = StateName(rawValue: row["state"]) else { return nil }
        self.init(
            start: Date(milliseconds: row["start_at"]),
            end: Date(milliseconds: row["end_at"]),
            state: state,
            reason: row["reason"]
        )
    }
}

extension PendingDelivery {
    init?(row: Row) {
        let document: String = row["document"]
        guard let alert = try? Wire.decoder().decode(Alert.self, from: Data(document.utf8)) else { return nil }
        self.init(
            alert: alert,
            notifier: row["notifier"],
            attempts: row["attempts"],
            dueAt: Date(milliseconds: row["due_at"]),
            lastError: row["last_error"]
        )
    }
}

/// Reads of the outbox that the daemon and the command line share.
enum OutboxQueries {
    static func reports(in database: Database) throws -> [String: NotifierReport] {
        let sql = """
            SELECT notifier,
                sum(state = 'waiting') AS pending,
                min(CASE WHEN state = 'waiting' THEN queued_at END) AS oldest,
                max(CASE WHEN state = 'delivered' THEN settled_at END) AS delivered,
                max(CASE WHEN state = 'undeliverable' THEN settled_at END) AS undeliverable,
                max(CASE WHEN state = 'waiting' THEN attempts END) AS attempts
            FROM delivery GROUP BY notifier
            """
        var reports: [String: NotifierReport] = [:]
        for row in try Row.fetchAll(database, sql: sql) {
            let notifier: String = row["notifier"]
            let delivered: Int64? = row["delivered"]
            let undeliverable: Int64? = row["undeliverable"]
            let attempts: Int = row["attempts"] ?? 0
            let isFailing = attempts > 0 || (undeliverable ?? .min) > (delivered ?? .min)
            let oldest: Int64? = row["oldest"]
            reports[notifier] = NotifierReport(
                state: isFailing ? .failing : .ok,
                pending: row["pending"],
                oldestPendingAt: oldest.map(Date.init(milliseconds:)),
                lastDeliveredAt: delivered.map(Date.init(milliseconds:)),
                lastError: isFailing ? try lastError(of: notifier, in: database) : nil
            )
        }
        return reports
    }

    static func lost(since: Date, in database: Database) throws -> [LostAlert] {
        let sql = """
            SELECT coalesce(alert.document ->> '$.summary', alert.id) AS summary, notifier, settled_at, last_error
            FROM delivery JOIN alert ON alert.id = delivery.alert_id
            WHERE state = 'undeliverable' AND settled_at >= ? AND kind <> 'test' AND NOT EXISTS (
                SELECT 1 FROM delivery AS other
                WHERE other.alert_id = delivery.alert_id AND other.state <> 'undeliverable'
            )
            ORDER BY settled_at, sequence
            """
        return try Row.fetchAll(database, sql: sql, arguments: [since.milliseconds]).map { row in
            LostAlert(
                summary: row["summary"],
                notifier: row["notifier"],
                at: Date(milliseconds: row["settled_at"]),
                error: row["last_error"]
            )
        }
    }

    private static func lastError(of notifier: String, in database: Database) throws -> String? {
        try String.fetchOne(
            database,
            sql: """
                SELECT last_error FROM delivery WHERE notifier = ? AND last_error IS NOT NULL
                ORDER BY settled_at IS NULL DESC, coalesce(settled_at, due_at) DESC LIMIT 1
                """,
            arguments: [notifier]
        )
    }
}
