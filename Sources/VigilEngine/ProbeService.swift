import ServiceLifecycle
import TokenHealth

/// Runs the watch: looks at tokens as they fall due, many at once, until the shut-down.
package struct ProbeService: Service {
    private let watch: TokenWatch
    private let wakeup = Wakeup()
    private let timekeeper: any Timekeeper
    private let progress: Progress

    package init(watch: TokenWatch, timekeeper: any Timekeeper, progress: Progress) {
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
                            await watch.look(at: name)
                            wakeup.signal()
                        }
                    }
                    let now = timekeeper.now().uptime
                    progress.mark(.probing, at: now)
                    let due = await watch.nextDue ?? .seconds(86_400)
                    await wakeup.wait(until: min(due, now + Progress.longestPause), on: timekeeper)
                }
            }
        }
    }
}
