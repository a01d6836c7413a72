import Synchronization
import TokenHealth
import VigilEngine
import VigilSystemd

/// The service manager as the engine sees it.
final class SystemdSupervisor: Supervisor {
    private let manager = ServiceManager()
    /// What was said last; `nil` before readiness.
    private let said = Mutex<String?>(nil)

    var watchdogInterval: Duration? { manager.watchdogInterval }

    func ready() { manager.notify(.ready) }
    func status(_ text: String) { manager.notify(.status(text)) }
    func alive() { manager.notify(.watchdog) }
    func reloading() { manager.notify(.reloading) }
    func stopping() { manager.notify(.stopping) }

    /// Says that the daemon is ready once the first document is on disk, and afterwards what has changed.
    func report(_ document: StatusDocument) {
        let text = SystemdSupervisor.summary(of: document)
        let before = said.withLock { said in
            defer { said = text }
            return said
        }
        if before == nil {
            manager.notify(.ready, .status(text))
        } else if before != text {
            manager.notify(.status(text))
        }
    }

    private static func summary(of document: StatusDocument) -> String {
        let counts = StateName.allCases.compactMap { state -> String? in
            guard let count = document.summary[state.rawValue], count > 0 else { return nil }
            return "\(count) \(state.rawValue)"
        }
        let health = document.monitor.healthy ? "" : "; " + document.monitor.problems.joined(separator: "; ")
        let total = document.tokens.count
        return "\(total) token\(total == 1 ? "" : "s"): " + counts.joined(separator: ", ") + health
    }
}
