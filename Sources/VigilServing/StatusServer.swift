import Glibc
package import Logging
import ServiceLifecycle
import TokenHealth
package import VigilEngine
package import VigilHTTP

/// Shows what is known over HTTP, and lets nobody change anything.
package struct StatusServer: Service {
    private let listener: HTTPListener
    private let api: StatusAPI
    private let server: HTTPServer<Void>
    private let timekeeper: any Timekeeper
    private let fault: StandingFault
    private let logger: Logger
    private let listening: @Sendable (Int?) -> Void

    /// How long to wait before a port that could not be had is tried again.
    private static let pause = Duration.seconds(5)

    /// What so many callers may use up; half of them may be readers of events.
    package static func limits(callers: Int) -> HTTPLimits {
        HTTPLimits(connections: callers, body: 0, work: .seconds(30))
    }

    /// - `hosts`: the names under which this host is asked, beside those of the loopback and addresses.
    /// - `listening`: called with the port when it can be asked.
    package init(
        listener: HTTPListener,
        hosts: [String],
        bulletin: Bulletin,
        tally: Tally,
        archive: any Archive,
        timekeeper: any Timekeeper,
        limits: HTTPLimits = StatusServer.limits(callers: 128),
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
            timekeeper: timekeeper,
            mostReaders: max(1, limits.connections / 2)
        )
        self.api = api
        let accepting = StandingFault("callers of the status page cannot be let in")
        server = HTTPServer(
            limits: limits,
            timekeeper: timekeeper,
            accepting: { accepting.note($0, on: logger) },
            caller: { _ in () },
            answer: { request, _ in await api.answer(to: request) }
        )
        fault = StandingFault("the status page cannot be served")
        self.timekeeper = timekeeper
        self.logger = logger
        self.listening = listening
    }

    /// Why the page cannot be seen, in one sentence; `nil` while it can.
    package var problem: String? { fault.problem }

    /// Serves until the shut-down.
    ///
    /// A port that cannot be had is logged, tried again, and no reason to stop watching tokens.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await serveUntilLost()
                try? await timekeeper.sleep(until: timekeeper.now().uptime + StatusServer.pause)
            }
        }
        try? await gracefulShutdown()
    }

    private func serveUntilLost() async {
        do {
            try await server.serve(try attemptListener()) { port in
                fault.note(nil, on: logger)
                logger.info("the status page is served", metadata: ["port": "\(port ?? 0)"])
                listening(port)
            }
        } catch is CancellationError {
            // The end of the daemon, while somebody has the page open.
        } catch {
            if !Task.isCancelled { fault.note(error, on: logger) }
        }
    }

    /// A socket that was handed over is closed with its listener, and there is no other: each attempt has its own.
    private func attemptListener() throws -> HTTPListener {
        guard case .descriptor(let descriptor) = listener else { return listener }
        let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw SocketNotCopied(code: errno) }
        return .descriptor(copy)
    }
}

private struct SocketNotCopied: Error, CustomStringConvertible {
    let code: CInt

    var description: String { "the socket that systemd handed over cannot be used: error \(code)" }
}
