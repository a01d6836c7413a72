import Synchronization

/// The connections that are open, up to a limit.
///
/// When all places are taken, whoever has kept us waiting longest gives his to the next: a crowd that connects and does
/// not ask, or asks and does not read, keeps out nobody who does.
final class Places: Sendable {
    private struct Holder {
        /// Since when nothing happens until the peer does something; `nil` while it is for us to do something.
        var waitingSince: Duration?
        let close: @Sendable () -> Void
    }

    private struct State {
        var holders: [Int: Holder] = [:]
        var next = 0
        /// Of answers that belong to one connection alone.
        var bytes = 0
    }

    private let state = Mutex(State())
    private let limit: Int
    private let bytesLimit: Int

    /// How long anybody may keep us waiting without giving up his place.
    private static let patience = Duration.milliseconds(250)

    init(limit: Int, bytesLimit: Int) {
        self.limit = limit
        self.bytesLimit = bytesLimit
    }

    /// Takes a place.
    ///
    /// - Parameters:
    ///   - now: monotonic time.
    ///   - close: ends the connection.
    /// - Returns: its number; `nil` where there is none.
    func admit(at now: Duration, close: @escaping @Sendable () -> Void) -> Int? {
        let (number, ended) = state.withLock { state -> (Int?, Holder?) in
            var ended: Holder?
            if state.holders.count >= limit {
                let slowest = state.holders.min { $0.value.waitingSince ?? now < $1.value.waitingSince ?? now }
                guard let slowest, let since = slowest.value.waitingSince, now - since >= Places.patience else {
                    return (nil, nil)
                }
                ended = state.holders.removeValue(forKey: slowest.key)
            }
            state.next += 1
            state.holders[state.next] = Holder(waitingSince: now, close: close)
            return (state.next, ended)
        }
        ended?.close()
        return number
    }

    /// Notes whether the peer is waited for, and since when.
    func note(_ number: Int, waitingSince: Duration?) {
        state.withLock { $0.holders[number]?.waitingSince = waitingSince }
    }

    func leave(_ number: Int) {
        state.withLock { state in _ = state.holders.removeValue(forKey: number) }
    }

    /// Whether an answer of this size may be kept until it has been sent; one may always.
    func reserve(_ bytes: Int) -> Bool {
        state.withLock { state in
            guard state.bytes == 0 || state.bytes + bytes <= bytesLimit else { return false }
            state.bytes += bytes
            return true
        }
    }

    func release(_ bytes: Int) { state.withLock { $0.bytes -= bytes } }
}
