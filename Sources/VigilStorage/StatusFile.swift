import FoundationEssentials
import Glibc
import TokenHealth
package import VigilEngine
import VigilPlatform

/// Replaces the status file in one step: a reader sees the old document or the new one.
package struct StatusFile: StatusPublisher {
    package let path: String

    package init(path: String) {
        self.path = path
    }

    /// Finds out before the watch begins whether the file can be written at all.
    ///
    /// - Throws: ``StorageError/unwritableFile(path:cause:)``.
    package func checkDirectory() throws(StorageError) {
        guard unsafe access(AtomicFile.directory(of: path), W_OK | X_OK) == 0 else {
            throw .unwritableFile(path: path, cause: lastError())
        }
    }

    /// Removes what daemons that were killed while they wrote the file have left beside it.
    ///
    /// Not while it may be being written: that is a file of the same kind.
    package func removeLeftovers() {
        let directory = AtomicFile.directory(of: path)
        for name in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] {
            let leftover = "\(directory)/\(name)"
            if TemporaryName.isOne(leftover, beside: path) { _ = unsafe unlink(leftover) }
        }
    }

    /// - Throws: ``StorageError/unwritableFile(path:cause:)``.
    package func publish(_ edition: StatusEdition) async throws {
        // Root could put a file in the place of a device.
        guard RegularFile.kindOfOther(at: path) != "a device" else {
            throw StorageError.unwritableFile(path: path, cause: "it is a device")
        }
        var text = StatusText(edition.head)
        let draft = try FileDraft(path: path, mode: 0o644)
        do {
            try draft.write(text.head(edition.head))
            try await edition.forEachPortion { lines in try draft.write(text.tokens(lines[...])) }
            try draft.write(StatusText.end)
            // Only now is it known how many tokens are in which state.
            try draft.write(text.head(edition.head), at: 0)
            try draft.replace()
        } catch {
            draft.discard()
            throw error
        }
    }
}
