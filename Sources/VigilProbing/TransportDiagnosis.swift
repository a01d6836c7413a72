import AsyncHTTPClient
import Glibc
import NIOCore
import NIOPosix
import NIOSSL
import TokenHealth

/// Sorts the errors of the network libraries.
///
/// No text it makes holds a URL or a header.
enum TransportDiagnosis {
    /// What an error of an exchange amounts to.
    static func outcome(of error: any Error) -> Exchange.Outcome {
        switch error {
        case is DeadlinePassed, is CancellationError:
            return .failed(TransportFailure(.timeout, "no complete answer within the time limit"))
        case let error as HTTPClientError:
            return outcome(of: error)
        case let error as NIOConnectionError:
            return .failed(failure(of: error))
        case is SocketAddressError:
            return .failed(TransportFailure(.dns, "the host name has no address"))
        case let error as IOError:
            return .failed(TransportFailure(.network, reason(error)))
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError:
            return .failed(TransportFailure(.tls, tlsDetail(error)))
        default:
            return .failed(TransportFailure(.network, "\(type(of: error))"))
        }
    }

    private static func outcome(of error: HTTPClientError) -> Exchange.Outcome {
        switch error {
        case .connectTimeout, .deadlineExceeded, .readTimeout, .writeTimeout, .getConnectionFromPoolTimeout,
            .httpProxyHandshakeTimeout, .socksHandshakeTimeout, .cancelled, .requestStreamCancelled:
            .failed(TransportFailure(.timeout, "no complete answer within the time limit"))
        case .tlsHandshakeTimeout:
            .failed(TransportFailure(.tls, "the TLS handshake did not end within the time limit"))
        case .proxyAuthenticationRequired:
            .answered(Answer(status: 407))
        case .remoteConnectionClosed, .uncleanShutdown:
            .failed(TransportFailure(.network, "the connection was closed before the answer was complete"))
        case .invalidProxyResponse:
            .failed(TransportFailure(.network, "the proxy refused the tunnel"))
        default:
            .failed(TransportFailure(.network, error.shortDescription))
        }
    }

    private static func failure(of error: NIOConnectionError) -> TransportFailure {
        guard let first = error.connectionErrors.first else {
            return TransportFailure(.dns, "the name \(error.host) has no address")
        }
        if first.error is ChannelError {
            return TransportFailure(.timeout, "\(error.host) did not take the connection")
        }
        let cause = (first.error as? IOError).map(reason) ?? "\(type(of: first.error))"
        return TransportFailure(.network, "\(error.host) port \(error.port): \(cause)")
    }

    /// The system's own words for an error number.
    private static func reason(_ error: IOError) -> String {
        unsafe String(cString: strerror(error.errnoCode))
    }

    private static func tlsDetail(_ error: any Error) -> String {
        let text = "\(error)"
        let reasons = [
            ("CERTIFICATE_VERIFY_FAILED", "the certificate is not trusted, has expired, or is for another name"),
            ("unableToValidateCertificate", "the certificate is for another name"),
            ("failedToLoadCertificate", "the file named by ca_file cannot be loaded"),
            ("WRONG_VERSION_NUMBER", "the server does not speak TLS on this port"),
        ]
        let reason = reasons.first { text.contains($0.0) }?.1
        return reason ?? "TLS failed: \(text.prefix(160))"
    }
}
