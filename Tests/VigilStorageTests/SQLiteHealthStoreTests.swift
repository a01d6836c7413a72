import Crypto
import FoundationEssentials
import GRDB
import TokenHealth
import Testing
import VigilEngine
@testable import VigilStorage

/// What only files can show.
struct SQLiteHealthStoreTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @Test func `what is written has reached the disk when the call returns`() throws {
        let store = try directory.open()
        #expect(try store.read { try Int.fetchOne($0, sql: "PRAGMA synchronous") } == 2)
        #expect(try store.read { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "wal")
        #expect(try store.read { try Int.fetchOne($0, sql: "PRAGMA foreign_keys") } == 1)
    }

    @Test func `nobody else can read the directory or a file in it`() throws {
        let store = try directory.open()
        try store.commit(Sample.change())
        #expect(mode(of: directory.state) == 0o700)
        let names = try directory.names()
        #expect(Set(names).isSuperset(of: ["lock", "state.db", "state.db-wal"]))
        for name in names { #expect(mode(of: "\(directory.state)/\(name)") == 0o600, "\(name)") }
    }

    @Test func `a second daemon is refused, and told what to do`() throws {
        let store = try directory.open()
        let error = #expect(throws: StorageError.self) { try directory.open() }
        #expect(error == .locked(directory: directory.state))
        #expect(error?.description.contains("another tokenvigil") == true)
        try store.commit(Sample.change())
    }

    @Test func `the lock is free once the first store is gone`() throws {
        for _ in 0..<3 {
            let store = try directory.open()
            try store.commit(Sample.change())
        }
        #expect(try directory.open().load().count == 1)
    }

    @Test func `everything is there after a restart`() throws {
        let death = Sample.death()
        do {
            let store = try directory.open()
            try store.commit(death.change)
            let delivery = try #require(try store.deliveries(for: "oncall", dueAt: Sample.second(60), limit: 1).first)
            try store.settle(delivery, as: .postponed(until: Sample.second(65), error: "HTTP 503"))
        }
        let store = try directory.open()
        #expect(store.setAside == nil)
        #expect(try store.load()[Sample.name()]?.belief == death.decision.belief)
        #expect(
            try store.load()[Sample.name()]?.intervals
                == [death.change.endedInterval, death.change.interval].compactMap { $0 }
        )
        let due = try store.deliveries(for: "oncall", dueAt: Sample.second(65), limit: 10)
        #expect(due.map(\.alert) == death.change.alerts.map(\.alert))
        #expect(due.map(\.attempts) == [1])
    }

    @Test(arguments: ["token", "validity", "transition", "incident", "alert", "delivery"])
    func `a commit that fails in any of its tables leaves nothing in the others`(table: String) throws {
        let store = try directory.open()
        try directory.meddle(
            "CREATE TRIGGER broken BEFORE INSERT ON \(table) BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
        #expect(throws: DatabaseError.self) { try store.commit(Sample.death().change) }
        for other in ["token", "validity", "transition", "incident", "alert", "delivery"] {
            #expect(try store.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM \(other)") } == 0, "\(other)")
        }
        try directory.meddle("DROP TRIGGER broken")
        try store.commit(Sample.death().change)
        #expect(try store.load().count == 1)
        #expect(try store.deliveries(for: "oncall", dueAt: Sample.second(60), limit: 10).count == 1)
    }

    @Test func `of several sightings all are stored or none`() throws {
        let store = try directory.open()
        try directory.meddle(
            "CREATE TRIGGER broken BEFORE INSERT ON token WHEN new.name = 'b' BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        let sightings = ["a", "b", "c"].map {
            Sighting(token: Sample.name($0), belief: Belief(at: Sample.start), interval: Sample.interval(0, 60))
        }
        #expect(throws: DatabaseError.self) { try store.confirm(sightings) }
        #expect(try store.load() == [:])
    }

    @Test func `an incident is opened, kept and closed with its belief`() throws {
        let store = try directory.open()
        let death = Sample.death()
        try store.commit(death.change)
        let recovery = Sample.look(death.decision.belief, .accepted(nil), at: 120)
        try store.commit(
            HealthChange(
                token: Sample.name(),
                belief: recovery.belief,
                transition: recovery.transition,
                interval: Sample.interval(120, 120),
                endedInterval: Sample.interval(60, 120, .invalid, reason: "rejected"),
                endedIncident: death.decision.belief.incident,
                at: Sample.second(120)
            )
        )
        let record = try #require(
            try HistoryReader(directory: directory.state).records(of: nil, since: .distantPast, now: Sample.second(120))
                .first
        )
        #expect(record.deaths.map(\.openedAt) == [Sample.second(60)])
        #expect(record.deaths.map(\.closedAt) == [Sample.second(120)])
        #expect(record.deaths.map(\.kind) == [.invalidated])
        #expect(record.deaths.map(\.lastAcceptedAt) == [Sample.start])
        #expect(record.transitions.map(\.to) == [.invalid, .valid])
    }

    @Test func `a belief that cannot be read is a token not looked at yet, and harms no other`() throws {
        do {
            let store = try directory.open()
            for name in ["a", "b"] { try store.commit(Sample.change(name)) }
        }
        try directory.meddle("UPDATE token SET belief = '{}' WHERE name = 'a'")
        try directory.meddle("INSERT INTO token (name, belief) VALUES ('no name at all', '{}')")
        let store = try directory.open()
        #expect(try Set(store.load().keys) == [Sample.name("b")])
    }

    @Test func `alerts that cannot be read are set aside and hold up nothing`() throws {
        let store = try directory.open()
        let alerts = (0..<50).map { Sample.alert("a\($0)", at: Double($0)) }
        try store.commit(Sample.change(alerts: alerts))
        try directory.meddle(
            "UPDATE alert SET document = '{}' WHERE created_at < \(Int64(Sample.second(45).timeIntervalSince1970 * 1000))"
        )
        let due = try store.deliveries(for: "oncall", dueAt: Sample.second(100), limit: 20)
        #expect(due.map(\.alert.id) == ["a45", "a46", "a47", "a48", "a49"])
        #expect(try store.nextDelivery(for: "oncall") == Sample.second(45))
        let outbox = try HistoryReader(directory: directory.state).outbox()
        #expect(outbox.filter { $0.state == "undeliverable" }.count == 45)
        #expect(outbox.first?.lastError == "the alert cannot be read")
        #expect(outbox.first?.summary == "a0")
        #expect(try store.notifierReports()["oncall"]?.state == .failing)
    }

    @Test(arguments: [
        "INSERT INTO validity VALUES (1, 'soon', 5, 'valid', NULL)",
        "INSERT INTO validity VALUES (1, 5, 4, 'valid', NULL)",
        "INSERT INTO validity VALUES (99, 1, 2, 'valid', NULL)", "UPDATE token SET belief = 'not JSON'",
        "UPDATE token SET belief = NULL", "INSERT INTO token (name, belief) VALUES ('bot', '{}')",
        "UPDATE delivery SET state = 'lost'", "UPDATE delivery SET state = 'delivered'",
        "UPDATE delivery SET settled_at = 1",
        "UPDATE delivery SET attempts = -1", "UPDATE delivery SET due_at = 'tomorrow'",
        "UPDATE alert SET document = '{'",
        "UPDATE incident SET closed_at = opened_at - 1", "UPDATE transition SET at = 1.5",
        "INSERT INTO setting VALUES ('x', NULL)",
    ])
    func `the database itself refuses what makes no sense`(sql: String) throws {
        let store = try directory.open()
        try store.commit(Sample.death().change)
        #expect(throws: DatabaseError.self) { try directory.meddle(sql) }
    }

    @Test func `a test alert needs no token`() throws {
        let store = try directory.open()
        try store.enqueue(OutgoingAlert(Sample.alert(), to: ["oncall"]))
        #expect(try store.deliveries(for: "oncall", dueAt: Sample.start, limit: 10).count == 1)
    }

    @Test func `only the history of thirty days is loaded, and all of it is kept`() throws {
        let store = try directory.open()
        let day = 86_400.0
        for (from, to) in [(0, day), (5 * day, 6 * day), (35 * day, 36 * day)] {
            var change = Sample.change()
            change.interval = Sample.interval(from, to)
            try store.commit(change)
        }
        #expect(try store.load()[Sample.name()]?.intervals.map(\.start) == [Sample.second(35 * day)])
        let reader = try HistoryReader(directory: directory.state)
        #expect(
            try reader.records(of: nil, since: .distantPast, now: Sample.second(36 * day)).first?.intervals.count == 3
        )
    }
}

