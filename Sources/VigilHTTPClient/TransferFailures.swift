import CCurl
import TokenHealth
import VigilPlatform

/// Says in our words why libcurl has no answer.
///
/// No text made here holds a URL, a query, a header or a proxy's login.
struct TransferFailures {
    /// How libcurl ended it.
    let code: CURLcode
    /// Its own words; they may name host and port.
    let words: String
    /// The number of the system's error, where there was one; 0 otherwise.
    let systemError: Int
    /// `host port 443`, for messages.
    let place: String
    /// Whether a proxy was to be used.
    let isByProxy: Bool
    /// How far it had come.
    let progress: Progress

    /// The step that was under way.
    enum Progress {
        case lookUp, connect, handshake, exchange
    }

    var failure: TransportFailure {
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST: TransportFailure(.dns, "the name of \(place) has no address")
        case CURLE_COULDNT_RESOLVE_PROXY: TransportFailure(.dns, "the name of the proxy has no address")
        case CURLE_OPERATION_TIMEDOUT: timeOut
        case CURLE_COULDNT_CONNECT: TransportFailure(.network, notConnected)
        case CURLE_PROXY: TransportFailure(.network, "the proxy refused to connect to \(place)")
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_USE_SSL_FAILED, CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_SHUTDOWN_FAILED,
            CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT, CURLE_SSL_CRL_BADFILE:
            TransportFailure(.tls, tlsDetail)
        case CURLE_SSL_CACERT_BADFILE: TransportFailure(.tls, tlsFile)
        case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR:
            TransportFailure(.network, broken)
        case CURLE_HTTP2, CURLE_HTTP2_STREAM: TransportFailure(.network, "the server broke the rules of HTTP/2")
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL:
            TransportFailure(.network, "what answers at \(place) does not speak HTTP")
        case CURLE_OUT_OF_MEMORY: TransferLoop.noMemory
        case CURLE_URL_MALFORMAT, CURLE_LOGIN_DENIED:
            TransportFailure(.network, "the URL is none that a request can be sent to")
        default: TransportFailure(.network, "libcurl: \(unsafe String(cString: curl_easy_strerror(code)))")
        }
    }

    private var timeOut: TransportFailure {
        switch progress {
        case .lookUp: TransportFailure(.timeout, "the name of \(place) was not looked up within the time limit")
        case .connect: TransportFailure(.timeout, "\(place) did not take the connection within the time limit")
        case .handshake: TransportFailure(.timeout, "the TLS handshake did not end within the time limit")
        case .exchange: TransportFailure(.timeout, "no complete answer within the time limit")
        }
    }

    private var notConnected: String {
        let whom = isByProxy ? "the proxy" : place
        guard systemError != 0 else { return "\(whom) cannot be reached" }
        return "\(whom): \(SystemError(Int32(truncatingIfNeeded: systemError)))"
    }

    private var broken: String {
        if isByProxy, progress != .exchange { return "the proxy refused the tunnel" }
        return "the connection was closed before the answer was complete"
    }

    private var tlsFile: String {
        words.contains("CAfile: /etc") || words.contains("CApath")
            ? "the authorities of this host cannot be loaded: install ca-certificates"
            : "the file named by ca_file cannot be loaded"
    }

    private var tlsDetail: String {
        let reasons = [
            ("ostname mismatch", "the certificate is for another name, or for a common name alone"),
            ("no alternative certificate subject name", "the certificate is for another name"),
            ("does not match target host name", "the certificate is for another name"),
            ("certificate has expired", "the certificate has expired"),
            ("certificate is not yet valid", "the certificate is not valid yet, or the clock of this host is wrong"),
            ("self", "the certificate is signed by itself, and nobody trusted vouches for it"),
            ("unable to get", "the certificate is not vouched for by a trusted authority"),
            ("certificate problem", "the certificate is not trusted"),
            ("wrong version number", "the server does not speak TLS on this port"),
            ("unsupported protocol", "the server speaks no TLS that is safe: it must speak 1.2 or later"),
            ("protocol version", "the server speaks no TLS that is safe: it must speak 1.2 or later"),
        ]
        if let reason = reasons.first(where: { words.contains($0.0) })?.1 { return reason }
        return progress == .exchange ? "TLS failed during the exchange" : "the TLS handshake failed"
    }
}
