import Synchronization

/// Lets one loop sleep until a time or until somebody has work for it.
///
/// A signal that comes while nobody waits is kept, so none is lost between looking and sleeping.
package final class Wakeup: Sendable {
    private enum State {
        case idle
        case signalled
        case waiting(CheckedContinuation<Void, Never>)
    }

    private let state = Mutex(State.idle)

    package init() {}

    /// Ends the present wait, or the next one at once.
    package func signal() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard case .waiting(let continuation) = state else {
                state = .signalled
                return nil
            }
            state = .idle
            return continuation
        }
        waiter?.resume()
    }

    /// Returns at the given uptime, on a signal, or when the task is cancelled.
    package func wait(until uptime: Duration, on timekeeper: some Timekeeper) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.waitForSignal() }
            group.addTask {
                try? await timekeeper.sleep(until: uptime)
                self.signal()
            }
            await group.next()
            group.cancelAll()
        }
        clear()
    }

    private func waitForSignal() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = state.withLock { state -> Bool in
                    guard case .idle = state, !Task.isCancelled else { return true }
                    state = .waiting(continuation)
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            signal()
        }
    }

    /// The loop looks at everything after a wait, so whatever was signalled until now is served.
    private func clear() {
        state.withLock { state in
            if case .signalled = state { state = .idle }
        }
    }
}
