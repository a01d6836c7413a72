import FoundationEssentials
import Glibc
package import Logging
import NIOCore
import ServiceLifecycle
import TokenHealth
package import VigilEngine
import VigilHTTP

/// Takes commands over a socket in the file system: HTTP/1.1, one request for each connection.
package struct ControlServer: Service {
    private let path: String
    private let api: ControlAPI
    private let timekeeper: any Timekeeper
    private let limits: Limits
    private let fault = StandingFault("no commands can be given: the control socket cannot be used")
    private let accepting = StandingFault("callers of the control socket cannot be let in")
    private let logger: Logger
    private let listening: @Sendable () -> Void

    /// What a caller may use up.
    package struct Limits: Sendable {
        /// Most connections at once; more are turned away.
        package var connections = 16
        /// Largest body of a request, in bytes.
        package var body = 65_536
        /// How long a request may take to arrive.
        package var arrival = Duration.seconds(10)
        /// How long a command may take; a probe waits for its provider.
        package var command = Duration.seconds(45)

        package init() {}
    }

    /// - `listening`: called when the socket is there.
    package init(
        path: String,
        actions: any ControlActions,
        timekeeper: any Timekeeper,
        limits: Limits = Limits(),
        logger: Logger,
        listening: @escaping @Sendable () -> Void = {}
    ) {
        self.path = path
        api = ControlAPI(actions: actions, now: { timekeeper.now().wall })
        self.timekeeper = timekeeper
        self.limits = limits
        self.logger = logger
        self.listening = listening
    }

    /// How long to wait before a socket that could not be had is tried again.
    private static let pause = Duration.seconds(5)

    /// Serves until the shut-down.
    ///
    /// A socket that cannot be had is logged, tried again, and no reason to stop watching tokens.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await serve(at: path)
                } catch {
                    if !Task.isCancelled { fault.note(error, on: logger) }
                }
                try? await timekeeper.sleep(until: timekeeper.now().uptime + ControlServer.pause)
            }
        }
    }

    private func serve(at path: String) async throws {
        let descriptor = try ControlSocket.bind(at: path)
        defer { _ = unsafe unlink(path) }
        try await server.serve(.descriptor(descriptor)) { _ in
            fault.note(nil, on: logger)
            listening()
        }
    }

    private var server: HTTPServer<Peer> {
        HTTPServer(
            limits: HTTPLimits(
                connections: limits.connections,
                body: limits.body,
                arrival: limits.arrival,
                work: limits.command
            ),
            timekeeper: timekeeper,
            accepting: { [accepting, logger] in accepting.note($0, on: logger) },
            caller: peer(of:),
            answer: { [api] request, peer in
                let request = ControlRequest(
                    method: request.method,
                    target: request.target,
                    body: request.body,
                    peer: peer
                )
                return await api.answer(to: request)
            }
        )
    }

    private func peer(of channel: any Channel) async -> Peer {
        let nobody = Peer(user: Peer.overflowID, group: Peer.overflowID)
        guard let socket = channel as? any SocketOptionProvider else { return nobody }
        let option = NIOBSDSocket.Option(rawValue: SO_PEERCRED)
        return (try? await socket.unsafeGetSocketOption(level: .socket, name: option).get()) ?? nobody
    }
}
