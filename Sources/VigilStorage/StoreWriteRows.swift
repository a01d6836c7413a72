import Crypto
import FoundationEssentials
import GRDB
import TokenHealth
import VigilEngine

extension DrillRecord {
    /// Reads what is remembered of drills; `nil` where that is nothing, or cannot be read after a downgrade.
    init?(in database: Database) throws {
        guard let bytes = try Data.fetchOne(database, sql: "SELECT value FROM setting WHERE name = 'drill'"),
            let record = try? Wire.decoder().decode(DrillRecord.self, from: bytes)
        else { return nil }
        self = record
    }
}

extension DeliveryRecord {
    init(row: Row) {
        func date(_ column: String) -> Date? {
            let value: Int64? = row[column]
            return value.map(Date.init(milliseconds:))
        }
        let state: String = row["state"]
        self.init(
            notifier: row["notifier"],
            queuedAt: date("queued_at") ?? .distantPast,
            deliveredAt: state == "delivered" ? date("settled_at") : nil,
            isSettled: state != "waiting",
            lastError: row["last_error"]
        )
    }
}

extension Database {
    /// Writes one thing, within a transaction.
    func perform(_ write: StoreWrite) throws {
        switch write {
        case .change(let change):
            try self.write(change)
        case .news(let news):
            try self.write(news)
        case .sightings(let sightings):
            for sighting in sightings { try self.write(sighting) }
        case .settlement(let delivery, let outcome, let consequences):
            try settle(delivery, as: outcome)
            try self.write(consequences, of: delivery)
        case .drill(let drill):
            try execute(
                sql: "INSERT OR REPLACE INTO setting (name, value) VALUES ('drill', ?)",
                arguments: [Data(try drill.json().utf8)]
            )
        case .hosts(let memory):
            try self.write(memory)
        }
    }

    private func write(_ sighting: Sighting) throws {
        if let belief = sighting.belief {
            return try write(sighting.interval, of: try upsert(belief, of: sighting.token))
        }
        let (start, end) = (sighting.interval.start.milliseconds, sighting.interval.end.milliseconds)
        let lengthening = try cachedStatement(
            sql: """
                UPDATE validity SET end_at = max(end_at, ?)
                WHERE token_id = (SELECT id FROM token WHERE name = ?) AND start_at = ?
                """
        )
        try lengthening.execute(arguments: [end, sighting.token.text, start])
    }

    private func write(_ change: HealthChange) throws {
        let id = try upsert(change.belief, of: change.token)
        if let ended = change.endedInterval { try write(ended, of: id) }
        try write(change.interval, of: id)
        if let transition = change.transition { try insert(transition, of: id) }
        if let incident = change.belief.incident {
            try write(incident, change.belief, certificate: change.certificate, of: id)
        }
        if let ended = change.endedIncident {
            try close(ended, by: change.belief.fingerprint, at: change.at)
        }
        try write(change.news)
    }

    /// Keeps the key of fingerprints.
    func keep(_ key: SymmetricKey) throws {
        let bytes = unsafe key.withUnsafeBytes { unsafe Data($0) }
        try execute(
            sql: "INSERT OR REPLACE INTO setting (name, value) VALUES ('fingerprint_key', ?)",
            arguments: [bytes]
        )
    }
}
