import FoundationEssentials
import GRDB
import Glibc
import Logging
import Synchronization
import TokenHealth
import VigilEngine

@testable import VigilStorage

/// The depot of a directory, on a disk that a test can break and fill.
final class SwitchedDepot: StoreDepot {
    private let inner: SQLiteDepot
    private let state = Mutex<(isBroken: Bool, disk: SQLiteHealthStore?)>((false, nil))

    init(_ directory: TemporaryDirectory) { inner = SQLiteDepot(directory: directory.state) { Sample.start } }

    func open() throws -> any HealthStore {
        if state.withLock({ $0.isBroken }) { throw StorageError.failingDirectory(directory: "/x", cause: "broken") }
        let store = try inner.open()
        state.withLock { $0.disk = store as? SQLiteHealthStore }
        return store
    }

    func reserve(of store: (any HealthStore)?) throws -> any HealthStore { try inner.reserve(of: store) }

    func adopt(_ reserve: any HealthStore, into store: any HealthStore) throws {
        try inner.adopt(reserve, into: store)
    }

    func fault(in error: any Error) -> StoreFault { inner.fault(in: error) }

    var setAside: SQLiteHealthStore.SetAside? { inner.setAside }
    var fingerprinter: HMACFingerprinter { HMACFingerprinter(key: inner.fingerprintKey) }

    /// The database can neither be opened nor created.
    func breakDown() { state.withLock { $0.isBroken = true } }
    func repair() { state.withLock { $0.isBroken = false } }

    /// No page more fits (https://www.sqlite.org/pragma.html#pragma_max_page_count).
    func fill() throws { try limit(pages: 1) }
    func makeRoom() throws { try limit(pages: 1_000_000) }

    private func limit(pages: Int) throws {
        guard let disk = state.withLock({ $0.disk }) else { return }
        try disk.queue.writeWithoutTransaction { database in
            _ = try Int.fetchOne(database, sql: "PRAGMA max_page_count = \(pages)")
        }
        // A page that is not full yet takes no write either.
        try disk.queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA query_only = \(pages == 1 ? 1 : 0)") }
    }

    /// Lets go of the store, so that nothing but its owner holds it.
    func release() {
        // Pages in memory would hide what has become of the file.
        state.withLock { state in
            state.disk?.queue.releaseMemory()
            state.disk = nil
        }
    }
}

/// Uptime that a test moves.
final class SteppedTimekeeper: Timekeeper {
    private let seconds = Mutex(0.0)

    func now() -> Moment {
        let seconds = seconds.withLock { $0 }
        return Moment(wall: Sample.second(seconds), uptime: .seconds(seconds))
    }

    func sleep(until uptime: Duration) async throws {}
    func pass(_ more: Double) { seconds.withLock { $0 += more } }
}

extension TemporaryDirectory {
    /// Writes noise over everything but the first page of the database and of its log.
    func damage() throws {
        for path in [database, "\(database)-wal"] {
            let size = bytes(of: path).count
            let descriptor = unsafe Glibc.open(path, O_WRONLY)
            guard descriptor >= 0, size > 4096 else { continue }
            let noise = (4096..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            _ = unsafe noise.withUnsafeBytes { unsafe pwrite(descriptor, $0.baseAddress, $0.count, 4096) }
            close(descriptor)
        }
    }

    func resilient(
        _ depot: any StoreDepot,
        notifiers: [String] = [],
        timekeeper: any Timekeeper = SteppedTimekeeper()
    ) throws -> ResilientHealthStore {
        try ResilientHealthStore(
            depot: depot,
            notifiers: notifiers,
            composer: AlertComposer(host: "srv1"),
            timekeeper: timekeeper,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }
}
