import FoundationEssentials
import Glibc
package import TokenHealth
import VigilPlatform

/// A file with a secret, replaced in one step: whatever happens, the old secret is there or the new one, whole.
///
/// It keeps owner, group and mode, except that the world loses what it must not have. A link is followed: what it points
/// to is replaced. Access control lists and other names of the file (hard links) are not kept.
package struct SecretFile {
    private let path: String
    private let calls: FileCalls

    /// Mode of a file that was not there before.
    private static let usualMode: mode_t = 0o640

    package init(path: String) { self.init(path: path, calls: .kernel) }

    init(path: String, calls: FileCalls) {
        self.path = path
        self.calls = calls
    }

    /// Finds out whether the file can be replaced, before anybody is asked for a secret.
    ///
    /// - Throws: ``SecretFileError``.
    package func check() throws(SecretFileError) {
        let place = try place()
        guard unsafe access(place.directory, W_OK | X_OK) == 0 else { throw failure("write in \(place.directory)") }
        // chown(2): another owner takes root, another group takes root or a member of it.
        guard geteuid() == 0 || place.owner == geteuid() else {
            throw .failed(path: path, attempt: "keep its owner", code: EPERM)
        }
    }

    /// Puts `secret` in the place of what is there.
    ///
    /// - Returns: what went wrong after the new secret was in place, in sentences.
    /// - Throws: ``SecretFileError``; then the old file is as it was, and nothing is left beside it.
    package func replace(with secret: Secret) throws(SecretFileError) -> [String] {
        let place = try place()
        let directory = unsafe open(place.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw failure("open \(place.directory)") }
        defer { close(directory) }
        // Of two at once the second could not say what it has replaced; the kernel gives the lock back however this ends.
        guard flock(directory, LOCK_EX | LOCK_NB) == 0 else {
            throw errno == EWOULDBLOCK ? .busy(path: path) : failure("lock \(place.directory)")
        }
        let temporary = TemporaryName.beside("\(place.directory)/.\(place.name)")
        removeLeftovers(of: place)
        do throws(SecretFileError) {
            try write(secret, to: temporary, like: place)
            guard calls.rename(temporary, place.target) == 0 else { throw failure("rename \(temporary)") }
        } catch {
            _ = unsafe unlink(temporary)
            throw error
        }
        guard calls.synchronize(directory) == 0 else {
            return ["the new secret is in place, but after a power cut the old one may be back (\(lastError()))"]
        }
        return []
    }

    private func write(_ secret: Secret, to temporary: String, like place: Place) throws(SecretFileError) {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let descriptor = unsafe open(temporary, flags, 0o600)
        guard descriptor >= 0 else { throw failure("create \(temporary)") }
        defer { close(descriptor) }
        let bytes = secret.withExposedValue { Array($0.utf8) } + place.ending
        guard calls.write(descriptor, bytes) == 0 else { throw failure("write \(temporary)") }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw failure("look at \(temporary)") }
        // The owner first: a change of it takes bits of the mode away (chown(2)).
        if status.st_uid != place.owner || status.st_gid != place.group {
            guard calls.own(descriptor, place.owner, place.group) == 0 else { throw failure("keep its owner") }
        }
        guard fchmod(descriptor, place.mode) == 0 else { throw failure("keep its mode") }
        guard calls.synchronize(descriptor) == 0 else { throw failure("bring \(temporary) to the disk") }
    }

    // MARK: - What is there

    /// Where the bytes are, and what is to be kept of the file.
    private struct Place {
        let target: String
        let owner: uid_t
        let group: gid_t
        let mode: mode_t
        /// What comes after the secret: other programs may read the file, too.
        var ending: [UInt8] = [0x0A]

        var directory: String { AtomicFile.directory(of: target) }
        var name: Substring { target[target.index(after: target.lastIndex(of: "/") ?? target.startIndex)...] }
    }

    private func place() throws(SecretFileError) -> Place {
        let target = try target()
        var status = stat()
        if unsafe lstat(target, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path: target) }
            var place = Place(
                target: target,
                owner: status.st_uid,
                group: status.st_gid,
                mode: status.st_mode & 0o770
            )
            if status.st_size > 0, lastByte(of: target, at: status.st_size - 1) != 0x0A { place.ending = [] }
            return place
        }
        guard errno == ENOENT else { throw failure("look at \(target)") }
        guard unsafe stat(AtomicFile.directory(of: target), &status) == 0 else { throw failure("find its directory") }
        return Place(target: target, owner: geteuid(), group: status.st_gid, mode: SecretFile.usualMode)
    }

    /// The path without links.
    private func target() throws(SecretFileError) -> String {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFLNK else { return path }
        // As the kernel does in sticky directories (fs.protected_symlinks, proc_sys_fs(5)): nobody else may choose
        // which file is written.
        guard status.st_uid == 0 || status.st_uid == geteuid() else { throw .linkOfAnother(path: path) }
        guard let resolved = unsafe realpath(path, nil) else { throw failure("follow the link \(path)") }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    /// Removes what killed predecessors have left: it holds secrets.
    private func removeLeftovers(of place: Place) {
        let name = ".\(place.name)"
        for entry in (try? FileManager.default.contentsOfDirectory(atPath: place.directory)) ?? []
        where entry == "\(name).new" || TemporaryName.isOne(entry, beside: name) {
            _ = unsafe unlink("\(place.directory)/\(entry)")
        }
    }

    private func lastByte(of path: String, at offset: off_t) -> UInt8 {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return 0x0A }
        defer { close(descriptor) }
        var byte: UInt8 = 0x0A
        _ = unsafe pread(descriptor, &byte, 1, offset)
        return byte
    }

    private func failure(_ attempt: String) -> SecretFileError { .failed(path: path, attempt: attempt, code: errno) }
}

/// The calls of the kernel that can fail half-way; each returns 0, or sets errno.
struct FileCalls: Sendable {
    var write: @Sendable (CInt, [UInt8]) -> CInt
    var own: @Sendable (CInt, uid_t, gid_t) -> CInt
    var synchronize: @Sendable (CInt) -> CInt
    var rename: @Sendable (String, String) -> CInt

    static let kernel = FileCalls(
        write: { AtomicFile.writeAll($1, to: $0) ? 0 : -1 },
        own: { fchown($0, $1, $2) },
        synchronize: { fsync($0) },
        rename: { unsafe Glibc.rename($0, $1) }
    )
}

/// Why a secret was not replaced: the old one is there.
package enum SecretFileError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was attempted, and the errno value.
    case failed(path: String, attempt: String, code: Int32)
    case notAFile(path: String)
    /// A link that somebody else has made.
    case linkOfAnother(path: String)
    case busy(path: String)

    package var description: String {
        switch self {
        case .failed(let path, let attempt, let code):
            "\(path) is not replaced: cannot \(attempt) (\(unsafe String(cString: strerror(code))))"
        case .notAFile(let path): "\(path) is not replaced: it is not a regular file"
        case .linkOfAnother(let path):
            "\(path) is not replaced: it is a link that belongs to somebody else, who could choose what is overwritten"
        case .busy(let path): "\(path) is not replaced: somebody else is replacing it right now"
        }
    }

    /// Whether another user might be allowed to.
    package var isAMatterOfRights: Bool {
        switch self {
        case .failed(_, _, let code): code == EPERM || code == EACCES
        case .notAFile, .linkOfAnother, .busy: false
        }
    }
}
