import Glibc
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

    /// Those of the database at `path`, which has just been opened.
    init(of path: String) {
        self.path = path
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
    }

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
