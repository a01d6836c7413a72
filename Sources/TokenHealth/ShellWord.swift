/// A text as one word of bash or zsh, whatever is in it.
struct ShellWord: Sendable, CustomStringConvertible {
    let description: String

    init(_ text: String) {
        if !text.isEmpty, text.utf8.allSatisfy(ShellWord.isPlain) {
            description = text
        } else if text.unicodeScalars.allSatisfy(\.isShowable), !text.contains("'") {
            description = "'\(text)'"
        } else {
            description = "$'" + text.unicodeScalars.map(ShellWord.escaped).joined() + "'"
        }
    }

    /// Characters that mean nothing to a shell, anywhere in a word.
    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || "/._-+@%:,".utf8.contains(byte)
    }

    /// One character between `$'` and `'`.
    ///
    /// An exclamation mark there is still the history's in some shells, and a control character the terminal's.
    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        guard !scalar.isShowable || "'\\!".unicodeScalars.contains(scalar) else { return String(scalar) }
        return String(scalar).utf8.map { byte in
            let hex = String(byte, radix: 16)
            return hex.count == 1 ? "\\x0\(hex)" : "\\x\(hex)"
        }.joined()
    }
}

extension Unicode.Scalar {
    /// Neither a control character nor one that breaks a line or turns the direction of a text.
    var isShowable: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: false
        default: true
        }
    }
}
