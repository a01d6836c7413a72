import FoundationEssentials
import Glibc
import Synchronization
import Testing

@testable import VigilControl

/// What may stand where the socket is to be.
@Suite struct ControlSocketTests {
    @Test func `the socket of a dead daemon is replaced`() throws {
        let directory = try ControlDirectory()
        close(try ControlSocket.bind(at: directory.socket))
        let again = try ControlSocket.bind(at: directory.socket)
        close(again)
        #expect(again >= 0)
    }

    @Test func `the socket of a living daemon is left alone`() throws {
        let directory = try ControlDirectory()
        let living = try ControlSocket.bind(at: directory.socket)
        defer { close(living) }
        #expect(listen(living, 1) == 0)
        #expect(throws: ControlSocketError.answered(directory.socket)) { try ControlSocket.bind(at: directory.socket) }
    }

    @Test func `a link or a file is left alone`() throws {
        let directory = try ControlDirectory()
        let file = "\(directory.path)/file"
        try Data("precious".utf8).write(to: URL(filePath: file))
        #expect(throws: ControlSocketError.occupied(file)) { try ControlSocket.bind(at: file) }
        try FileManager.default.createSymbolicLink(atPath: directory.socket, withDestinationPath: file)
        #expect(throws: ControlSocketError.occupied(directory.socket)) { try ControlSocket.bind(at: directory.socket) }
        #expect(try Data(contentsOf: URL(filePath: file)) == Data("precious".utf8))
    }

    @Test func `the mode does not depend on the umask`() throws {
        let directory = try ControlDirectory()
        for mask in [0o000, 0o077, 0o022] as [mode_t] {
            let before = umask(mask)
            defer { umask(before) }
            close(try ControlSocket.bind(at: directory.socket))
            var status = stat()
            #expect(unsafe lstat(directory.socket, &status) == 0)
            #expect(status.st_mode & 0o7777 == 0o660)
        }
    }

    @Test(arguments: ["", "/no/such/directory/x.sock", "/tmp/\(String(repeating: "x", count: 200))", "/tmp/a\u{0}b"])
    func `a path that cannot be used is an error with its reason`(path: String) throws {
        #expect(throws: ControlSocketError.self) { try ControlSocket.bind(at: path) }
        #expect(throws: ControlSocketError.self) { try ControlClient(path: path).ask("GET", "/v1/status") }
    }

    @Test func `who talks to something else is told so`() throws {
        let directory = try ControlDirectory()
        #expect(throws: ControlSocketError.failed("cannot connect to \(directory.socket)", ENOENT)) {
            try ControlClient(path: directory.socket).ask("GET", "/v1/status")
        }
        close(try ControlSocket.bind(at: directory.socket))
        #expect(throws: ControlSocketError.failed("cannot connect to \(directory.socket)", ECONNREFUSED)) {
            try ControlClient(path: directory.socket).ask("GET", "/v1/status")
        }
    }
}

/// Carries a path out of a closure.
final class Box: Sendable {
    private let value = Mutex("")

    var path: String {
        get { value.withLock { $0 } }
        set { value.withLock { $0 = newValue } }
    }
}
