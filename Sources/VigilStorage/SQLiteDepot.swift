package import Crypto
package import FoundationEssentials
import GRDB
import Glibc
import Synchronization
package import VigilEngine

/// The SQLite stores of one state directory: the one on disk, and its reserve in memory.
package final class SQLiteDepot: StoreDepot {
    private let path: String
    private let now: @Sendable () -> Date
    private let known = Mutex(Known())

    private struct Known {
        var key: SymmetricKey?
        var setAside: SQLiteHealthStore.SetAside?
        var lost: LostDatabase?
    }

    /// Takes the path of the state directory, and the wall time.
    package init(directory path: String, now: @escaping @Sendable () -> Date) {
        self.path = path
        self.now = now
    }

    /// Where the last database that could not be used was moved, and why.
    package var setAside: SQLiteHealthStore.SetAside? { known.withLock { $0.setAside } }

    /// That a database was set aside, in one sentence, as long as it lies there and this process lives: a person who has seen
    /// it moves it away.
    package var setAsideProblem: String? {
        guard let setAside, unsafe access(setAside.path, F_OK) == 0 else { return nil }
        return "\(setAside): move it away, or remove it, when you have seen to it"
    }

    /// The key of fingerprints: the same as long as the process lives, whatever becomes of the disk.
    package var fingerprintKey: SymmetricKey {
        known.withLock { known in
            let key = known.key ?? SymmetricKey(size: .bits256)
            known.key = key
            return key
        }
    }

    package func open() throws -> any HealthStore {
        let store = try SQLiteHealthStore(directory: path, now: now(), restoring: known.withLock { $0.lost })
        known.withLock { $0.lost = nil }
        remember(store)
        return store
    }

    package func reserve(of store: (any HealthStore)?) throws -> any HealthStore {
        let reserve: SQLiteHealthStore
        if let store = store as? SQLiteHealthStore {
            reserve = try SQLiteHealthStore(reserveOf: store.queue)
            if let lost = store.lost { known.withLock { $0.lost = lost } }
        } else {
            reserve = try SQLiteHealthStore(reserveOf: SQLiteDepot.readOnly("\(path)/state.db"))
        }
        remember(reserve)
        return reserve
    }

    package func adopt(_ reserve: any HealthStore, into store: any HealthStore) throws {
        guard let reserve = reserve as? SQLiteHealthStore, let store = store as? SQLiteHealthStore else {
            preconditionFailure("a store from another depot")
        }
        let key = fingerprintKey
        let isEmpty = try store.queue.isEmptyStore
        try store.queue.write { try $0.keep(key) }
        if isEmpty { try TableCopy(from: reserve.queue, to: store.queue).run() }
    }

    package func fault(in error: any Error) -> StoreFault {
        switch error {
        case let error as StorageError: error.fault
        case let error as DatabaseError: error.fault
        default: .request
        }
    }

    private func remember(_ store: SQLiteHealthStore) {
        known.withLock { known in
            known.key = known.key ?? store.fingerprintKey
            known.setAside = store.setAside ?? known.setAside
        }
    }

    /// What can be read of a database whose directory takes no writes; `nil` where nothing can.
    private static func readOnly(_ path: String) -> DatabaseQueue? {
        let escaped = path.replacing("%", with: "%25").replacing("?", with: "%3f").replacing("#", with: "%23")
        var reading = Configuration()
        reading.readonly = true
        // After a crash the log needs a new index, and that a disk with room for it; an only reader has it in memory:
        // https://www.sqlite.org/wal.html#use_of_wal_without_shared_memory
        var alone = Configuration()
        alone.prepareDatabase { try $0.execute(sql: "PRAGMA locking_mode = EXCLUSIVE") }
        // Without its companions SQLite opens a database in WAL mode only if told that nobody writes to it; what stands in
        // the log alone is not seen then: https://www.sqlite.org/wal.html#readonly
        let ways = [(path, reading), (path, alone), ("file:\(escaped)?immutable=1", reading)]
        guard FileManager.default.fileExists(atPath: path), (try? DatabaseFiles.check(path)) != nil else { return nil }
        for (address, configuration) in ways {
            guard let queue = try? DatabaseQueue(path: address, configuration: configuration),
                (try? queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM sqlite_master") }) != nil
            else { continue }
            return queue
        }
        return nil
    }
}

extension StorageError {
    fileprivate var fault: StoreFault {
        switch self {
        case .locked, .unusableDirectory: .mistake
        case .replaced: .damage
        case .failingDirectory, .damaged, .unopenable, .newer, .unwritableFile, .unreadable: .disk
        }
    }
}

extension DatabaseError {
    /// What is to blame (https://www.sqlite.org/rescode.html).
    fileprivate var fault: StoreFault {
        switch resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: .damage
        case .SQLITE_CONSTRAINT, .SQLITE_MISMATCH, .SQLITE_TOOBIG, .SQLITE_RANGE, .SQLITE_MISUSE: .request
        default: extendedResultCode == .SQLITE_READONLY_DBMOVED ? .damage : .disk
        }
    }
}