struct DamageTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        let store = try directory.open()
        try store.commit(Sample.change(alerts: (0..<200).map { Sample.alert("a\($0)", at: Double($0)) }))
    }

    /// Opens what is there, and proves that the store works.
    private func openAndUse() throws -> SQLiteHealthStore {
        let store = try directory.open()
        try store.commit(Sample.change("new", alerts: [Sample.alert("new")]))
        #expect(try store.load()[Sample.name("new")] != nil)
        return store
    }

    private static let target = "state.db.damaged-1795428000"

    @Test func `a file of noise is set aside under a name that is told`() throws {
        var generator = SystemRandomNumberGenerator()
        let noise = (0..<100_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
        try write(noise, to: directory.database)
        let store = try openAndUse()
        let setAside = try #require(store.setAside)
        #expect(setAside.path == "\(directory.state)/\(DamageTests.target)")
        #expect(!setAside.cause.isEmpty)
        #expect(bytes(of: setAside.path) == noise)
        #expect(try store.load().count == 1)
        #expect(mode(of: directory.database) == 0o600)
    }

    @Test(arguments: [50, 100, 4096, 5000, 20_000])
    func `a file cut short is set aside`(length: Int) throws {
        let whole = bytes(of: directory.database)
        #expect(whole.count > length)
        try write(Array(whole.prefix(length)), to: directory.database)
        #expect(try openAndUse().setAside != nil)
    }

    @Test func `pages of noise inside are found`() throws {
        var damaged = bytes(of: directory.database)
        for index in 8192..<(damaged.count - 4096) { damaged[index] = UInt8(truncatingIfNeeded: index &* 31) }
        try write(damaged, to: directory.database)
        #expect(try openAndUse().setAside != nil)
    }

    @Test func `an empty file is a new database`() throws {
        try write([], to: directory.database)
        #expect(mode(of: directory.database) == 0o600)
        #expect(try openAndUse().setAside == nil)
    }

    @Test func `a write-ahead log of noise does not cost the database`() throws {
        try write(Array(repeating: 0xA5, count: 50_000), to: directory.database + "-wal")
        let store = try directory.open()
        #expect(store.setAside == nil)
        #expect(try store.load()[Sample.name()] != nil)
        #expect(try store.deliveries(for: "oncall", dueAt: Sample.second(1000), limit: 1000).count == 200)
    }

    @Test func `what an older version has put into the outbox keeps its order, and what it is about is known`() throws {
        let queue = try DatabaseQueue()
        try Schema.migrator.migrate(queue, upTo: "5")
        let document = #"{"incident_id": "bot-1", "tokens": [{"name": "bot"}, {"name": "other"}]}"#
        try queue.write { database in
            for (id, at) in [("b", 20), ("c", 10), ("a", 20)] {
                try database.execute(
                    sql: "INSERT INTO alert (id, kind, created_at, document) VALUES (?, 'test', ?, ?)",
                    arguments: [id, at, document]
                )
            }
        }
        try Schema.migrator.migrate(queue)
        try queue.read { database in
            let order = try String.fetchAll(database, sql: "SELECT id FROM alert ORDER BY sequence")
            #expect(order == ["c", "a", "b"])
            let subjects = try String.fetchAll(database, sql: "SELECT DISTINCT subject FROM alert_subject ORDER BY 1")
            #expect(subjects == ["bot", "other"])
        }
    }

    @Test func `a second one set aside in the same second does not replace the first`() throws {
        for _ in 0..<3 {
            try write(
                Array("noise that is no database at all, and long enough to have a header, or so it seems".utf8),
                to: directory.database
            )
            #expect(try openAndUse().setAside != nil)
        }
        let kept = try directory.names().filter {
            $0.hasPrefix(DamageTests.target) && !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm")
        }
        #expect(kept.count == 3)
    }

    @Test func `that it was set aside is a problem as long as it lies there`() throws {
        try write(Array("not a database, not a database".utf8), to: directory.database)
        let depot = SQLiteDepot(directory: directory.state) { Sample.start }
        _ = try depot.open()
        let path = try #require(depot.setAside?.path)
        #expect(depot.setAsideProblem?.contains(path) == true)
        try FileManager.default.removeItem(atPath: path)
        #expect(depot.setAsideProblem == nil)
    }

    @Test func `what was set aside is not touched again`() throws {
        try write(Array("not a database, not a database".utf8), to: directory.database)
        let path = try #require(try openAndUse().setAside?.path)
        #expect(try directory.open().setAside == nil)
        #expect(bytes(of: path) == Array("not a database, not a database".utf8))
    }

    @Test func `a directory that cannot be made is an error with a remedy`() throws {
        for path in ["\(directory.path)/missing/state", "\(directory.database)/state", "/proc/tokenvigil", "/dev/null"]
        {
            let error = #expect(throws: StorageError.self) { try SQLiteHealthStore(directory: path, now: Sample.start) }
            guard case .unusableDirectory(path, _)? = error else {
                Issue.record("\(path): \(String(describing: error))")
                continue
            }
            let advice = ["let the service's user write to it", "a part of its path is no directory: correct the path"]
            #expect(advice.contains { error?.description.hasSuffix($0) == true })
        }
    }
}

