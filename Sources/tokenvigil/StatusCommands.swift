import ArgumentParser
import FoundationEssentials
import TokenHealth
import VigilConfiguration

/// The status file as the commands that only read it see it.
struct StatusReading {
    let document: StatusDocument
    let names: [String]

    /// Reads the status file of `configuration`.
    ///
    /// - Throws: ``Failure`` with exit code 3 for a file that is missing, unreadable or stale, or a name not in it.
    init(configuration: Configuration, names: [String], now: Date) throws {
        let path = configuration.statusFile
        guard let bytes = try? Data(contentsOf: URL(filePath: path)) else {
            throw Failure(
                "there is no status file \(path): is the daemon running? (systemctl status tokenvigil)",
                code: .unknown
            )
        }
        guard let document = try? Wire.decoder().decode(StatusDocument.self, from: bytes) else {
            throw Failure("the status file \(path) is not one of this program's", code: .unknown)
        }
        guard document.validUntil >= now else {
            let age = Duration.seconds(now.timeIntervalSince(document.generatedAt)).short
            throw Failure(
                "the status file \(path) is \(age) old, nothing is known now: is the daemon running?",
                code: .unknown
            )
        }
        if let unknown = names.first(where: { document.tokens[$0] == nil }) {
            let known = document.tokens.keys.sorted().joined(separator: ", ")
            throw Failure("no token is called '\(unknown)'; there are: \(known)", code: .unknown)
        }
        self.document = document
        self.names = names.isEmpty ? document.tokens.keys.sorted() : names
    }

    var reports: [(name: String, report: TokenReport)] {
        names.compactMap { name in document.tokens[name].map { (name, $0) } }
    }

    /// The worst exit code among the tokens asked for.
    var exitCode: ExitCode {
        let codes = reports.map { Self.exitCode(of: $0.report.state).rawValue }
        // A dead token outweighs one of which nothing is known.
        if codes.contains(ExitCode.critical.rawValue) { return .critical }
        if codes.contains(ExitCode.unknown.rawValue) { return .unknown }
        return ExitCode(codes.max() ?? 0)
    }

    static func exitCode(of state: StateName) -> ExitCode {
        switch state {
        case .valid: .success
        case .limited, .suspect: .warning
        case .invalid: .critical
        case .unknown, .blind, .misconfigured, .pending: .unknown
        }
    }
}

/// The table a person wants.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "What is known now, as a table.",
        discussion: "Exit code: as of `tokenvigil check`."
    )

    @OptionGroup var common: CommonOptions
    @Flag(help: "Print JSON, as in the status file.") var json = false
    @Flag(help: "Keep the table on the screen, up to date.") var watch = false
    @Argument(help: ArgumentHelp("Tokens to show; all without a name.", valueName: "name")) var names: [String] = []

    func run() async throws {
        let configuration = try common.load(failingWith: .unknown)
        while watch {
            print("\u{1B}[H\u{1B}[2J", terminator: "")
            do {
                show(try StatusReading(configuration: configuration, names: names, now: Date.now))
            } catch let failure as Failure {
                print(failure.message)
            }
            try await Task.sleep(for: .seconds(1))
        }
        let reading = try StatusReading(configuration: configuration, names: names, now: Date.now)
        if json {
            var document = reading.document
            document.tokens = document.tokens.filter { reading.names.contains($0.key) }
            try printJSON(document)
        } else {
            show(reading)
        }
        if reading.exitCode != .success { throw reading.exitCode }
    }

    private func show(_ reading: StatusReading) {
        let now = Date.now
        func ago(_ date: Date?) -> String {
            date.map { Duration.seconds(now.timeIntervalSince($0)).short + " ago" } ?? "never"
        }
        var table = TextTable("TOKEN", "STATE", "SINCE", "LAST ACCEPTED", "EXPIRES", "OWNER")
        for (name, report) in reading.reports {
            let reason = report.reason.map { " (\($0))" } ?? ""
            table.add(
                [
                    name, report.state.rawValue + reason, report.since.minuteUTC, ago(report.lastAcceptedAt),
                    report.expiresAt?.dayUTC ?? "-", report.owner ?? "-",
                ],
                state: report.state
            )
        }
        table.lines.forEach { print($0) }
        for (name, report) in reading.reports where report.state != .valid {
            print("\n\(Terminal.bold(name)): \(report.explanation)")
            if let taken = report.incident?.acknowledged { print("  acknowledged by \(taken)") }
            if let until = report.incident?.silencedUntil { print("  silenced until \(until.minuteUTC)") }
            for dependant in report.usedBy {
                print("  used by \(dependant.name)" + (dependant.owner.map { " (\($0))" } ?? ""))
            }
        }
        for (name, notifier) in reading.document.notifiers.sorted(by: { $0.key < $1.key }) where notifier.state != .ok {
            print(
                "\nnotifier \(Terminal.bold(name)) is \(notifier.state.rawValue), \(notifier.pending) waiting: \(notifier.lastError ?? "")"
            )
        }
        for problem in reading.document.monitor.problems { print("\n\(Terminal.bold("the monitor")): \(problem)") }
    }
}
