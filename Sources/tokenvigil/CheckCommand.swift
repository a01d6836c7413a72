import ArgumentParser
import FoundationEssentials
import Glibc
import TokenHealth
import VigilConfiguration

/// The plugin for Nagios, Icinga and their like.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Monitoring plugin (Nagios, Icinga) over the status file: one line with performance data.",
        discussion: """
            Exit code: 0 all valid, 1 limited or suspect, 2 invalid, 3 unknown, misconfigured, a status file that is \
            missing or stale, a mistake on the command line, and, as plugins have it, this help and the version.

            A RANGE is one of the Monitoring Plugins guidelines, in days until a token expires: 14: tells of one with \
            less than 14 days ahead of it, 0.5: of less than 12 hours, @0:30 of one that expires within 30 days and has \
            not yet. Mind the colon: 14 alone tells of all with more than 14. A token of which nobody knows when it \
            expires breaks no range.

            Example: tokenvigil check --warning 14: --critical 3:
            """
    )

    @OptionGroup var common: CommonOptions

    @Option(
        name: .shortAndLong,
        parsing: .unconditional,
        help: ArgumentHelp("WARNING where the days until a token expires are outside of it.", valueName: "range"),
        transform: Check.range
    )
    var warning: PluginRange?

    @Option(
        name: .shortAndLong,
        parsing: .unconditional,
        help: ArgumentHelp("CRITICAL where the days until a token expires are outside of it.", valueName: "range"),
        transform: Check.range
    )
    var critical: PluginRange?

    @Option(
        name: .shortAndLong,
        parsing: .unconditional,
        help: ArgumentHelp("UNKNOWN after so many seconds, or 500ms, 1m.", valueName: "seconds"),
        transform: Check.timeLimit
    )
    var timeout = Duration.seconds(10)

    @Flag(
        name: .shortAndLong,
        help: "Explain what is wrong; twice: a line for each token; three times: all that is known."
    )
    var verbose: Int

    @Option(help: ArgumentHelp("The status file itself; no configuration is read then.", valueName: "file"))
    var statusFile: String?

    @Flag(name: .customShort("V"), help: "Show the version.") var showsVersion = false

    @Argument(help: ArgumentHelp("Tokens to check; all without a name.", valueName: "name")) var names: [String] = []

    func run() throws {
        if showsVersion { throw CleanExit.message(Version.text) }
        limitTime()
        let now = Date.now
        let answer: PluginAnswer
        do {
            let path = try statusFile ?? common.load(failingWith: .unknown).statusFile
            let reading = try StatusReading(path: path, names: names, now: now)
            let thresholds = TokenPlugin.Thresholds(warning: warning, critical: critical)
            answer = TokenPlugin(document: reading.document, names: names, thresholds: thresholds, now: now)
                .answer(verbosity: verbose)
        } catch let failure as Failure {
            let line = failure.message.split(separator: "\n").joined(separator: ": ")
            answer = PluginAnswer(.unknown, line)
        }
        // From here on there is an answer, and there must be no second one.
        signal(SIGALRM, SIG_IGN)
        Check.tell(answer)
        if answer.status != .ok { throw ExitCode(answer.status.rawValue) }
    }

    /// A plugin speaks on standard output, also of its own troubles.
    private static func tell(_ answer: PluginAnswer) {
        answer.lines.forEach { print($0) }
    }

    /// A file system that does not answer must not keep whoever waits for this.
    private func limitTime() {
        signal(SIGALRM) { _ in
            let line: StaticString = "TOKENVIGIL UNKNOWN - there was no answer within the time limit (--timeout)\n"
            _ = unsafe write(STDOUT_FILENO, line.utf8Start, line.utf8CodeUnitCount)
            _exit(PluginStatus.unknown.rawValue)
        }
        let (seconds, rest) = (timeout.inMilliseconds / 1000, timeout.inMilliseconds % 1000)
        var limit = itimerval()
        limit.it_value = timeval(tv_sec: seconds, tv_usec: rest * 1000)
        _ = unsafe setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &limit, nil)
    }

    // MARK: what the command line says

    private static func range(_ text: String) throws -> PluginRange {
        guard let range = PluginRange(text) else {
            throw ValidationError("'\(text)' is no range: 14: below 14, ~:14 above, 3:14 outside, @3:14 inside")
        }
        return range
    }

    private static func timeLimit(_ text: String) throws -> Duration {
        guard let limit = DurationText.parse(text) ?? DurationText.parse(text + "s"), limit > .zero else {
            throw ValidationError("'\(text)' is no time limit, such as 10, 500ms or 1m")
        }
        return limit
    }

    /// The error to end with: if it is this command that was asked for, help and mistakes are UNKNOWN, and told as such.
    static func ending(with error: any Error, arguments: [String]) -> any Error {
        guard arguments.dropFirst().first == _commandName, !(error is ExitCode) else { return error }
        if Tokenvigil.exitCode(for: error) == .success {
            print(Tokenvigil.fullMessage(for: error))
        } else {
            tell(PluginAnswer(.unknown, Tokenvigil.message(for: error) + " (see tokenvigil check --help)"))
        }
        return ExitCode.unknown
    }
}
