/// One challenge of a `WWW-Authenticate` field (RFC 9110 section 11.6.1).
///
/// A field may hold several, separated by the same comma that separates the parameters of one.
struct Challenge: Sendable, Hashable {
    /// In lower case.
    let scheme: String
    /// By name in lower case; of two with one name the first counts.
    private(set) var parameters: [String: String] = [:]

    /// The challenges in `field`, in their order; what cannot be read as one is left out.
    static func list(in field: String) -> [Challenge] {
        var reader = ChallengeReader(field)
        return reader.challenges()
    }

    fileprivate init(scheme: String) { self.scheme = scheme.lowercased() }

    fileprivate mutating func take(_ name: String, _ value: String) {
        let name = name.lowercased()
        parameters[name] = parameters[name] ?? value
    }
}

/// Reads a field that anybody may have written.
private struct ChallengeReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ field: String) { bytes = Array(field.utf8) }

    mutating func challenges() -> [Challenge] {
        var challenges: [Challenge] = []
        while position < bytes.count {
            skip { $0 == UInt8(ascii: ",") || ChallengeReader.isSpace($0) }
            let start = position
            guard let word = token() else {
                position += 1
                continue
            }
            skip(ChallengeReader.isSpace)
            if !challenges.isEmpty, let value = value() {
                challenges[challenges.count - 1].take(word, value)
                continue
            }
            position = start + word.utf8.count
            challenges.append(challenge(scheme: word))
        }
        return challenges
    }

    /// What follows a scheme directly: its first parameter, a token68, or nothing.
    private mutating func challenge(scheme: String) -> Challenge {
        var challenge = Challenge(scheme: scheme)
        skip(ChallengeReader.isSpace)
        let start = position
        if let name = token() {
            skip(ChallengeReader.isSpace)
            if let value = value() {
                challenge.take(name, value)
                return challenge
            }
        }
        position = start
        skip { $0 != UInt8(ascii: ",") }
        return challenge
    }

    /// The value after an equals sign, where there is one.
    private mutating func value() -> String? {
        let start = position
        guard peek == UInt8(ascii: "=") else { return nil }
        position += 1
        skip(ChallengeReader.isSpace)
        if peek == UInt8(ascii: "\"") { return quoted() }
        if let value = token() { return value }
        // A lone "=" or "==" ends a token68.
        position = start
        return nil
    }

    private mutating func quoted() -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = peek, byte != UInt8(ascii: "\"") {
            position += 1
            if byte == UInt8(ascii: "\\"), let escaped = peek {
                text.append(escaped)
                position += 1
            } else {
                text.append(byte)
            }
        }
        position += 1
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func token() -> String? {
        let start = position
        skip(ChallengeReader.isTokenCharacter)
        return position > start ? String(decoding: bytes[start..<position], as: UTF8.self) : nil
    }

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skip(_ isSkipped: (UInt8) -> Bool) {
        while let byte = peek, isSkipped(byte) { position += 1 }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// RFC 9110 section 5.6.2.
    private static func isTokenCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
