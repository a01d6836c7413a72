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

        package init(
            from: String,
            to: [String],
            sendmail: String = "/usr/sbin/sendmail",
            timeLimit: Duration = .seconds(60)
        ) {
            self.from = from
            self.to = to
            self.sendmail = sendmail
            self.timeLimit = timeLimit
        }
    }

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
        let child = ChildProcess(
            executable: settings.sendmail,
            arguments: ["-i", "-f", message.from.text, "--"] + message.to.map(\.text),
            timeLimit: settings.timeLimit
        )
        let outcome = await child.run(input: Array(message.text.utf8))
        return outcome.result(
            of: settings.sendmail,
            success: "queued by \(settings.sendmail.oneLine)",
            timeLimit: settings.timeLimit
        )
    }
}
