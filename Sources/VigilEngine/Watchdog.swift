package import Logging
import ServiceLifecycle
import TokenHealth

/// What supervises the daemon.
///
/// Contract: calls return at once and never fail.
package protocol Supervisor: Sendable {
    /// How often it wants a sign of life; `nil` where it wants none.
    var watchdogInterval: Duration? { get }
    func ready()
    func status(_ text: String)
    func alive()
    func reloading()
    func stopping()
}

/// Gives the supervisor a sign of life while every loop makes progress, and none otherwise: then it restarts the daemon.
package struct Watchdog: Service {
    private let supervisor: any Supervisor
    private let progress: Progress
    private let timekeeper: any Timekeeper
    private let logger: Logger

    package init(supervisor: any Supervisor, progress: Progress, timekeeper: any Timekeeper, logger: Logger) {
        self.supervisor = supervisor
        self.progress = progress
        self.timekeeper = timekeeper
        self.logger = logger
    }

    /// Feeds the watchdog if every loop has come round within `interval`.
    package func tick(interval: Duration) {
        let stalled = progress.stalled(since: timekeeper.now().uptime - interval)
        guard stalled.isEmpty else {
            logger.error("no progress, the watchdog is not fed", metadata: ["loops": "\(stalled)"])
            return
        }
        supervisor.alive()
    }

    package func run() async throws {
        guard let interval = supervisor.watchdogInterval else {
            try await gracefulShutdown()
            return
        }
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                // At the start no loop has had the time to come round yet.
                try? await timekeeper.sleep(until: timekeeper.now().uptime + interval / 3)
                if !Task.isCancelled { tick(interval: interval) }
            }
        }
    }
}
