import CCurl
import Glibc
import TokenHealth

/// One exchange under way, with the handle of libcurl that makes it; used again and again.
///
/// Confined to the thread of its loop.
@safe final class Transfer {
    /// What the handle points at while the transfer is under way.
    let easy: UnsafeMutableRawPointer
    private(set) var job: TransferJob?
    private var received = ReceivedAnswer()
    private let lines = HeaderLines()
    /// What the handle is set to, where all of it is.
    private var destination: Destination?
    private let errorText: UnsafeMutablePointer<CChar>
    private var outgoing: UnsafeMutableBufferPointer<UInt8>?
    private let guardian: FloodGuard
    private var addresses = KnownAddresses.none
    /// In the form in which libcurl reads them.
    private var addressList: UnsafeMutablePointer<curl_slist>?
    /// What must be looked up before this can go on: libcurl has ended it for that.
    private(set) var wantedName: HostName?
    /// The edition of the authorities that the handle knows; 0: the system's, below: to be set anew.
    private var authorities = 0
    /// The file of the system's authorities.
    private let usualAuthorities: String?
    /// Whether a fresh connection was asked for.
    private(set) var isFresh = false
    private(set) var isByHTTP1 = false

    /// `nil` where there is no memory for it.
    ///
    /// - `guardian`: told of every connection; it must outlive the connections.
    init?(guardian: FloodGuard) {
        self.guardian = guardian
        guard let easy = unsafe curl_easy_init() else { return nil }
        unsafe self.easy = unsafe easy
        unsafe usualAuthorities = ccurl_usual_authorities(easy).map { unsafe String(cString: $0) }
        unsafe errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
        unsafe errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        prepare()
    }

    /// Frees the handle; it must not be under way.
    func close() {
        unsafe curl_easy_cleanup(easy)
        unsafe errorText.deallocate()
        unsafe outgoing?.deallocate()
        unsafe curl_slist_free_all(addressList)
    }

    /// What is the same for every exchange.
    private func prepare() {
        // Time limits work by the clock alone, and a look-up that hangs is left behind instead of waited for.
        set(CURLOPT_NOSIGNAL, 1)
        set(CURLOPT_QUICK_EXIT, 1)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_FOLLOWLOCATION, 0)
        set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
        set(CURLOPT_PATH_AS_IS, 1)
        set(CURLOPT_NETRC, 0)
        set(CURLOPT_HTTP09_ALLOWED, 0)
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        // Certificates are verified by default; it is said all the same. RFC 8996 deprecates TLS 1.0 and 1.1.
        set(CURLOPT_SSL_VERIFYPEER, 1)
        set(CURLOPT_SSL_VERIFYHOST, 2)
        set(CURLOPT_PROXY_SSL_VERIFYPEER, 1)
        set(CURLOPT_PROXY_SSL_VERIFYHOST, 2)
        set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        set(CURLOPT_PROXY_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
        _ = unsafe ccurl_require_subject_names(easy)
        set(CURLOPT_CA_CACHE_TIMEOUT, 600)
        // Beside a file, a directory of authorities would count too, whatever ca_file says, and nothing would be cached.
        if usualAuthorities != nil {
            set(CURLOPT_CAPATH, String?.none)
            set(CURLOPT_PROXY_CAPATH, String?.none)
        }
        // A server may choose a group in which a handshake takes this side a second, and itself nothing.
        set(CURLOPT_SSL_CIPHER_LIST, "DEFAULT:!DHE")
        set(CURLOPT_PROXY_SSL_CIPHER_LIST, "DEFAULT:!DHE")
        set(CURLOPT_SSL_EC_CURVES, "X25519:P-256:P-384:P-521")
        set(CURLOPT_TCP_KEEPALIVE, 1)
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe set(CURLOPT_PRIVATE, context)
        unsafe set(CURLOPT_ERRORBUFFER, errorText)
        unsafe set(CURLOPT_WRITEDATA, context)
        unsafe set(CURLOPT_HEADERDATA, context)
        let closer = unsafe Unmanaged.passUnretained(guardian).toOpaque()
        _ = unsafe ccurl_set_socket_callbacks(
            easy,
            { context, _, address in unsafe Transfer.open(context, address) },
            context,
            { guardian, descriptor in
                guard let guardian = unsafe guardian else { return Glibc.close(descriptor) }
                return unsafe Unmanaged<FloodGuard>.fromOpaque(guardian).takeUnretainedValue().close(descriptor)
            },
            closer
        )
        _ = unsafe ccurl_set_lookup_callback(
            easy,
            { _, _, context in unsafe Transfer.at(context)?.mayLookUp() ?? false ? 0 : 1 },
            context
        )
        _ = unsafe ccurl_set_callback(easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            guard let transfer = unsafe Transfer.at(context) else { return 0 }
            let piece = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
            // Fewer bytes than there were end the transfer.
            return unsafe transfer.received.takeBody(piece.assumingMemoryBound(to: UInt8.self).span) ? size * count : 0
        }
        _ = unsafe ccurl_set_callback(easy, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            guard let transfer = unsafe Transfer.at(context) else { return 0 }
            let line = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
            return unsafe transfer.received.takeHead(line.assumingMemoryBound(to: UInt8.self).span) ? size * count : 0
        }
    }

