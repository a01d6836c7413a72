import Dispatch
import Glibc
import Testing
import VigilSystemd

@testable import VigilNotifying

/// A socket that listens in a workshop, as tokenvigil-mail.socket does.
final class HelperSocket: Sendable {
    let path: String
    private let listener: Int32

    init(in workshop: Workshop) throws {
        path = "\(workshop.path)/mail.sock"
        listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        try #require(listener >= 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let result = unsafe withUnsafeBytes(of: &address) { bytes in
            unsafe bind(listener, bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
        }
        try #require(result == 0)
        try #require(listen(listener, 8) == 0)
    }

    deinit { close(listener) }

    /// Nobody answers any more; the socket's file stays, as after a crash.
    func stopListening() { shutdown(listener, Int32(SHUT_RDWR)) }

    /// The next client's connection; the caller closes it.
    func accepted() async -> Int32 {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [listener] in
                continuation.resume(returning: accept(listener, nil, nil))
            }
        }
    }

    /// Serves one client with `server`, and says what came of it.
    func serve(_ server: MailErrandServer) async -> MailErrandServer.Result? {
        let descriptor = await accepted()
        defer { close(descriptor) }
        guard let connection = SocketConnection(descriptor: descriptor) else { return nil }
        return await server.serve(connection)
    }

    /// Serves one client that sends `bytes`, whatever it is, and goes on sending if that is wanted.
    static func result(
        of server: MailErrandServer,
        sent bytes: [UInt8],
        isEnded: Bool = true
    ) async throws -> (result: MailErrandServer.Result, answer: String) {
        var pair: [Int32] = [-1, -1]
        try #require(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
        let (ours, peer) = (pair[0], pair[1])
        defer { close(peer) }
        DispatchQueue.global().async {
            // A server that has heard enough closes, and this ends with EPIPE.
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = unsafe rest.withUnsafeBytes {
                    unsafe send(peer, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
            if isEnded { shutdown(peer, Int32(SHUT_WR)) }
        }
        let connection = try #require(SocketConnection(descriptor: ours))
        let result = await server.serve(connection)
        close(ours)
        var answer = [UInt8](repeating: 0, count: 65_536)
        let count = unsafe read(peer, &answer, answer.count)
        return (result, String(decoding: answer.prefix(max(0, count)), as: UTF8.self))
    }
}
