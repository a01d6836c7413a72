import FoundationEssentials
import GRDB
import VigilEngine

extension Database {
    /// How many tokens, or rows without one, one step of pruning looks at: it takes some milliseconds.
    private static let prunedAtOnce: Int64 = 500
    /// How many changes of state of one token are kept: some three weeks of one that changes every half minute.
    static let mostRowsOfOne = 50_000

    /// Forgets what ended before `limit`, of some of the tokens.
    ///
    /// - Parameters:
    ///   - limit: what ended later is kept.
    ///   - step: where the last step came to; `nil` for the first one.
    /// - Returns: where this one came to, or `nil` after the last.
    /// - Throws: `DatabaseError`; then nothing is forgotten.
    func prune(before limit: Date, after step: PruningStep?) throws -> PruningStep? {
        let oldest = limit.milliseconds
        guard let step else { return try pruneAlerts(before: oldest) ? PruningStep(token: nil) : PruningStep(token: 0) }
        guard let first = step.token else {
            return try pruneAlerts(before: oldest) ? step : PruningStep(token: 0)
        }
        let last = try Int64.fetchOne(self, sql: "SELECT max(id) FROM token") ?? 0
        guard first < last else {
            try pruneHosts(before: oldest)
            // Pages that are free are given back a few at a time; a VACUUM would hold everybody up for the whole of it.
            try execute(sql: "PRAGMA incremental_vacuum(256)")
            return nil
        }
        try pruneTokens(first + 1...first + Database.prunedAtOnce, before: oldest)
        return PruningStep(token: first + Database.prunedAtOnce)
    }

    private func pruneTokens(_ ids: ClosedRange<Int64>, before oldest: Int64) throws {
        let arguments: StatementArguments = [ids.lowerBound, ids.upperBound, oldest]
        for condition in [
            "validity WHERE token_id BETWEEN ? AND ? AND end_at < ?",
            "transition WHERE token_id BETWEEN ? AND ? AND at < ?",
            "incident WHERE token_id BETWEEN ? AND ? AND closed_at < ?",
        ] { try execute(sql: "DELETE FROM \(condition)", arguments: arguments) }
        try pruneRestless(ids)
        // A token that is watched has an interval that has just ended.
        try execute(
            sql: """
                DELETE FROM token WHERE id BETWEEN ? AND ?
                    AND NOT EXISTS (SELECT 1 FROM validity WHERE token_id = token.id)
                    AND NOT EXISTS (SELECT 1 FROM transition WHERE token_id = token.id)
                    AND NOT EXISTS (SELECT 1 FROM incident WHERE token_id = token.id)
                """,
            arguments: [ids.lowerBound, ids.upperBound]
        )
    }

    /// Forgets the oldest of tokens that change their state again and again: an API could fill the disk by that.
    private func pruneRestless(_ ids: ClosedRange<Int64>) throws {
        for (table, time) in [("transition", "at"), ("validity", "start_at")] {
            let restless = try Int64.fetchAll(
                self,
                sql: """
                    SELECT token_id FROM \(table) WHERE token_id BETWEEN ? AND ?
                    GROUP BY token_id HAVING count(*) > ?
                    """,
                arguments: [ids.lowerBound, ids.upperBound, Database.mostRowsOfOne]
            )
            for token in restless {
                try execute(
                    sql: """
                        DELETE FROM \(table) WHERE token_id = ?1 AND \(time) <= (
                            SELECT \(time) FROM \(table) WHERE token_id = ?1 ORDER BY \(time) DESC LIMIT 1 OFFSET ?2
                        )
                        """,
                    arguments: [token, Database.mostRowsOfOne]
                )
            }
        }
    }

    /// What belongs to no single token; alerts that somebody still has to deliver stay.
    ///
    /// - Returns: whether there may be more.
    private func pruneAlerts(before oldest: Int64) throws -> Bool {
        try execute(
            sql: """
                DELETE FROM alert WHERE id IN (
                    SELECT id FROM alert WHERE created_at < ? AND NOT EXISTS (
                        SELECT 1 FROM delivery WHERE alert_id = alert.id AND state = 'waiting'
                    ) LIMIT ?
                )
                """,
            arguments: [oldest, Database.prunedAtOnce]
        )
        let alerts = changesCount
        try execute(
            sql: "DELETE FROM intervention WHERE id IN (SELECT id FROM intervention WHERE at < ? LIMIT ?)",
            arguments: [oldest, Database.prunedAtOnce]
        )
        return max(alerts, changesCount) == Int(Database.prunedAtOnce)
    }
}
