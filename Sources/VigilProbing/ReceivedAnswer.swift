import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Synchronization
import TokenHealth

/// An answer as it came: the secret may be in it.
struct ReceivedAnswer: Sendable {
    var status = 0
    var headers = HTTPHeaders()
    var body = ByteBuffer()
    /// Whether there was more than ``Answer/bodyLimit``.
    var isCut = false

    /// What it looks like under these rules; `nil` for one that is not whole.
    func mark(under rules: ProbeTemplate) -> AnswerMark? {
        guard !isCut else { return nil }
        return unsafe body.withUnsafeReadableBytes { bytes in
            unsafe AnswerMark(status: status, under: rules, body: bytes) { headers[$0] }
        }
    }

    /// The same for those who judge it.
    var answer: Answer {
        Answer(
            status: status,
            headers: headers.map { HeaderField($0.name, $0.value) },
            body: Array(body.readableBytesView),
            isCut: isCut
        )
    }
}

/// Takes in one answer to its limit.
final class AnswerCollector: HTTPClientResponseDelegate {
    /// Ends an exchange of whose body enough is known.
    private struct Enough: Error {}

    private let received = Mutex(ReceivedAnswer())

    /// What there is after `error`: an answer that was cut counts.
    func answer(despite error: any Error) throws -> ReceivedAnswer {
        guard error is Enough else { throw error }
        return received.withLock { $0 }
    }

    func didReceiveHead(task: HTTPClient.Task<ReceivedAnswer>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        received.withLock { received in
            received.status = Int(head.status.code)
            received.headers = head.headers
        }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<ReceivedAnswer>, _ part: ByteBuffer) -> EventLoopFuture<Void> {
        let isCut = received.withLock { received in
            var part = part
            let room = Answer.bodyLimit - received.body.readableBytes
            received.isCut = part.readableBytes > room
            guard let slice = part.readSlice(length: min(room, part.readableBytes)) else { return received.isCut }
            if received.body.readableBytes == 0 {
                received.body = slice
            } else {
                received.body.writeImmutableBuffer(slice)
            }
            return received.isCut
        }
        return isCut ? task.eventLoop.makeFailedFuture(Enough()) : task.eventLoop.makeSucceededVoidFuture()
    }

    func didFinishRequest(task: HTTPClient.Task<ReceivedAnswer>) -> ReceivedAnswer {
        received.withLock { $0 }
    }
}
