import FoundationEssentials
import TokenHealth

/// What the daemon asks the mail helper to do: hand one message to the host's mailer.
///
/// On the wire it is one JSON object, ended by the end of the stream: what is cut off is no errand. The answer comes
/// back over the same connection, likewise.
package struct MailErrand: Sendable, Hashable, Codable {
    package var from: String
    package var to: [String]
    /// The program, as the configuration names it; the helper runs it only where the configuration says the same.
    package var sendmail: String
    /// Headers, an empty line, the body, `\n` at the end of every line.
    package var message: String

    package init(from: String, to: [String], sendmail: String, message: String) {
        self.from = from
        self.to = to
        self.sendmail = sendmail
        self.message = message
    }

    /// Longest errand, in bytes; a mail about twenty tokens has some ten thousand.
    package static let maximumSize = 1024 * 1024

    /// Where the helper listens; fixed in `tokenvigil-mail.socket`.
    package static let socketPath = "/run/tokenvigil-mail.sock"
}

/// What became of an errand.
struct MailErrandReport: Sendable, Hashable, Codable {
    /// How the mailer ended, or that it was not run.
    enum Ending: String, Sendable, Hashable, Codable {
        case exited, signaled, overran, notFound, broken, refused
    }

    /// Longest report, in bytes.
    static let maximumSize = 16 * 1024

    var ending: Ending
    /// Exit status or signal number; zero where there is none.
    var code: Int32 = 0
    /// What the mailer said, or why it was not run.
    var complaint: String

    static func refused(_ reason: String) -> MailErrandReport {
        MailErrandReport(ending: .refused, complaint: reason)
    }
}

extension MailErrandReport {
    init(_ outcome: ChildProcess.Outcome) {
        complaint = outcome.complaint
        switch outcome.ending {
        case .exited(let code): (ending, self.code) = (.exited, code)
        case .signaled(let signal): (ending, code) = (.signaled, signal)
        case .overran: ending = .overran
        case .notFound: ending = .notFound
        case .cancelled: (ending, complaint) = (.broken, "it was stopped")
        case .broken(let cause): (ending, complaint) = (.broken, cause)
        }
    }

    /// The same as if the mailer had been run here, or `nil` where the helper refused to run it.
    var outcome: ChildProcess.Outcome? {
        let ending: ChildProcess.Ending
        switch self.ending {
        case .exited: ending = .exited(code)
        case .signaled: ending = .signaled(code)
        case .overran: ending = .overran
        case .notFound: ending = .notFound
        case .broken: ending = .broken(complaint.oneLine.shortened(to: 200))
        case .refused: return nil
        }
        return ChildProcess.Outcome(ending: ending, complaint: complaint.oneLine)
    }
}