struct FingerprintTests {
    private let directory: TemporaryDirectory
    private static let value = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJqdGkiOiJhYmMifQ.c2lnbmF0dXJl"

    init() throws { directory = try TemporaryDirectory() }

    private func secret(_ text: String = FingerprintTests.value) throws -> Secret {
        try SecretLint.secret(in: Array(text.utf8), source: "a test")
    }

    @Test func `the same secret has the same name after a restart`() throws {
        let secret = try secret()
        let first = HMACFingerprinter(key: try directory.open().fingerprintKey).fingerprint(of: secret)
        let second = HMACFingerprinter(key: try directory.open().fingerprintKey).fingerprint(of: secret)
        #expect(first == second)
        #expect(first.text.wholeMatch(of: /k1:[0-9a-f]{12}/) != nil)
    }

    @Test func `another secret has another name, and so has the same one under another key`() throws {
        let key = try directory.open().fingerprintKey
        let one = HMACFingerprinter(key: key).fingerprint(of: try secret())
        #expect(HMACFingerprinter(key: key).fingerprint(of: try secret(FingerprintTests.value + "x")) != one)
        #expect(HMACFingerprinter(key: SymmetricKey(size: .bits256)).fingerprint(of: try secret()) != one)
    }

    @Test func `the name is that of the standard`() throws {
        let key = SymmetricKey(data: Array("key".utf8))
        let secret = try secret("The_quick_brown_fox")
        let expected = HMAC<SHA256>.authenticationCode(for: Array("The_quick_brown_fox".utf8), using: key)
        let hex = expected.prefix(6).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
        #expect(HMACFingerprinter(key: key).fingerprint(of: secret).text == "k1:" + hex)
    }

