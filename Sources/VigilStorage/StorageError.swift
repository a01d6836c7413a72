/// Why the state directory cannot be used.
///
/// Each has one sentence with the remedy.
package enum StorageError: Error, Sendable, Hashable {
    /// Another daemon holds the lock.
    case locked(directory: String)
    case unusableDirectory(directory: String, cause: String)
    /// The disk below it is full, read-only or broken; that may pass.
    case failingDirectory(directory: String, cause: String)
    /// The database is damaged and cannot be moved out of the way.
    case damaged(path: String, cause: String)
    case unwritableFile(path: String, cause: String)
    /// The command line cannot read the database.
    case unreadable(path: String, cause: String)
}

extension StorageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .locked(let directory):
            "another tokenvigil is using the state directory \(directory): stop it, or give this one its own"
        case .unusableDirectory(let directory, let cause):
            "the state directory \(directory) cannot be used (\(cause)): create it and let the service's user write to it"
        case .failingDirectory(let directory, let cause):
            "nothing can be written to the state directory \(directory) (\(cause)): make room, or repair the disk"
        case .damaged(let path, let cause):
            "the database \(path) is damaged (\(cause)) and cannot be set aside: move it away by hand"
        case .unreadable(let path, let cause):
            "the database \(path) cannot be read (\(cause)): has the daemon run here, and may you read it?"
        case .unwritableFile(let path, let cause):
            "the file \(path) cannot be written (\(cause)): create its directory and let the service's user write to it"
        }
    }
}
