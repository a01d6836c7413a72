/// Quoted-printable, RFC 2045 section 6.7: text that every mail relay carries unharmed.
enum QuotedPrintable {
    /// Longest line, the soft line break included.
    private static let width = 76

    /// Encodes `text`, whose lines end with `\n`, as lines that end with `\n`.
    ///
    /// Beyond what the standard demands, no encoded line begins with a dot or with `From `: some mailers end or
    /// rewrite a message there.
    static func encode(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map(encodeLine).joined(separator: "\n")
    }

    private static func encodeLine(_ line: Substring) -> String {
        var encoded = ""
        var column = 0
        let scalars = line.unicodeScalars
        for index in scalars.indices {
            let rest = scalars[index...]
            let isLast = rest.dropFirst().isEmpty
            var unit = unit(for: scalars[index], isLast: isLast)
            if column + unit.utf8.count > width - (isLast ? 0 : 1) {
                encoded += "=\n"
                column = 0
            }
            if column == 0, needsEscape(atLineStart: Substring(rest)) { unit = escape(scalars[index]) }
            encoded += unit
            column += unit.utf8.count
        }
        return encoded
    }

    private static func unit(for scalar: Unicode.Scalar, isLast: Bool) -> String {
        switch scalar.value {
        case 0x21...0x3C, 0x3E...0x7E: String(scalar)
        case 0x20, 0x09: isLast ? escape(scalar) : String(scalar)
        default: escape(scalar)
        }
    }

    private static func needsEscape(atLineStart rest: Substring) -> Bool {
        rest.hasPrefix(".") || rest.hasPrefix("From ")
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        String(scalar).utf8.map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return digits.count == 1 ? "=0\(digits)" : "=\(digits)"
        }.joined()
    }
}
