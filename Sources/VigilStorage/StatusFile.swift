import FoundationEssentials
import Glibc
package import TokenHealth
import VigilEngine

/// Replaces the status file in one step: a reader sees the old document or the new one.
package struct StatusFile: StatusPublisher {
    package let path: String

    package init(path: String) {
        self.path = path
    }

    /// Finds out before the watch begins whether the file can be written at all, and removes what daemons that were killed
    /// while they wrote it have left beside it.
    ///
    /// - Throws: ``StorageError/unwritableFile(path:cause:)``.
    package func checkDirectory() throws(StorageError) {
        guard unsafe access(AtomicFile.directory(of: path), W_OK | X_OK) == 0 else {
            throw .unwritableFile(path: path, cause: lastError())
        }
        let directory = AtomicFile.directory(of: path)
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
            let leftover = "\(directory)/\(name)"
            if AtomicFile.isTemporary(leftover, of: path) { _ = unsafe unlink(leftover) }
        }
    }

    /// - Throws: ``StorageError/unwritableFile(path:cause:)``.
    package func publish(_ document: StatusDocument) async throws {
        var bytes = Array(try Wire.encoder(pretty: true).encode(document))
        bytes.append(UInt8(ascii: "\n"))
        try AtomicFile(path: path, mode: 0o644).write(bytes)
    }
}

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
        let temporary = "\(path).\(getpid()).tmp"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode)
        guard descriptor >= 0 else { throw .unwritableFile(path: path, cause: lastError()) }
        var isWritten = AtomicFile.writeAll(bytes, to: descriptor)
        isWritten = isWritten && fchmod(descriptor, mode) == 0 && fsync(descriptor) == 0
        let cause = lastError()
        isWritten = close(descriptor) == 0 && isWritten
        guard isWritten, unsafe rename(temporary, path) == 0 else {
            let error = StorageError.unwritableFile(path: path, cause: isWritten ? lastError() : cause)
            _ = unsafe unlink(temporary)
            throw error
        }
        AtomicFile.synchronizeDirectory(of: path)
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
