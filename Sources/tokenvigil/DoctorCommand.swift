import ArgumentParser
import FoundationEssentials
import Glibc
import TokenHealth
import VigilConfiguration

/// Looks for what keeps the daemon from doing its work on this host.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check this host: secrets, directories, CA store, network, clock, mail, journal, the service.",
        discussion: """
            Run it as root: then the checks run inside the sandbox of the service (systemd-run with the unit's own \
            properties), where secrets, directories and mail are as the daemon finds them. Otherwise they run here.
            No secret is sent anywhere.
            Exit code: 0 when nothing is wrong, 1 otherwise.
            """
    )

    @OptionGroup var common: CommonOptions
    @Flag(help: "Run the checks in this process, not in the sandbox of the service.") var here = false
    @Flag(help: "Also send a test alert through each sendmail notifier.") var mail = false
    @Option(help: ArgumentHelp("The unit whose sandbox is used.", valueName: "unit"))
    var unit = "tokenvigil.service"
    /// Set where the checks are run by another doctor, which looks at the service itself.
    @Flag(help: .private) var inside = false

    func run() async throws {
        var failures = 0
        func tell(_ finding: Finding) {
            print(finding.text)
            if finding.mark == .bad { failures += 1 }
        }
        if !inside {
            for finding in await ServiceExamination(unit: unit).findings() { tell(finding) }
        }
        if !here, !inside, getuid() == 0, let sandbox = await UnitSandbox(of: unit) {
            Terminal.flush()
            switch await sandbox.run(["doctor", "--inside", "--config", common.config] + (mail ? ["--mail"] : [])) {
            case .success(let code): failures += code == 0 ? 0 : 1
            case .failure(let problem): tell(problem)
            }
        } else {
            if !inside, getuid() != 0, !here {
                tell(.note("sandbox", "not looked into: run as root, to check as the service finds it"))
            }
            for finding in await HostExamination(configuration: common.config, sendsMail: mail).findings() {
                tell(finding)
            }
        }
        if failures > 0 { throw ExitCode.failure }
    }
}

/// One thing that was looked at.
struct Finding: Error, Sendable, Hashable {
    enum Mark: Sendable { case good, bad, note }

    let mark: Mark
    let subject: String
    let sentence: String
    /// What to do about it.
    let remedy: String?

    static func good(_ subject: String, _ sentence: String) -> Finding {
        Finding(mark: .good, subject: subject, sentence: sentence, remedy: nil)
    }

    static func bad(_ subject: String, _ sentence: String, remedy: String) -> Finding {
        Finding(mark: .bad, subject: subject, sentence: sentence, remedy: remedy)
    }

    /// What could not be looked at, or need not be right.
    static func note(_ subject: String, _ sentence: String, remedy: String? = nil) -> Finding {
        Finding(mark: .note, subject: subject, sentence: sentence, remedy: remedy)
    }

    /// One line, with the remedy where there is one.
    var text: String {
        let sign =
            switch mark {
            case .good: Terminal.coloured("ok  ", as: .valid)
            case .bad: Terminal.coloured("BAD ", as: .invalid)
            case .note: Terminal.coloured("note", as: .blind)
            }
        return "\(sign)  \(subject): \(sentence)" + (remedy.map { "; \($0)" } ?? "")
    }
}
