import Glibc

/// A file that is replaced as a whole: temporary file in the same directory, fsync, rename, fsync of the directory.
package struct AtomicFile {
    let path: String
    let mode: mode_t

    package init(path: String, mode: UInt32) {
        self.path = path
        self.mode = mode
    }

    /// - Throws: ``StorageError/unwritableFile(path:cause:)``; then the old file is as it was.
    package func write(_ bytes: [UInt8]) throws(StorageError) {
        let draft = try FileDraft(path: path, mode: mode)
        do {
            try draft.write(bytes)
            try draft.replace()
        } catch {
            draft.discard()
            throw error
        }
    }

    /// Whether `name` is what some process calls `path` while it writes.
    static func isTemporary(_ name: String, of path: String) -> Bool {
        guard name.hasPrefix("\(path)."), name.hasSuffix(".tmp") else { return false }
        let process = name.dropFirst(path.count + 1).dropLast(4)
        return !process.isEmpty && process.allSatisfy { ("0"..."9").contains($0) }
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
    static func synchronizeDirectory(of path: String) {
        let descriptor = unsafe open(AtomicFile.directory(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = fsync(descriptor)
        close(descriptor)
    }
}

/// What is to become a file: written beside it, and put in its place in one step, or not at all.
struct FileDraft {
    private let path: String
    private let mode: mode_t
    private let descriptor: CInt

    /// - Throws: ``StorageError/unwritableFile(path:cause:)``.
    init(path: String, mode: mode_t) throws(StorageError) {
        self.path = path
        self.mode = mode
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW
        descriptor = unsafe open(FileDraft.temporary(of: path), flags, mode)
        guard descriptor >= 0 else { throw .unwritableFile(path: path, cause: lastError()) }
    }

    private static func temporary(of path: String) -> String { "\(path).\(getpid()).tmp" }

    /// Appends these bytes, or writes them over those from `position` on.
    ///
    /// - Throws: ``StorageError/unwritableFile(path:cause:)``.
    func write(_ bytes: [UInt8], at position: Int? = nil) throws(StorageError) {
        if let position, lseek(descriptor, position, SEEK_SET) < 0 { throw failure() }
        guard AtomicFile.writeAll(bytes, to: descriptor) else { throw failure() }
    }

    /// Puts the file in its place.
    ///
    /// - Throws: ``StorageError/unwritableFile(path:cause:)``.
    func replace() throws(StorageError) {
        guard fchmod(descriptor, mode) == 0, fsync(descriptor) == 0 else { throw failure() }
        guard unsafe rename(FileDraft.temporary(of: path), path) == 0 else { throw failure() }
        close(descriptor)
        AtomicFile.synchronizeDirectory(of: path)
    }

    /// Gives it up, after a failure.
    func discard() {
        _ = unsafe unlink(FileDraft.temporary(of: path))
        close(descriptor)
    }

    private func failure() -> StorageError { .unwritableFile(path: path, cause: lastError()) }
}
