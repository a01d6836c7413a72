import ArgumentParser
import FoundationEssentials
import TokenHealth
import VigilConfiguration
import VigilServing
import VigilStorage

/// The status page as a file.
struct Report: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The status page as one file, for any web server or a mail.",
        discussion: """
            It shows what is known now, with the last 90 days, and stays as it is. Exit code: 0, or 3 where the status \
            file is missing or stale; then nothing is written.
            """
    )

    @OptionGroup var common: CommonOptions
    @Option(name: .customLong("html"), help: "The file; it is replaced whole at once.") var path: String

    func run() async throws {
        let configuration = try common.load(failingWith: .unknown)
        let now = Date.now
        let reading = try StatusReading(configuration: configuration, names: [], now: now)
        let archive = StateArchive(
            directory: configuration.stateDirectory,
            tokens: { configuration.tokens },
            environment: ProcessInfo.processInfo.environment
        )
        let page: StatusPage
        do {
            let first = DayBar.firstDay(of: DayBars.days, until: now)
            let bars = DayBars(of: try await archive.dayBars(days: DayBars.days, until: now), until: now)
            let history = try await archive.history(of: nil, since: first, now: now)
            page = try StatusPage(kept: reading.document, bars: bars, history: history)
        } catch let refusal as ArchiveRefusal {
            throw Failure(refusal.message, code: .unknown)
        }
        do {
            try AtomicFile(path: path, mode: 0o644).write(page.html)
        } catch {
            throw Failure("\(error)", code: .cannotCreate)
        }
    }
}
