import Glibc
import Testing
import VigilPlatform

/// A directory that lives as long as the test that holds it.
final class Scratch: Sendable {
    let path: String

    init() throws { path = try TemporaryDirectory.make(named: "vigil-platform") }

    deinit { remove(path) }

    func path(_ name: String) -> String { "\(path)/\(name)" }

    /// A new file of `size` bytes, of which all but `text` at its beginning are a hole.
    @discardableResult
    func file(_ name: String, _ text: String = "", size: Int? = nil) -> String {
        let descriptor = unsafe open(path(name), O_WRONLY | O_CREAT, 0o600)
        let written = unsafe write(descriptor, text, text.utf8.count)
        #expect(written == text.utf8.count)
        if let size { #expect(ftruncate(descriptor, size) == 0) }
        close(descriptor)
        return path(name)
    }

    private func remove(_ path: String) {
        if let entries = unsafe opendir(path) {
            while let entry = unsafe readdir(entries) {
                let name = unsafe withUnsafePointer(to: &entry.pointee.d_name.0) { unsafe String(cString: $0) }
                if name != ".", name != ".." { self.remove("\(path)/\(name)") }
            }
            unsafe closedir(entries)
        }
        _ = unsafe Glibc.remove(path)
    }
}

/// What is read is a regular file, and no more of it than there is room for.
@Suite(.timeLimit(.minutes(1))) struct RegularFileTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func failure(_ path: String, atMost limit: Int = 1000) -> RegularFile.Failure? {
        #expect(throws: RegularFile.Failure.self) { try RegularFile.contents(of: path, atMost: limit) }
    }

    @Test func `a file gives its bytes, also one that says that it has none`() throws {
        #expect(try RegularFile.contents(of: scratch.file("a", "text"), atMost: 4) == Array("text".utf8))
        #expect(try RegularFile.contents(of: scratch.file("empty"), atMost: 4) == [])
        let made = try RegularFile.contents(of: "/proc/self/status", atMost: 65_536)
        #expect(String(decoding: made, as: UTF8.self).contains("NoNewPrivs"))
    }

    @Test func `a link is followed`() throws {
        scratch.file("a", "text")
        #expect(unsafe symlink("a", scratch.path("link")) == 0)
        #expect(try RegularFile.contents(of: scratch.path("link"), atMost: 4) == Array("text".utf8))
    }

    @Test func `a named pipe, a directory, a device and a socket are told, and hold nobody up`() {
        #expect(unsafe mkfifo(scratch.path("pipe"), 0o600) == 0)
        #expect(unsafe mknod(scratch.path("socket"), S_IFSOCK | 0o600, 0) == 0)
        #expect(failure(scratch.path("pipe")) == .noFile("a named pipe"))
        #expect(failure(scratch.path) == .noFile("a directory"))
        #expect(failure("/dev/zero") == .noFile("a device"))
        #expect(failure(scratch.path("socket")) == .noFile("a socket"))
        #expect(RegularFile.kindOfOther(at: scratch.path("pipe")) == "a named pipe")
        #expect(RegularFile.kindOfOther(at: scratch.file("a")) == nil)
        #expect(RegularFile.kindOfOther(at: scratch.path("none")) == nil)
    }

    @Test func `more than the limit is not read, were it a terabyte`() {
        #expect(failure(scratch.file("long", "12345"), atMost: 4) == .tooLong(4))
        #expect(failure(scratch.file("hole", size: 1 << 40), atMost: 1 << 20) == .tooLong(1 << 20))
    }

    @Test func `the beginning ends where the file does, or at the limit`() throws {
        let file = try RegularFile(scratch.file("a", "text"))
        #expect(try file.beginning(2) == Array("te".utf8))
        let other = try RegularFile(scratch.file("b", "text", size: 5000))
        #expect(try other.beginning(10_000).count == 5000)
    }

    @Test func `what the system refuses is told by its words`() {
        #expect(failure(scratch.path("none")) == .refused(SystemError(ENOENT)))
        #expect(failure(scratch.file("a") + "/b").map { "\($0)" } == "Not a directory")
    }

    @Test func `no descriptor stays open, whatever comes of it`() {
        #expect(unsafe mkfifo(scratch.path("pipe"), 0o600) == 0)
        let path = scratch.file("long", "12345")
        let lowest = dup(0)
        close(lowest)
        for _ in 0..<3 { _ = (failure(scratch.path("pipe")), failure(path, atMost: 1), failure(scratch.path("none"))) }
        let after = dup(0)
        close(after)
        #expect(after <= lowest + 8)
    }
}

@Suite struct SystemErrorTests {
    @Test(arguments: [EMFILE, ENFILE, ENOMEM, EAGAIN, EINTR, EIO, ESTALE, ETIMEDOUT, EHOSTDOWN])
    func `a want of the host is told from a mistake`(code: Int32) { #expect(SystemError(code).isOfTheHost) }

    @Test(arguments: [ENOENT, EACCES, EPERM, ENOTDIR, EISDIR, ELOOP, ENAMETOOLONG, ENOEXEC, EROFS])
    func `a mistake is told from a want of the host`(code: Int32) { #expect(!SystemError(code).isOfTheHost) }
}

@Suite struct TemporaryNameTests {
    @Test func `no two are alike, and each is known again`() {
        let names = Set((0..<1000).map { _ in TemporaryName.beside("/run/x/status.json") })
        #expect(names.count == 1000)
        #expect(names.allSatisfy { TemporaryName.isOne($0, beside: "/run/x/status.json") })
    }

    @Test(arguments: [
        "a", "a.tmp", "a.old.tmp", "a.4711", "b.4711.tmp", "a..tmp", "a.0123456789abcdef0.tmp", "a.４.tmp",
    ])
    func `other names are not taken for one`(name: String) { #expect(!TemporaryName.isOne(name, beside: "a")) }

    @Test func `a directory for a while is this user's alone, and never one that is there`() throws {
        let (one, two) = (try Scratch(), try Scratch())
        var status = stat()
        #expect(unsafe lstat(one.path, &status) == 0)
        #expect(status.st_mode & 0o7777 == 0o700 && status.st_uid == geteuid())
        #expect(one.path != two.path)
    }
}
