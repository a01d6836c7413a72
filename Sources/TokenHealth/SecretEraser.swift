import FoundationEssentials

/// Takes every copy of a secret, and every longer piece of one, out of what a server sent.
///
/// It compares bytes: for `String` a secret with a combining mark behind it is another text.
struct SecretEraser {
    /// Shortest piece that is taken out, in bytes.
    ///
    /// A shorter one helps nobody to guess the rest.
    private static let pieceLength = 12

    private let forms: [[UInt8]]
    /// Hashes of every piece of ``pieceLength`` bytes.
    private let pieces: Set<UInt64>

    /// - Parameter value: the secret, exposed.
    init(_ value: String) {
        // Many servers write a slash in JSON as `\/`.
        forms = [Array(value.utf8), Array(value.replacing("/", with: "\\/").utf8)]
        var pieces: Set<UInt64> = []
        SecretEraser.eachPiece(of: Array(value.utf8)) { _, hash in pieces.insert(hash) }
        self.pieces = pieces
    }

    func erase(_ bytes: [UInt8]) -> [UInt8] {
        erasePieces(from: forms.reduce(bytes) { erase($1, from: $0) })
    }

    /// Takes out runs that are a part of the secret: some servers quote the beginning or the end of a token.
    private func erasePieces(from bytes: [UInt8]) -> [UInt8] {
        guard !pieces.isEmpty, bytes.count >= SecretEraser.pieceLength else { return bytes }
        var ends: [(start: Int, end: Int)] = []
        SecretEraser.eachPiece(of: bytes) { start, hash in
            guard pieces.contains(hash) else { return }
            let end = start + SecretEraser.pieceLength
            if let last = ends.last, last.end >= start {
                ends[ends.count - 1].end = end
            } else {
                ends.append((start, end))
            }
        }
        guard !ends.isEmpty else { return bytes }
        var rest: [UInt8] = []
        var position = 0
        for (start, end) in ends {
            rest += bytes[position..<start]
            rest += Array(Secret.redaction.utf8)
            position = end
        }
        return rest + bytes[position...]
    }

    /// Calls `body` with the start and a rolling hash of every piece.
    ///
    /// Two pieces with one hash are as good as never met; where they are, a harmless text is struck out.
    private static func eachPiece(of bytes: [UInt8], _ body: (Int, UInt64) -> Void) {
        let base: UInt64 = 0x9E37_79B9_7F4A_7C15
        var leaving: UInt64 = 1
        for _ in 0..<pieceLength { leaving = leaving &* base }
        var hash: UInt64 = 0
        for (index, byte) in bytes.enumerated() {
            hash = hash &* base &+ UInt64(byte) &+ 1
            if index >= pieceLength { hash = hash &- leaving &* (UInt64(bytes[index - pieceLength]) &+ 1) }
            if index >= pieceLength - 1 { body(index - pieceLength + 1, hash) }
        }
    }

    func erase(_ text: String) -> String {
        String(decoding: erase(Array(text.utf8)), as: UTF8.self)
    }

    func erase(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string(let text): .string(erase(text))
        case .array(let elements): .array(elements.map(erase))
        case .object(let members):
            .object(Dictionary(members.map { (erase($0.key), erase($0.value)) }) { first, _ in first })
        // A secret may be all digits.
        case .number(let number) where erase(number.text) != number.text: .string(erase(number.text))
        case .null, .bool, .number: value
        }
    }

    private func erase(_ form: [UInt8], from bytes: [UInt8]) -> [UInt8] {
        guard let first = form.first, bytes.count >= form.count else { return bytes }
        var rest: [UInt8] = []
        rest.reserveCapacity(bytes.count)
        var position = 0
        while position < bytes.count {
            if bytes[position] == first, bytes[position...].starts(with: form) {
                rest += Array(Secret.redaction.utf8)
                position += form.count
            } else {
                rest.append(bytes[position])
                position += 1
            }
        }
        return rest
    }
}