    @Test func `a damaged key is replaced`() throws {
        _ = try directory.open()
        try directory.meddle("UPDATE setting SET value = x'00'")
        #expect(try directory.open().fingerprintKey.bitCount == 256)
    }

    @Test func `no byte of a secret is ever in a file`() throws {
        let secret = try secret()
        let store = try directory.open()
        let echo = Answer(
            status: 401,
            headers: [HeaderField("WWW-Authenticate", "Bearer \(FingerprintTests.value)")],
            body: Array(
                #"{"message":"bad \#(FingerprintTests.value)","data":{"id":"\#(FingerprintTests.value)"}}"#.utf8
            )
        )
        .striking(secret)
        let finding = Judge(token: Sample.token).finding(on: Exchange(.answered(echo)))
        let observation = Observation(
            finding,
            fingerprint: HMACFingerprinter(key: store.fingerprintKey).fingerprint(of: secret),
            claims: TokenClaims(of: secret),
            at: Moment(wall: Sample.second(60), uptime: .seconds(60))
        )
        let decision = Sample.accepted(at: 0).considering(observation, of: Sample.token, chance: 0)
        var change = Sample.death().change
        change.belief = decision.belief
        change.transition = decision.transition
        try store.commit(change)
        for name in try directory.names() {
            let text = String(decoding: bytes(of: "\(directory.state)/\(name)"), as: UTF8.self)
            for part in FingerprintTests.value.split(separator: ".") { #expect(!text.contains(part), "\(name)") }
        }
        let wal = String(decoding: bytes(of: directory.database + "-wal"), as: UTF8.self)
        #expect(wal.contains("[secret]"))
    }
}

struct HistoryReaderTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @Test func `there is no history where there is no database, and none is made`() throws {
        #expect(throws: (any Error).self) { try HistoryReader(directory: directory.state) }
        #expect(!FileManager.default.fileExists(atPath: directory.state))
    }

