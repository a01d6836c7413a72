import Synchronization

/// The reply to one request, and the one who waits for it.
final class ReplyPromise: Sendable {
    private let waiting = Mutex<CheckedContinuation<HTTPReply, Never>?>(nil)

    /// Has `continuation` get the reply, which has not come yet.
    func await(_ continuation: CheckedContinuation<HTTPReply, Never>) { waiting.withLock { $0 = continuation } }

    /// Gives the reply to whoever waits; a second one is dropped.
    func keep(_ reply: HTTPReply) {
        let continuation = waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting
        }
        continuation?.resume(returning: reply)
    }
}
