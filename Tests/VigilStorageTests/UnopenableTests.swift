import FoundationEssentials
import GRDB
import Glibc
import Testing
import TokenHealth
import VigilEngine

@testable import VigilStorage

/// A database that cannot be opened is left as it is, and the daemon goes on without it.
@Suite(.timeLimit(.minutes(1))) struct UnopenableTests {
    private let directory: TemporaryDirectory
    private let timekeeper = SteppedTimekeeper()

    init() throws {
        directory = try TemporaryDirectory()
        let store = try directory.open()
        try store.commit(Sample.death().change)
    }

    private func depot() -> SQLiteDepot { SQLiteDepot(directory: directory.state) { Sample.start } }

    private func fault(opening depot: SQLiteDepot) -> StoreFault? {
        do {
            _ = try depot.open()
            return nil
        } catch {
            return depot.fault(in: error)
        }
    }

    @Test(arguments: ["", "-wal", "-shm"])
    func `a named pipe or a directory in the place of a file of it is left there`(companion: String) throws {
        let path = directory.database + companion
        for make in [{ unsafe mkfifo(path, 0o600) }, { unsafe mkdir(path, 0o700) }] {
            _ = unsafe Glibc.remove(path)
            #expect(make() == 0)
            let names = try directory.names()
            let depot = depot()
            #expect(fault(opening: depot) == .disk)
            #expect(depot.setAside == nil)
            #expect(try directory.names() == names)
            #expect(throws: (any Error).self) { try HistoryReader(directory: directory.state) }
        }
    }

    @Test(.enabled(if: geteuid() == 0, "another user is needed"), arguments: [0o000, 0o400] as [mode_t])
    func `one that this user may not open is left alone, and what may be read of it is known`(mode: mode_t) async {
        await #expect(processExitsWith: .success) { [mode] in
            let directory = try TemporaryDirectory()
            do {
                let store = try directory.open()
                try store.commit(Sample.death().change)
            }
            let other: uid_t = 54_321
            for path in [directory.path, directory.state, "\(directory.state)/lock"] {
                #expect(unsafe chown(path, other, other) == 0)
            }
            #expect(unsafe chown(directory.database, mode == 0 ? 0 : other, 0) == 0)
            #expect(unsafe chmod(directory.database, mode) == 0)
            let before = bytes(of: directory.database)
            #expect(seteuid(other) == 0)
            let depot = SQLiteDepot(directory: directory.state) { Sample.start }
            let store = try directory.resilient(depot)
            #expect(
                store.problem?.contains("state.db cannot be opened (Permission denied) and is left as it is") == true
            )
            #expect(try store.load().count == (mode == 0 ? 0 : 1))
            try store.commit(Sample.change("new"))
            #expect(try store.load()[Sample.name("new")] != nil)
            #expect(seteuid(0) == 0)
            #expect(bytes(of: directory.database) == before)
            #expect(depot.setAside == nil)
        }
    }

    @Test func `one of a newer version is left alone, and what it knows is known`() throws {
        try directory.meddle(
            "INSERT INTO grdb_migrations (identifier) VALUES ('999'); ALTER TABLE token ADD COLUMN mood TEXT"
        )
        let before = bytes(of: directory.database)
        let depot = depot()
        let store = try directory.resilient(depot, notifiers: ["oncall"], timekeeper: timekeeper)
        #expect(store.problem?.contains("was written by a newer tokenvigil and is left as it is") == true)
        #expect(try store.load()[Sample.name()]?.belief.state.name == .invalid)
        #expect(try store.deliveries(for: "oncall", dueAt: Sample.second(1000), limit: 10).count == 1)
        timekeeper.pass(60)
        try store.commit(Sample.change("new"))
        store.flush()
        #expect(bytes(of: directory.database) == before)
        #expect(depot.setAside == nil)
        let told = try store.deliveries(for: "oncall", dueAt: Sample.second(1000), limit: 10).map(\.alert)
        #expect(told.contains { $0.isAboutState })
    }

    @Test func `one that is locked by another program is left alone`() throws {
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: directory.database, configuration: configuration)
        try other.inDatabase { try $0.execute(sql: "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE") }
        let depot = depot()
        #expect(fault(opening: depot) == .disk)
        try other.inDatabase { try $0.execute(sql: "ROLLBACK") }
        try other.close()
        #expect(fault(opening: depot) == nil)
        #expect(depot.setAside == nil)
    }

    @Test func `once it can be opened it is used again, and what came meanwhile is in it`() throws {
        let aside = directory.database + ".away"
        #expect(unsafe rename(directory.database, aside) == 0)
        #expect(unsafe mkdir(directory.database, 0o700) == 0)
        let depot = depot()
        let store = try directory.resilient(depot, timekeeper: timekeeper)
        #expect(store.problem?.contains("it is a directory") == true)
        try store.commit(Sample.change("new", alerts: [Sample.alert("during")]))
        #expect(unsafe rmdir(directory.database) == 0)
        #expect(unsafe rename(aside, directory.database) == 0)
        store.flush()
        #expect(store.problem == nil)
        #expect(try Set(store.load().keys.map(\.text)) == ["bot", "new"])
    }
}

