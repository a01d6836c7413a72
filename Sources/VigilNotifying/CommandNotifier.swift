import FoundationEssentials
package import TokenHealth
import VigilEngine

/// Runs a command of the administrator's: the webhook's document on standard input, the gist in the environment.
package struct CommandNotifier: Notifier {
    /// What to run.
    package struct Settings: Sendable, Hashable {
        /// The program and its arguments; no shell reads them.
        package var argv: [String]
        package var timeLimit: Duration

        package init(argv: [String], timeLimit: Duration = .seconds(60)) {
            self.argv = argv
            self.timeLimit = timeLimit
        }
    }

    /// Longest value of a variable, in characters; the kernel refuses a program more than 128 KiB in one.
    private static let maximumValue = 2000

    private let settings: Settings

    package init(_ settings: Settings) {
        self.settings = settings
    }

    package func deliver(_ alert: Alert) async -> DeliveryResult {
        guard let program = settings.argv.first, !program.isEmpty else {
            return .refused("no command is configured: give argv a program")
        }
        guard let document = try? AlertDocument(alert: alert).encoded() else {
            return .refused("the alert cannot be written as JSON")
        }
        let child = ChildProcess(
            executable: program,
            arguments: Array(settings.argv.dropFirst()),
            environment: CommandNotifier.environment(of: alert),
            timeLimit: settings.timeLimit
        )
        let outcome = await child.run(input: document)
        return outcome.result(of: program, success: "\(program) ended well", timeLimit: settings.timeLimit)
    }

    /// Every variable is always there, so that a script may say `set -u`; an absent fact is empty.
    static func environment(of alert: Alert) -> [String: String] {
        let gist = AlertGist(alert)
        return [
            "TOKENVIGIL_KIND": alert.kind.rawValue,
            "TOKENVIGIL_SEVERITY": alert.severity.rawValue,
            "TOKENVIGIL_SUMMARY": alert.summary.oneLine.shortened(to: maximumValue),
            "TOKENVIGIL_TOKEN": gist.tokens,
            "TOKENVIGIL_STATE": gist.states,
            "TOKENVIGIL_REASON": gist.reasons,
            "TOKENVIGIL_INCIDENT": alert.lastingIncidentID?.oneLine.shortened(to: maximumValue) ?? "",
            "TOKENVIGIL_ALERT": alert.id.oneLine.shortened(to: maximumValue),
            "TOKENVIGIL_HOST": alert.host.oneLine.shortened(to: maximumValue),
            "TOKENVIGIL_OWNER": gist.owners,
        ]
    }
}
