import Synchronization

/// A receiver of webhooks on loopback, for the demo and the tests: it keeps every request, and answers as it is told.
package final class WebhookSink: Sendable {
    private struct State {
        var received: [SimulatedRequest] = []
        var status = 204
    }

    private let tray: Tray
    private let listener: Listener

    private init(tray: Tray, listener: Listener) {
        self.tray = tray
        self.listener = listener
    }

    /// Listens on `port`; 0 takes any free one.
    ///
    /// - Throws: an error of the sockets when the port is taken.
    package static func start(port: Int = 0) async throws -> WebhookSink {
        let tray = Tray()
        let listener = try await Listener.bind(host: "127.0.0.1", port: port) { request in
            tray.content.withLock { content in
                content.received.append(request)
                return SimulatedAnswer(content.status)
            }
        }
        return WebhookSink(tray: tray, listener: listener)
    }

    /// Where to post.
    package var url: String { "http://127.0.0.1:\(listener.port)/hook" }
    package var port: Int { listener.port }

    /// Everything received so far, refused or not.
    package var received: [SimulatedRequest] { tray.content.withLock { $0.received } }

    /// Answers with this status code from now on.
    package func answer(with status: Int) {
        tray.content.withLock { $0.status = status }
    }

    package func stop() async { await listener.close() }

    private final class Tray: Sendable {
        let content = Mutex(State())
    }
}
