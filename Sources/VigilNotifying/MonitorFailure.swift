package import FoundationEssentials
package import TokenHealth

/// That the monitor itself has died, as the service manager tells it: by mail and in the journal.
///
/// It is no alert: the outbox and the state of tokens are the dead daemon's.
package struct MonitorFailure: Sendable, Hashable {
    package var unit: String
    package var host: String
    package var at: Date
    /// What the service manager calls it, as in systemd.exec(5): `exit-code`, `signal`, `watchdog`.
    package var result: String?
    /// Exit status or name of the signal.
    package var status: String?
    /// Whether the service manager starts it again by itself; `nil` where that is not known.
    package var isRestarted: Bool?

    package init(
        unit: String,
        host: String,
        at: Date,
        result: String? = nil,
        status: String? = nil,
        isRestarted: Bool? = nil
    ) {
        self.unit = unit
        self.host = host
        self.at = at
        self.result = result
        self.status = status
        self.isRestarted = isRestarted
    }

    /// The fixed `MESSAGE_ID`; its explanation stands in `systemd/tokenvigil.catalog`.
    package static let journalMessageID = "35a8785b62d4449bbac24dfe7a87238e"

    /// One line.
    package var summary: String {
        let cause = cause.map { " (\($0))" } ?? ""
        return
            "\(unit.oneLine) on \(host.oneLine) has died\(cause)\(isRestarted == true ? " and is started again" : "")"
    }

    private var cause: String? {
        guard let result = result?.oneLine.shortened(to: 50), !result.isEmpty else { return nil }
        if result == "exit-code", status == "78" { return "its configuration cannot be used" }
        guard let status = status?.oneLine.shortened(to: 50), !status.isEmpty else { return result }
        return "\(result) \(status)"
    }

    /// What a journal entry says.
    package var journalFields: [(name: String, value: String)] {
        [
            ("MESSAGE", summary), ("MESSAGE_ID", MonitorFailure.journalMessageID), ("PRIORITY", "2"),
            ("SYSLOG_IDENTIFIER", "tokenvigil"), ("TOKENVIGIL_KIND", "monitor.failed"),
            ("TOKENVIGIL_UNIT", unit.oneLine), ("TOKENVIGIL_REASON", result?.oneLine ?? "unknown"),
        ]
    }

    /// Hands a mail of it to the mailer.
    ///
    /// - Parameter settings: who is told; the mail helper is not asked, because the caller has its rights.
    /// - Returns: what became of it.
    package func mail(by settings: SendmailNotifier.Settings) async -> DeliveryResult {
        guard let from = MailAddress(settings.from), !settings.to.isEmpty,
            settings.to.allSatisfy({ MailAddress($0) != nil })
        else { return .refused("an address is none") }
        let child = ChildProcess(
            executable: settings.sendmail,
            arguments: ["-i", "-f", from.text, "--"] + settings.to,
            timeLimit: settings.timeLimit
        )
        let outcome = await child.run(input: Array(message(from: from, to: settings.to).utf8))
        return outcome.result(
            of: settings.sendmail,
            success: "queued by \(settings.sendmail.oneLine)",
            timeLimit: settings.timeLimit
        )
    }

    private func message(from: MailAddress, to: [String]) -> String {
        let stamp = Int64((at.timeIntervalSince1970 * 1000).rounded())
        let domain = host.utf8.allSatisfy { (0x30...0x7A).contains($0) || $0 == 0x2D } ? host : "localhost"
        let headers = [
            MailHeader("From", from.text),
            MailHeader("To", to.joined(separator: ", ")),
            MailHeader("Subject", prefix: "[tokenvigil]", freeText: "MONITOR FAILED: \(summary)"),
            MailHeader("Date", MailDate.text(of: at)),
            MailHeader("Message-ID", "<monitor-failed-\(stamp)@\(domain)>"),
            MailHeader("Auto-Submitted", "auto-generated"),
            MailHeader("X-Auto-Response-Suppress", "All"),
            MailHeader("MIME-Version", "1.0"),
            MailHeader("Content-Type", "text/plain; charset=utf-8"),
            MailHeader("Content-Transfer-Encoding", "quoted-printable"),
        ]
        return headers.map(\.text).joined(separator: "\n") + "\n\n" + QuotedPrintable.encode(body)
    }

    private var body: String {
        let future =
            switch isRestarted {
            case true?: "It is started again every few seconds. If it keeps dying, this mail comes once an hour."
            case false?: "It is not started again by itself: until somebody does, no API token is watched here."
            case nil: "Until it runs again no API token is watched here."
            }
        let paragraphs = [
            Paragraph.lines("\(summary)."),
            Paragraph.lines(future),
            Paragraph.lines("Nothing is lost: alerts that had not been delivered are sent when it runs again."),
            ["What to do:"]
                + Paragraph.lines("Read why it died: journalctl -u \(unit.oneLine) -e", first: "1. ")
                + Paragraph.lines("Correct the cause. The configuration: tokenvigil config check", first: "2. ")
                + Paragraph.lines("systemctl restart \(unit.oneLine)", first: "3. ")
                + Paragraph.lines("See that it looks again: tokenvigil status", first: "4. "),
        ]
        return paragraphs.map { $0.joined(separator: "\n") + "\n" }.joined(separator: "\n")
    }
}
