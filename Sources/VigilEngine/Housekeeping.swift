import FoundationEssentials
package import Logging
import ServiceLifecycle
import TokenHealth

/// How far pruning has come: a store is not held up for the whole of it.
package struct PruningStep: Sendable, Hashable {
    /// Number of the last token that was looked at; `nil` while that is not begun.
    package let token: Int64?

    package init(token: Int64?) { self.token = token }
}

/// Forgets what is older than people want to keep, once an hour and a little at a time.
package struct Housekeeping: Service {
    private let store: any HealthStore
    private let keep: @Sendable () -> Duration
    private let timekeeper: any Timekeeper
    private let logger: Logger

    private static let period = Duration.seconds(3600)
    /// Between two steps everybody else has the store.
    private static let pause = Duration.milliseconds(50)

    /// - `keep`: how long history is kept.
    package init(
        store: any HealthStore,
        keep: @escaping @autoclosure @Sendable () -> Duration,
        timekeeper: any Timekeeper,
        logger: Logger
    ) {
        self.store = store
        self.keep = keep
        self.timekeeper = timekeeper
        self.logger = logger
    }

    /// Goes through everything once.
    package func tick() async {
        let limit = timekeeper.now().wall.advanced(by: .zero - keep())
        var step: PruningStep?
        do {
            repeat {
                step = try store.prune(before: limit, after: step)
                if step != nil { try await timekeeper.sleep(until: timekeeper.now().uptime + Housekeeping.pause) }
            } while step != nil
        } catch is CancellationError {
            // What is left is forgotten after the next start.
        } catch {
            logger.warning("old history cannot be removed now", metadata: ["error": "\(error)"])
        }
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await timekeeper.sleep(until: timekeeper.now().uptime + Housekeeping.period)
                if !Task.isCancelled { await tick() }
            }
        }
    }
}
