import GRDB

/// Copies what a daemon needs to go on from one database to another.
///
/// That is beliefs, what waits to be told, and the last of what was told. The long record of the past stays where it is.
struct TableCopy {
    let source: DatabaseQueue
    let target: DatabaseQueue

    init(from source: DatabaseQueue, to target: DatabaseQueue) {
        self.source = source
        self.target = target
    }

    /// Which rows of a table are needed; all of them where it is not named here.
    private static let conditions = [
        "transition": "false",
        "validity": "end_at > (SELECT max(end_at) FROM validity) - 2592000000",
        "incident": "closed_at IS NULL",
        "alert": alerts,
        "alert_subject": "alert_id IN (SELECT id FROM alert WHERE \(alerts))",
        "delivery": "alert_id IN (SELECT id FROM alert WHERE \(alerts))",
    ]
    private static let alerts = """
        id IN (SELECT alert_id FROM delivery WHERE state = 'waiting')
        OR id IN (SELECT id FROM alert ORDER BY created_at DESC LIMIT 500)
        """

    /// Takes from a reserve what nobody needs of it any more.
    static let thinning = """
        DELETE FROM transition;
        DELETE FROM alert WHERE id NOT IN (SELECT alert_id FROM delivery WHERE state = 'waiting')
            AND id NOT IN (SELECT id FROM alert ORDER BY created_at DESC LIMIT 500);
        """

    /// Copies in one transaction of the target; a table that cannot be read is passed over, and so is a row that the target
    /// refuses.
    func run() throws {
        try target.write { target in
            try target.execute(sql: "PRAGMA defer_foreign_keys = ON")
            let names = try String.fetchAll(
                target,
                sql: "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid"
            )
            for name in names where name != "grdb_migrations" { try copy(name, to: target) }
        }
    }

    private func copy(_ name: String, to target: Database) throws {
        let condition = TableCopy.conditions[name] ?? "true"
        let rows = try? source.read { try Row.fetchAll($0, sql: "SELECT * FROM \"\(name)\" WHERE \(condition)") }
        guard let rows, let first = rows.first else { return }
        // A newer version may keep more than this one knows of.
        let known = Set(try target.columns(in: name).map(\.name))
        let names = first.columnNames.filter(known.contains)
        let columns = names.map { "\"\($0)\"" }.joined(separator: ", ")
        let places = names.map { _ in "?" }.joined(separator: ", ")
        let sql = "INSERT OR REPLACE INTO \"\(name)\" (\(columns)) VALUES (\(places))"
        let statement = try target.makeStatement(sql: sql)
        for row in rows {
            do {
                try statement.execute(arguments: StatementArguments(names.map { row[$0] as DatabaseValue }))
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
                // What a newer version may write, and this one not.
                continue
            }
        }
    }
}
