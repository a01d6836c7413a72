import FoundationEssentials
import GRDB
import TokenHealth
import VigilEngine

extension Database {
    /// Writes what is told and what waits, within the transaction of its cause.
    func write(_ news: News) throws {
        for (token, belief) in news.regrouped {
            let id = try upsert(belief, of: token)
            if let incident = belief.incident { try write(incident, belief, certificate: nil, of: id) }
        }
        for abandoned in news.abandoned.values { try close(abandoned.incident, by: nil, at: abandoned.at) }
        for notice in news.held {
            try put(
                "INSERT INTO held_notice (id, at, document) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [notice.id, notice.at.milliseconds, try notice.json()]
            )
        }
        for notice in news.released {
            try put("DELETE FROM held_notice WHERE id = ?", [notice.id])
        }
        for (realm, change) in news.providers { try write(change, of: realm) }
        for (token, change) in news.silences { try write(change, of: token) }
        for intervention in news.interventions { try insert(intervention) }
        for (notifier, change) in news.notifierIncidents { try write(change, ofNotifier: notifier) }
        for outgoing in news.alerts { try enqueue(outgoing) }
    }

    private func write(_ change: SilenceChange, of token: TokenName) throws {
        switch change {
        case .began(let silence):
            try put(
                "INSERT OR REPLACE INTO silence (token, until_at, document) VALUES (?, ?, ?)",
                [token.text, silence.until.milliseconds, try silence.json()]
            )
        case .ended:
            try put("DELETE FROM silence WHERE token = ?", [token.text])
        }
    }

    private func insert(_ intervention: Intervention) throws {
        try put(
            "INSERT INTO intervention (token, at, document) VALUES (?, ?, ?)",
            [intervention.token.text, intervention.at.milliseconds, try intervention.json()]
        )
    }

    private func write(_ change: ProviderChange, of realm: RealmName) throws {
        switch change {
        case .opened(let incident), .becameDeaths(let incident):
            try put(
                """
                INSERT INTO provider_incident (provider, origin, document) VALUES (?, ?, ?)
                ON CONFLICT (provider, origin) DO UPDATE SET document = excluded.document
                """,
                [realm.provider, realm.origin, try incident.json()]
            )
        case .ended:
            try put(
                "DELETE FROM provider_incident WHERE provider = ? AND origin = ?",
                [realm.provider, realm.origin]
            )
        }
    }
}

extension UntoldNews {
    /// Reads what was written; a row that cannot be read, after a downgrade perhaps, is passed over.
    init(in database: Database) throws {
        let notices = try String.fetchAll(database, sql: "SELECT document FROM held_notice ORDER BY at, id")
        self.init(held: notices.compactMap { try? Wire.decoder().decode(HeldNotice.self, from: Data($0.utf8)) })
        for row in try Row.fetchAll(database, sql: "SELECT * FROM provider_incident") {
            let document: String = row["document"]
            let realm = RealmName(provider: row["provider"], origin: row["origin"])
            providerIncidents[realm] = try? Wire.decoder().decode(ProviderIncident.self, from: Data(document.utf8))
        }
        for row in try Row.fetchAll(database, sql: "SELECT token, document FROM silence") {
            let document: String = row["document"]
            guard let token = TokenName(row["token"]) else { continue }
            silences[token] = try? Wire.decoder().decode(Silence.self, from: Data(document.utf8))
        }
    }
}
