package import VigilPlatform

/// Why the state directory cannot be used.
///
/// Each has one sentence with the remedy.
package enum StorageError: Error, Sendable, Hashable {
    /// Another daemon holds the lock.
    case locked(directory: String)
    case unusableDirectory(directory: String, cause: StorageCause)
    /// The disk below it is full, read-only or broken; that may pass.
    case failingDirectory(directory: String, cause: StorageCause)
    /// The database cannot be opened as it is; it is left alone.
    case unopenable(path: String, cause: StorageCause)
    /// The database was written by a newer version of this program; it is left alone.
    case newer(path: String)
    /// A file of the database was deleted, emptied or replaced while it was in use.
    case replaced(path: String)
    /// The database is damaged and cannot be moved out of the way.
    case damaged(path: String, cause: String)
    case unwritableFile(path: String, cause: StorageCause)
    /// The command line cannot read the database.
    case unreadable(path: String, cause: String)
}

extension StorageError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .locked(let directory):
            "another tokenvigil is using the state directory \(directory): stop it, or give this one its own"
        case .unusableDirectory(let directory, let cause):
            "the state directory \(directory) cannot be used (\(cause)): "
                + (cause.remedy ?? "create it and let the service's user write to it")
        case .failingDirectory(let directory, let cause):
            "nothing can be written to the state directory \(directory) (\(cause)): "
                + (cause.remedy ?? "make room, or repair the disk")
        case .unopenable(let path, let cause):
            "\(path) cannot be opened (\(cause)) and is left as it is: "
                + (cause.remedy ?? "let the service's user read and write it, or move it away")
        case .newer(let path):
            "the database \(path) was written by a newer tokenvigil and is left as it is: install that version again, or move "
                + "the file away"
        case .replaced(let path):
            "\(path) was deleted, emptied or replaced while it was in use: it is written anew"
        case .damaged(let path, let cause):
            "the database \(path) is damaged (\(cause)) and cannot be set aside: move it away by hand"
        case .unreadable(let path, let cause):
            "the database \(path) cannot be read (\(cause)): has the daemon run here, and may you read it?"
        case .unwritableFile(let path, let cause):
            "the file \(path) cannot be written (\(cause)): "
                + (cause.remedy ?? "see that the service's user may write to its directory")
        }
    }
}

/// Why something cannot be used, and what helps against that.
package struct StorageCause: Sendable, Hashable {
    package let words: String
    /// What to do; `nil` where the cause does not say.
    package let remedy: String?

    package init(_ words: String, remedy: String? = nil) {
        self.words = words
        self.remedy = remedy
    }

    /// What the system has refused when a file was to be made or written.
    package init(_ error: SystemError) { self.init("\(error)", remedy: error.remedyOfWriting) }
}

extension StorageCause: CustomStringConvertible {
    package var description: String { words }
}

extension StorageCause: ExpressibleByStringInterpolation {
    package init(stringLiteral value: String) { self.init(value) }
}
