package import Crypto
package import FoundationEssentials
package import GRDB
package import TokenHealth
package import VigilEngine

/// Beliefs, history and outbox in SQLite.
///
/// Every write is one transaction that has reached the disk when it returns.
package final class SQLiteHealthStore: HealthStore {
    /// `nil` for a reserve in memory.
    private let directory: StateDirectory?
    let queue: DatabaseQueue
    /// `nil` for a reserve in memory.
    private let identity: DatabaseIdentity?
    /// Where a damaged database was moved at the opening, and why; `nil` when all was well.
    package let setAside: SetAside?
    /// The key of fingerprints, made at the first start.
    package let fingerprintKey: SymmetricKey

    /// A database that was not used.
    package struct SetAside: Sendable, Hashable, CustomStringConvertible {
        package let path: String
        package let cause: String
        /// Whether it was put there while another was in use; else it is damaged.
        package var isForeign = false

        package var description: String {
            isForeign
                ? "a database that took the place of the one in use is set aside as \(path)"
                : "the database was damaged (\(cause)) and is set aside as \(path)"
        }
    }

    /// Opens the database in the state directory `path`, creating it or starting anew as needed.
    ///
    /// - Throws: ``StorageError`` when the directory or the database cannot be used, and is not damaged either.
    package convenience init(directory path: String, now: Date) throws {
        try self.init(directory: path, now: now, restoring: nil)
    }

    /// The same, after the database of this process was put in its place again, where it has `lost` it.
    init(directory path: String, now: Date, restoring lost: LostDatabase?) throws {
        let directory = try StateDirectory(path: path)
        var setAside = try lost?.restore(in: directory, now: now)
        let opened: DatabaseQueue
        do {
            opened = try SQLiteHealthStore.open(directory)
        } catch let error as DatabaseError where error.meansDamage {
            let cause = "\(error.message ?? "\(error.resultCode)")"
            // On a disk that takes nothing a sound database cannot be opened either.
            try directory.tryToWrite()
            let target = try directory.setAside(suffix: "damaged-\(Int(now.timeIntervalSince1970))", cause: cause)
            setAside = SetAside(path: target, cause: cause)
            opened = try SQLiteHealthStore.open(directory)
        } catch let error as DatabaseError {
            let cause = error.message ?? "\(error.resultCode)"
            throw StorageError.unopenable(path: directory.database, cause: StorageCause(cause))
        }
        self.directory = directory
        self.setAside = setAside
        queue = opened
        fingerprintKey = try opened.write { try SQLiteHealthStore.fingerprintKey(in: $0) }
        identity = DatabaseIdentity(of: directory.database)
    }

    /// A store in memory, with what can be read of a database on disk.
    init(reserveOf source: DatabaseQueue?) throws {
        directory = nil
        identity = nil
        setAside = nil
        queue = try DatabaseQueue()
        try Schema.migrator.migrate(queue)
        if let source { try TableCopy(from: source, to: queue).run() }
        fingerprintKey = try queue.write { try SQLiteHealthStore.fingerprintKey(in: $0) }
    }

    private static func open(_ directory: StateDirectory) throws -> DatabaseQueue {
        try directory.prepareDatabaseFile()
        // Before anything is written to it.
        if isNewer(directory.database) { throw StorageError.newer(path: directory.database) }
        var configuration = Configuration()
        configuration.journalMode = .wal
        // Who waits here keeps everybody waiting; there is a reserve for what lasts longer.
        configuration.busyMode = .timeout(0.5)
        // Of a new database, pages that have become free can be given back (https://www.sqlite.org/pragma.html).
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA auto_vacuum = INCREMENTAL") }
        let queue = try DatabaseQueue(path: directory.database, configuration: configuration)
        // GRDB relaxes `synchronous` when it switches to WAL; an alert that was promised must survive a power cut.
        // A log of many pages could fill a small disk, and would then have no room to be brought into the database.
        try queue.writeWithoutTransaction {
            try $0.execute(sql: "PRAGMA synchronous = FULL")
            try $0.execute(sql: "PRAGMA wal_autocheckpoint = 200")
        }
        let verdict = try queue.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
        guard verdict == "ok" else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: verdict ?? "quick_check says nothing")
        }
        try Schema.migrator.migrate(queue)
        return queue
    }

    /// Whether a newer version of this program has written the database; `false` where that cannot be read.
    private static func isNewer(_ path: String) -> Bool {
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(1)
        guard let queue = try? DatabaseQueue(path: path, configuration: configuration) else { return false }
        return (try? queue.read(Schema.migrator.hasBeenSuperseded)) ?? false
    }

    private static func fingerprintKey(in database: Database) throws -> SymmetricKey {
        let sql = "SELECT value FROM setting WHERE name = 'fingerprint_key'"
        if let row = try Row.fetchOne(database, sql: sql) {
            let bytes: Data = row["value"]
            if bytes.count == 32 { return SymmetricKey(data: bytes) }
        }
        let key = SymmetricKey(size: .bits256)
        try database.keep(key)
        return key
    }

    // MARK: - Health

    package func load() throws -> [TokenName: StoredToken] {
        try read { database in
            var tokens: [TokenName: StoredToken] = [:]
            // Of very many tokens most are alike, and what is alike is kept once.
            var model: Belief?
            let decoder = Wire.decoder()
            let newest = try Int64.fetchOne(database, sql: "SELECT max(end_at) FROM validity") ?? 0
            let intervals = try database.makeStatement(
                sql: "SELECT * FROM validity WHERE token_id = ? AND end_at > ? ORDER BY start_at"
            )
            let rows = try Row.fetchCursor(database, sql: "SELECT id, name, belief FROM token")
            while let row = try rows.next() {
                let document: String = row["belief"]
                // A belief that cannot be read is a token not looked at yet: better than a daemon that does not start.
                guard let name = TokenName(row["name"]),
                    var belief = try? decoder.decode(Belief.self, from: Data(document.utf8))
                else { continue }
                if let model { belief.share(with: model) }
                model = belief
                let id: Int64 = row["id"]
                let lately = try Row.fetchAll(intervals, arguments: [id, newest - 30 * 86_400_000])
                tokens[name] =
                    StoredToken(belief: belief, intervals: lately.compactMap(ValidityInterval.init(row:)))
                    .completed
            }
            return tokens
        }
    }

    package func commit(_ change: HealthChange) throws { try write([.change(change)]) }

    package func commit(_ news: News) throws { try write([.news(news)]) }

    package func write(_ writes: [StoreWrite]) throws {
        guard !writes.isEmpty else { return }
        try transaction { database in
            for write in writes { try database.perform(write) }
        }
    }

    /// Writes in one transaction; a full disk gets a second chance.
    private func transaction(_ body: (Database) throws -> Void) throws {
        try identity?.check()
        defer { identity?.noteWrite() }
        do {
            try queue.write(body)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            // The write-ahead log may hold the room that is missing.
            try queue.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
            try queue.write(body)
        }
        // Nobody reads the long record from a reserve, and memory is dear.
        if directory == nil { try queue.write { try $0.execute(sql: TableCopy.thinning) } }
    }

    package func untold() throws -> UntoldNews {
        try read { try UntoldNews(in: $0) }
    }

    package func confirm(_ sightings: [Sighting]) throws { try write([.sightings(sightings)]) }

    /// Puts an alert that belongs to no token, such as a test, into the outbox.
    package func enqueue(_ outgoing: OutgoingAlert) throws {
        try transaction { try $0.enqueue(outgoing) }
    }

    // MARK: - Outbox

    package func deliveries(for notifier: String, dueAt now: Date, limit: Int) throws -> [PendingDelivery] {
        // A row due absurdly far ahead was written before the clock was set back: it is due now.
        let horizon = now.advanced(by: RetryAfter.cap * 2)
        let rows = try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT delivery.*, alert.document FROM (
                        SELECT alert_id AS chosen FROM delivery JOIN alert ON alert.id = alert_id
                        WHERE state = 'waiting' AND notifier = ?1 AND (due_at <= ?2 OR due_at > ?3)
                        ORDER BY queued_at, sequence LIMIT ?4
                    ) JOIN delivery ON delivery.alert_id = chosen AND notifier = ?1 JOIN alert ON alert.id = chosen
                    ORDER BY queued_at, sequence
                    """,
                arguments: [notifier, now.milliseconds, horizon.milliseconds, limit]
            )
        }
        let deliveries = rows.compactMap(PendingDelivery.init(row:))
        guard deliveries.count < rows.count else { return deliveries }
        // An alert that cannot be read, after a downgrade perhaps, must not stand before the others for ever.
        try transaction { database in
            for row in rows where PendingDelivery(row: row) == nil {
                try database.setAside(alert: row["alert_id"], for: notifier, at: now)
            }
        }
        return try self.deliveries(for: notifier, dueAt: now, limit: limit)
    }

    package func nextDelivery(for notifier: String) throws -> Date? {
        try read { database in
            try Int64.fetchOne(
                database,
                sql: "SELECT min(due_at) FROM delivery WHERE state = 'waiting' AND notifier = ?",
                arguments: [notifier]
            ).map(Date.init(milliseconds:))
        }
    }

    package func settle(
        _ delivery: PendingDelivery,
        as outcome: DeliveryOutcome,
        with consequences: Consequences
    ) throws {
        try write([.settlement(delivery, outcome, consequences)])
    }

    package func waiting(for notifier: String, about incident: String) throws -> [PendingDelivery] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT delivery.*, alert.document FROM delivery JOIN alert ON alert.id = delivery.alert_id
                    WHERE delivery.state = 'waiting' AND notifier = ? AND alert.document ->> '$.incident_id' = ?
                    ORDER BY queued_at, sequence
                    """,
                arguments: [notifier, incident]
            ).compactMap(PendingDelivery.init(row:))
        }
    }

    package func knows(_ notifier: String, of incident: String) throws -> Bool {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT alert.document FROM delivery JOIN alert ON alert.id = delivery.alert_id
                    WHERE notifier = ? AND alert.document ->> '$.incident_id' = ?
                        AND (state = 'waiting' OR (state = 'delivered' AND overtaken_by IS NULL))
                    """,
                arguments: [notifier, incident]
            ).contains { row in
                let document: String = row["document"]
                let alert = try? Wire.decoder().decode(Alert.self, from: Data(document.utf8))
                return alert.map { $0.kind.opens && !$0.endsIncident } ?? false
            }
        }
    }

    package func later(than alert: Alert, for notifier: String) throws -> [LaterAlert] {
        try queue.read { try $0.later(than: alert, for: notifier) }
    }

    package func firstWaiting(before alert: Alert, for notifier: String) throws -> PendingDelivery? {
        try queue.read { try $0.firstWaiting(before: alert, for: notifier) }
    }

    package func overtaken(by alert: Alert, for notifier: String) throws -> [Alert] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT delivery.*, alert.document FROM delivery JOIN alert ON alert.id = delivery.alert_id
                    WHERE overtaken_by = ? AND notifier = ? ORDER BY queued_at, sequence
                    """,
                arguments: [alert.id, notifier]
            ).compactMap { PendingDelivery(row: $0)?.alert }
        }
    }

    package func failingNotifiers() throws -> [String: Incident] {
        try read { database in
            var incidents: [String: Incident] = [:]
            for row in try Row.fetchAll(database, sql: "SELECT * FROM notifier_incident") {
                let document: String = row["document"]
                incidents[row["notifier"]] = try? Wire.decoder().decode(Incident.self, from: Data(document.utf8))
            }
            return incidents
        }
    }

    package func lostAlerts(since: Date) throws -> [LostAlert] {
        try queue.read { try OutboxQueries.lost(since: since, in: $0) }
    }

    package func notifierReports() throws -> [String: NotifierReport] {
        try read { try OutboxQueries.reports(in: $0) }
    }

    package func deliveryRecords(of alert: String) throws -> [DeliveryRecord] {
        try read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT * FROM delivery WHERE alert_id = ? ORDER BY notifier",
                arguments: [alert]
            ).map(DeliveryRecord.init(row:))
        }
    }

    package func drill() throws -> DrillRecord? { try read { try DrillRecord(in: $0) } }

    package func keep(_ drill: DrillRecord) throws { try write([.drill(drill)]) }

    package func hosts() throws -> HostMemory { try queue.read { try HostMemory(in: $0) } }

    package func keep(_ hosts: HostMemory) throws { try write([.hosts(hosts)]) }

    package func prune(before limit: Date, after step: PruningStep?) throws -> PruningStep? {
        try queue.write { try $0.prune(before: limit, after: step) }
    }

    /// This database, where its files are no more where they were.
    var lost: LostDatabase? {
        guard let identity, (try? identity.check()) == nil else { return nil }
        return LostDatabase(queue, identity: identity)
    }

    /// Reads what is on disk.
    ///
    /// - Throws: ``StorageError/replaced(path:)`` where that is no more what this has open, and what SQLite throws.
    package func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try identity?.check()
        return try queue.read(body)
    }
}

extension DatabaseError {
    /// Whether the file itself is bad, rather than the disk, the directory, or another process.
    var meansDamage: Bool {
        switch resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: true
        default: false
        }
    }
}

extension DatabaseQueue {
    /// Whether nothing was ever kept in it.
    var isEmptyStore: Bool {
        get throws { try read { try Int.fetchOne($0, sql: "SELECT count(*) FROM token") == 0 } }
    }
}
