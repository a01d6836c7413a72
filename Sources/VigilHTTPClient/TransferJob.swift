import Synchronization
import TokenHealth

/// A request that was handed over, and where what comes of it goes.
struct TransferJob: Sendable {
    let index: Int
    let request: HTTPRequest
    let proxy: ProxyEnvironment.Choice
    let submittedAt: ContinuousClock.Instant
    let batch: TransferBatch

    var deadline: ContinuousClock.Instant { submittedAt + request.timeLimit }
}

/// Requests that were handed over together; compared by identity.
final class TransferBatch: Sendable {
    /// Called on the client's thread with what has come at once.
    let deliver: @Sendable ([HTTPReply]) -> Void
    /// Whether nobody waits for what comes of them any more.
    let isCancelled = Atomic(false)

    init(deliver: @escaping @Sendable ([HTTPReply]) -> Void) { self.deliver = deliver }
}
