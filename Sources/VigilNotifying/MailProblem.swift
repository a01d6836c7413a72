import TokenHealth

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
