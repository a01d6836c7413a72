import FoundationEssentials

extension EchoDetector {
    /// What holds any of the secret is taken out as a whole: nobody can say where it ends.
    func strike(_ text: String) -> String { finds(in: text) ? Secret.redaction : text }

    func strike(_ value: JSONValue) -> JSONValue { strike(value, level: 0) }

    /// Below so many levels no level is looked at by itself: what is in pieces there stands in pieces in the levels above,
    /// too, and every level costs a reading of all that is in it.
    private static let levels = 8

    private func strike(_ value: JSONValue, level: Int) -> JSONValue {
        let struck: JSONValue
        switch value {
        case .string(let text): return .string(strike(text))
        case .number(let number): return finds(in: number.text) ? .string(Secret.redaction) : value
        case .null, .bool: return value
        case .array(let elements):
            struck = .array(elements.map { strike($0, level: level + 1) })
        case .object(let members):
            let pairs = members.map { (strike($0.key), strike($0.value, level: level + 1)) }
            struck = .object(Dictionary(pairs) { first, _ in first })
        }
        guard level <= EchoDetector.levels else { return struck }
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
