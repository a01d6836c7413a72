import FoundationEssentials
import Logging
import Synchronization
import TokenHealth

/// Finding out that a failing notifier works again.
extension OutboxDispatcher {
    /// Gives a test to each notifier that people know to be failing and for which nothing waits.
    ///
    /// Without it nobody would know that it works again before the next alert, and that one would be the test.
    package func checkFailingNotifiers() {
        let now = timekeeper.now()
        do {
            let reports = try store.notifierReports()
            for name in roster.names where failing.incident(of: name) != nil && disabled.result(for: name) == nil {
                guard reports[name]?.pending ?? 0 == 0, checks.begin(name, at: now.uptime) else { continue }
                let alert = composer.checkAlert(of: name, at: now.wall)
                try store.commit(News(alerts: [OutgoingAlert(alert, to: [name])]))
                logger.info("a failing notifier is tried", metadata: ["notifier.name": "\(name)"])
                roster.signal.send()
            }
            checking.note(nil, on: logger)
        } catch {
            checking.note(error, on: logger)
        }
    }
}

/// When each failing notifier was last given a test.
final class NotifierChecks: Sendable {
    /// Shortest time between two tests of one notifier: as long as the longest pause between two attempts.
    static let gap = Duration.seconds(1800)

    private let begun = Mutex<[String: Duration]>([:])

    /// Whether a test is due; it counts as begun.
    func begin(_ notifier: String, at now: Duration) -> Bool {
        begun.withLock { begun in
            if let last = begun[notifier], now - last < NotifierChecks.gap { return false }
            begun[notifier] = now
            return true
        }
    }

    /// It is another notifier now: the next test is due at once.
    func forget(_ notifier: String) { begun.withLock { $0[notifier] = nil } }
}
