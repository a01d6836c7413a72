import Glibc
import Testing
import VigilSystemd

struct SocketConnectionTests {
    /// Two connected sockets, closed at the end; the body may close the peer itself by returning true.
    private func connected(_ body: (_ ours: SocketConnection, _ peer: Int32) throws -> Void) throws {
        var pair: [Int32] = [-1, -1]
        try #require(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
        defer { pair.forEach { _ = close($0) } }
        try body(try #require(SocketConnection(descriptor: pair[0])), pair[1])
    }

    private func send(_ bytes: [UInt8], to descriptor: Int32) {
        _ = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    }

    @Test func `more than the limit is refused, and not kept`() throws {
        try connected { ours, peer in
            send(Array(repeating: 1, count: 11), to: peer)
            #expect(throws: SocketConnection.ReadFailure.tooLong(limit: 10)) {
                try ours.readToEnd(atMost: 10, within: .seconds(10))
            }
        }
    }

    @Test func `a peer that never ends is given up`() throws {
        try connected { ours, peer in
            send([1], to: peer)
            #expect(throws: SocketConnection.ReadFailure.tooSlow(limit: .milliseconds(50))) {
                try ours.readToEnd(atMost: 10, within: .milliseconds(50))
            }
        }
    }

    @Test func `what is sent up to the end is read`() throws {
        try connected { ours, peer in
            send([1, 2, 3], to: peer)
            shutdown(peer, Int32(SHUT_WR))
            let bytes = try ours.readToEnd(atMost: 3, within: .seconds(10))
            #expect(bytes == [1, 2, 3])
        }
    }

    @Test
    func
        `an answer arrives although the peer's words were not read, and the peer is waited for no longer than a second`()
        throws
    {
        try connected { ours, peer in
            send(Array(repeating: 1, count: 1000), to: peer)
            ours.close(answering: [7])
            var answer = [UInt8](repeating: 0, count: 8)
            #expect(unsafe read(peer, &answer, answer.count) == 1)
            #expect(answer[0] == 7)
        }
    }

    @Test func `the kernel says who the peer is`() throws {
        try connected { ours, _ in
            let peer = try #require(ours.peer)
            #expect(peer.userID == getuid())
            #expect(peer.belongs(to: getgid()))
            #expect(!peer.belongs(to: 4_000_000_000))
        }
    }

    @Test func `what is no socket is no connection`() throws {
        let descriptor = unsafe open("/dev/null", O_RDONLY)
        defer { close(descriptor) }
        #expect(SocketConnection(descriptor: descriptor) == nil)
        #expect(SocketConnection(descriptor: -1) == nil)
    }

    @Test func `a group is found by its name`() {
        #expect(Accounts.groupID(of: "root") == 0)
        #expect(Accounts.groupID(of: "no-such-group-here") == nil)
    }
}