    /// Makes a socket for the transfer that `context` stands for.
    private static func open(
        _ context: UnsafeMutableRawPointer?,
        _ address: UnsafeMutablePointer<curl_sockaddr>?
    ) -> curl_socket_t {
        guard let transfer = unsafe Transfer.at(context), let address = unsafe address else { return -1 }
        let descriptor = unsafe ccurl_open_socket(address)
        if descriptor >= 0 { transfer.guardian.add(descriptor, to: transfer.job?.origin ?? "") }
        return descriptor
    }

    /// Whether libcurl may look a name up: it could neither be ended nor counted.
    private func mayLookUp() -> Bool {
        guard case .none = addresses, let name = job?.destination.name else { return true }
        wantedName = name
        return false
    }

    /// The transfer that a handle belongs to.
    static func at(_ context: UnsafeMutableRawPointer?) -> Transfer? {
        unsafe context.map { unsafe Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
    }

    // MARK: - What is sent

    /// Makes the handle ready for `job`.
    ///
    /// - Parameters:
    ///   - job: what is asked.
    ///   - isFresh: whether a connection of its own is made for it.
    ///   - isByHTTP1: whether HTTP/2 is left alone.
    ///   - addresses: of its destination.
    ///   - certificates: where files of authorities are read.
    ///   - now: on the clock that the deadline of the job is on.
    /// - Throws: why it cannot be sent.
    func begin(
        _ job: TransferJob,
        isFresh: Bool,
        isByHTTP1: Bool,
        addresses: KnownAddresses,
        certificates: CertificateFiles,
        at now: ContinuousClock.Instant
    ) throws(TransportFailure) {
        self.job = job
        self.isFresh = isFresh
        self.isByHTTP1 = isByHTTP1
        self.addresses = addresses
        wantedName = nil
        received.begin(bodyLimit: job.request.bodyLimit)
        unsafe errorText.pointee = 0
        let request = job.request
        try trust(request.certificateAuthorities, on: job.destination, certificates)
        let remaining = job.deadline - now
        guard remaining > .zero else { throw TransportFailure(.timeout, "no complete answer within the time limit") }
        set(CURLOPT_TIMEOUT_MS, max(1, remaining.inMilliseconds))
        set(CURLOPT_CONNECTTIMEOUT_MS, max(1, remaining.inMilliseconds))
        try go(to: job.destination)
        tellAddresses(of: job.destination)
        set(CURLOPT_HTTP_VERSION, isByHTTP1 ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS)
        set(CURLOPT_FRESH_CONNECT, isFresh ? 1 : 0)
        set(CURLOPT_FORBID_REUSE, isFresh ? 1 : 0)
        set(CURLOPT_SSL_SESSIONID_CACHE, isFresh ? 0 : 1)
        // Whoever comes second waits until it is known whether the connection of the first serves both.
        set(CURLOPT_PIPEWAIT, isFresh ? 0 : 1)
        guard write(request) else { throw TransportFailure(.network, "the request holds a control character") }
    }

    /// Sets what is the same for every request to a URL.
    ///
    /// Each is checked: a secret must not go where the last request went, nor past its proxy.
    private func go(to next: Destination) throws(TransportFailure) {
        guard next !== destination else { return }
        destination = nil
        if let problem = next.proxy.way?.problem { throw TransportFailure(.network, problem, isOfProxy: true) }
        guard HeaderLines.isPlain(next.url) else {
            throw TransportFailure(.network, "the request holds a control character")
        }
        let texts: [(CURLoption, String?)] = [
            (CURLOPT_URL, next.url), (CURLOPT_PROXY, next.proxy.proxy), (CURLOPT_NOPROXY, next.proxy.exceptions),
            (CURLOPT_UNIX_SOCKET_PATH, next.socketPath),
        ]
        for (option, text) in texts {
            guard unsafe ccurl_set_text(easy, option, text) == CURLE_OK else { throw TransferLoop.noMemory }
        }
        destination = next
    }

    /// Tells libcurl what was looked up; it keeps that for a minute, and for every transfer.
    private func tellAddresses(of destination: Destination) {
        var list: UnsafeMutablePointer<curl_slist>?
        if case .found(let found, _) = addresses, let name = destination.name {
            let texts = found.map { $0.contains(":") ? "[\($0)]" : $0 }.joined(separator: ",")
            unsafe list = curl_slist_append(nil, "+\(name.text):\(name.port):\(texts)")
        }
        guard unsafe list != nil || addressList != nil else { return }
        unsafe set(CURLOPT_RESOLVE, list)
        unsafe curl_slist_free_all(addressList)
        unsafe addressList = unsafe list
    }

    private func trust(
        _ path: String?,
        on destination: Destination,
        _ files: CertificateFiles
    ) throws(TransportFailure) {
        guard let path else {
            if authorities != 0 { try trustSystem() }
            authorities = 0
            return
        }
        let contents = try files.contents(of: path)
        guard authorities != contents.number else { return }
        authorities = -1
        // libcurl does not say whether it prepares the connection to the proxy, to which these do not apply.
        let proxy = try? destination.proxy.way?.address.get()
        guard proxy?.scheme != .https else {
            try trustSystem()
            let code = unsafe contents.bytes.withUnsafeBytes { bytes in
                unsafe ccurl_set_blob(easy, CURLOPT_CAINFO_BLOB, bytes.baseAddress, bytes.count)
            }
            guard code == CURLE_OK else { throw TransferLoop.noMemory }
            return
        }
        _ = unsafe ccurl_set_blob(easy, CURLOPT_CAINFO_BLOB, nil, 0)
        guard unsafe ccurl_set_text(easy, CURLOPT_CAINFO, contents.part) == CURLE_OK else {
            throw TransferLoop.noMemory
        }
        _ = unsafe ccurl_set_authorities(easy, UnsafeMutableRawPointer(bitPattern: contents.store))
        authorities = contents.number
    }

    private func trustSystem() throws(TransportFailure) {
        authorities = -1
        _ = unsafe ccurl_set_authorities(easy, nil)
        _ = unsafe ccurl_set_blob(easy, CURLOPT_CAINFO_BLOB, nil, 0)
        guard unsafe ccurl_set_text(easy, CURLOPT_CAINFO, usualAuthorities) == CURLE_OK else {
            throw TransferLoop.noMemory
        }
    }

    /// - Returns: whether it can be sent: nothing in it ends a line of the head before its time.
    private func write(_ request: HTTPRequest) -> Bool {
        let isPlainGet = request.method == "GET" && request.body == nil
        var extra: [StaticString] = []
        // What libcurl would add of its own.
        if !request.has("accept") { extra.append("Accept:") }
        if !isPlainGet {
            extra.append("Expect:")
            if !request.has("content-type") { extra.append("Content-Type:") }
        }
        guard HeaderLines.isPlain(request.method), lines.write(request.headers, extra) else { return false }
        unsafe outgoing?.deallocate()
        unsafe outgoing = nil
        if isPlainGet {
            set(CURLOPT_HTTPGET, 1)
            set(CURLOPT_CUSTOMREQUEST, String?.none)
        } else {
            let bytes = request.body ?? []
            let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(1, bytes.count))
            _ = unsafe copy.initialize(from: bytes)
            unsafe outgoing = unsafe copy
            set(CURLOPT_POST, 1)
            unsafe set(CURLOPT_POSTFIELDS, copy.baseAddress)
            set(CURLOPT_POSTFIELDSIZE, bytes.count)
            set(CURLOPT_CUSTOMREQUEST, request.method == "POST" ? nil : request.method)
        }
        unsafe set(CURLOPT_HTTPHEADER, lines.list)
        return true
    }

