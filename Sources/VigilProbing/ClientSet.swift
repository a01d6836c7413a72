import AsyncHTTPClient
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// One HTTP client for each way to reach a provider: direct or by a proxy, with the system's authorities or others,
/// on kept connections or on fresh ones.
final class ClientSet: Sendable {
    private struct Key: Hashable {
        let proxy: ProxySettings.Server?
        let certificateAuthorities: String?
        let fresh: Bool
    }

    private let proxies: ProxySettings
    private let clients = Mutex<[Key: HTTPClient]>([:])

    init(proxies: ProxySettings) {
        self.proxies = proxies
    }

    /// The client for `url`.
    ///
    /// - Throws: `NIOSSLError` where the authorities cannot be read.
    func client(for url: String, certificateAuthorities: String?, fresh: Bool) throws -> HTTPClient {
        let key = Key(
            proxy: proxies.server(for: url),
            certificateAuthorities: certificateAuthorities,
            fresh: fresh
        )
        return try clients.withLock { clients in
            if let client = clients[key] { return client }
            let client = HTTPClient(
                eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton),
                configuration: try configuration(for: key)
            )
            clients[key] = client
            return client
        }
    }

    func shutdown() async {
        let all = clients.withLock { clients in
            defer { clients = [:] }
            return Array(clients.values)
        }
        for client in all { try? await client.shutdown() }
    }

    private func configuration(for key: Key) throws -> HTTPClient.Configuration {
        var tls = TLSConfiguration.makeClientConfiguration()
        if let path = key.certificateAuthorities {
            // Read here, so that a file that is missing is one sentence and not a failed handshake.
            tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(path))
        }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls,
            redirectConfiguration: .disallow,
            decompression: .disabled
        )
        // HTTP/2 has no way to ask for a connection of one's own.
        configuration.httpVersion = key.fresh ? .http1Only : .automatic
        configuration.timeout.connect = .seconds(10)
        // Otherwise a refused port or a bad certificate is reported only when the connect time-out ends.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.idleTimeout = key.fresh ? .zero : .seconds(70)
        configuration.proxy = key.proxy.map { .server(host: $0.host, port: $0.port, authorization: $0.authorization) }
        return configuration
    }
}
