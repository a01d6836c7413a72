import CCurl
import Dispatch
import Glibc
import Synchronization
import TokenHealth

/// Ends connections of peers that send without end what is no answer.
///
/// libcurl reads an HTTP/2 connection until nothing is there to be read. A peer that sends WINDOW_UPDATE, PRIORITY or heads
/// of interim answers faster than they can be thrown away keeps it in that loop for ever: no time limit is looked at, and
/// nobody else is served. So a second thread looks at the clock while the first one is at it, and shuts the connection
/// down on which most has come; libcurl then reads its end.
final class FloodGuard: Sendable {
    /// A descriptor that libcurl reads from.
    private struct Connection {
        let origin: String
        /// Bytes that had come when the guard first saw the present run of the loop.
        var received: UInt64?
    }

    private struct State {
        var connections: [CInt: Connection] = [:]
        var flooding: Set<String> = []
        var isBusy = false
        var isClosed = false
        /// Which run of the loop the numbers of bytes belong to.
        var run = 0
    }

    private let state = Mutex(State())
    /// Milliseconds of monotonic time at which the present run of the loop began; 0: it is not running.
    private let begun = Atomic(0)
    private let bell = DispatchSemaphore(value: 0)

    /// How often the guard looks while anything is under way, in milliseconds.
    private static let period = 250
    /// From when on how many bytes are too many, since the guard first saw the run: all that may come is far less.
    private static let limits = [(after: 1000, bytes: UInt64(1 << 20)), (after: 5000, bytes: UInt64(1 << 16))]

    // MARK: - For the thread of the loop

    /// Says whether anything is under way; without, the guard sleeps.
    func note(isBusy: Bool) {
        let isNews = state.withLock { state in
            defer { state.isBusy = isBusy }
            return isBusy && !state.isBusy
        }
        if isNews { bell.signal() }
    }

    /// Runs `body`, which should not take long.
    func watching<Value>(_ body: () -> Value) -> Value {
        begun.store(FloodGuard.now, ordering: .relaxed)
        defer { begun.store(0, ordering: .relaxed) }
        return body()
    }

    /// The origins whose peers were cut off since the last time.
    func takeFlooding() -> Set<String> {
        state.withLock { state in
            defer { state.flooding = [] }
            return state.flooding
        }
    }

    /// libcurl reads from `descriptor` from now on.
    func add(_ descriptor: CInt, to origin: String) {
        state.withLock { $0.connections[descriptor] = Connection(origin: origin) }
    }

    /// Closes `descriptor`; under the lock, for a number that was closed may be somebody else's at once.
    func close(_ descriptor: CInt) -> CInt {
        state.withLock { state in
            state.connections[descriptor] = nil
            return Glibc.close(descriptor)
        }
    }

    /// Shuts a connection down on which nothing has come for `time`: whoever would be asked on it next would wait in vain.
    func shutSilent(_ descriptor: CInt, for time: Duration) {
        state.withLock { state in
            guard state.connections[descriptor] != nil, Int(ccurl_silence(descriptor)) >= time.inMilliseconds - 10
            else {
                return
            }
            _ = shutdown(descriptor, CInt(SHUT_RDWR))
        }
    }

    /// Ends the thread of the guard.
    func end() {
        state.withLock { $0.isClosed = true }
        bell.signal()
    }

    // MARK: - The thread of the guard

    /// Watches until ``end()`` is called.
    func run() {
        while true {
            let (isBusy, isClosed) = state.withLock { ($0.isBusy, $0.isClosed) }
            if isClosed { return }
            if isBusy {
                _ = bell.wait(timeout: .now() + .milliseconds(FloodGuard.period))
            } else {
                bell.wait()
            }
            look()
        }
    }

    private func look() {
        let run = begun.load(ordering: .relaxed)
        let elapsed = FloodGuard.now - run
        guard run != 0, elapsed >= FloodGuard.period else { return }
        state.withLock { state in
            let isNew = state.run != run
            state.run = run
            var most: (descriptor: CInt, bytes: UInt64) = (-1, 0)
            for (descriptor, connection) in state.connections {
                let received = ccurl_bytes_received(descriptor)
                guard !isNew, let before = connection.received else {
                    state.connections[descriptor]?.received = received
                    continue
                }
                if received > before, received - before > most.bytes { most = (descriptor, received - before) }
            }
            let isTooMuch = FloodGuard.limits.contains { elapsed >= $0.after && most.bytes >= $0.bytes }
            guard isTooMuch, let connection = state.connections[most.descriptor] else { return }
            state.flooding.insert(connection.origin)
            _ = shutdown(most.descriptor, CInt(SHUT_RDWR))
        }
    }

    private static var now: Int {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }
}
