import Glibc
package import TokenHealth

/// Asks the running daemon, once.
package struct ControlClient {
    private let path: String
    /// In seconds, for each read and write.
    private let timeLimit: Int

    /// Largest answer that is read, in bytes.
    private static let longestAnswer = 64 * 1024 * 1024

    package init(path: String, timeLimit: Int = 60) {
        self.path = path
        self.timeLimit = timeLimit
    }

    /// What came back.
    package struct Answer: Sendable, Hashable {
        package let status: Int
        package let body: [UInt8]

        package init(status: Int, body: [UInt8]) {
            self.status = status
            self.body = body
        }

        /// The JSON in it.
        package var json: JSONValue? { JSONValue(parsing: body) }
    }

    /// Sends one request and reads the whole answer.
    package func ask(_ method: String, _ target: String, _ body: [UInt8] = []) throws(ControlSocketError) -> Answer {
        let descriptor = try ControlSocket.connect(to: path)
        defer { close(descriptor) }
        var limit = timeval(tv_sec: timeLimit, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        let head =
            "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            + "Content-Type: application/json\r\nContent-Length: \(body.count)\r\n\r\n"
        do throws(ControlSocketError) {
            try send(Array(head.utf8) + body, over: descriptor)
        } catch {
            // Who is turned away is answered before the request has been read.
            if let refusal = try? answer(in: receive(from: descriptor)) { return refusal }
            throw error
        }
        return try answer(in: receive(from: descriptor))
    }

    private func send(_ bytes: [UInt8], over descriptor: CInt) throws(ControlSocketError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let sent = unsafe rest.withUnsafeBytes { buffer in
                unsafe Glibc.send(descriptor, buffer.baseAddress, buffer.count, CInt(MSG_NOSIGNAL))
            }
            if sent < 0, errno == EINTR { continue }
            guard sent > 0 else { throw .failed("cannot send to \(path)", errno) }
            rest = rest.dropFirst(sent)
        }
    }

    private func receive(from descriptor: CInt) throws(ControlSocketError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while bytes.count <= ControlClient.longestAnswer {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            if count < 0, errno == EINTR { continue }
            // The end, where the server closes without having read the request.
            if count < 0, errno == ECONNRESET, !bytes.isEmpty { return bytes }
            guard count >= 0 else { throw .failed("no answer from \(path)", errno) }
            guard count > 0 else { return bytes }
            bytes += buffer.prefix(count)
        }
        throw .failed("the answer from \(path) is too long", EMSGSIZE)
    }

    /// The status and the body of RFC 9112; the server closes after its answer.
    private func answer(in bytes: [UInt8]) throws(ControlSocketError) -> Answer {
        let end = [UInt8]("\r\n\r\n".utf8)
        let line = String(decoding: bytes.prefix { $0 != 0x0D }, as: UTF8.self).split(separator: " ")
        guard let head = bytes.firstRange(of: end), line.count >= 2, line[0].hasPrefix("HTTP/1."),
            let status = Int(line[1])
        else { throw .failed("what answers at \(path) does not speak HTTP", EPROTO) }
        return Answer(status: status, body: Array(bytes[head.upperBound...]))
    }
}
