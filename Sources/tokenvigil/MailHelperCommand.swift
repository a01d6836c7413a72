import ArgumentParser
import FoundationEssentials
import Glibc
import VigilConfiguration
import VigilNotifying
import VigilSystemd

/// What tokenvigil-mail@.service runs: hands one message to the mailer, outside the daemon's sandbox.
struct MailHelperCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mail-helper",
        abstract: "Hand one message from the daemon to the mailer; started by tokenvigil-mail.socket.",
        shouldDisplay: false
    )

    @OptionGroup var common: CommonOptions

    @Option(help: "Members of this group may send mail, and root.")
    var group = "tokenvigil"

    func run() async throws {
        guard let connection = SocketConnection(descriptor: STDIN_FILENO) else {
            throw Failure("this is started by tokenvigil-mail.socket: standard input is no socket", code: .usage)
        }
        Orphans.adopt()
        let server = MailErrandServer(permits: permits(), group: Accounts.groupID(of: group))
        let result = await server.serve(connection)
        switch result {
        case .done(let text):
            Terminal.complain(text)
            // The service manager would take a delivery in the background down with this process.
            Orphans.outlast()
        case .refused(let reason):
            throw Failure("refused: \(reason)", code: .refused)
        }
    }

    /// Every notifier by mail; none where the configuration cannot be used.
    private func permits() -> [MailErrandServer.Permit] {
        do throws(ConfigurationErrors) {
            return try ConfigurationLoader.load(path: common.config).notifiers.compactMap { notifier in
                guard case .sendmail(let mail) = notifier.kind else { return nil }
                return MailErrandServer.Permit(
                    from: mail.from,
                    to: Set(mail.to),
                    sendmail: mail.path,
                    timeLimit: notifier.timeout
                )
            }
        } catch {
            Terminal.complain("the configuration cannot be used, so no mail may be sent\n\(error)")
            return []
        }
    }
}
