import Glibc
import VigilPlatform

/// A file that is replaced as a whole: temporary file in the same directory, fsync, rename, fsync of the directory.
package struct AtomicFile {
    private let path: String
    private let mode: mode_t
    private let calls: FileCalls

    package init(path: String, mode: UInt32) { self.init(path: path, mode: mode, calls: .kernel) }

    init(path: String, mode: UInt32, calls: FileCalls) {
        self.path = path
        self.mode = mode
        self.calls = calls
    }

    /// - Throws: ``StorageError/unwritableFile(path:cause:)``; then the old file is as it was.
    package func write(_ bytes: [UInt8]) throws(StorageError) {
        let draft = try FileDraft(path: path, mode: mode, calls: calls)
        do {
            try draft.write(bytes)
            try draft.replace()
        } catch {
            draft.discard()
            throw error
        }
    }

    /// Writes all of `bytes`; where that fails, errno says why.
    static func writeAll(_ bytes: [UInt8], to descriptor: CInt) -> Bool {
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes[written...].withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }

    /// The directory that holds the file.
    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The new name survives a power cut once its directory is on disk; without that the old document is back.
    static func synchronizeDirectory(of path: String, _ calls: FileCalls = .kernel) {
        let descriptor = unsafe open(AtomicFile.directory(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = calls.synchronize(descriptor)
        close(descriptor)
    }
}

/// What is to become a file: written beside it, and put in its place in one step, or not at all.
///
/// Its name is one that nobody can foresee: in a directory of others a named pipe could stand there, or a link.
struct FileDraft {
    private let path: String
    private let mode: mode_t
    private let calls: FileCalls
    private let temporary: String
    private let descriptor: CInt

    /// - Throws: ``StorageError/unwritableFile(path:cause:)``.
    init(path: String, mode: mode_t, calls: FileCalls = .kernel) throws(StorageError) {
        self.path = path
        self.mode = mode
        self.calls = calls
        temporary = TemporaryName.beside(path)
        descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw .unwritableFile(path: path, cause: lastError()) }
    }

    /// Appends these bytes, or writes them over those from `position` on.
    ///
    /// - Throws: ``StorageError/unwritableFile(path:cause:)``.
    func write(_ bytes: [UInt8], at position: Int? = nil) throws(StorageError) {
        if let position, lseek(descriptor, position, SEEK_SET) < 0 { throw failure() }
        guard calls.write(descriptor, bytes) == 0 else { throw failure() }
    }

    /// Puts the file in its place.
    ///
    /// - Throws: ``StorageError/unwritableFile(path:cause:)``.
    func replace() throws(StorageError) {
        guard fchmod(descriptor, mode) == 0, calls.synchronize(descriptor) == 0 else { throw failure() }
        guard calls.rename(temporary, path) == 0 else { throw failure() }
        close(descriptor)
        AtomicFile.synchronizeDirectory(of: path, calls)
    }

    /// Gives it up, after a failure.
    func discard() {
        _ = unsafe unlink(temporary)
        close(descriptor)
    }

    private func failure() -> StorageError { .unwritableFile(path: path, cause: lastError()) }
}
