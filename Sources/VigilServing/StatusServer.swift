package import Logging
import ServiceLifecycle
package import VigilEngine
package import VigilHTTP

/// Shows what is known over HTTP, and lets nobody change anything.
package struct StatusServer: Service {
    private let listener: HTTPListener
    private let api: StatusAPI
    private let server: HTTPServer<Void>
    private let logger: Logger
    private let listening: @Sendable (Int?) -> Void

    /// What callers may use up unless a test wants less.
    package static let usualLimits = HTTPLimits(connections: 128, body: 0, work: .seconds(30))

    /// - `hosts`: the names under which this host is asked, beside those of the loopback and addresses.
    /// - `listening`: called with the port when it can be asked.
    package init(
        listener: HTTPListener,
        hosts: [String],
        bulletin: Bulletin,
        tally: Tally,
        archive: any Archive,
        timekeeper: any Timekeeper,
        limits: HTTPLimits = StatusServer.usualLimits,
        logger: Logger,
        listening: @escaping @Sendable (Int?) -> Void = { _ in }
    ) {
        self.listener = listener
        bulletin.open()
        let shelf = AnswerShelf()
        let api = StatusAPI(
            bulletin: bulletin,
            tally: tally,
            archive: archive,
            shelf: shelf,
            board: PageBoard(shelf: shelf),
            hosts: HostRule(names: hosts),
            timekeeper: timekeeper
        )
        self.api = api
        server = HTTPServer(
            limits: limits,
            timekeeper: timekeeper,
            caller: { _ in () },
            answer: { request, _ in await api.answer(to: request) }
        )
        self.logger = logger
        self.listening = listening
    }

    /// Serves until the shut-down.
    ///
    /// A port that cannot be had is logged, and no reason to stop watching tokens.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            do {
                try await server.serve(listener) { port in
                    logger.info("the status page is served", metadata: ["port": "\(port ?? 0)"])
                    listening(port)
                }
            } catch is CancellationError {
                // The end of the daemon, while somebody has the page open.
            } catch {
                logger.error("the status page cannot be served", metadata: ["error": "\(error)"])
            }
        }
        try? await gracefulShutdown()
    }
}
