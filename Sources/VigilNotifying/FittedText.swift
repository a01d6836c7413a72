/// How a service counts the length of a text.
enum TextUnit: Sendable {
    /// Bytes of UTF-8.
    case bytes
    /// UTF-16 code units: at least as many as a service that counts characters or code points would find.
    case characters

    func length(of text: String) -> Int {
        switch self {
        case .bytes: text.utf8.count
        case .characters: text.utf16.count
        }
    }
}

extension String {
    private static let ellipsis = "…"

    /// At most `limit` of this text, cut between two characters, with an ellipsis where something was cut off.
    ///
    /// - Parameters:
    ///   - limit: of the result, in `unit`.
    ///   - unit: what the limit counts.
    ///   - escape: what is written for each scalar, for a mark above a bracket must not hide it; no escape is cut in two.
    /// - Returns: an empty text where not even an ellipsis has room.
    func fitted(
        to limit: Int,
        _ unit: TextUnit = .characters,
        escaping escape: ((Unicode.Scalar) -> String)? = nil
    ) -> String {
        if escape == nil, unit.length(of: self) <= limit { return self }
        let reserve = unit.length(of: String.ellipsis)
        var pieces: [String] = []
        var length = 0
        var roomy = 0
        for character in self {
            let piece = escape.map { character.unicodeScalars.map($0).joined() } ?? String(character)
            length += unit.length(of: piece)
            guard length <= limit else {
                return limit < reserve ? "" : pieces.prefix(roomy).joined() + String.ellipsis
            }
            pieces.append(piece)
            if length <= limit - reserve { roomy = pieces.count }
        }
        return pieces.joined()
    }
}
