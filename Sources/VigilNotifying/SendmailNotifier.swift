package import TokenHealth
import VigilEngine

/// Hands an alert as a mail to the host's `sendmail`.
package struct SendmailNotifier: Notifier {
    /// Who writes to whom, and with which program.
    package struct Settings: Sendable, Hashable {
        package var from: String
        package var to: [String]
        /// Path of a program that understands `-i -f FROM -- RCPT…`; every mailer ships one.
        package var sendmail: String
        package var timeLimit: Duration
        /// Socket of the mail helper, which runs the program outside this one's sandbox; `nil` to run it here in any case.
        package var helper: String?

        package init(
            from: String,
            to: [String],
            sendmail: String = "/usr/sbin/sendmail",
            timeLimit: Duration = .seconds(60),
            helper: String? = nil
        ) {
            self.from = from
            self.to = to
            self.sendmail = sendmail
            self.timeLimit = timeLimit
            self.helper = helper
        }
    }

    /// How much later than the helper's own limit this one gives up.
    private static let patience = Duration.seconds(15)

    private let settings: Settings

    package init(_ settings: Settings) {
        self.settings = settings
    }

    package func deliver(_ alert: Alert) async -> DeliveryResult {
        let message: MailMessage
        do throws(MailProblem) {
            message = try MailMessage(alert, from: settings.from, to: settings.to)
        } catch {
            return .refused(error.sentence)
        }
        let success = "queued by \(settings.sendmail.oneLine)"
        switch await helped(message) {
        case .done(let outcome):
            return result(outcome, success: success + ", which the mail helper ran")
        case .refused(let reason):
            // After a change of the configuration the two may disagree until both have read it.
            return .failed("the mail helper refused: \(reason)")
        case .broken(let cause):
            return .failed("\(cause); see journalctl -u 'tokenvigil-mail*'")
        case .absent:
            let child = ChildProcess(
                executable: settings.sendmail,
                arguments: ["-i", "-f", message.from.text, "--"] + message.to.map(\.text),
                timeLimit: settings.timeLimit
            )
            return result(await child.run(input: Array(message.text.utf8)), success: success)
        }
    }

    private func helped(_ message: MailMessage) async -> MailErrandClient.Outcome {
        guard let helper = settings.helper else { return .absent }
        let errand = MailErrand(
            from: message.from.text,
            to: message.to.map(\.text),
            sendmail: settings.sendmail,
            message: message.text
        )
        let limit = settings.timeLimit + SendmailNotifier.patience
        return await MailErrandClient(path: helper, timeLimit: limit).run(errand)
    }

    private func result(_ outcome: ChildProcess.Outcome, success: String) -> DeliveryResult {
        outcome.result(of: settings.sendmail, success: success, timeLimit: settings.timeLimit)
    }
}
