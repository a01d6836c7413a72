import ArgumentParser
import FoundationEssentials
import TokenHealth
import VigilConfiguration

/// The table a person wants.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "What is known now, as a table.",
        discussion: """
            `--watch` keeps it on the screen of a terminal, the worst first, until Ctrl-C or `q`; elsewhere it prints \
            a new table whenever something has changed. Exit code: as of `tokenvigil check`; after Ctrl-C 130.
            """
    )

    @OptionGroup var common: CommonOptions
    @Flag(help: "Print JSON, as in the status file.") var json = false
    @Flag(help: "Keep the table on the screen, up to date.") var watch = false
    @Argument(help: ArgumentHelp("Tokens to show; all without a name.", valueName: "name")) var names: [String] = []

    func validate() throws {
        if json && watch { throw ValidationError("--watch shows a table: leave out --json") }
    }

    func run() async throws {
        let configuration = try common.load(failingWith: .unknown)
        if watch {
            let watching = StatusWatch(configuration: configuration, names: names)
            if Terminal.isPresent { try await watching.live() }
            try await watching.printChanges()
        }
        let reading = try StatusReading(configuration: configuration, names: names, now: Date.now)
        if json {
            var document = reading.document
            document.tokens = document.tokens.filter { reading.names.contains($0.key) }
            try printJSON(document)
        } else {
            StatusTable(reading, now: Date.now).lines.forEach { print($0) }
        }
        if reading.exitCode != .success { throw reading.exitCode }
    }
}

/// The whole table, with what is wrong below it.
struct StatusTable {
    let reading: StatusReading
    let now: Date

    init(_ reading: StatusReading, now: Date) {
        self.reading = reading
        self.now = now
    }

    var lines: [String] { table + troubles + notices }

    private var table: [String] {
        var table = TextTable("TOKEN", "STATE", "SINCE", "LAST ACCEPTED", "EXPIRES", "OWNER")
        for (name, report) in reading.reports {
            table.add(
                [
                    name, report.state.rawValue + (report.reason.map { " (\($0))" } ?? ""), report.since.minuteUTC,
                    ago(report.lastAcceptedAt), report.expiresAt?.dayUTC ?? "-", report.owner ?? "-",
                ],
                state: report.state
            )
        }
        return table.lines
    }

    private func ago(_ date: Date?) -> String {
        date.map { Duration.seconds(now.timeIntervalSince($0)).short + " ago" } ?? "never"
    }

    private var troubles: [String] {
        reading.reports.filter { $0.report.state != .valid }.flatMap { name, report -> [String] in
            var lines = ["", "\(Terminal.bold(name)): \(report.explanation.printable)"]
            if let taken = report.incident?.acknowledged { lines.append("  acknowledged by \(taken)") }
            if let until = report.incident?.silencedUntil { lines.append("  silenced until \(until.minuteUTC)") }
            return lines
                + report.usedBy.map { ("  used by \($0.name)" + ($0.owner.map { " (\($0))" } ?? "")).printable }
        }
    }

    private var notices: [String] {
        reading.notices.flatMap { ["", "\(Terminal.bold($0.subject)) \($0.text.printable)"] }
    }
}

extension StatusReading {
    /// What is wrong with the notifiers and with the monitor itself.
    var notices: [(subject: String, text: String)] {
        let notifiers = document.notifiers.sorted { $0.key < $1.key }.filter { $0.value.state != .ok }
        let failing = notifiers.map { name, notifier in
            let error = notifier.lastError ?? ""
            return ("notifier \(name)", "is \(notifier.state.rawValue), \(notifier.pending) waiting: \(error)")
        }
        return failing + document.monitor.problems.map { ("the monitor:", $0) }
    }
}
