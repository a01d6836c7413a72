import FoundationEssentials
import TokenHealth

/// One request, read whole.
package struct HTTPRequest: Sendable {
    package let method: String
    /// Path and query, as they came.
    package let target: String
    package let headers: [(name: String, value: String)]
    package let body: [UInt8]

    package init(method: String, target: String, headers: [(name: String, value: String)], body: [UInt8] = []) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }

    /// Everything before the query.
    package var path: String { String(target.prefix { $0 != "?" && $0 != "#" }) }

    /// Every value of a header, in order; names are compared as RFC 9110, section 5.1 has it.
    package func values(of name: String) -> [String] {
        headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
    }

    /// The value of a key in the query, decoded; empty for what is no text, `nil` where it is not there.
    package func query(_ key: String) -> String? {
        guard let start = target.firstIndex(of: "?") else { return nil }
        for pair in target[start...].dropFirst().split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0] == key else { continue }
            return HTTPRequest.decoded(parts[1]) ?? ""
        }
        return nil
    }

    /// Percent-encoding undone (RFC 3986, section 2.1); `nil` for what is no text.
    package static func decoded(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard digits.utf8.count == 2, digits.allSatisfy(\.isHexDigit), let value = UInt8(digits, radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

/// One answer.
package struct HTTPAnswer: Sendable {
    /// What follows the head.
    package enum Body: Sendable {
        case whole([UInt8])
        /// Of many callers at once.
        case shared(SharedBytes)
        /// Runs until the caller is gone, and writes piece by piece.
        case stream(@Sendable (_ write: (SharedBytes) async throws -> Void) async throws -> Void)
    }

    package var status: Int
    package var headers: [(name: String, value: String)]
    package var body: Body

    package init(_ status: Int, type: String, body: Body, headers: [(name: String, value: String)] = []) {
        self.status = status
        self.headers = [("Content-Type", type)] + headers
        self.body = body
    }

    /// An answer in JSON.
    package init(_ status: Int, _ value: some Encodable, type: String = "application/json") {
        do {
            self.init(status, type: type, body: .whole(Array(try Wire.encoder().encode(value)) + [0x0A]))
        } catch {
            // A number that is no number, perhaps: said rather than trapped on.
            let sentence = #"{"error":"the answer cannot be encoded"}"#
            self.init(500, type: "application/json", body: .whole(Array(sentence.utf8)))
        }
    }
}
