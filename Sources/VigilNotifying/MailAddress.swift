import TokenHealth

/// An address that can stand in a header and in an argument list as it is: `oncall@example.com`, `root`.
struct MailAddress: Sendable, Hashable {
    let text: String

    /// Checks the characters; `nil` for what could end a header, begin an option or name two recipients.
    init?(_ text: String) {
        let isPlain = text.utf8.allSatisfy { byte in
            (0x21...0x7E).contains(byte) && !"<>(),;\"\\".utf8.contains(byte)
        }
        guard isPlain, (1...254).contains(text.utf8.count), !text.hasPrefix("-") else { return nil }
        self.text = text
    }
}

/// Why there is no mail to send.
enum MailProblem: Error, Sendable, Hashable {
    case address(String)
    case noRecipient

    /// One sentence with the remedy.
    var sentence: String {
        switch self {
        case .address(let text):
            "\"\(text.oneLine.shortened(to: 100))\" is not a mail address: give it as user@host, without a name, in ASCII"
        case .noRecipient:
            "no recipient is configured: give the notifier at least one address in \"to\""
        }
    }
}
