import ServiceLifecycle
import TokenHealth

/// Runs the watch: looks at tokens as they fall due, many at once, until the shut-down.
package struct ProbeService: Service {
    private let watch: TokenWatch
    private let wakeup: Wakeup
    private let timekeeper: any Timekeeper
    private let progress: Progress

    /// - `wakeup`: signalled when something is due earlier than the watch last said.
    package init(watch: TokenWatch, timekeeper: any Timekeeper, progress: Progress, wakeup: Wakeup = Wakeup()) {
        self.wakeup = wakeup
        self.watch = watch
        self.timekeeper = timekeeper
        self.progress = progress
    }

    package func run() async throws {
        defer { progress.end(.probing) }
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                while !Task.isCancelled {
                    let round = await watch.takeDue()
                    if !round.isEmpty { group.addTask { await watch.run(round) { wakeup.signal() } } }
                    let now = timekeeper.now().uptime
                    progress.mark(.probing, at: now)
                    let wake = await watch.nextWake(at: now, latest: now + progress.longestPause)
                    await wakeup.wait(until: wake, on: timekeeper)
                }
            }
        }
    }
}