    private func set(_ option: CURLoption, _ value: Int) { _ = unsafe ccurl_set_long(easy, option, value) }

    private func set(_ option: CURLoption, _ text: String?) { _ = unsafe ccurl_set_text(easy, option, text) }

    private func set(_ option: CURLoption, _ pointer: UnsafeRawPointer?) {
        _ = unsafe ccurl_set_pointer(easy, option, pointer)
    }

    // MARK: - What comes back

    /// Whether it may be tried once more: on a kept connection that ended before anything had come back, or by HTTP/1.1
    /// where HTTP/2 does not work.
    func isWorthRepeating(_ code: CURLcode) -> Bool {
        guard let job, job.request.isRepeatable, received.excess == nil else { return false }
        if isWithoutHTTP2(code) { return true }
        guard !isFresh, long(CURLINFO_NUM_CONNECTS) == 0 else { return false }
        switch code {
        case CURLE_GOT_NOTHING, CURLE_PARTIAL_FILE, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_HTTP2, CURLE_HTTP2_STREAM:
            return true
        default: return false
        }
    }

    /// Whether HTTP/2 did not work on a new connection.
    func isWithoutHTTP2(_ code: CURLcode) -> Bool {
        (code == CURLE_HTTP2 || code == CURLE_HTTP2_STREAM) && !isByHTTP1 && long(CURLINFO_NUM_CONNECTS) > 0
    }

