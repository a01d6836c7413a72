import FoundationEssentials
import GRDB
import Glibc
import Synchronization
import TokenHealth
import Testing
import VigilEngine

@testable import VigilStorage

/// What becomes of beliefs, history and alerts when the disk does not take them.
@Suite struct ResilienceTests {
    private let directory: TemporaryDirectory
    private let timekeeper = SteppedTimekeeper()
    private let depot: SwitchedDepot

    init() throws {
        directory = try TemporaryDirectory()
        depot = SwitchedDepot(directory)
    }

    private func due(_ store: any HealthStore) throws -> [String] {
        try store.deliveries(for: "oncall", dueAt: Sample.second(1000), limit: 100).map(\.alert.id)
    }

    private func settle(_ id: String, in store: any HealthStore, at seconds: Double) throws {
        let waiting = try store.deliveries(for: "oncall", dueAt: Sample.second(1000), limit: 100)
        let delivery = try #require(waiting.first { $0.alert.id == id })
        try store.settle(delivery, as: .delivered(at: Sample.second(seconds)))
    }

    /// What a program that opens the database afterwards finds.
    private func onDisk<Value>(_ sql: String, _ type: Value.Type = Value.self) throws -> [Value]
    where Value: DatabaseValueConvertible {
        let queue = try DatabaseQueue(path: directory.database)
        return try queue.read { try Value.fetchAll($0, sql: sql) }
    }

    @Test func `an alert from before and one from during a full disk both go out, and neither again`() throws {
        let store = try directory.resilient(depot, timekeeper: timekeeper)
        try store.commit(Sample.change("a", alerts: [Sample.alert("before")]))
        try depot.fill()
        let death = Sample.death()
        try store.commit(death.change)
        try store.commit(Sample.change("b", at: 1, alerts: [Sample.alert("during", at: 1)]))
        #expect(try due(store).contains("before"))
        #expect(try due(store).contains("during"))
        for (index, id) in try due(store).enumerated() { try settle(id, in: store, at: 100 + Double(index)) }
        #expect(try due(store) == [])
        #expect(try onDisk("SELECT count(*) FROM delivery WHERE state = 'waiting'") == [1])
        #expect(store.problem?.contains("history is not being kept since") == true)

        try depot.makeRoom()
        timekeeper.pass(2)
        #expect(try due(store) == [])
        #expect(store.problem == nil)
        #expect(try onDisk("SELECT state FROM delivery", String.self) == ["delivered", "delivered", "delivered"])
        #expect(try onDisk("SELECT attempts FROM delivery") == [1, 1, 1])
        #expect(try onDisk("SELECT to_state FROM transition", String.self) == ["invalid"])
        #expect(try store.load()[Sample.name()]?.belief == death.decision.belief)
        #expect(try onDisk("PRAGMA integrity_check", String.self) == ["ok"])
        #expect(try onDisk("SELECT count(*) FROM pragma_foreign_key_check") == [0])
    }

    @Test func `a start without a disk goes on, and writes all when there is one`() throws {
        depot.breakDown()
        let store = try directory.resilient(depot, timekeeper: timekeeper)
        #expect(store.problem?.contains("(broken)") == true)
        try store.commit(Sample.death().change)
        #expect(try due(store).count == 1)
        depot.repair()
        timekeeper.pass(60)
        try store.confirm([])
        #expect(store.problem == nil)
        #expect(try onDisk("SELECT name FROM token", String.self) == ["bot"])
        #expect(try onDisk("SELECT to_state FROM transition", String.self) == ["invalid"])
        #expect(try onDisk("SELECT count(*) FROM delivery WHERE state = 'waiting'") == [1])
    }

    @Test func `a secret has the same fingerprint before and after the disk comes back, and after a restart`() throws {
        let secret = try SecretLint.secret(in: Array("a-secret-that-is-long-enough".utf8), source: "test")
        depot.breakDown()
        do {
            let store = try directory.resilient(depot, timekeeper: timekeeper)
            let before = depot.fingerprinter.fingerprint(of: secret)
            depot.repair()
            store.flush()
            #expect(store.problem == nil)
            #expect(depot.fingerprinter.fingerprint(of: secret) == before)
        }
        depot.release()
        let restarted = HMACFingerprinter(key: try directory.open().fingerprintKey)
        #expect(restarted.fingerprint(of: secret) == depot.fingerprinter.fingerprint(of: secret))
    }

