import GRDB

/// The tables, as numbered migrations that are never changed once released.
///
/// Times are whole milliseconds since 1970, UTC. Beliefs and alerts are JSON documents: the core owns their shape.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try database.execute(
                sql: """
                    CREATE TABLE setting (
                        name TEXT PRIMARY KEY NOT NULL,
                        value BLOB NOT NULL
                    ) STRICT, WITHOUT ROWID;

                    CREATE TABLE token (
                        id INTEGER PRIMARY KEY,
                        name TEXT NOT NULL UNIQUE,
                        belief TEXT NOT NULL CHECK (json_valid(belief))
                    ) STRICT;

                    CREATE TABLE validity (
                        token_id INTEGER NOT NULL REFERENCES token (id) ON DELETE CASCADE,
                        start_at INTEGER NOT NULL,
                        end_at INTEGER NOT NULL CHECK (end_at >= start_at),
                        state TEXT NOT NULL,
                        reason TEXT,
                        PRIMARY KEY (token_id, start_at)
                    ) STRICT, WITHOUT ROWID;

                    CREATE TABLE transition (
                        id INTEGER PRIMARY KEY,
                        token_id INTEGER NOT NULL REFERENCES token (id) ON DELETE CASCADE,
                        at INTEGER NOT NULL,
                        from_state TEXT NOT NULL,
                        to_state TEXT NOT NULL,
                        reason TEXT,
                        explanation TEXT NOT NULL,
                        fingerprint TEXT
                    ) STRICT;
                    CREATE INDEX transition_by_token ON transition (token_id, at);

                    CREATE TABLE incident (
                        id TEXT PRIMARY KEY NOT NULL,
                        token_id INTEGER NOT NULL REFERENCES token (id) ON DELETE CASCADE,
                        kind TEXT NOT NULL,
                        opened_at INTEGER NOT NULL,
                        closed_at INTEGER CHECK (closed_at >= opened_at),
                        last_accepted_at INTEGER,
                        first_rejected_at INTEGER,
                        explanation TEXT NOT NULL
                    ) STRICT, WITHOUT ROWID;
                    CREATE INDEX incident_by_token ON incident (token_id, opened_at);

                    CREATE TABLE alert (
                        id TEXT PRIMARY KEY NOT NULL,
                        kind TEXT NOT NULL,
                        created_at INTEGER NOT NULL,
                        document TEXT NOT NULL CHECK (json_valid(document))
                    ) STRICT, WITHOUT ROWID;

                    CREATE TABLE delivery (
                        alert_id TEXT NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
                        notifier TEXT NOT NULL,
                        state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'undeliverable')),
                        attempts INTEGER NOT NULL CHECK (attempts >= 0),
                        queued_at INTEGER NOT NULL,
                        due_at INTEGER NOT NULL,
                        settled_at INTEGER,
                        last_error TEXT,
                        PRIMARY KEY (alert_id, notifier),
                        CHECK ((state = 'waiting') = (settled_at IS NULL))
                    ) STRICT, WITHOUT ROWID;
                    CREATE INDEX delivery_waiting ON delivery (notifier, due_at) WHERE state = 'waiting';
                    CREATE INDEX delivery_settled ON delivery (notifier, settled_at) WHERE state <> 'waiting';
                    """
            )
        }
        migrator.registerMigration("2") { database in
            try database.execute(
                sql: """
                    CREATE TABLE held_notice (
                        id TEXT PRIMARY KEY NOT NULL,
                        at INTEGER NOT NULL,
                        document TEXT NOT NULL CHECK (json_valid(document))
                    ) STRICT, WITHOUT ROWID;

                    CREATE TABLE provider_incident (
                        provider TEXT NOT NULL,
                        origin TEXT NOT NULL,
                        document TEXT NOT NULL CHECK (json_valid(document)),
                        PRIMARY KEY (provider, origin)
                    ) STRICT, WITHOUT ROWID;

                    ALTER TABLE incident ADD COLUMN shared_id TEXT;
                    """
            )
        }
        migrator.registerMigration("3") { database in
            try database.execute(
                sql: """
                    CREATE TABLE notifier_incident (
                        notifier TEXT PRIMARY KEY NOT NULL,
                        document TEXT NOT NULL CHECK (json_valid(document))
                    ) STRICT, WITHOUT ROWID;

                    ALTER TABLE delivery ADD COLUMN overtaken_by TEXT;
                    CREATE INDEX delivery_overtaken ON delivery (overtaken_by) WHERE overtaken_by IS NOT NULL;
                    """
            )
        }
        migrator.registerMigration("4") { database in
            // The certificate is a JSON document of the core; the fingerprint is the one that ended the incident.
            try database.execute(
                sql: """
                    ALTER TABLE incident ADD COLUMN certificate TEXT
                        CHECK (certificate IS NULL OR json_valid(certificate));
                    ALTER TABLE incident ADD COLUMN closed_fingerprint TEXT;
                    """
            )
        }
        migrator.registerMigration("5") { database in
            try database.execute(
                sql: """
                    CREATE TABLE silence (
                        token TEXT PRIMARY KEY NOT NULL,
                        until_at INTEGER NOT NULL,
                        document TEXT NOT NULL CHECK (json_valid(document))
                    ) STRICT, WITHOUT ROWID;

                    CREATE TABLE intervention (
                        id INTEGER PRIMARY KEY,
                        token TEXT NOT NULL,
                        at INTEGER NOT NULL,
                        document TEXT NOT NULL CHECK (json_valid(document))
                    ) STRICT;
                    CREATE INDEX intervention_by_token ON intervention (token, at);
                    """
            )
        }
        migrator.registerMigration("6", migrate: orderAlerts)
        migrator.registerMigration("7") { database in
            // What a host was asked lately, and until when the provider of a token wants rest.
            try database.execute(
                sql: """
                    CREATE TABLE host (
                        provider TEXT NOT NULL,
                        origin TEXT NOT NULL,
                        at INTEGER NOT NULL,
                        document TEXT NOT NULL CHECK (json_valid(document)),
                        PRIMARY KEY (provider, origin)
                    ) STRICT, WITHOUT ROWID;

                    CREATE TABLE quiet (
                        token TEXT PRIMARY KEY NOT NULL,
                        until_at INTEGER NOT NULL
                    ) STRICT, WITHOUT ROWID;
                    """
            )
        }
        return migrator
    }

    /// The order in which alerts were decided, and what each is about: two of one millisecond have an order, too.
    private static func orderAlerts(in database: Database) throws {
        try database.execute(
            sql: """
                ALTER TABLE alert ADD COLUMN sequence INTEGER NOT NULL DEFAULT 0;
                UPDATE alert SET sequence = place FROM (
                    SELECT id AS known, row_number() OVER (ORDER BY created_at, id) AS place FROM alert
                ) WHERE known = alert.id;
                CREATE INDEX delivery_undeliverable ON delivery (settled_at) WHERE state = 'undeliverable';
                CREATE INDEX alert_by_sequence ON alert (sequence);
                CREATE INDEX alert_by_incident ON alert (document ->> '$.incident_id');

                CREATE TABLE alert_subject (
                    subject TEXT NOT NULL,
                    alert_id TEXT NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
                    PRIMARY KEY (subject, alert_id)
                ) STRICT, WITHOUT ROWID;
                CREATE INDEX alert_subject_by_alert ON alert_subject (alert_id);
                INSERT OR IGNORE INTO alert_subject (subject, alert_id)
                    SELECT token.value ->> '$.name', alert.id FROM alert, json_each(alert.document, '$.tokens') AS token
                    WHERE token.value ->> '$.name' IS NOT NULL;
                """
        )
    }
}
