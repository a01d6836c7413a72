import FoundationEssentials

/// One request as the pipeline sees it: no socket, only what was said.
package struct SimulatedRequest: Sendable {
    /// The method, in capitals.
    package var method: String
    /// The request target as received: path and query.
    package var target: String
    /// The header fields in the order received.
    package var headers: [HeaderField]
    /// The whole body.
    package var body: [UInt8]
    /// The client's address, without its port.
    package var remoteAddress: String
    /// Which accepted connection it came on, counted from 1.
    package var connection: Int

    /// Describes a request; what is left out is empty, from 127.0.0.1 on connection 0.
    package init(
        _ method: String,
        _ target: String,
        headers: [HeaderField] = [],
        body: [UInt8] = [],
        remoteAddress: String = "127.0.0.1",
        connection: Int = 0
    ) {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.remoteAddress = remoteAddress
        self.connection = connection
    }

    /// The value of the first header called `name`, whatever its case.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// A header field.
package struct HeaderField: Sendable, Equatable {
    /// The name, in the case it has on the wire.
    package var name: String
    /// The value.
    package var value: String

    /// Pairs a name with its value.
    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// A request target split into what routes need.
struct Target: Equatable {
    /// The path as sent, without the query.
    let path: String
    /// Decoded path segments, without a leading `api`.
    let segments: [String]
    /// Decoded query, first value of each key.
    let query: [String: String]

    init(_ target: String) {
        let halves = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = halves.first.map(String.init) ?? ""
        var segments = path.split(separator: "/").map { percentDecoded($0, plusIsSpace: false) }
        if segments.first == "api" { segments.removeFirst() }
        self.segments = segments
        query = halves.count > 1 ? formFields(halves[1]) : [:]
    }
}

/// Reads `a=1&b=2`; of repeated keys the first counts.
func formFields(_ text: some StringProtocol) -> [String: String] {
    var fields: [String: String] = [:]
    for pair in text.split(separator: "&") {
        let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard let key = halves.first.map({ percentDecoded($0, plusIsSpace: true) }), fields[key] == nil else {
            continue
        }
        fields[key] = halves.count > 1 ? percentDecoded(halves[1], plusIsSpace: true) : ""
    }
    return fields
}

/// Undoes percent encoding; malformed escapes stay as they are, malformed UTF-8 is replaced.
func percentDecoded(_ text: some StringProtocol, plusIsSpace: Bool) -> String {
    let bytes = Array(text.utf8)
    var decoded: [UInt8] = []
    var index = 0
    while index < bytes.count {
        if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count,
            let high = hexValue(bytes[index + 1]), let low = hexValue(bytes[index + 2])
        {
            decoded.append(high << 4 | low)
            index += 3
        } else {
            decoded.append(plusIsSpace && bytes[index] == UInt8(ascii: "+") ? UInt8(ascii: " ") : bytes[index])
            index += 1
        }
    }
    return String(decoding: decoded, as: UTF8.self)
}

private func hexValue(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    case _: nil
    }
}
