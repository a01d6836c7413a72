import Glibc
import Synchronization
import TokenHealth
import VigilConfiguration
import VigilEngine
import VigilStorage

/// Publishes where the configuration says at that moment; what it published elsewhere before is removed.
final class CurrentStatusFile: StatusPublisher {
    private let current: CurrentConfiguration
    private let last = Mutex<String?>(nil)

    init(_ current: CurrentConfiguration) { self.current = current }

    func publish(_ document: StatusDocument) async throws {
        let path = current.value.statusFile
        try await StatusFile(path: path).publish(document)
        let before = last.withLock { last in
            defer { last = path }
            return last
        }
        // Nobody may take it for news.
        if let before, before != path { _ = unsafe unlink(before) }
    }
}
