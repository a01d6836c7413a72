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
    /// The proxy by which it was to go.
    let proxy: ProxyAddress?
    /// What the proxy answered when it was asked for a tunnel; 0 where it did not answer, or was not asked.
    let tunnelStatus: Int
    /// What went wrong between libcurl and a SOCKS proxy.
    let proxyError: CURLproxycode
    /// Whether the URL is of `https`.
    let isSecure: Bool
    /// The file that `ca_file` names.
    let authorities: String?
    /// How far it had come.
    let progress: Progress

    /// The step that was under way.
    enum Progress {
        case lookUp, connect, handshake, exchange
    }

    init(
        _ job: TransferJob,
        code: CURLcode,
        words: String = "",
        systemError: Int = 0,
        tunnelStatus: Int = 0,
        proxyError: CURLproxycode = CURLPX_OK,
        progress: Progress
    ) {
        self.code = code
        self.words = words
        self.systemError = systemError
        place = job.destination.place
        proxy = try? job.destination.proxy.way?.address.get()
        self.tunnelStatus = tunnelStatus
        self.proxyError = proxyError
        isSecure = job.request.url.prefix(6).lowercased() == "https:"
        authorities = job.request.certificateAuthorities
        self.progress = progress
    }

    var failure: TransportFailure {
        if let refusal { return refusal }
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST: return TransportFailure(.dns, "the name of \(place) has no address")
        case CURLE_COULDNT_RESOLVE_PROXY:
            return TransportFailure(.dns, "the name of \(proxyName) has no address", isOfProxy: true)
        case CURLE_OPERATION_TIMEDOUT: return timeOut
        case CURLE_COULDNT_CONNECT: return notConnected
        case CURLE_PROXY: return TransportFailure(.network, socksDetail, isOfProxy: true)
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_USE_SSL_FAILED, CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_SHUTDOWN_FAILED,
            CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT, CURLE_SSL_CRL_BADFILE:
            return tls
        case CURLE_SSL_CACERT_BADFILE: return TransportFailure(.tls, tlsFile, tlsFault: .authoritiesFile)
        case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR: return broken
        case CURLE_HTTP2, CURLE_HTTP2_STREAM:
            return TransportFailure(.network, "the server ended the exchange by HTTP/2 before it had answered")
        case CURLE_WEIRD_SERVER_REPLY, CURLE_UNSUPPORTED_PROTOCOL:
            let whom = isBeforeTunnel ? proxyName : "what answers at \(place)"
            return TransportFailure(.network, "\(whom) does not speak HTTP", isOfProxy: isBeforeTunnel)
        // libcurl says the same of a line of a head that does not end.
        case CURLE_OUT_OF_MEMORY where progress == .exchange: return TransferLoop.longHead
        case CURLE_OUT_OF_MEMORY: return TransferLoop.noMemory
        case CURLE_URL_MALFORMAT, CURLE_LOGIN_DENIED:
            return TransportFailure(.network, "the URL is none that a request can be sent to")
        default: return TransportFailure(.network, "libcurl: \(unsafe String(cString: curl_easy_strerror(code)))")
        }
    }

    // MARK: - The proxy

    /// `the proxy proxy.example.com:3128`.
    private var proxyName: String { proxy.map { "the proxy \($0)" } ?? "the proxy" }

    /// Whether the proxy opens a tunnel to the server, through which everything else goes.
    private var isTunnelled: Bool { proxy.map { isSecure || !$0.speaksHTTP } ?? false }

    /// Whether the proxy was still to open the tunnel: the server had not been reached.
    private var isBeforeTunnel: Bool {
        guard isTunnelled, progress != .exchange, let proxy else { return false }
        return proxy.speaksHTTP ? !(200..<300).contains(tunnelStatus) : progress != .handshake
    }

    /// The proxy's answer that there will be no tunnel.
    private var refusal: TransportFailure? {
        guard isBeforeTunnel, tunnelStatus >= 300 else { return nil }
        return TransportFailure(
            .network,
            "\(proxyName) refused the tunnel to \(place) (HTTP \(tunnelStatus))",
            isOfProxy: true
        )
    }

    private var socksDetail: String {
        switch proxyError {
        case CURLPX_NO_AUTH, CURLPX_USER_REJECTED, CURLPX_REQUEST_FAILED:
            "\(proxyName) wants a login, or does not take this one"
        case CURLPX_BAD_VERSION, CURLPX_BAD_ADDRESS_TYPE, CURLPX_CLOSED, CURLPX_RECV_CONNECT, CURLPX_RECV_AUTH,
            CURLPX_RECV_ADDRESS, CURLPX_RECV_REQACK, CURLPX_UNKNOWN_MODE:
            "\(proxyName) does not speak SOCKS as its address says"
        default: "\(proxyName) refused to connect to \(place)"
        }
    }

    // MARK: - What failed

    private var timeOut: TransportFailure {
        if isBeforeTunnel, progress != .lookUp {
            return TransportFailure(
                .timeout,
                "\(proxyName) opened no tunnel to \(place) within the time limit",
                isOfProxy: true
            )
        }
        let whom = proxy == nil ? place : proxyName
        let (detail, isOfProxy) =
            switch progress {
            case .lookUp: ("the name of \(whom) was not looked up within the time limit", proxy != nil)
            case .connect: ("\(whom) did not take the connection within the time limit", proxy != nil)
            case .handshake: ("the TLS handshake did not end within the time limit", false)
            case .exchange: ("no complete answer within the time limit", false)
            }
        return TransportFailure(.timeout, detail, isOfProxy: isOfProxy)
    }

    private var notConnected: TransportFailure {
        let whom = proxy == nil ? place : proxyName
        let detail =
            systemError == 0
            ? "\(whom) cannot be reached" : "\(whom): \(SystemError(Int32(truncatingIfNeeded: systemError)))"
        return TransportFailure(.network, detail, isOfProxy: proxy != nil)
    }

    private var broken: TransportFailure {
        if isBeforeTunnel {
            return TransportFailure(.network, "\(proxyName) opened no tunnel to \(place)", isOfProxy: true)
        }
        return TransportFailure(.network, "the connection was closed before the answer was complete")
    }

    // MARK: - TLS

    /// Whether it is the proxy whose TLS failed: TLS with the server begins behind the tunnel.
    private var isTLSOfProxy: Bool { proxy?.scheme == .https && (isBeforeTunnel || !isSecure) }

    private var tls: TransportFailure {
        let whose = isTLSOfProxy ? " of \(proxyName)" : ""
        let peer = isTLSOfProxy ? proxyName : "the server"
        let reasons: [(words: String, fault: TLSFault, detail: String)] = [
            ("ostname mismatch", .otherName, "the certificate\(whose) is for another name, or for a common name alone"),
            ("no alternative certificate subject name", .otherName, "the certificate\(whose) is for another name"),
            ("does not match target host name", .otherName, "the certificate\(whose) is for another name"),
            ("certificate has expired", .expired, "the certificate\(whose) has expired"),
            (
                "certificate is not yet valid", .notYetValid,
                "the certificate\(whose) is not valid yet, or the clock of this host is wrong"
            ),
            (
                "self", .unknownAuthority,
                "the certificate\(whose) is signed by itself, and nobody trusted vouches for it"
            ),
            (
                "unable to get", .unknownAuthority,
                "the certificate\(whose) is not vouched for by a trusted authority"
            ),
            ("certificate problem", .unknownAuthority, "the certificate\(whose) is not trusted"),
            ("wrong version number", .noTLS, "\(peer) does not speak TLS on this port"),
            ("unsupported protocol", .oldVersion, "\(peer) speaks no TLS that is safe: it must speak 1.2 or later"),
            ("protocol version", .oldVersion, "\(peer) speaks no TLS that is safe: it must speak 1.2 or later"),
        ]
        if let reason = reasons.first(where: { words.contains($0.words) }) {
            return TransportFailure(.tls, reason.detail, tlsFault: reason.fault, isOfProxy: isTLSOfProxy)
        }
        let detail =
            progress == .exchange
            ? "TLS failed during the exchange" : "the TLS handshake\(isTLSOfProxy ? " with \(proxyName)" : "") failed"
        return TransportFailure(.tls, detail, isOfProxy: isTLSOfProxy)
    }

    private var tlsFile: String {
        guard let authorities else { return "the authorities of this host cannot be loaded: install ca-certificates" }
        return "ca_file \(authorities) holds a certificate that cannot be read"
    }
}
