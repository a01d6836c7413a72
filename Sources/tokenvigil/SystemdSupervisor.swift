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
    /// Says this until the next report, whatever that says: also what was said before this.
    func status(_ text: String) {
        said.withLock { said in said = said.map { _ in text } }
        manager.notify(.status(text))
    }
    func alive() { manager.notify(.watchdog) }
    func reloading() { manager.notify(.reloading) }
    func stopping() { manager.notify(.stopping) }

    /// Says that the daemon is ready once the first status file is on disk, and afterwards what has changed.
    func report(_ head: StatusHead) {
        let text = SystemdSupervisor.summary(of: head)
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

    private static func summary(of head: StatusHead) -> String {
        let counts = StateName.allCases.compactMap { state -> String? in
            head.census[state] > 0 ? "\(head.census[state]) \(state.rawValue)" : nil
        }
        let health = head.monitor.healthy ? "" : "; " + head.monitor.problems.joined(separator: "; ")
        let total = head.census.tokens
        return "\(total) token\(total == 1 ? "" : "s"): " + counts.joined(separator: ", ") + health
    }
}
