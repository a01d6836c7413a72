import ArgumentParser
import FoundationEssentials
import Glibc
import Subprocess
import SystemPackage
import TokenHealth
import VigilConfiguration
import VigilNotifying
import VigilSystemd

/// What tokenvigil-failed@.service runs: says in the journal and by mail that the watch itself has died.
struct ReportFailure: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report-failure",
        abstract: "Tell people that the daemon has died; started by tokenvigil-failed@.service.",
        shouldDisplay: false
    )

    @OptionGroup var common: CommonOptions

    @Argument(help: "The unit that has died.")
    var unit: String

    /// Least time between two mails, in seconds.
    private static let pause = 3600.0

    func run() async throws {
        let failure = await failure(at: Date.now)
        do throws(JournalError) {
            try Journal().send(failure.journalFields)
        } catch {
            Terminal.complain("\(failure.summary); \(error)")
        }
        guard mayMail(at: failure.at) else { return Terminal.complain("a mail went out less than an hour ago") }
        Orphans.adopt()
        var results: [DeliveryResult] = []
        for settings in recipients() {
            let result = await failure.mail(by: settings)
            Terminal.complain("mail to \(settings.to.joined(separator: ", ")): \(result)")
            results.append(result)
        }
        let delivered = results.count { if case .delivered = $0 { true } else { false } }
        if delivered > 0 { noteMail() }
        Orphans.outlast()
        if delivered < results.count { throw ExitCode.failure }
    }

    /// The notifiers by mail; the host's root where the configuration, which may be what it died of, names none.
    private func recipients() -> [SendmailNotifier.Settings] {
        let fallback = SendmailNotifier.Settings(from: "root", to: ["root"])
        do throws(ConfigurationErrors) {
            let configuration = try ConfigurationLoader.load(path: common.config)
            return configuration.notifiers.compactMap { notifier in
                guard case .sendmail(let mail) = notifier.kind else { return nil }
                return mail.translated
            }
        } catch {
            Terminal.complain("the configuration cannot be used, so the mail goes to root\n\(error)")
            return [fallback]
        }
    }

    /// Whose change is the time of the last mail; `nil` where this is not run by the service manager.
    private var stamp: String? { ProcessInfo.processInfo.environment["RUNTIME_DIRECTORY"].map { "\($0)/last-mail" } }

    /// Whether the last mail is long enough ago.
    private func mayMail(at now: Date) -> Bool {
        guard let stamp, let attributes = try? FileManager.default.attributesOfItem(atPath: stamp),
            let last = attributes[.modificationDate] as? Date
        else { return true }
        return !(0..<ReportFailure.pause).contains(now.timeIntervalSince(last))
    }

    /// Where this fails, there is a mail too many the next time.
    private func noteMail() {
        if let stamp { try? Data().write(to: URL(filePath: stamp)) }
    }

    // MARK: - What happened

    /// As the service manager tells it: in the environment, systemd.exec(5), or when asked.
    private func failure(at now: Date) async -> MonitorFailure {
        let environment = ProcessInfo.processInfo.environment
        let properties = await properties()
        func present(_ text: String?) -> String? { text.flatMap { $0.isEmpty ? nil : $0 } }
        let state = properties["ActiveState"]
        return MonitorFailure(
            unit: unit,
            host: Host.name,
            at: now,
            result: present(environment["MONITOR_SERVICE_RESULT"]) ?? present(properties["Result"]),
            status: present(environment["MONITOR_EXIT_STATUS"]) ?? present(properties["ExecMainStatus"]),
            isRestarted: state.map { $0 != "failed" }
        )
    }

    /// Properties of the unit; none where the service manager cannot be asked.
    private func properties() async -> [String: String] {
        let names = "ActiveState,Result,ExecMainStatus"
        let result = try? await Subprocess.run(
            .path(FilePath("/usr/bin/systemctl")),
            arguments: ["show", "--property=\(names)", "--", unit],
            output: .string(limit: 4096),
            error: .discarded
        )
        let lines = result?.standardOutput.split(separator: "\n") ?? []
        let pairs = lines.compactMap { line -> (String, String)? in
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
        }
        return Dictionary(pairs) { first, _ in first }
    }
}
