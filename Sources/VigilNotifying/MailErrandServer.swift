import FoundationEssentials
import TokenHealth
package import VigilSystemd

/// Does one errand for the daemon, outside the daemon's sandbox: the other end of ``MailErrandClient``.
///
/// It trusts nothing that it is sent. Who asks must be root or of the group that may; sender, recipients and program
/// must stand together in the configuration; the message must name the same sender.
package struct MailErrandServer: Sendable {
    /// One notifier of the configuration: who may write to whom, by which program.
    package struct Permit: Sendable, Hashable {
        package var from: String
        package var to: Set<String>
        package var sendmail: String
        /// How long the program may take; `nil` for the server's own limit.
        package var timeLimit: Duration?

        package init(from: String, to: Set<String>, sendmail: String, timeLimit: Duration? = nil) {
            self.from = from
            self.to = to
            self.sendmail = sendmail
            self.timeLimit = timeLimit
        }

        func allows(_ errand: MailErrand) -> Bool {
            from == errand.from && sendmail == errand.sendmail && to.isSuperset(of: errand.to)
        }
    }

    /// What to say in the log, and whether the errand was done.
    package enum Result: Sendable, Hashable {
        /// The mailer was run and said this.
        case done(String)
        /// Nothing was run.
        case refused(String)
    }

    private let permits: [Permit]
    /// Of those who may ask, besides root; `nil` for nobody.
    private let group: UInt32?
    private let readLimit: Duration
    private let timeLimit: Duration

    package init(
        permits: [Permit],
        group: UInt32?,
        readLimit: Duration = .seconds(10),
        timeLimit: Duration = .seconds(60)
    ) {
        self.permits = permits
        self.group = group
        self.readLimit = readLimit
        self.timeLimit = timeLimit
    }

    /// Reads an errand from a connected socket, does it, and answers.
    package func serve(_ connection: SocketConnection) async -> Result {
        let errand: MailErrand
        do throws(Refusal) {
            errand = try self.errand(from: connection)
        } catch {
            answer(.refused(error.reason), on: connection)
            return .refused(error.reason)
        }
        let child = ChildProcess(
            executable: errand.sendmail,
            arguments: ["-i", "-f", errand.from, "--"] + errand.to,
            timeLimit: permits.filter { $0.allows(errand) }.compactMap(\.timeLimit).max() ?? timeLimit
        )
        let outcome = await child.run(input: Array(errand.message.utf8))
        answer(MailErrandReport(outcome), on: connection)
        let size = "\(errand.to.count) recipient\(errand.to.count == 1 ? "" : "s"), \(errand.message.utf8.count) bytes"
        return .done("\(errand.sendmail.oneLine) \(outcome.ending): \(size)")
    }

    private func answer(_ report: MailErrandReport, on connection: SocketConnection) {
        guard let bytes = try? JSONEncoder().encode(report) else { return }
        connection.close(answering: Array(bytes))
    }
}

// MARK: - What is refused

extension MailErrandServer {
    private struct Refusal: Error {
        let reason: String
    }

    private func errand(from connection: SocketConnection) throws(Refusal) -> MailErrand {
        guard let peer = connection.peer else { throw Refusal(reason: "who asks cannot be found out") }
        guard peer.userID == 0 || group.map(peer.belongs) == true else {
            throw Refusal(reason: "user \(peer.userID) is not in the group that may send mail")
        }
        let bytes: [UInt8]
        do throws(SocketConnection.ReadFailure) {
            bytes = try connection.readToEnd(atMost: MailErrand.maximumSize, within: readLimit)
        } catch {
            throw Refusal(reason: "the errand cannot be read: \(error)")
        }
        guard let errand = try? JSONDecoder().decode(MailErrand.self, from: Data(bytes)) else {
            throw Refusal(reason: "\(bytes.count) bytes that are no errand")
        }
        try check(errand)
        return errand
    }

    private func check(_ errand: MailErrand) throws(Refusal) {
        for address in [errand.from] + errand.to where MailAddress(address) == nil {
            throw Refusal(reason: MailProblem.address(address).sentence)
        }
        guard !errand.to.isEmpty else { throw Refusal(reason: MailProblem.noRecipient.sentence) }
        let bySender = permits.filter { $0.from == errand.from }
        guard !bySender.isEmpty else {
            throw Refusal(reason: "the configuration has no mail from \(errand.from.shortened(to: 100))")
        }
        if let stranger = errand.to.first(where: { address in !bySender.contains { $0.to.contains(address) } }) {
            throw Refusal(reason: "the configuration has no mail to \(stranger.shortened(to: 100))")
        }
        guard bySender.contains(where: { $0.allows(errand) }) else {
            throw Refusal(reason: "the configuration has no notifier with these recipients and this sendmail")
        }
        do throws(MailScrutiny.Objection) {
            try MailScrutiny(from: errand.from, to: errand.to).check(errand.message)
        } catch {
            throw Refusal(reason: "the message is not one of tokenvigil's: \(error.reason.oneLine)")
        }
    }
}
