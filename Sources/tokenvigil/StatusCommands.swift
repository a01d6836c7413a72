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

/// The plugin for Nagios, Icinga and their like.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Nagios and Icinga plugin over the status file: one line with performance data.",
        discussion: """
            Exit code: 0 all valid, 1 limited or suspect, 2 invalid, 3 unknown, misconfigured, or a status file that is \
            missing or stale.
            """
    )

    @OptionGroup var common: CommonOptions
    @Argument(help: ArgumentHelp("Tokens to check; all without a name.", valueName: "name")) var names: [String] = []

    func run() throws {
        let now = Date.now
        let reading: StatusReading
        do {
            reading = try StatusReading(configuration: common.load(failingWith: .unknown), names: names, now: now)
        } catch let failure as Failure {
            // A plugin speaks on standard output, also of its own troubles.
            let line = failure.message.split(separator: "\n").joined(separator: ": ")
            print("TOKENVIGIL UNKNOWN - \(line)")
            throw failure.code
        }
        print(line(for: reading))
        if reading.exitCode != .success { throw reading.exitCode }
    }

    private func line(for reading: StatusReading) -> String {
        let words = [0: "OK", 1: "WARNING", 2: "CRITICAL"]
        let word = words[Int(reading.exitCode.rawValue)] ?? "UNKNOWN"
        let troubled = reading.reports.filter { $0.report.state != .valid }.map { name, report in
            let reason = report.reason.map { " (\($0))" } ?? ""
            return "\(name) \(report.state.rawValue)\(reason) since \(report.since.minuteUTC)"
        }
        let text = troubled.isEmpty ? "\(reading.reports.count) valid" : troubled.joined(separator: ", ")
        let data = StateName.allCases.map { state in
            "\(state.rawValue)=\(reading.reports.count { $0.report.state == state });;;0;\(reading.reports.count)"
        }
        return "TOKENVIGIL \(word) - \(text) | " + data.joined(separator: " ")
    }
}
