import FoundationEssentials
import Glibc
import VigilPlatform

/// The directory with the database, locked so that two daemons never share it.
final class StateDirectory: Sendable {
    let path: String
    private let lock: CInt

    /// Creates the directory where it is missing (mode 0700) and takes its lock, which the kernel gives back however
    /// this process ends.
    init(path: String) throws(StorageError) {
        self.path = path
        if unsafe mkdir(path, 0o700) != 0, errno != EEXIST {
            throw StorageError(directory: path, errno: errno)
        }
        let descriptor = unsafe open("\(path)/lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { throw StorageError(directory: path, file: "lock", errno: errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            close(descriptor)
            throw number == EWOULDBLOCK ? .locked(directory: path) : StorageError(directory: path, errno: number)
        }
        guard unsafe access(path, W_OK | X_OK) == 0 else {
            let number = errno
            close(descriptor)
            throw StorageError(directory: path, errno: number)
        }
        lock = descriptor
    }

    deinit { close(lock) }

    var database: String { "\(path)/state.db" }

    /// Makes sure that the database exists with mode 0600 before SQLite creates it with another, and that it is one that
    /// SQLite may open.
    func prepareDatabaseFile() throws(StorageError) {
        try DatabaseFiles.check(database)
        let descriptor = unsafe open(database, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0o600)
        guard descriptor < 0 else {
            close(descriptor)
            return
        }
        let error = SystemError()
        guard exists(database) else { throw StorageError(directory: path, errno: error.code) }
        // Whatever keeps it from being opened says nothing against what is in it.
        throw .unopenable(path: database, cause: StorageCause("\(error)", remedy: error.remedyOfOpening))
    }

    /// Finds out whether the disk takes anything at all.
    func tryToWrite() throws(StorageError) {
        let trial = "\(path)/trial"
        do {
            // More than a database needs beside what it has.
            try AtomicFile(path: trial, mode: 0o600).write([UInt8](repeating: 0, count: 65_536))
        } catch {
            throw .failingDirectory(directory: path, cause: error.cause)
        }
        _ = unsafe unlink(trial)
    }

    private func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Moves a database that is not to be used, and its companions, out of the way.
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

extension StorageError {
    /// Why a state directory cannot be used.
    ///
    /// A full or failing disk may come back; a missing directory, or one of somebody else, is a mistake.
    fileprivate init(directory: String, file: String? = nil, errno number: CInt) {
        let error = SystemError(number)
        let words = file.map { "\($0): \(error)" } ?? "\(error)"
        let cause = StorageCause(words, remedy: error.remedyOfOpening)
        switch number {
        case EROFS, ENOSPC, EDQUOT, EIO, ENOMEM, EMFILE, ENFILE, ESTALE, ETIMEDOUT:
            self = .failingDirectory(directory: directory, cause: cause)
        default:
            self = .unusableDirectory(directory: directory, cause: cause)
        }
    }

    /// What the system says, without the rest.
    fileprivate var cause: StorageCause {
        switch self {
        case .locked: "locked"
        case .newer: "newer"
        case .replaced: "replaced"
        case .damaged(_, let cause), .unreadable(_, let cause): StorageCause(cause)
        case .unusableDirectory(_, let cause), .failingDirectory(_, let cause), .unwritableFile(_, let cause),
            .unopenable(_, let cause):
            cause
        }
    }
}

/// What `errno` says.
func lastError() -> StorageCause { StorageCause(SystemError()) }
