import FoundationEssentials
import Glibc
import Testing
import TokenHealth
import VigilEngine

@testable import VigilStorage

struct SecretFileTests {
    private let directory: TemporaryDirectory
    private var path: String { "\(directory.path)/bot" }
    private let old = Array("old-secret\n".utf8)

    init() throws { directory = try TemporaryDirectory() }

    private func secret(_ text: String = "new-secret") throws -> Secret {
        try SecretLint.secret(in: text.utf8, source: "a test")
    }

    private func put(mode: mode_t = 0o640) throws {
        try write(old, to: path)
        #expect(unsafe chmod(path, mode) == 0)
    }

    private var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: directory.path).sorted() }
    }

    private struct Holder: Hashable {
        let user: uid_t
        let group: gid_t
    }

    private func holder(of path: String) -> Holder? {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return nil }
        return Holder(user: status.st_uid, group: status.st_gid)
    }

    @Test(arguments: [0o640, 0o600, 0o660, 0o400] as [mode_t])
    func `the new secret is there, under the mode of the old one, and nothing else`(wanted: mode_t) throws {
        try put(mode: wanted)
        #expect(try SecretFile(path: path).replace(with: secret()) == [])
        #expect(bytes(of: path) == Array("new-secret\n".utf8))
        #expect(mode(of: path) == wanted)
        #expect(try names == ["bot"])
    }

    @Test func `what the world may do is taken away`() throws {
        try put(mode: 0o644)
        _ = try SecretFile(path: path).replace(with: secret())
        #expect(mode(of: path) == 0o640)
    }

    @Test(.enabled(if: geteuid() == 0, "only root may give files away")) func `owner and group are kept`() throws {
        try put()
        #expect(unsafe chown(path, 4711, 4712) == 0)
        _ = try SecretFile(path: path).replace(with: secret())
        #expect(holder(of: path) == Holder(user: 4711, group: 4712))
        #expect(mode(of: path) == 0o640)
    }

    @Test func `a file without a line break at its end has none afterwards`() throws {
        try write(Array("old".utf8), to: path)
        _ = try SecretFile(path: path).replace(with: secret())
        #expect(bytes(of: path) == Array("new-secret".utf8))
    }

    @Test func `a file that is not there is made for its owner and the group of its directory`() throws {
        try SecretFile(path: path).check()
        _ = try SecretFile(path: path).replace(with: secret())
        #expect(bytes(of: path) == Array("new-secret\n".utf8))
        #expect(mode(of: path) == 0o640)
        #expect(holder(of: path)?.group == holder(of: directory.path)?.group)
    }

    // MARK: - Failures

    enum Step: CaseIterable { case write, own, synchronize, rename }

    private func failing(_ step: Step, with code: CInt) -> FileCalls {
        var calls = FileCalls.kernel
        switch step {
        case .write:
            calls.write = { descriptor, bytes in
                // As on a disk that fills up half-way.
                _ = AtomicFile.writeAll(Array(bytes.prefix(3)), to: descriptor)
                errno = code
                return -1
            }
        case .own:
            calls.own = { _, _, _ in
                errno = code; return -1
            }
        case .synchronize:
            calls.synchronize = { _ in
                errno = code; return -1
            }
        case .rename:
            calls.rename = { _, _ in
                errno = code; return -1
            }
        }
        return calls
    }

    @Test(arguments: Step.allCases)
    func `whatever fails, the old secret is there as it was, and nothing beside it`(step: Step) throws {
        try put()
        if step == .own {
            guard geteuid() == 0 else { return }
            #expect(unsafe chown(path, 4711, 4712) == 0)
        }
        let before = holder(of: path)
        let file = SecretFile(path: path, calls: failing(step, with: step == .own ? EPERM : ENOSPC))
        let error = #expect(throws: SecretFileError.self) { try file.replace(with: secret()) }
        #expect(error?.isAMatterOfRights == (step == .own))
        #expect(error.map { "\($0)".contains(path) && !"\($0)".contains("new-secret") } == true)
        #expect(bytes(of: path) == old)
        #expect(holder(of: path) == before)
        #expect(mode(of: path) == 0o640)
        #expect(try names == ["bot"])
    }

    @Test func `a directory that does not reach the disk is said, and the new secret is there`() throws {
        try put()
        var calls = FileCalls.kernel
        calls.synchronize = { descriptor in
            var status = stat()
            guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return 0 }
            errno = EIO
            return -1
        }
        let remarks = try SecretFile(path: path, calls: calls).replace(with: secret())
        #expect(remarks.count == 1)
        #expect(bytes(of: path) == Array("new-secret\n".utf8))
    }

    @Test func `what a killed predecessor has left is gone afterwards`() throws {
        try put()
        try write(Array("half-a-sec".utf8), to: "\(directory.path)/.bot.new")
        _ = try SecretFile(path: path).replace(with: secret())
        #expect(try names == ["bot"])
        #expect(bytes(of: path) == Array("new-secret\n".utf8))
    }

    @Test func `two at once are one and a refusal`() throws {
        try put()
        let other = unsafe open(directory.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(other) }
        #expect(flock(other, LOCK_EX | LOCK_NB) == 0)
        #expect(throws: SecretFileError.busy(path: path)) { try SecretFile(path: path).replace(with: secret()) }
        #expect(bytes(of: path) == old)
    }

    // MARK: - Links and other things

    @Test func `a link stays, and what it points to is replaced`() throws {
        let elsewhere = "\(directory.path)/elsewhere"
        try FileManager.default.createDirectory(atPath: elsewhere, withIntermediateDirectories: false)
        try write(old, to: "\(elsewhere)/real")
        #expect(unsafe symlink("elsewhere/real", path) == 0)
        _ = try SecretFile(path: path).replace(with: secret())
        #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path) == "elsewhere/real")
        #expect(bytes(of: "\(elsewhere)/real") == Array("new-secret\n".utf8))
        #expect(try FileManager.default.contentsOfDirectory(atPath: elsewhere) == ["real"])
    }

    @Test func `a link to nothing, and a link of somebody else, are refused`() throws {
        #expect(unsafe symlink("nothing", path) == 0)
        let error = #expect(throws: SecretFileError.self) { try SecretFile(path: path).replace(with: secret()) }
        #expect(error.map { "\($0)".contains("follow the link") } == true)
        guard geteuid() == 0 else { return }
        try write(old, to: "\(directory.path)/nothing")
        #expect(unsafe lchown(path, 4711, 4711) == 0)
        #expect(throws: SecretFileError.linkOfAnother(path: path)) {
            try SecretFile(path: path).replace(with: secret())
        }
        #expect(bytes(of: "\(directory.path)/nothing") == old)
    }

    @Test func `what is no file is left alone`() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(throws: SecretFileError.notAFile(path: path)) { try SecretFile(path: path).check() }
    }

    @Test(.enabled(if: geteuid() != 0, "root may write everywhere"))
    func `a directory that may not be written is noticed before anybody is asked`() throws {
        try put()
        #expect(unsafe chmod(directory.path, 0o500) == 0)
        defer { _ = unsafe chmod(directory.path, 0o700) }
        let error = #expect(throws: SecretFileError.self) { try SecretFile(path: path).check() }
        #expect(error?.isAMatterOfRights == true)
    }
}