    @Test func `it reads while the daemon writes, and sees each commit`() throws {
        let store = try directory.open()
        let reader = try HistoryReader(directory: directory.state)
        #expect(try reader.records(of: nil, since: .distantPast, now: Sample.start) == [])
        let death = Sample.death()
        try store.commit(death.change)
        let record = try #require(
            try reader.records(of: Sample.name(), since: .distantPast, now: Sample.second(120)).first
        )
        #expect(record.token == Sample.name())
        #expect(record.intervals.map(\.state) == [.valid, .invalid])
        #expect(record.transitions == [death.decision.transition].compactMap { $0 })
        #expect(record.deaths.map(\.incident) == [death.decision.belief.incident?.id])
        #expect(record.deaths.map(\.closedAt) == [nil])
        #expect(record.deaths.map(\.explanation) == [death.decision.belief.explanation])
        try store.commit(Sample.change("other"))
        #expect(
            try reader.records(of: nil, since: .distantPast, now: Sample.start).map(\.token.text) == ["bot", "other"]
        )
        #expect(try reader.records(of: Sample.name("nobody"), since: .distantPast, now: Sample.start) == [])
    }

    @Test func `it reads when no daemon runs`() throws {
        do {
            let store = try directory.open()
            try store.commit(Sample.death().change)
        }
        let reader = try HistoryReader(directory: directory.state)
        #expect(try reader.records(of: nil, since: .distantPast, now: Sample.start).count == 1)
    }

    @Test func `it writes nothing`() throws {
        let store = try directory.open()
        try store.commit(Sample.change())
        let before = bytes(of: directory.database) + bytes(of: directory.database + "-wal")
        let reader = try HistoryReader(directory: directory.state)
        _ = try reader.records(of: nil, since: .distantPast, now: Sample.start)
        _ = try reader.outbox()
        #expect(bytes(of: directory.database) + bytes(of: directory.database + "-wal") == before)
    }

    @Test func `uptime is counted over its own windows, however little is asked for`() throws {
        let store = try directory.open()
        let day = 86_400.0
        for (from, to, state) in [(0.0, 15 * day, StateName.invalid), (15 * day, 30 * day, .valid)] {
            var change = Sample.change()
            change.interval = Sample.interval(from, to, state)
            try store.commit(change)
        }
        let reader = try HistoryReader(directory: directory.state)
        let record = try #require(
            try reader.records(of: nil, since: Sample.second(29 * day), now: Sample.second(30 * day)).first
        )
        #expect(record.uptime == Uptime(day: 1, week: 1, month: 0.5))
        #expect(record.intervals.map(\.state) == [.valid])
    }

    /// Writes changes of state of one token, one a second, past the daemon.
    private func write(changes count: Int, of name: String) throws {
        let queue = try DatabaseQueue(path: directory.database)
        try queue.write { database in
            let sql = "SELECT id FROM token WHERE name = ?"
            let token = try #require(try Int64.fetchOne(database, sql: sql, arguments: [name]))
            for number in 0..<count {
                let at = Sample.second(Double(number)).milliseconds
                try database.execute(
                    sql: """
                        INSERT INTO transition (token_id, at, from_state, to_state, explanation)
                        VALUES (?, ?, 'valid', 'suspect', '')
                        """,
                    arguments: [token, at]
                )
                try database.execute(
                    sql: """
                        INSERT OR REPLACE INTO validity (token_id, start_at, end_at, state) VALUES (?, ?, ?, 'valid')
                        """,
                    arguments: [token, at, at + 1000]
                )
            }
        }
    }

    @Test func `of very many changes the newest are listed, and that others are left out is said`() throws {
        let store = try directory.open()
        try store.commit(Sample.change())
        try write(changes: 300, of: "bot")
        let reader = try HistoryReader(directory: directory.state)
        func record(most: Int?) throws -> HistoryReader.Record {
            try #require(try reader.records(of: nil, since: .distantPast, now: Sample.second(300), most: most).first)
        }
        let all = try record(most: nil)
        #expect(all.transitions.count >= 300)
        #expect(all.truncated == nil)
        let some = try record(most: 100)
        #expect(some.transitions == all.transitions.suffix(100))
        #expect(some.intervals == all.intervals.suffix(100))
        #expect(some.truncated == true)
        #expect(some.uptime == all.uptime)
        #expect(try record(most: 1000).truncated == nil)
    }

    @Test func `a token that changes again and again does not fill the disk`() throws {
        let store = try directory.open()
        try store.commit(Sample.change())
        try write(changes: 50_100, of: "bot")
        var step = try store.prune(before: .distantPast, after: nil)
        while let present = step { step = try store.prune(before: .distantPast, after: present) }
        let reader = try HistoryReader(directory: directory.state)
        let records = try reader.records(of: nil, since: .distantPast, now: Sample.second(60_000))
        let record = try #require(records.first)
        #expect(record.transitions.count == 50_000)
        #expect(record.intervals.count == 50_000)
        #expect(record.transitions.last?.at == Sample.second(50_099))
    }

    @Test func `only what happened since then is listed, and what still lasts`() throws {
        let store = try directory.open()
        try store.commit(Sample.death().change)
        let reader = try HistoryReader(directory: directory.state)
        let later = try #require(try reader.records(of: nil, since: Sample.second(61), now: Sample.second(120)).first)
        #expect(later.transitions == [])
        #expect(later.deaths.map(\.openedAt) == [Sample.second(60)])
    }

    @Test func `the outbox lists what waits and what was given up, oldest first`() throws {
        let store = try directory.open()
        try store.commit(
            Sample.change(alerts: [Sample.alert("a1", at: 1), Sample.alert("a2", at: 2), Sample.alert("a3", at: 3)])
        )
        let due = try store.deliveries(for: "oncall", dueAt: Sample.second(3), limit: 3)
        try store.settle(due[0], as: .postponed(until: Sample.second(9), error: "HTTP 503"))
        try store.settle(due[1], as: .delivered(at: Sample.second(4)))
        try store.settle(due[2], as: .undeliverable(at: Sample.second(5), error: "HTTP 410"))
        let outbox = try HistoryReader(directory: directory.state).outbox()
        #expect(outbox.map(\.alert) == ["a1", "a3"])
        #expect(outbox.map(\.state) == ["waiting", "undeliverable"])
        #expect(outbox.map(\.lastError) == ["HTTP 503", "HTTP 410"])
        #expect(outbox.map(\.attempts) == [1, 1])
        #expect(outbox.first?.dueAt == Sample.second(9))
        #expect(outbox.first?.summary == "a test")
    }

    @Test func `two alerts that would have one id both arrive, each under its own`() throws {
        let directory = try TemporaryDirectory()
        let store = try directory.open()
        func end(of incident: String) -> Alert {
            Alert(
                id: "bot-20261123T100000000Z-recovered",
                kind: .recovered,
                severity: .info,
                createdAt: Sample.second(0),
                incidentID: incident,
                summary: "RECOVERED bot",
                host: "srv1"
            )
        }
        for incident in ["first", "second"] {
            try store.enqueue(OutgoingAlert(end(of: incident), to: ["oncall"]))
        }
        // The same once more, for somebody else: it is the same alert.
        try store.enqueue(OutgoingAlert(end(of: "first"), to: ["mail"]))
        let alerts = try store.deliveries(for: "oncall", dueAt: Sample.second(1), limit: 10).map(\.alert)
        #expect(alerts.map(\.incidentID) == ["first", "second"])
        #expect(Set(alerts.map(\.id)).count == 2)
        let mailed = try store.deliveries(for: "mail", dueAt: Sample.second(1), limit: 10).map(\.alert)
        #expect(mailed.map(\.id) == [alerts[0].id])
    }
}
