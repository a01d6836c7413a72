import ArgumentParser
import FoundationEssentials
import TokenHealth
import VigilConfiguration
import VigilServing
import VigilStorage

/// What is known now, as numbers.
struct Metrics: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "What is known now as metrics for Prometheus, from the status file.",
        discussion: """
            Counts of probes and deliveries are known to the daemon alone: they are at /metrics (listen:) and in the file \
            it writes (metrics: {textfile}). Exit code: 0, or 3 where the status file is missing or stale; then nothing \
            is written.
            """
    )

    @OptionGroup var common: CommonOptions
    @Flag(name: .customLong("openmetrics"), help: "OpenMetrics instead of the text format.") var isOpen = false
    @Option(
        name: .customLong("textfile"),
        help: "Write to this file, whole at once, as the textfile collector of node_exporter needs it."
    )
    var path: String?

    func run() throws {
        let reading = try StatusReading(configuration: common.load(failingWith: .unknown), names: [], now: Date.now)
        let text = Exposition.text(of: reading.document, counts: nil, in: isOpen ? .openMetrics : .text)
        guard let path else { return print(text, terminator: "") }
        do {
            try AtomicFile(path: path, mode: 0o644).write(Array(text.utf8))
        } catch {
            throw Failure("\(error)", code: .cannotCreate)
        }
    }
}