struct ReplacementNotesTests {
    private let directory: TemporaryDirectory
    private var notes: ReplacementNotes { ReplacementNotes(directory: directory.path) }

    init() throws { directory = try TemporaryDirectory() }

    private func replacement(_ name: String, at second: Double, isNew: Bool = false) -> Replacement {
        Replacement(token: name, by: "ann", acceptsNewIdentity: isNew, at: Sample.second(second))
    }

    @Test func `notes come back oldest first, and are gone when they are removed`() throws {
        let (first, second) = (replacement("bot", at: 0), replacement("abc", at: 1, isNew: true))
        try notes.leave(second)
        try notes.leave(first)
        #expect(notes.all.map(\.replacement) == [first, second])
        for note in notes.all { notes.remove(note) }
        #expect(notes.all == [])
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == [])
    }

    @Test func `what is no note, or half of one, is none`() throws {
        try write(Array(#"{"token": "bot""#.utf8), to: "\(directory.path)/replaced-x")
        try write(Array("{}".utf8), to: "\(directory.path)/lock")
        #expect(notes.all == [])
    }

    @Test func `nobody else may read or leave one`() throws {
        try notes.leave(replacement("bot", at: 0))
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        #expect(names.map { mode(of: "\(directory.path)/\($0)") } == [0o600])
        let missing = ReplacementNotes(directory: "\(directory.path)/missing")
        #expect(throws: StorageError.self) { try missing.leave(replacement("bot", at: 0)) }
        #expect(missing.all == [])
    }
}
