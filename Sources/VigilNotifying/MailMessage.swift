import TokenHealth

/// A mail, ready for `sendmail`: headers, an empty line, the body, with `\n` at the end of every line.
struct MailMessage: Sendable, Hashable {
    let from: MailAddress
    let to: [MailAddress]
    let text: String

    /// - Throws: where an address could do harm, or there is no recipient.
    init(_ alert: Alert, from: String, to: [String]) throws(MailProblem) {
        self.from = try MailMessage.checked(from)
        var recipients: [MailAddress] = []
        for address in to { recipients.append(try MailMessage.checked(address)) }
        guard !recipients.isEmpty else { throw .noRecipient }
        self.to = recipients
        let headers = MailMessage.headers(of: alert, from: self.from, to: recipients)
        let story = AlertStory(alert)
        let parts = zip(MailMessage.partHeads, [MailBody(story).text, MailPage(story).text]).map(MailMessage.part)
        text =
            headers.map(\.text).joined(separator: "\n") + "\n\n" + parts.joined() + MailMessage.end + "\n"
    }

    /// RFC 2045, section 6.7: `=_` cannot occur in quoted-printable text, so no part can hold this.
    static let boundary = "=_tokenvigil"
    static let contentType = "multipart/alternative; boundary=\"\(boundary)\""
    /// The last line.
    static let end = "--\(boundary)--"
    /// The lines before the text of each form.
    static let partHeads = ["text/plain", "text/html"].map { type in
        [
            "--\(boundary)", "Content-Type: \(type); charset=utf-8", "Content-Transfer-Encoding: quoted-printable", "",
        ]
    }

    /// One form of the text: the plainest comes first, RFC 2046 section 5.1.4.
    private static func part(_ head: [String], _ text: String) -> String {
        (head + [QuotedPrintable.encode(text)]).joined(separator: "\n") + "\n"
    }

    private static func checked(_ address: String) throws(MailProblem) -> MailAddress {
        guard let checked = MailAddress(address) else { throw .address(address) }
        return checked
    }

    private static func headers(of alert: Alert, from: MailAddress, to: [MailAddress]) -> [MailHeader] {
        let thread = MailThread(alert)
        let gist = AlertGist(alert)
        var headers = [
            MailHeader("From", from.text),
            MailHeader("To", to.map(\.text).joined(separator: ", ")),
            MailHeader("Subject", prefix: "[tokenvigil]", freeText: alert.summary),
            MailHeader("Date", MailDate.text(of: alert.createdAt)),
            MailHeader("Message-ID", thread.messageID),
        ]
        if let root = thread.root {
            headers += [MailHeader("In-Reply-To", root), MailHeader("References", root)]
        }
        headers += [
            MailHeader("Auto-Submitted", "auto-generated"),
            MailHeader("X-Auto-Response-Suppress", "All"),
            MailHeader("MIME-Version", "1.0"),
            MailHeader("Content-Type", contentType),
        ]
        for (name, value) in [
            ("X-Tokenvigil-Token", gist.tokens),
            ("X-Tokenvigil-State", gist.states),
            ("X-Tokenvigil-Incident", alert.lastingIncidentID ?? ""),
        ] where !value.isEmpty {
            headers.append(MailHeader(name, value))
        }
        return headers
    }
}
