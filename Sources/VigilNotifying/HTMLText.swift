/// Text and links in an HTML page.
enum HTMLText {
    /// `text` as it stands between tags or in a quoted attribute.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// A link where `text` is an address that is safe to follow, the escaped text where it is not.
    static func link(_ text: String) -> String {
        guard let address = SafeLink(text)?.text else { return escaped(text) }
        return "<a class=\"link\" href=\"\(escaped(address))\" style=\"color:#0b57d0\">\(escaped(address))</a>"
    }
}

/// An address that a person may be offered to follow.
///
/// Services refuse a whole message for a link they cannot read, so anything doubtful is told as text instead.
struct SafeLink: Sendable, Hashable {
    /// Longest that every service takes; Discord allows 2048 characters.
    private static let mostBytes = 2000

    /// `http` or `https`, in printable ASCII without spaces, quotes, brackets, backslashes and bars.
    let text: String

    init?(_ text: String) {
        guard text.utf8.count <= SafeLink.mostBytes, WebhookURL(text) != nil, !text.contains("@"),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && !"\"'<>\\^`{|}".utf8.contains($0) })
        else { return nil }
        self.text = text
    }
}

extension String {
    /// This text with a backslash before each quote and each backslash.
    ///
    /// Scalar by scalar: a quote with a combining mark behind it is another character, and ends a string all the same.
    var backslashed: String {
        var text = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            if scalar == "\\" || scalar == "\"" { text.append("\\") }
            text.append(scalar)
        }
        return String(text)
    }
}
