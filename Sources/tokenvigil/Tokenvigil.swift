import ArgumentParser
import Glibc
import VigilSystemd

/// The program's entry: parses the command line and runs the command.
@main
struct Tokenvigil: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenvigil",
        abstract: "Watches API tokens, and tells people the moment one stops working.",
        discussion: """
            Try it:   tokenvigil demo
            Set up:   tokenvigil config init, config check, probe, notify test, run
            Ask:      tokenvigil status, check, history, doctor
            Act:      tokenvigil replace, ack, silence, unsilence
            """,
        version: Version.text,
        subcommands: [
            Run.self, Probe.self, Check.self, Status.self, History.self, Metrics.self, Report.self, Replace.self,
            Ack.self, SilenceCommand.self, Unsilence.self, Notify.self, Doctor.self, Config.self,
            ProviderCommand.self, Simulate.self, Demo.self, MailHelperCommand.self, ReportFailure.self,
        ]
    )

    static func main() async {
        // A reader that goes away must end neither the daemon nor a command.
        signal(SIGPIPE, SIG_IGN)
        ProcessMemory.keepTogether()
        do {
            var command = try parseAsRoot()
            try (command as? Run)?.prepare()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as Failure {
            Terminal.complain(failure.message)
            exit(withError: failure.code)
        } catch {
            exit(withError: Check.ending(with: error, arguments: CommandLine.arguments))
        }
    }
}

/// The version of this program.
enum Version {
    static let text = "0.1.0"
}

/// Exit codes of section 7 of the design, and of sysexits.h.
extension ExitCode {
    static let warning = ExitCode(1)
    static let critical = ExitCode(2)
    static let unknown = ExitCode(3)
    static let usage = ExitCode(64)
    static let interrupted = ExitCode(130)
    static let unavailable = ExitCode(69)
    static let noRoom = ExitCode(71)
    static let cannotCreate = ExitCode(73)
    static let refused = ExitCode(77)
    static let configuration = ExitCode(78)
}

/// A failure with its message for standard error, and the exit code that goes with it.
struct Failure: Error {
    let message: String
    let code: ExitCode

    init(_ message: String, code: ExitCode) {
        self.message = message
        self.code = code
    }
}
