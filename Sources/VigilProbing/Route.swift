import AsyncHTTPClient
import NIOCore
import Synchronization

/// The way to one URL: which client, on which event loop, and the request without its headers.
struct Route: Sendable {
    let client: HTTPClient
    let loop: any EventLoop
    var message: HTTPClient.Request
    let traffic: Traffic

    /// Sends the message and takes in the whole answer, to its limit.
    ///
    /// It is handed to the event loop once, and comes back once: every other way costs more wake-ups than the exchange.
    ///
    /// - Throws: whatever kept the answer from being complete before the deadline, or the cancellation of the task.
    func answer(before deadline: NIODeadline) async throws -> ReceivedAnswer {
        let running = RunningTask()
        traffic.begin()
        defer { traffic.end() }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                loop.execute {
                    let collector = AnswerCollector()
                    let task = client.execute(
                        request: message,
                        delegate: collector,
                        // One that insists on the loop gets connections that are closed after use.
                        eventLoop: .delegate(on: loop),
                        deadline: deadline
                    )
                    running.begin(task)
                    task.futureResult.whenComplete { result in
                        continuation.resume(
                            with: result.flatMapError { error in
                                Result { try collector.answer(despite: error) }
                            }
                        )
                    }
                }
            }
        } onCancel: {
            running.cancel()
        }
    }
}

/// An exchange that can be cancelled before it has begun.
private final class RunningTask: Sendable {
    private enum State {
        case waiting
        case running(HTTPClient.Task<ReceivedAnswer>)
        case cancelled
    }

    private let state = Mutex(State.waiting)

    func begin(_ task: HTTPClient.Task<ReceivedAnswer>) {
        let isCancelled = state.withLock { state in
            if case .cancelled = state { return true }
            state = .running(task)
            return false
        }
        if isCancelled { task.cancel() }
    }

    func cancel() {
        let task = state.withLock { state -> HTTPClient.Task<ReceivedAnswer>? in
            defer { state = .cancelled }
            guard case .running(let task) = state else { return nil }
            return task
        }
        task?.cancel()
    }
}

/// How many exchanges with one destination are under way.
final class Traffic: Sendable {
    private let underWay = Mutex(0)

    var count: Int { underWay.withLock { $0 } }

    func begin() { underWay.withLock { $0 += 1 } }
    func end() { underWay.withLock { $0 -= 1 } }
}
