import FoundationEssentials
import Glibc
import TokenHealth
package import VigilEngine
import VigilPlatform

/// What was replaced while no daemon was running: a file each in the state directory, for the next one to record.
///
/// The daemon alone writes to the database; whoever may write here, root or the daemon's user, is whom it believes.
package struct ReplacementNotes {
    private let directory: String

    private static let prefix = "replaced-"
    /// More than a note needs, in bytes.
    private static let longest = 4096

    package init(directory: String) { self.directory = directory }

    /// Leaves a note, which has reached the disk then.
    ///
    /// - Throws: ``StorageError/unwritableFile(path:cause:)``.
    package func leave(_ replacement: Replacement) throws(StorageError) {
        let stamp = (replacement.at ?? Date(timeIntervalSince1970: 0)).compactUTC
        let path = "\(directory)/\(ReplacementNotes.prefix)\(stamp)-\(replacement.token)"
        var status = stat()
        guard let bytes = try? Wire.encoder().encode(replacement), unsafe stat(directory, &status) == 0 else {
            throw .unwritableFile(path: path, cause: lastError())
        }
        // Under a name that is no note yet: nobody reads half of one.
        let temporary = TemporaryName.beside("\(directory)/.note")
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .unwritableFile(path: path, cause: lastError()) }
        defer { close(descriptor) }
        guard AtomicFile.writeAll(Array(bytes), to: descriptor),
            geteuid() != 0 || fchown(descriptor, status.st_uid, status.st_gid) == 0, fsync(descriptor) == 0,
            unsafe rename(temporary, path) == 0
        else {
            let error = StorageError.unwritableFile(path: path, cause: lastError())
            _ = unsafe unlink(temporary)
            throw error
        }
        AtomicFile.synchronizeDirectory(of: path)
    }

    /// A note that was left.
    package struct Note: Sendable, Hashable {
        package let replacement: Replacement
        fileprivate let path: String
    }

    /// All notes, oldest first; what cannot be read is none.
    package var all: [Note] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return names.filter { $0.hasPrefix(ReplacementNotes.prefix) }.sorted().compactMap { name in
            let path = "\(directory)/\(name)"
            guard let bytes = try? RegularFile.contents(of: path, atMost: ReplacementNotes.longest),
                let replacement = try? Wire.decoder().decode(Replacement.self, from: Data(bytes))
            else { return nil }
            return Note(replacement: replacement, path: path)
        }
    }

    /// Removes a note that is recorded, or is about a token that is watched no more.
    package func remove(_ note: Note) { _ = unsafe unlink(note.path) }
}
