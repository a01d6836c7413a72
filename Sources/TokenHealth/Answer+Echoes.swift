import FoundationEssentials

extension EchoDetector {
    /// What holds any of the secret is taken out as a whole: nobody can say where it ends.
    func strike(_ text: String) -> String { finds(in: text) ? Secret.redaction : text }

    func strike(_ value: JSONValue) -> JSONValue {
        let struck: JSONValue
        switch value {
        case .string(let text): return .string(strike(text))
        case .number(let number): return finds(in: number.text) ? .string(Secret.redaction) : value
        case .null, .bool: return value
        case .array(let elements):
            struck = .array(elements.map { strike($0) })
        case .object(let members):
            struck = .object(Dictionary(members.map { (strike($0.key), strike($0.value)) }) { first, _ in first })
        }
        // In pieces, each of which says nothing.
        return finds(in: struck.scalarTexts.joined(separator: " ")) ? .string(Secret.redaction) : struck
    }

    /// Word by word; all of it where that does not help.
    func strike(_ bytes: [UInt8]) -> [UInt8] {
        guard finds(in: bytes) else { return bytes }
        let words = bytes.split(omittingEmptySubsequences: false) { $0 <= 0x20 }
        let struck = Array(
            words.map { finds(in: Array($0)) ? Array(Secret.redaction.utf8)[...] : $0 }.joined(separator: [0x20])
        )
        return finds(in: struck) ? Array(Secret.redaction.utf8) : struck
    }
}

extension JSONValue {
    /// Every text and number in it, in order; the members of an object by name.
    fileprivate var scalarTexts: [String] {
        switch self {
        case .string(let text): [text]
        case .number(let number): [number.text]
        case .null, .bool: []
        case .array(let elements): elements.flatMap(\.scalarTexts)
        case .object(let members): members.sorted { $0.key < $1.key }.flatMap { [$0.key] + $0.value.scalarTexts }
        }
    }
}
