import Synchronization
import TokenHealth
import VigilEngine
import VigilHTTPClient

/// Questions that were asked together, until the last of them is answered.
final class GlanceRound: Sendable {
    private let requests: [GlanceRequest]
    private let results: AsyncStream<[GlanceResult]>.Continuation
    private let open: Mutex<Int>

    init(requests: [GlanceRequest], results: AsyncStream<[GlanceResult]>.Continuation) {
        self.requests = requests
        self.results = results
        open = Mutex(requests.count)
    }

    /// Gives on what has come, the expected answers at once.
    ///
    /// - `read`: makes an exchange of an answer that was not expected. It takes a while, and the thread of the client has
    ///   others to serve: it is called in a task.
    func take(_ replies: [HTTPReply], reading read: @escaping @Sendable (HTTPReply, ProbeRequest) -> Exchange) {
        var same: [GlanceResult] = []
        var others: [HTTPReply] = []
        for reply in replies {
            if case .expected(let status) = reply.outcome {
                same.append(GlanceResult(index: reply.index, .same(status: status, latency: reply.latency)))
            } else {
                others.append(reply)
            }
        }
        if !same.isEmpty { give(same) }
        guard !others.isEmpty else { return }
        // The thread of the client has no task of which this could be a child.
        Task { [others] in
            give(others.map { GlanceResult(index: $0.index, .other(read($0, requests[$0.index].request))) })
        }
    }

    private func give(_ some: [GlanceResult]) {
        results.yield(some)
        let isLast = open.withLock { open in
            open -= some.count
            return open == 0
        }
        if isLast { results.finish() }
    }
}
