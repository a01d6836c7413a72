import ServiceLifecycle
import TokenHealth

/// Runs the watch: looks at tokens as they fall due, many at once, until the shut-down.
package struct ProbeService: Service {
    private let watch: TokenWatch
    private let wakeup: Wakeup
    private let timekeeper: any Timekeeper
    private let progress: Progress

    /// Looks that fall due within this time share one wake-up: waking costs more than a probe.
    private static let grain = Duration.milliseconds(10)

    /// - `wakeup`: signalled when something is due earlier than the watch last said.
    package init(watch: TokenWatch, timekeeper: any Timekeeper, progress: Progress, wakeup: Wakeup = Wakeup()) {
        self.wakeup = wakeup
        self.watch = watch
        self.timekeeper = timekeeper
        self.progress = progress
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                while !Task.isCancelled {
                    for name in await watch.takeDue() {
                        group.addTask {
                            if await watch.look(at: name) { wakeup.signal() }
                        }
                    }
                    let now = timekeeper.now().uptime
                    progress.mark(.probing, at: now)
                    let due = await watch.nextWake(latest: now + progress.longestPause)
                    await wakeup.wait(until: max(due, now + ProbeService.grain), on: timekeeper)
                }
            }
        }
    }
}