    @Test func `what can be read of a database is known without a disk to write to`() throws {
        do {
            let store = try directory.open()
            try store.commit(Sample.death().change)
        }
        let depot = SQLiteDepot(directory: directory.state) { Sample.start }
        let reserve = try depot.reserve(of: nil)
        #expect(try reserve.load() == directory.open().load())
        #expect(try due(reserve).count == 1)
        #expect(try reserve.notifierReports()["oncall"]?.pending == 1)
    }

    @Test func `the log of a killed daemon is read where there is no room for its index`() async {
        await #expect(processExitsWith: .success) {
            let (directory, left) = (try TemporaryDirectory(), try TemporaryDirectory())
            let killed = try directory.open()
            try killed.commit(Sample.change("a", alerts: [Sample.alert("before")]))
            try FileManager.default.createDirectory(atPath: left.state, withIntermediateDirectories: true)
            for file in ["", "-wal"] {
                try FileManager.default.copyItem(atPath: directory.database + file, toPath: left.database + file)
            }
            _ = signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 0, rlim_max: 0)
            #expect(unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            let depot = SQLiteDepot(directory: left.state) { Sample.start }
            #expect(throws: (any Error).self) { try depot.open() }
            let reserve = try depot.reserve(of: nil)
            #expect(try reserve.load().keys.map(\.text) == ["a"])
            let due = try reserve.deliveries(for: "oncall", dueAt: Sample.second(1000), limit: 100)
            #expect(due.map(\.alert.id) == ["before"])
        }
    }

    @Test func `a write that finds no room is made once more after the log has given up its own`() throws {
        let store = try directory.open()
        for index in 0..<20 { try store.commit(Sample.change("t\(index)", alerts: [Sample.alert("a\(index)")])) }
        let log = "\(directory.database)-wal"
        let sizes = Mutex<[Int]>([])
        let disk = DatabaseFunction("disk", argumentCount: 0) { _ in
            let size = bytes(of: log).count
            let attempts = sizes.withLock { sizes in
                sizes.append(size)
                return sizes.count
            }
            // As on a disk that was full, and of which the log had some.
            if attempts == 1 { throw DatabaseError(resultCode: .SQLITE_FULL, message: "database or disk is full") }
            return nil
        }
        try store.queue.writeWithoutTransaction { database in
            database.add(function: disk)
            try database.execute(
                sql: "CREATE TEMP TRIGGER room AFTER INSERT ON main.token BEGIN SELECT disk(); END"
            )
        }
        try store.commit(Sample.change("last"))
        #expect(sizes.withLock { $0 }.first.map { $0 > 0 } == true)
        #expect(sizes.withLock { $0 }.dropFirst() == [0])
        #expect(try store.load()[Sample.name("last")] != nil)
    }

    @Test func `the log stays so small that it fills no disk`() throws {
        let store = try directory.open()
        for number in 0..<400 {
            let alert = Sample.alert("a\(number)", at: Double(number))
            try store.commit(Sample.change("t\(number % 20)", at: Double(number), alerts: [alert]))
        }
        #expect(bytes(of: "\(directory.database)-wal").count < 1_200_000)
    }

    @Test func `a database that is damaged under way is set aside, and the new one knows what was known`() throws {
        let store = try directory.resilient(depot, timekeeper: timekeeper)
        for index in 0..<50 { try store.commit(Sample.change("t\(index)", alerts: [Sample.alert("a\(index)")])) }
        depot.release()
        // Half a database: what SQLite has in memory of it ends at the next checkpoint.
        try directory.damage()
        try store.commit(Sample.death().change)
        timekeeper.pass(60)
        try store.confirm([])
        timekeeper.pass(60)
        _ = try due(store)
        #expect(store.problem == nil)
        #expect(depot.setAside != nil)
        #expect(try onDisk("SELECT count(*) FROM token WHERE name = 'bot'") == [1])
        #expect(try onDisk("PRAGMA integrity_check", String.self) == ["ok"])
    }

    @Test func `errors are blamed on the disk, the file, the change, or the configuration`() throws {
        #expect(depot.fault(in: DatabaseError(resultCode: .SQLITE_CONSTRAINT)) == .request)
        #expect(depot.fault(in: DatabaseError(resultCode: .SQLITE_FULL)) == .disk)
        #expect(depot.fault(in: DatabaseError(resultCode: .SQLITE_IOERR)) == .disk)
        #expect(depot.fault(in: DatabaseError(resultCode: .SQLITE_READONLY)) == .disk)
        #expect(depot.fault(in: DatabaseError(resultCode: .SQLITE_CORRUPT)) == .damage)
        #expect(depot.fault(in: StorageError.locked(directory: "/x")) == .mistake)
        #expect(depot.fault(in: StorageError.failingDirectory(directory: "/x", cause: "full")) == .disk)
    }
}
