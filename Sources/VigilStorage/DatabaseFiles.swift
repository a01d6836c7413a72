import Glibc
import Synchronization
import VigilPlatform

/// The files that SQLite keeps for one database.
enum DatabaseFiles {
    static let companions = ["-wal", "-shm", "-journal"]

    /// Finds out whether SQLite may open the database at `path`: something else in the place of one of its files, such as a
    /// named pipe, would hold it up for ever.
    ///
    /// - Throws: ``StorageError/unopenable(path:cause:)``.
    static func check(_ path: String) throws(StorageError) {
        for file in [path] + companions.map({ path + $0 }) {
            if let kind = RegularFile.kindOfOther(at: file) { throw .unopenable(path: file, cause: "it is \(kind)") }
        }
    }

    /// Removes all of them.
    static func remove(_ path: String) {
        for file in [path] + companions.map({ path + $0 }) { _ = unsafe unlink(file) }
    }
}

/// Which files an open database has, to find out whether their names still lead to them.
///
/// SQLite itself goes on writing to a file that has been deleted (https://www.sqlite.org/howtocorrupt.html, section 2.4).
struct DatabaseIdentity: Sendable {
    private struct Identity: Sendable, Hashable {
        let device: dev_t
        let number: ino_t
    }

    private let path: String
    private let files: [String: Identity]
    private let log: WriteAheadLog

    /// Those of the database at `path`, which has just been opened.
    init(of path: String) {
        self.path = path
        log = WriteAheadLog(of: path)
        var files: [String: Identity] = [:]
        for file in [path, path + "-wal", path + "-shm"] { files[file] = DatabaseIdentity.identity(of: file)?.identity }
        self.files = files
    }

    /// Makes sure that all of them are in their places.
    ///
    /// - Throws: ``StorageError/replaced(path:)``.
    func check() throws(StorageError) {
        for (file, identity) in files {
            guard let now = DatabaseIdentity.identity(of: file), now.identity == identity, now.size > 0 || file != path
            else { throw .replaced(path: file) }
        }
        guard log.isWhole else { throw .replaced(path: log.path) }
    }

    /// Takes the log as it is for what this process has written.
    func noteWrite() { log.note() }

    /// Whether another database with something in it has the name of this one.
    var isForeign: Bool {
        guard let now = DatabaseIdentity.identity(of: path), now.size > 0 else { return false }
        return now.identity != files[path]
    }

    private static func identity(of path: String) -> (identity: Identity, size: off_t)? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        return (Identity(device: status.st_dev, number: status.st_ino), status.st_size)
    }
}

/// The log of an open database in WAL mode, to find out whether somebody has emptied or overwritten it in its place: SQLite
/// goes by its index alone, and would bring what it finds there into the database.
///
/// Neither the database nor the index may be opened for that: closing either would give back SQLite's locks on it
/// (https://www.sqlite.org/howtocorrupt.html, section 2.2).
private final class WriteAheadLog: Sendable {
    private struct Mark {
        var size: off_t = 0
        var writtenAt = timespec()
    }

    let path: String
    private let database: String
    private let known = Mutex(Mark())

    init(of database: String) {
        self.database = database
        path = database + "-wal"
        note()
    }

    func note() {
        let mark = WriteAheadLog.mark(of: path) ?? Mark()
        known.withLock { $0 = mark }
    }

    /// Whether what was written is still there, as far as its length and its beginning say; `true` where it cannot be read.
    var isWhole: Bool {
        guard let now = WriteAheadLog.mark(of: path) else { return true }
        let known = known.withLock(\.self)
        if now.size < known.size {
            // Whoever empties it by SQLite has brought all of it into the database before.
            guard now.size == 0, let database = WriteAheadLog.mark(of: database) else { return false }
            return (known.writtenAt.tv_sec, known.writtenAt.tv_nsec)
                <= (database.writtenAt.tv_sec, database.writtenAt.tv_nsec)
        }
        return now.size == 0 || WriteAheadLog.hasItsHeader(path)
    }

    private static func mark(of path: String) -> Mark? {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        return Mark(size: status.st_size, writtenAt: status.st_mtim)
    }

    /// Whether the file begins as a log does (https://www.sqlite.org/fileformat2.html#walformat).
    private static func hasItsHeader(_ path: String) -> Bool {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return true }
        defer { close(descriptor) }
        var word: UInt32 = 0
        let count = unsafe withUnsafeMutableBytes(of: &word) { unsafe read(descriptor, $0.baseAddress, $0.count) }
        return count != 4 || UInt32(bigEndian: word) & ~1 == 0x377F_0682
    }
}
