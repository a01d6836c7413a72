import FoundationEssentials
import GRDB
import Glibc
import Synchronization
import VigilPlatform

/// A database that is still open, of which a file was deleted, emptied or replaced: this process alone knows what is in it.
final class LostDatabase: Sendable {
    private let queue: Mutex<DatabaseQueue?>
    private let identity: DatabaseIdentity

    init(_ queue: DatabaseQueue, identity: DatabaseIdentity) {
        self.queue = Mutex(queue)
        self.identity = identity
    }

    /// Puts all that is in it under its name again, beside which it was written first; nothing where that was done before,
    /// or where it is damaged.
    ///
    /// - Returns: where another database was moved that has taken its place.
    /// - Throws: what keeps it from being written; then nothing has changed.
    func restore(in directory: StateDirectory, now: Date) throws -> SQLiteHealthStore.SetAside? {
        try queue.withLock { queue in
            guard let lost = queue else { return nil }
            try DatabaseFiles.check(directory.database)
            let draft = TemporaryName.beside(directory.database)
            defer { for file in [draft] + DatabaseFiles.companions.map({ draft + $0 }) { _ = unsafe unlink(file) } }
            guard try copy(lost, to: draft) else {
                let setAside = try rescue(in: directory, now: now)
                try? lost.close()
                queue = nil
                DatabaseFiles.remove(directory.database)
                return setAside
            }
            // Closed while the names are free: SQLite removes the log by its name.
            let setAside = try makeRoom(in: directory, now: now)
            try? lost.close()
            queue = nil
            DatabaseFiles.remove(directory.database)
            guard unsafe rename(draft, directory.database) == 0 else {
                throw StorageError.unopenable(path: directory.database, cause: lastError())
            }
            AtomicFile.synchronizeDirectory(of: directory.database)
            return setAside
        }
    }

    /// Keeps the database as it was before its log, of which nothing can be known: closing it would bring that into it.
    ///
    /// - Returns: where it is; `nil` where there is none.
    private func rescue(in directory: StateDirectory, now: Date) throws -> SQLiteHealthStore.SetAside? {
        guard !identity.isForeign else { return try makeRoom(in: directory, now: now) }
        let target = directory.database + ".damaged-\(Int(now.timeIntervalSince1970))"
        guard unsafe access(directory.database, F_OK) == 0 else { return nil }
        try? FileManager.default.removeItem(atPath: target)
        try FileManager.default.copyItem(atPath: directory.database, toPath: target)
        return SQLiteHealthStore.SetAside(path: target, cause: "its log was overwritten")
    }

    /// - Returns: whether it could be read.
    private func copy(_ lost: DatabaseQueue, to path: String) throws -> Bool {
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw StorageError.unwritableFile(path: path, cause: lastError()) }
        close(descriptor)
        let copy = try DatabaseQueue(path: path)
        do {
            try lost.backup(to: copy)
            let verdict = try copy.read { try String.fetchOne($0, sql: "PRAGMA quick_check(1)") }
            try copy.close()
            return verdict == "ok"
        } catch let error as DatabaseError where error.meansDamage {
            try? copy.close()
            return false
        }
    }

    /// Moves what has taken its place out of the way, unless there is nothing in it.
    private func makeRoom(in directory: StateDirectory, now: Date) throws -> SQLiteHealthStore.SetAside? {
        guard identity.isForeign else { return nil }
        let path = try directory.setAside(
            suffix: "replaced-\(Int(now.timeIntervalSince1970))",
            cause: "it is another one"
        )
        return SQLiteHealthStore.SetAside(path: path, cause: "it is another one", isForeign: true)
    }
}
