import Dispatch
import FoundationEssentials
import Synchronization
package import TokenHealth

/// The clock of the engine.
///
/// Contract: uptime never goes back; `sleep` returns at or after the given uptime, or throws when cancelled.
package protocol Timekeeper: Sendable {
    func now() -> Moment
    func sleep(until uptime: Duration) async throws
    /// Returns after `limit`, or at once when cancelled; for limits that seldom pass.
    func wait(for limit: Duration) async
}

extension Timekeeper {
    package func wait(for limit: Duration) async { try? await sleep(until: now().uptime + limit) }
}

/// Real time.
package struct SystemTimekeeper: Timekeeper {
    private let origin = ContinuousClock.now

    package init() {}

    package func now() -> Moment {
        Moment(wall: Date.now, uptime: ContinuousClock.now - origin)
    }

    package func sleep(until uptime: Duration) async throws {
        try await ContinuousClock().sleep(until: origin + uptime, tolerance: .milliseconds(1))
    }

    /// By a timer that goes with the wait: a sleep of Swift keeps its task, some 8 kB, until its time has come, cancelled or not,
    /// and a page that is read a thousand times a second would fill the memory with them.
    package func wait(for limit: Duration) async {
        let timer = LimitTimer(limit)
        await withTaskCancellationHandler {
            await timer.wait()
        } onCancel: {
            timer.end()
        }
    }
}

/// A timer that is waited for once.
private final class LimitTimer: Sendable {
    private struct State {
        var isOver = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())
    /// Its functions may be called from every thread (dispatch_source_create(3)).
    nonisolated(unsafe) private let timer = DispatchSource.makeTimerSource()

    init(_ limit: Duration) {
        unsafe timer.schedule(deadline: .now() + .milliseconds(limit.inMilliseconds))
    }

    /// Returns when the limit has passed, or ``end()`` was called.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.isOver { state.waiter = continuation }
                return state.isOver
            }
            if isOver { continuation.resume() }
            unsafe timer.setEventHandler { [weak self] in self?.end() }
            unsafe timer.activate()
        }
    }

    func end() {
        let waiter = state.withLock { state in
            defer { (state.isOver, state.waiter) = (true, nil) }
            return state.waiter
        }
        unsafe timer.cancel()
        waiter?.resume()
    }
}
