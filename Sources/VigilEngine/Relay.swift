package import ServiceLifecycle
import Synchronization
import TokenHealth

/// Runs one service at a time, and another in its place as soon as it is given one.
package final class Relay<Runner: Service>: Service {
    /// One service, from when it is given until the next one is.
    private struct Leg: Sendable {
        var runner: Runner?
        var number = 0
        let isOver = Wakeup()
    }

    private let leg: Mutex<Leg>
    private let handedOver = Wakeup()
    private let linger: Duration
    private let timekeeper: any Timekeeper

    /// A wait is at most so long, for want of a sleep without end.
    private static var longestWait: Duration { .seconds(3600) }

    /// - `linger`: how long a service goes on beside the one that takes its place.
    package init(_ runner: Runner?, linger: Duration = .zero, timekeeper: any Timekeeper) {
        leg = Mutex(Leg(runner: runner))
        self.linger = linger
        self.timekeeper = timekeeper
    }

    /// The service that runs now; `nil` for none.
    package var current: Runner? { leg.withLock { $0.runner } }

    /// Has `next` run from now on; `nil` for none.
    package func hand(over next: Runner?) {
        let last = leg.withLock { leg in
            let last = leg
            leg = Leg(runner: next, number: last.number + 1)
            return last
        }
        last.isOver.signal()
        handedOver.signal()
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { legs in
                var started: Int?
                while !Task.isCancelled {
                    let leg = self.leg.withLock { $0 }
                    if started != leg.number {
                        started = leg.number
                        legs.addTask { await self.run(leg) }
                    }
                    let now = self.timekeeper.now().uptime
                    await self.handedOver.wait(until: now + Relay.longestWait, on: self.timekeeper)
                }
                legs.cancelAll()
            }
        }
    }

    private func run(_ leg: Leg) async {
        guard let runner = leg.runner else { return }
        await withTaskGroup(of: Void.self) { race in
            race.addTask {
                try? await runner.run()
                // One that has nothing more to do is not started again.
                try? await gracefulShutdown()
            }
            race.addTask {
                while !Task.isCancelled, self.leg.withLock({ $0.number }) == leg.number {
                    let now = self.timekeeper.now().uptime
                    await leg.isOver.wait(until: now + Relay.longestWait, on: self.timekeeper)
                }
                try? await self.timekeeper.sleep(until: self.timekeeper.now().uptime + self.linger)
            }
            await race.next()
            race.cancelAll()
        }
    }
}
