package import FoundationEssentials
import GRDB
package import TokenHealth
import VigilEngine

/// Reads the database of a daemon, running or not, for the command line.
///
/// It writes nothing.
package struct HistoryReader {
    private let queue: DatabaseQueue
    private let path: String

    /// Rows of each kind that a token has in any case.
    private static let fewest = 20

    /// Opens the database in a state directory.
    ///
    /// - Throws: ``StorageError/unreadable(path:cause:)``, as every method does.
    package init(directory: String) throws {
        path = "\(directory)/state.db"
        try DatabaseFiles.check(path)
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        queue = try HistoryReader.explaining(path) { [path] in
            try DatabaseQueue(path: path, configuration: configuration)
        }
    }

    /// The record of one token.
    package struct Record: Sendable, Hashable, Encodable {
        package let token: TokenName
        package let intervals: [ValidityInterval]
        package let transitions: [Transition]
        package let deaths: [Death]
        package let uptime: Uptime
        /// What people did about it, oldest first.
        package let interventions: [Intervention]
        /// Whether older rows were left out, because there are too many; `nil` where none were.
        package var truncated: Bool?

        /// The same record, the last interval lengthened to a look that has found the same state.
        package func continued(as state: StateName, until seen: Date) -> Record {
            guard var last = intervals.last, last.state == state, last.end < seen else { return self }
            last.end = seen
            return Record(
                token: token,
                intervals: intervals.dropLast() + [last],
                transitions: transitions,
                deaths: deaths,
                uptime: uptime,
                interventions: interventions,
                truncated: truncated
            )
        }
    }

    /// One incident, from its opening to its end: the death certificate.
    package struct Death: Sendable, Hashable, Encodable {
        package let incident: String
        package let kind: AlertKind
        package let openedAt: Date
        package let closedAt: Date?
        package let lastAcceptedAt: Date?
        package let firstRejectedAt: Date?
        package let explanation: String
        /// Of a confirmed death only.
        package let certificate: DeathCertificate?
        package let repair: Repair?

        /// How an incident ended.
        package enum Repair: String, Sendable, Hashable, Codable {
            case newSecret = "new_secret"
            /// Nothing was replaced: the provider takes the same secret again.
            case sameSecret = "same_secret"
        }

        /// How long the secret lived, in whole seconds.
        private var livedSeconds: Int? { certificate?.lived.map { Int($0.components.seconds) } }

        private enum CodingKeys: String, CodingKey {
            case incident, kind, explanation, certificate, repair
            case livedSeconds = "lived_s"
            case openedAt = "opened_at"
            case closedAt = "closed_at"
            case lastAcceptedAt = "last_accepted_at"
            case firstRejectedAt = "first_rejected_at"
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(incident, forKey: .incident)
            try container.encode(kind, forKey: .kind)
            try container.encode(openedAt, forKey: .openedAt)
            try container.encode(closedAt, forKey: .closedAt)
            try container.encode(lastAcceptedAt, forKey: .lastAcceptedAt)
            try container.encode(firstRejectedAt, forKey: .firstRejectedAt)
            try container.encode(explanation, forKey: .explanation)
            try container.encode(livedSeconds, forKey: .livedSeconds)
            try container.encode(repair, forKey: .repair)
            try container.encode(certificate, forKey: .certificate)
        }
    }

    /// A delivery that waits, or was given up.
    package struct OutboxRow: Sendable, Hashable, Codable {
        package let alert: String
        package let kind: String
        package let summary: String
        package let notifier: String
        package let state: String
        package let queuedAt: Date
        package let dueAt: Date
        package let attempts: Int
        package let lastError: String?

        private enum CodingKeys: String, CodingKey {
            case alert, kind, summary, notifier, state, attempts
            case queuedAt = "queued_at"
            case dueAt = "due_at"
            case lastError = "last_error"
        }

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(alert, forKey: .alert)
            try container.encode(kind, forKey: .kind)
            try container.encode(summary, forKey: .summary)
            try container.encode(notifier, forKey: .notifier)
            try container.encode(state, forKey: .state)
            try container.encode(queuedAt, forKey: .queuedAt)
            try container.encode(dueAt, forKey: .dueAt)
            try container.encode(attempts, forKey: .attempts)
            try container.encode(lastError, forKey: .lastError)
        }
    }

    /// The records of all tokens, or of the one named, from `since` on.
    ///
    /// - Parameters:
    ///   - name: the token; `nil` for all.
    ///   - since: what ended earlier is left out.
    ///   - now: the end of the shares of time.
    ///   - most: about how many intervals, transitions and incidents each there may be in all: an API that changes its mind
    ///     every minute writes millions. The newest are kept, for each token its share. `nil` for all of them.
    /// - Returns: them, in the order of the names.
    /// - Throws: ``StorageError/unreadable(path:cause:)``.
    package func records(of name: TokenName?, since: Date, now: Date, most: Int? = nil) throws -> [Record] {
        try read { database in
            let tokens = try Row.fetchAll(
                database,
                sql: "SELECT id, name FROM token WHERE ?1 IS NULL OR name = ?1 ORDER BY name",
                arguments: [name?.text]
            )
            let share = most.map { max(HistoryReader.fewest, $0 / max(1, tokens.count)) }
            return try tokens.compactMap { row in
                try TokenName(row["name"]).map {
                    try record(of: $0, id: row["id"], since: since, now: now, most: share, in: database)
                }
            }
        }
    }

    /// How each of the last days went for each token.
    ///
    /// One token's intervals are in memory at a time: those of many may be millions.
    package func dayBars(days: Int, until now: Date) throws -> [TokenName: DayBar] {
        try read { database in
            let rows = try Row.fetchCursor(
                database,
                sql: """
                    SELECT token.name, validity.* FROM validity JOIN token ON token.id = validity.token_id
                    WHERE end_at >= ? ORDER BY token_id, start_at
                    """,
                arguments: [DayBar.firstDay(of: days, until: now).milliseconds]
            )
            var bars: [TokenName: DayBar] = [:]
            var (current, intervals) = (TokenName?.none, [ValidityInterval]())
            func finish() {
                if let current { bars[current] = DayBar(of: intervals, days: days, until: now) }
            }
            while let row = try rows.next() {
                guard let name = TokenName(row["name"]), let interval = ValidityInterval(row: row) else { continue }
                if name != current {
                    finish()
                    (current, intervals) = (name, [])
                }
                intervals.append(interval)
            }
            finish()
            return bars
        }
    }

    /// Everything in the outbox that has not been delivered, oldest first.
    package func outbox() throws -> [OutboxRow] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT delivery.*, alert.kind, coalesce(alert.document ->> '$.summary', alert.id) AS summary
                    FROM delivery JOIN alert ON alert.id = delivery.alert_id
                    WHERE delivery.state <> 'delivered' ORDER BY queued_at, notifier
                    """
            ).map { row in
                OutboxRow(
                    alert: row["alert_id"],
                    kind: row["kind"],
                    summary: row["summary"],
                    notifier: row["notifier"],
                    state: row["state"],
                    queuedAt: Date(milliseconds: row["queued_at"]),
                    dueAt: Date(milliseconds: row["due_at"]),
                    attempts: row["attempts"],
                    lastError: row["last_error"]
                )
            }
        }
    }

    /// What is believed of a token; `nil` for one that was never looked at.
    package func belief(of name: TokenName) throws -> Belief? {
        try read { database in
            let sql = "SELECT belief FROM token WHERE name = ?"
            let document = try String.fetchOne(database, sql: sql, arguments: [name.text])
            return document.flatMap { try? Wire.decoder().decode(Belief.self, from: Data($0.utf8)) }
        }
    }

    /// What the last drill has shown; `nil` where there was none.
    package func lastDrill() throws -> DrillReport? {
        try read { try DrillRecord(in: $0)?.last }
    }

    private func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try HistoryReader.explaining(path) { try queue.read(body) }
    }

    /// Puts an error of SQLite into a sentence for a person.
    private static func explaining<Value>(_ path: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch let error as DatabaseError {
            throw StorageError.unreadable(path: path, cause: error.message ?? "\(error.resultCode)")
        }
    }

    private func record(
        of name: TokenName,
        id: Int64,
        since: Date,
        now: Date,
        most: Int?,
        in database: Database
    ) throws -> Record {
        let from = since.milliseconds
        // One more than may be: then some were left out. For SQLite a negative number is no limit.
        let limit = most.map { $0 + 1 } ?? -1
        // The shares of a day, a week and a month need their time, however short the history that is asked for.
        let month = now.addingTimeInterval(-30 * 86_400)
        let rows = try Row.fetchCursor(
            database,
            sql: "SELECT * FROM validity WHERE token_id = ? AND end_at >= ? ORDER BY start_at",
            arguments: [id, min(from, month.milliseconds)]
        )
        var intervals: [ValidityInterval] = []
        while let row = try rows.next() { ValidityInterval(row: row).map { intervals.append($0) } }
        let transitions = try Row.fetchAll(
            database,
            sql: "SELECT * FROM transition WHERE token_id = ? AND at >= ? ORDER BY at DESC, id DESC LIMIT ?",
            arguments: [id, from, limit]
        ).reversed().compactMap(Transition.init(row:))
        let deaths = try Row.fetchAll(
            database,
            sql: """
                SELECT * FROM incident WHERE token_id = ? AND coalesce(closed_at >= ?, true)
                ORDER BY opened_at DESC LIMIT ?
                """,
            arguments: [id, from, limit]
        ).reversed().compactMap(Death.init(row:))
        let shown = intervals.filter { $0.end.milliseconds >= from }
        let most = most ?? .max
        return Record(
            token: name,
            intervals: Array(shown.suffix(most)),
            transitions: Array(transitions.suffix(most)),
            deaths: Array(deaths.suffix(most)),
            uptime: Uptime(of: intervals, at: now),
            interventions: try interventions(of: name, since: from, in: database),
            truncated: max(shown.count, transitions.count, deaths.count) > most ? true : nil
        )
    }

    private func interventions(of name: TokenName, since: Int64, in database: Database) throws -> [Intervention] {
        // A database that no daemon of this version has opened yet has none.
        guard try database.tableExists("intervention") else { return [] }
        return try String.fetchAll(
            database,
            sql: "SELECT document FROM intervention WHERE token = ? AND at >= ? ORDER BY at, id",
            arguments: [name.text, since]
        ).compactMap { try? Wire.decoder().decode(Intervention.self, from: Data($0.utf8)) }
    }
}

extension Transition {
    init?(row: Row) {
        guard let from = StateName(rawValue: row["from_state"]), let to = StateName(rawValue: row["to_state"]) else {
            return nil
        }
        let fingerprint: String? = row["fingerprint"]
        self.init(
            at: Date(milliseconds: row["at"]),
            from: from,
            to: to,
            reason: row["reason"],
            explanation: row["explanation"],
            fingerprint: fingerprint.map(Fingerprint.init(text:))
        )
    }
}

extension HistoryReader.Death {
    fileprivate init?(row: Row) {
        guard let kind = AlertKind(rawValue: row["kind"]) else { return nil }
        func date(_ column: String) -> Date? {
            let value: Int64? = row[column]
            return value.map(Date.init(milliseconds:))
        }
        incident = row["id"]
        self.kind = kind
        openedAt = Date(milliseconds: row["opened_at"])
        closedAt = date("closed_at")
        lastAcceptedAt = date("last_accepted_at")
        firstRejectedAt = date("first_rejected_at")
        explanation = row["explanation"]
        let document: String? = row["certificate"]
        certificate = document.flatMap { try? Wire.decoder().decode(DeathCertificate.self, from: Data($0.utf8)) }
        let closer: String? = row["closed_fingerprint"]
        let isSame = closer == certificate?.fingerprint?.text
        repair = certificate == nil || closer == nil ? nil : isSame ? .sameSecret : .newSecret
    }
}