    /// What came of it, after libcurl has ended it with `code`; the job is given back.
    func outcome(_ code: CURLcode) -> HTTPReply.Outcome {
        defer { job = nil }
        let isHeadEnough = job?.request.isHeadEnough ?? false && received.head.isFinal && received.excess == nil
        let isCut = received.excess == .body || code != CURLE_OK && isHeadEnough
        guard code == CURLE_OK || isCut else { return failed(code) }
        let status = long(CURLINFO_RESPONSE_CODE)
        // A server may end before it has answered: libcurl then has no status.
        guard status >= 200, received.head.isSound else {
            return .failed(TransportFailure(.network, "what answers at \(place) does not speak HTTP"))
        }
        if !isCut, let isExpected = job?.request.isExpected,
            isExpected(status, received.body.span, received.head.values)
        {
            return .expected(status: status)
        }
        return .received(received.response(status: status, isCut: isCut, timing: timing))
    }

    private func failed(_ code: CURLcode) -> HTTPReply.Outcome {
        if received.excess == .head {
            return .failed(TransferLoop.longHead)
        }
        // A proxy that wants a login answers for the server, which has not been asked.
        if long(CURLINFO_HTTP_CONNECTCODE) == 407 { return .received(HTTPResponse(status: 407)) }
        guard let job else { return .failed(TransferLoop.overdue) }
        let failures = TransferFailures(
            job,
            code: code,
            words: unsafe String(cString: errorText),
            systemError: long(CURLINFO_OS_ERRNO),
            tunnelStatus: long(CURLINFO_HTTP_CONNECTCODE),
            proxyError: CURLproxycode(UInt32(clamping: long(CURLINFO_PROXY_ERROR))),
            progress: progress
        )
        return .failed(failures.failure)
    }

    /// How long the transfer is under way.
    var age: Duration { .microseconds(microseconds(CURLINFO_TOTAL_TIME_T)) }

    /// The connection that was used last; `isHTTP2` is `nil` where there was no answer on one.
    var connection: (isHTTP2: Bool?, port: Int) {
        let version = long(CURLINFO_HTTP_VERSION)
        return (version == 0 ? nil : version >= CURL_HTTP_VERSION_2_0, max(0, long(CURLINFO_LOCAL_PORT)))
    }

    private var progress: TransferFailures.Progress {
        if long(CURLINFO_RESPONSE_CODE) != 0 || microseconds(CURLINFO_PRETRANSFER_TIME_T) > 0 { return .exchange }
        if microseconds(CURLINFO_CONNECT_TIME_T) > 0 { return .handshake }
        return microseconds(CURLINFO_NAMELOOKUP_TIME_T) > 0 ? .connect : .lookUp
    }

    private var timing: ExchangeTiming {
        let start = microseconds(CURLINFO_PRETRANSFER_TIME_T)
        let first = Duration.microseconds(max(0, microseconds(CURLINFO_STARTTRANSFER_TIME_T) - start))
        guard long(CURLINFO_NUM_CONNECTS) > 0 else { return ExchangeTiming(firstByte: first) }
        let lookUp = microseconds(CURLINFO_NAMELOOKUP_TIME_T)
        let connect = microseconds(CURLINFO_CONNECT_TIME_T)
        let tls = microseconds(CURLINFO_APPCONNECT_TIME_T)
        let before: Duration = if case .found(_, let lasted) = addresses { lasted } else { .zero }
        return ExchangeTiming(
            lookUp: before + .microseconds(lookUp),
            connect: .microseconds(max(0, connect - lookUp)),
            tls: tls > 0 ? .microseconds(max(0, tls - connect)) : nil,
            firstByte: first
        )
    }

    private var place: String { job?.destination.place ?? "the server" }

    private func long(_ info: CURLINFO) -> Int {
        var value = 0
        return unsafe ccurl_get_long(easy, info, &value) == CURLE_OK ? value : 0
    }

    private func microseconds(_ info: CURLINFO) -> Int {
        var value: curl_off_t = 0
        return unsafe ccurl_get_offset(easy, info, &value) == CURLE_OK ? Int(value) : 0
    }
}

extension HTTPRequest {
    /// Whether there is a field of this name.
    fileprivate func has(_ name: String) -> Bool {
        headers.contains { $0.isNamed(name) }
    }
}
