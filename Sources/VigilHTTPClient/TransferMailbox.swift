import CCurl
import Synchronization

/// What other threads have for the thread of a loop.
final class TransferMailbox: Sendable {
    /// What has come since the last time.
    struct Letters {
        var jobs: [TransferJob] = []
        var names: [NameLookup.Answer] = []
        var isAnyCancelled = false
        var isClosed = false
    }

    private struct State {
        var letters = Letters()
        var wakeup: TransferWakeup?
        /// Whether the loop has been woken for what is here.
        ///
        /// On a host without memory that fails, and is tried again.
        var isWoken = false
        /// Those who wait for the end of the loop.
        var waiters: [CheckedContinuation<Void, Never>] = []

        mutating func wake() {
            if !isWoken { isWoken = wakeup?.signal() ?? false }
        }
    }

    private let state = Mutex(State())

    /// From now on the loop is woken when something comes.
    func open(_ wakeup: TransferWakeup) { state.withLock { $0.wakeup = wakeup } }

    /// - Returns: whether the loop will see them; after the end nobody does.
    func put(_ jobs: [TransferJob]) -> Bool {
        state.withLock { state in
            guard !state.letters.isClosed, state.wakeup != nil else { return false }
            state.letters.jobs += jobs
            state.wake()
            return true
        }
    }

    func put(_ answer: NameLookup.Answer) {
        state.withLock { state in
            guard !state.letters.isClosed else { return }
            state.letters.names.append(answer)
            state.wake()
        }
    }

    func cancel(_ batch: TransferBatch) {
        batch.isCancelled.store(true, ordering: .relaxed)
        state.withLock { state in
            state.letters.isAnyCancelled = true
            state.wake()
        }
    }

    func take() -> Letters {
        state.withLock { state in
            defer { state.letters = Letters(isClosed: state.letters.isClosed) }
            state.isWoken = false
            return state.letters
        }
    }

    /// Has the loop end, and returns when it has.
    func close() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                state.letters.isClosed = true
                guard state.wakeup != nil else { return true }
                state.waiters.append(continuation)
                state.wake()
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    /// Nobody may wake the loop any more: what would be woken is about to go.
    func endWaking() { state.withLock { $0.wakeup = nil } }

    /// The loop is over.
    func end() {
        let waiters = state.withLock { state in
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}

/// Wakes a loop that waits for its connections.
struct TransferWakeup: Sendable {
    /// Of the multi handle: `curl_multi_wakeup` is the one function of libcurl that every thread may call with it.
    private let address: UInt

    init(_ multi: UnsafeMutableRawPointer) { address = UInt(bitPattern: multi) }

    /// - Returns: whether it will wake up.
    func signal() -> Bool {
        guard let multi = unsafe UnsafeMutableRawPointer(bitPattern: address) else { return false }
        return unsafe curl_multi_wakeup(multi) == CURLM_OK
    }
}
