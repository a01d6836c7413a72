/// Reads a JSON document (RFC 8259) that anybody may have written.
///
/// Foundation's decoder traps on some malformed documents and takes quadratic time on deep ones; this one does neither.
struct JSONReader {
    /// Deepest nesting that is read; no API is half as deep.
    static let deepest = 128

    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    private struct Malformed: Error {}

    /// The one document in `bytes`, or `nil` where they are not exactly one.
    static func document(in bytes: [UInt8]) -> JSONValue? {
        var reader = JSONReader(bytes)
        return try? reader.document()
    }

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
        // Some servers put a byte order mark before it.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    private mutating func document() throws(Malformed) -> JSONValue {
        let value = try value()
        skipSpace()
        guard position == bytes.count else { throw Malformed() }
        return value
    }

    private mutating func value() throws(Malformed) -> JSONValue {
        skipSpace()
        switch peek {
        case UInt8(ascii: "{"): return try nested { reader throws(Malformed) in try reader.object() }
        case UInt8(ascii: "["): return try nested { reader throws(Malformed) in try reader.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        default: return .number(try number())
        }
    }

    private mutating func nested(
        _ read: (inout JSONReader) throws(Malformed) -> JSONValue
    ) throws(Malformed) -> JSONValue {
        guard depth < JSONReader.deepest else { throw Malformed() }
        depth += 1
        position += 1
        let value = try read(&self)
        depth -= 1
        return value
    }

    /// Of several members of one name the last counts.
    private mutating func object() throws(Malformed) -> JSONValue {
        var members: [String: JSONValue] = [:]
        if skip(UInt8(ascii: "}")) { return .object(members) }
        repeat {
            skipSpace()
            let name = try string()
            guard skip(UInt8(ascii: ":")) else { throw Malformed() }
            members[name] = try value()
        } while skip(UInt8(ascii: ","))
        guard skip(UInt8(ascii: "}")) else { throw Malformed() }
        return .object(members)
    }

    private mutating func array() throws(Malformed) -> JSONValue {
        var elements: [JSONValue] = []
        if skip(UInt8(ascii: "]")) { return .array(elements) }
        repeat { elements.append(try value()) } while skip(UInt8(ascii: ","))
        guard skip(UInt8(ascii: "]")) else { throw Malformed() }
        return .array(elements)
    }

    private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(Malformed) -> JSONValue {
        for byte in "\(text)".utf8 { try take(byte) }
        return value
    }

    private mutating func number() throws(Malformed) -> JSONNumber {
        let start = position
        if peek == UInt8(ascii: "-") { position += 1 }
        if peek == UInt8(ascii: "0") { position += 1 } else { try digits() }
        if peek == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
            position += 1
            if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        guard let number = JSONNumber(parsing: text) else { throw Malformed() }
        return number
    }

    private mutating func digits() throws(Malformed) {
        let start = position
        while let byte = peek, (0x30...0x39).contains(byte) { position += 1 }
        guard position > start else { throw Malformed() }
    }

    // MARK: - Strings

    private mutating func string() throws(Malformed) -> String {
        try take(UInt8(ascii: "\""))
        var text: [UInt8] = []
        while let byte = peek {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw Malformed() }
                return string.streamSafe
            case UInt8(ascii: "\\"): text += Array(try escaped().utf8)
            case 0..<0x20: throw Malformed()
            default: text.append(byte)
            }
        }
        throw Malformed()
    }

    private mutating func escaped() throws(Malformed) -> String {
        guard let byte = peek else { throw Malformed() }
        position += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try escapedScalar()
        default: throw Malformed()
        }
    }

    /// Half a surrogate pair is a character that cannot be shown, and no fault of the document (RFC 8259 section 8.2).
    private mutating func escapedScalar() throws(Malformed) -> String {
        let code = try hexadecimal()
        guard (0xD800..<0xDC00).contains(code) else {
            return String(Character(Unicode.Scalar(code) ?? "\u{FFFD}"))
        }
        let afterHigh = position
        if peek == UInt8(ascii: "\\") {
            position += 1
            if peek == UInt8(ascii: "u") {
                position += 1
                let low = try hexadecimal()
                let pair = 0x10000 + (code - 0xD800) << 10
                if (0xDC00..<0xE000).contains(low), let scalar = Unicode.Scalar(pair + (low - 0xDC00)) {
                    return String(Character(scalar))
                }
            }
        }
        position = afterHigh
        return "\u{FFFD}"
    }

    private mutating func hexadecimal() throws(Malformed) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw Malformed() }
            position += 1
            code = code << 4 | UInt32(digit)
        }
        return code
    }

    // MARK: - Bytes

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ byte: UInt8) throws(Malformed) {
        guard peek == byte else { throw Malformed() }
        position += 1
    }

    /// Skips white space, and then `byte` if it is there.
    private mutating func skip(_ byte: UInt8) -> Bool {
        skipSpace()
        guard peek == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }
}
