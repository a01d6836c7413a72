import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization
import TokenHealth

/// One HTTP client for each way to reach a provider: direct or by a proxy, with the system's authorities or others,
/// on kept connections or on fresh ones.
///
/// All of them work on one event loop.
final class ClientSet: Sendable {
    private struct Key: Hashable {
        let proxy: ProxySettings.Server?
        let certificateAuthorities: String?
        let fresh: Bool
        let lane: Int
    }

    /// What a route is looked up by.
    private struct Destination: Hashable {
        let method: String
        let url: String
        let certificateAuthorities: String?
        let fresh: Bool
    }

    /// What is known of a destination.
    private struct Course {
        let message: HTTPClient.Request
        let proxy: ProxySettings.Server?
        let traffic = Traffic()
    }

    private struct State {
        var clients: [Key: HTTPClient] = [:]
        var courses: [Destination: Course] = [:]
        var isClosed = false
    }

    /// So many exchanges at once share the connections of one client: of HTTP/2, one connection; servers bear a hundred
    /// streams on it at least (RFC 9113 section 6.5.2).
    private static let laneWidth = 64

    /// Beyond so many, they are worked out anew.
    private static let mostCourses = 1000

    private let proxies: ProxySettings
    private let loop: any EventLoop
    private let state = Mutex(State())

    init(proxies: ProxySettings, on loop: any EventLoop) {
        self.proxies = proxies
        self.loop = loop
    }

    /// How to get to where `question` is asked.
    ///
    /// - Throws: `NIOSSLError` where the authorities cannot be read, `HTTPClientError` for a URL it cannot use and after the
    ///   shut-down.
    func route(to question: Question, certificateAuthorities: String?, fresh: Bool) throws -> Route {
        let destination = Destination(
            method: question.method,
            url: question.url,
            certificateAuthorities: certificateAuthorities,
            fresh: fresh
        )
        return try state.withLock { state in
            let course: Course
            if let known = state.courses[destination] {
                course = known
            } else {
                course = Course(
                    message: try HTTPClient.Request(url: question.url, method: HTTPMethod(rawValue: question.method)),
                    proxy: proxies.server(for: question.url)
                )
                if state.courses.count >= ClientSet.mostCourses { state.courses = [:] }
                state.courses[destination] = course
            }
            let key = Key(
                proxy: course.proxy,
                certificateAuthorities: certificateAuthorities,
                fresh: fresh,
                lane: fresh ? 0 : course.traffic.count / ClientSet.laneWidth
            )
            return Route(
                client: try client(for: key, in: &state),
                loop: loop,
                message: course.message,
                traffic: course.traffic
            )
        }
    }

    private func client(for key: Key, in state: inout State) throws -> HTTPClient {
        if let client = state.clients[key] { return client }
        guard !state.isClosed else { throw HTTPClientError.alreadyShutdown }
        let client = HTTPClient(eventLoopGroupProvider: .shared(loop), configuration: try configuration(for: key))
        state.clients[key] = client
        return client
    }

    /// Closes every connection; nothing can be asked any more.
    func shutdown() async {
        let all = state.withLock { state in
            defer { state = State(isClosed: true) }
            return Array(state.clients.values)
        }
        for client in all { try? await client.shutdown() }
    }

    private func configuration(for key: Key) throws -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: try .client(trusting: key.certificateAuthorities),
            redirectConfiguration: .disallow,
            decompression: .disabled
        )
        // HTTP/2 has no way to ask for a connection of one's own.
        configuration.httpVersion = key.fresh ? .http1Only : .automatic
        configuration.timeout.connect = .seconds(10)
        // Otherwise a refused port or a bad certificate is reported only when the connect time-out ends.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = ClientSet.laneWidth
        configuration.connectionPool.idleTimeout = key.fresh ? .zero : .seconds(70)
        // Nobody traces this program, and a span for each exchange is a twentieth of what it costs.
        configuration.tracing.tracer = nil
        configuration.proxy = key.proxy.map { .server(host: $0.host, port: $0.port, authorization: $0.authorization) }
        return configuration
    }
}

extension TLSConfiguration {
    /// For connections to providers.
    ///
    /// - Parameter authorities: PEM file with those to trust instead of the system's.
    /// - Returns: what the TLS library is told.
    /// - Throws: `NIOSSLError`: read here, so that a file that is missing is one sentence and not a failed handshake.
    static func client(trusting authorities: String?) throws -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let path = authorities { configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(path)) }
        return configuration
    }
}