/// A database that is deleted or replaced while it is in use is noticed, and written anew.
@Suite struct LostDatabaseTests {
    private let directory: TemporaryDirectory
    private let timekeeper = SteppedTimekeeper()
    private let depot: SQLiteDepot

    init() throws {
        directory = try TemporaryDirectory()
        let state = directory.state
        depot = SQLiteDepot(directory: state) { Sample.start }
    }

    enum Loss: String, CaseIterable {
        case all, database, log, index, emptied, emptiedLog, garbledLog, directory
    }

    private func lose(_ loss: Loss) throws {
        let files: [String]
        switch loss {
        case .all: files = ["", "-wal", "-shm"]
        case .database: files = [""]
        case .log: files = ["-wal"]
        case .index: files = ["-shm"]
        case .emptied: return #expect(unsafe truncate(directory.database, 0) == 0)
        case .emptiedLog: return #expect(unsafe truncate(directory.database + "-wal", 0) == 0)
        case .garbledLog:
            let log = directory.database + "-wal"
            let noise = [UInt8](repeating: 0x5A, count: bytes(of: log).count)
            let descriptor = unsafe open(log, O_WRONLY | O_CLOEXEC)
            defer { close(descriptor) }
            return #expect(unsafe pwrite(descriptor, noise, noise.count, 0) == noise.count)
        case .directory: return try FileManager.default.removeItem(atPath: directory.state)
        }
        for file in files { #expect(unsafe unlink(directory.database + file) == 0) }
    }

    /// What a program that opens the database afterwards counts.
    private func onDisk(_ sql: String) throws -> Int? {
        let queue = try DatabaseQueue(path: directory.database)
        return try queue.read { try Int.fetchOne($0, sql: sql) }
    }

    private func due(_ store: any HealthStore) throws -> [String] {
        try store.deliveries(for: "oncall", dueAt: Sample.second(1000), limit: 100).map(\.alert.id)
    }

    @Test(arguments: Loss.allCases)
    func `whatever of it is deleted, all that was known is on disk again, and nothing is told twice`(loss: Loss) throws
    {
        let store = try directory.resilient(depot, timekeeper: timekeeper)
        let death = Sample.death()
        try store.commit(death.change)
        try store.settle(
            try #require(try store.deliveries(for: "oncall", dueAt: Sample.second(1000), limit: 1).first),
            as: .delivered(at: Sample.second(61))
        )
        try store.commit(Sample.change("waiting", at: 1, alerts: [Sample.alert("waiting", at: 1)]))
        try lose(loss)
        // A read notices it.
        #expect(try due(store) == ["waiting"])
        #expect(store.problem?.contains("was deleted, emptied or replaced while it was in use") == true)
        try store.commit(Sample.change("during", at: 2, alerts: [Sample.alert("during", at: 2)]))
        timekeeper.pass(60)
        #expect(try due(store) == ["waiting", "during"])
        #expect(store.problem == nil)

        #expect(try onDisk("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'") == 0)
        #expect(try onDisk("SELECT count(*) FROM token") == 3)
        #expect(try onDisk("SELECT count(*) FROM delivery WHERE state = 'waiting'") == 2)
        #expect(try onDisk("SELECT count(*) FROM delivery WHERE state = 'delivered'") == 1)
        // The record of the past too.
        #expect(try onDisk("SELECT count(*) FROM transition") == 1)
        #expect(try onDisk("SELECT count(*) FROM incident") == 1)
        #expect(mode(of: directory.database) == 0o600)
        #expect(try store.load()[Sample.name()]?.belief == death.decision.belief)
    }

    @Test func `a log that another program has brought into the database is nothing to worry about`() throws {
        let store = try directory.open()
        try store.commit(Sample.death().change)
        try directory.meddle("PRAGMA wal_checkpoint(TRUNCATE)")
        #expect(bytes(of: directory.database + "-wal").isEmpty)
        #expect(store.lost == nil)
        #expect(try store.load()[Sample.name()]?.belief.state.name == .invalid)
        try store.commit(Sample.change("after"))
        #expect(try store.load().count == 2)
    }

    @Test func `a database that another program has locked holds nobody up for longer than a second`() throws {
        let store = try directory.resilient(depot, timekeeper: timekeeper)
        var configuration = Configuration()
        configuration.allowsUnsafeTransactions = true
        let other = try DatabaseQueue(path: directory.database, configuration: configuration)
        try other.inDatabase { try $0.execute(sql: "BEGIN EXCLUSIVE") }
        let took = try ContinuousClock().measure { try store.commit(Sample.change("during")) }
        #expect(took < .seconds(2))
        #expect(store.problem?.contains("locked") == true)
        #expect(try store.load().keys.map(\.text) == ["during"])
        try other.inDatabase { try $0.execute(sql: "ROLLBACK") }
        try other.close()
        store.flush()
        #expect(store.problem == nil)
        #expect(try onDisk("SELECT count(*) FROM token") == 1)
    }

    @Test func `another database in its place is set aside, and nothing of it is told`() throws {
        let store = try directory.resilient(depot, timekeeper: timekeeper)
        try store.commit(Sample.change("mine", alerts: [Sample.alert("mine")]))
        let other = try TemporaryDirectory()
        do {
            let backup = try other.open()
            try backup.commit(Sample.change("theirs", alerts: [Sample.alert("theirs")]))
        }
        for file in ["-wal", "-shm"] { _ = unsafe unlink(directory.database + file) }
        #expect(unsafe rename(other.database, directory.database) == 0)
        timekeeper.pass(60)
        #expect(try due(store) == ["mine"])
        timekeeper.pass(60)
        #expect(try due(store) == ["mine"])
        #expect(store.problem == nil)
        #expect(try store.load().keys.map(\.text) == ["mine"])
        let setAside = try #require(depot.setAside)
        #expect(setAside.isForeign && setAside.path.contains("state.db.replaced-"))
        #expect(FileManager.default.fileExists(atPath: setAside.path))
    }

    @Test func `something that cannot be opened in its place is waited for, and left alone`() throws {
        let store = try directory.resilient(depot, timekeeper: timekeeper)
        try store.commit(Sample.change("mine", alerts: [Sample.alert("mine")]))
        try lose(.all)
        #expect(unsafe mkdir(directory.database, 0o700) == 0)
        for _ in 0..<5 {
            timekeeper.pass(60)
            #expect(try due(store) == ["mine"])
        }
        #expect(store.problem?.contains("it is a directory") == true)
        #expect(unsafe rmdir(directory.database) == 0)
        store.flush()
        #expect(store.problem == nil)
        #expect(try due(store) == ["mine"])
    }

    @Test func `a database in its place is noticed at once, and cheaply`() throws {
        let store = try directory.open()
        #expect(store.lost == nil)
        try lose(.database)
        #expect(store.lost != nil)
        #expect(throws: StorageError.replaced(path: directory.database)) { try store.load() }
        #expect(throws: StorageError.replaced(path: directory.database)) { try store.commit(Sample.change()) }
    }
}
