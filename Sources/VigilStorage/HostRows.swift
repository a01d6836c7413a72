import FoundationEssentials
import GRDB
import TokenHealth
import VigilEngine

extension HostMemory {
    /// Reads what was written; a row that cannot be read, after a downgrade perhaps, is passed over.
    init(in database: Database) throws {
        self.init()
        for row in try Row.fetchAll(database, sql: "SELECT * FROM host") {
            let document: String = row["document"]
            let realm = RealmName(provider: row["provider"], origin: row["origin"])
            records[realm] = try? Wire.decoder().decode(HostRecord.self, from: Data(document.utf8))
        }
        for row in try Row.fetchAll(database, sql: "SELECT * FROM quiet") {
            guard let token = TokenName(row["token"]) else { continue }
            quiet[token] = Date(milliseconds: row["until_at"])
        }
    }
}

extension Database {
    /// Writes what must be known of hosts, within a transaction.
    func write(_ memory: HostMemory) throws {
        for (realm, record) in memory.records {
            try put(
                "INSERT OR REPLACE INTO host (provider, origin, at, document) VALUES (?, ?, ?, ?)",
                [realm.provider, realm.origin, record.newest?.milliseconds ?? 0, try Wire.stored(record)]
            )
        }
        for (token, until) in memory.quiet {
            try put("INSERT OR REPLACE INTO quiet (token, until_at) VALUES (?, ?)", [token.text, until.milliseconds])
        }
    }

    /// Forgets hosts that were not asked since, and waits that have ended.
    func pruneHosts(before oldest: Int64) throws {
        // One that allows for looks of which nothing is known yet has no time.
        try execute(sql: "DELETE FROM host WHERE at BETWEEN 1 AND ?", arguments: [oldest])
        try execute(sql: "DELETE FROM quiet WHERE until_at < ?", arguments: [oldest])
    }
}
