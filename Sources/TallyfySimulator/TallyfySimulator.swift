package import FoundationEssentials
import NIOCore
import Synchronization

/// A stand-in for the Tallyfy API on a local port, with a second port to steer it.
package final class TallyfySimulator: Sendable {
    /// How to start.
    package struct Options: Sendable {
        /// The switches to start with.
        package var profile = Profile.current
        /// Where the public port listens; the control port is always on 127.0.0.1.
        package var host = "127.0.0.1"
        /// The public port; 0 takes any free one.
        package var port = 0
        /// The control port; 0 takes any free one.
        package var controlPort = 0
        /// Hand out random text instead of JSON Web Tokens.
        package var opaqueTokens = false
        /// The source of wall time.
        package var clock: @Sendable () -> Date = { Date() }
        /// Allow a public port that others can reach.
        package var allowNonLoopback = false

        /// The defaults: today's behaviour on free loopback ports.
        package init() {}
    }

    /// Why the stand-in did not start.
    package enum StartError: Error, Equatable, CustomStringConvertible {
        case notLoopback(host: String)
        case cannotListen(host: String, port: Int, reason: String)

        /// The problem in words.
        package var description: String {
            switch self {
            case .notLoopback(let host):
                "the stand-in refuses to listen on '\(host)': others could reach it; use 127.0.0.1 or allow it explicitly"
            case .cannotListen(let host, let port, let reason): "cannot listen on '\(host)' port \(port): \(reason)"
            }
        }
    }

    private let stage: Stage
    private let api: Listener
    private let control: Listener
    private let options: Options

    private init(_ options: Options, stage: Stage, api: Listener, control: Listener) {
        self.options = options
        self.stage = stage
        self.api = api
        self.control = control
    }

    /// Listens on both ports; throws `StartError` when a host or a port is not usable.
    package static func start(_ options: Options = Options()) async throws -> TallyfySimulator {
        guard options.allowNonLoopback || isLoopback(options.host) else {
            throw StartError.notLoopback(host: options.host)
        }
        let stage = Stage(options)
        let api = try await listen(options.host, options.port) { stage.answer($0) }
        do {
            let control = try await listen("127.0.0.1", options.controlPort) { stage.control($0) }
            return TallyfySimulator(options, stage: stage, api: api, control: control)
        } catch {
            await api.close()
            throw error
        }
    }

    /// Stops listening and closes every connection.
    package func stop() async {
        await api.close()
        await control.close()
    }

    /// The public port.
    package var port: Int { api.port }

    /// The control port.
    package var controlPort: Int { control.port }

    /// The base URL to give to clients, with `/api`.
    package var apiURL: String {
        let host = options.host.contains(":") ? "[\(options.host)]" : options.host
        return "http://\(host):\(port)/api"
    }

    /// The base URL of the control calls.
    package var controlURL: String { "http://127.0.0.1:\(controlPort)" }

    /// How many connections the public port ever accepted, those without a request included.
    package var acceptedConnections: Int { api.connections.accepted }

    /// Changes or reads the imitated API at a moment of its clock.
    func onStage<Result: Sendable>(_ action: (inout SimulatedTallyfy, Date) -> Result) -> Result {
        stage.perform(action)
    }

    private static func listen(
        _ host: String,
        _ port: Int,
        answer: @escaping @Sendable (SimulatedRequest) -> SimulatedAnswer
    ) async throws -> Listener {
        do {
            return try await Listener.bind(host: host, port: port, answer: answer)
        } catch {
            throw StartError.cannotListen(host: host, port: port, reason: String(describing: error))
        }
    }

    /// Names are not looked up: only literal loopback addresses and `localhost` are trusted.
    private static func isLoopback(_ host: String) -> Bool {
        if host == "localhost" { return true }
        guard let address = try? SocketAddress(ipAddress: host, port: 0), let text = address.ipAddress else {
            return false
        }
        return text == "::1" || text.hasPrefix("127.")
    }
}

/// The imitated API shared by both ports.
private final class Stage: Sendable {
    private let state: Mutex<SimulatedTallyfy>
    private let clock: @Sendable () -> Date

    init(_ options: TallyfySimulator.Options) {
        var switches = Switches(options.profile)
        switches.opaqueTokens = options.opaqueTokens
        state = Mutex(SimulatedTallyfy(switches: switches))
        clock = options.clock
    }

    func answer(_ request: SimulatedRequest) -> SimulatedAnswer { perform { $0.answer(request, at: $1) } }

    func control(_ request: SimulatedRequest) -> SimulatedAnswer { perform { $0.control(request, at: $1) } }

    func perform<Result: Sendable>(_ action: (inout SimulatedTallyfy, Date) -> Result) -> Result {
        let now = clock()
        return state.withLock { action(&$0, now) }
    }
}
