import FoundationEssentials
import Glibc

/// The directory with the database, locked so that two daemons never share it.
struct StateDirectory: ~Copyable {
    let path: String
    private let lock: CInt

    /// Creates the directory where it is missing (mode 0700) and takes its lock, which the kernel gives back however
    /// this process ends.
    init(path: String) throws(StorageError) {
        self.path = path
        if unsafe mkdir(path, 0o700) != 0, errno != EEXIST {
            throw .unusableDirectory(directory: path, cause: lastError())
        }
        let descriptor = unsafe open("\(path)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .unusableDirectory(directory: path, cause: lastError()) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let isHeld = errno == EWOULDBLOCK
            let cause = lastError()
            close(descriptor)
            throw isHeld ? .locked(directory: path) : .unusableDirectory(directory: path, cause: cause)
        }
        guard unsafe access(path, W_OK | X_OK) == 0 else {
            let cause = lastError()
            close(descriptor)
            throw .unusableDirectory(directory: path, cause: cause)
        }
        lock = descriptor
    }

    deinit { close(lock) }

    var database: String { "\(path)/state.db" }

    /// Makes sure that the database exists with mode 0600 before SQLite creates it with another.
    func prepareDatabaseFile() throws(StorageError) {
        let descriptor = unsafe open(database, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        let cause = lastError()
        if descriptor >= 0 {
            close(descriptor)
        } else if !exists(database) {
            throw .unusableDirectory(directory: path, cause: cause)
        }
        // One that is there and cannot be opened is for SQLite to judge, and is then set aside.
    }

    private func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Moves a damaged database and its companions out of the way.
    ///
    /// - Returns: where the database is now.
    func setAside(suffix: String, cause: String) throws(StorageError) -> String {
        var target = "\(database).\(suffix)"
        while exists(target) { target += "+" }
        guard unsafe rename(database, target) == 0 else { throw .damaged(path: database, cause: cause) }
        for companion in ["-wal", "-shm"] { _ = unsafe rename(database + companion, target + companion) }
        return target
    }
}

/// The text of `errno`.
func lastError() -> String { unsafe String(cString: strerror(errno)) }
