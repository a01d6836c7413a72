import Synchronization
import TokenHealth

/// A request that was handed over, and where what comes of it goes.
struct TransferJob: Sendable {
    let index: Int
    let request: HTTPRequest
    let proxy: ProxyEnvironment.Choice
    let submittedAt: ContinuousClock.Instant
    let batch: TransferBatch
    /// Whom it goes to, as far as connections can be shared: scheme, host and port, and the socket.
    let origin: String

    init(
        index: Int,
        request: HTTPRequest,
        proxy: ProxyEnvironment.Choice,
        submittedAt: ContinuousClock.Instant,
        batch: TransferBatch
    ) {
        self.index = index
        self.request = request
        self.proxy = proxy
        self.submittedAt = submittedAt
        self.batch = batch
        let start = request.url.firstRange(of: "://")?.upperBound ?? request.url.startIndex
        let end = request.url[start...].firstIndex { "/?#".contains($0) } ?? request.url.endIndex
        origin = request.url[..<end] + (request.socketPath.map { " " + $0 } ?? "")
    }

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
