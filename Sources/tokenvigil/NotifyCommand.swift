import ArgumentParser
import FoundationEssentials
import TokenHealth
import VigilConfiguration
import VigilEngine
import VigilHTTPClient
import VigilProbing
import VigilStorage

/// The ways to people.
struct Notify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notify",
        abstract: "Test the notifiers, and see what waits to be delivered.",
        subcommands: [Test.self, Outbox.self]
    )

    /// A real alert, by the real path.
    struct Test: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send a test alert through each notifier, and say what became of it.",
            discussion: "Exit code: 0 when all took it, 1 otherwise."
        )

        @OptionGroup var common: CommonOptions
        @Argument(help: ArgumentHelp("Notifiers to test; all without a name.", valueName: "notifier"))
        var names: [String] = []

        func run() async throws {
            let configuration = try common.load()
            let known = configuration.notifiers.map(\.name)
            if let unknown = names.first(where: { !known.contains($0) }) {
                throw Failure(
                    "no notifier is called '\(unknown)'; there are: \(known.joined(separator: ", "))",
                    code: .configuration
                )
            }
            let environment = ProcessInfo.processInfo.environment
            let secrets = HostSecretReader(environment: environment)
            let client = try HTTPClient(environment: environment)
            let notifiers = Notifiers(configuration: configuration, client: client, secrets: secrets)
            var failed = 0
            for name in names.isEmpty ? known : names {
                guard let notifier = notifiers.byName[name] else { continue }
                let begun = ContinuousClock.now
                let result = await notifier.deliver(.test(at: Date.now))
                let time = (ContinuousClock.now - begun).formattedSeconds
                switch result {
                case .delivered(let detail): print("\(name)  delivered in \(time): \(detail)")
                case .failed(let detail, _):
                    print("\(name)  FAILED after \(time), would be tried again: \(detail)"); failed += 1
                case .refused(let detail):
                    print(
                        "\(name)  FAILED for good by what it says, after \(time) (its fallback would be told at once): \(detail)"
                    )
                    failed += 1
                case .gone(let detail):
                    print("\(name)  FAILED for good after \(time): \(detail)"); failed += 1
                }
            }
            await client.shutdown()
            if failed > 0 {
                Terminal.flush()
                await ShellProxy.tellDifference(environment)
                throw ExitCode.failure
            }
        }
    }

    /// What waits, since when, and why.
    struct Outbox: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the alerts that have not been delivered: since when, and why."
        )

        @OptionGroup var common: CommonOptions
        @Flag(help: "Print JSON.") var json = false

        func run() throws {
            let configuration = try common.load()
            let rows: [HistoryReader.OutboxRow]
            let drill: DrillReport?
            do {
                let reader = try HistoryReader(directory: configuration.stateDirectory)
                rows = try reader.outbox()
                drill = try reader.lastDrill()
            } catch {
                throw Failure("\(error)", code: .unknown)
            }
            if json { return try printJSON(rows) }
            defer { if let drill { print("last drill \(drill.startedAt.minuteUTC): \(drill.summary)") } }
            guard !rows.isEmpty else { return print("nothing waits: every alert has been delivered") }
            var table = TextTable("SINCE", "NOTIFIER", "STATE", "TRIES", "NEXT TRY", "ALERT")
            for row in rows {
                let next = row.state == "waiting" ? row.dueAt.minuteUTC : "never"
                table.add([row.queuedAt.minuteUTC, row.notifier, row.state, "\(row.attempts)", next, row.summary])
            }
            table.lines.forEach { print($0) }
            for row in rows { if let error = row.lastError { print("\(row.notifier): \(error)") } }
        }
    }
}

extension Duration {
    /// `0.04 s`, `12.3 s`.
    fileprivate var formattedSeconds: String {
        let milliseconds = inMilliseconds
        let shown = milliseconds < 1000 ? Double(milliseconds / 10) / 100 : Double(milliseconds / 100) / 10
        return "\(shown) s"
    }
}

extension Alert {
    /// What `notify test` and `doctor --mail` send.
    static func test(at now: Date) -> Alert {
        Alert(
            id: "test-\(now.rfc3339.filter { !"-:.".contains($0) })-\(Host.processID)",
            kind: .test,
            severity: AlertKind.test.severity,
            createdAt: now,
            summary: "TEST from \(Host.name): this is how an alert arrives",
            host: Host.name
        )
    }
}
