import Glibc
package import TokenHealth
import VigilHTTPClient

/// Asks the running daemon, once.
package struct ControlClient {
    private let path: String
    /// In seconds, for the whole exchange.
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

    /// Sends one request and reads the whole answer; blocks this thread.
    ///
    /// - Throws: why there is no answer.
    package func ask(_ method: String, _ target: String, _ body: [UInt8] = []) throws(ControlSocketError) -> Answer {
        // What is in the way of a connection is said with its number, for which an HTTP client has no place.
        close(try ControlSocket.connect(to: path))
        var request = HTTPRequest(
            method,
            "http://localhost\(target)",
            headers: [HeaderField("Content-Type", "application/json")],
            body: method == "GET" ? nil : body,
            timeLimit: .seconds(timeLimit),
            bodyLimit: ControlClient.longestAnswer
        )
        request.socketPath = path
        switch HTTPClient.exchange(request).outcome {
        case .received(let response) where response.isCut:
            throw .failed("the answer from \(path) is too long", EMSGSIZE)
        case .received(let response): return Answer(status: response.status, body: response.body)
        case .expected(let status): return Answer(status: status, body: [])
        case .failed(let failure) where failure.kind == .timeout: throw .failed("no answer from \(path)", ETIMEDOUT)
        case .failed: throw .failed("what answers at \(path) does not speak HTTP", EPROTO)
        }
    }
}
