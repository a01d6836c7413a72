import Glibc
import Synchronization
import TokenHealth
import VigilConfiguration
import VigilEngine
import VigilServing
import VigilStorage

/// The file of metrics, where the configuration in use wants one; one that has moved is removed where it was.
///
/// It is replaced in one step, so that the textfile collector of node_exporter never reads a part.
final class CurrentMetricsFile: StatusPublisher {
    private let current: CurrentConfiguration
    private let tally: Tally
    private let last = Mutex<String?>(nil)

    init(_ current: CurrentConfiguration, _ tally: Tally) {
        self.current = current
        self.tally = tally
    }

    func publish(_ document: StatusDocument) async throws {
        let path = current.value.metricsFile
        let before = last.withLock { last in
            defer { last = path }
            return last
        }
        if let before, before != path { _ = unsafe unlink(before) }
        guard let path else { return }
        let text = Exposition.text(of: document, counts: tally.counts, in: .text)
        try AtomicFile(path: path, mode: 0o644).write(Array(text.utf8))
    }
}
