package import TokenHealth

/// One request to another host, or over a local socket.
package struct HTTPRequest: Sendable {
    package var method: String
    /// `http` or `https`, absolute, without user and password.
    package var url: String
    /// Sent as they are, in this order; what the protocol itself wants (`Host`, `Content-Length`) is added.
    package var headers: [HeaderField]
    /// `nil` for a request without one.
    package var body: [UInt8]?
    /// PEM file with the authorities to trust instead of the system's, read again whenever it has changed.
    package var certificateAuthorities: String?
    /// Whether a connection of its own is made for it and closed after.
    package var isOnFreshConnection = false
    /// Whether it may be sent once more where a kept connection ends before anything has come back.
    package var isRepeatable = false
    /// Whether an answer counts of which the head is complete and the body is not.
    package var isHeadEnough = false
    /// Of everything, the look-up of the name and the whole answer included; counted from the moment it is handed over.
    package var timeLimit: Duration
    /// Most bytes of the answer's body that are read; what follows is cut off.
    package var bodyLimit: Int
    /// Where the server listens on this host, instead of the host in ``url``.
    package var socketPath: String?
    /// Knows an answer that need not be handed over: the status, the body, and the values of a header field by its name.
    ///
    /// Called on the client's own thread with every answer that is whole. It must be quick.
    package var isExpected: (@Sendable (Int, Span<UInt8>, (String) -> [String]) -> Bool)?

    package init(
        _ method: String,
        _ url: String,
        headers: [HeaderField] = [],
        body: [UInt8]? = nil,
        timeLimit: Duration,
        bodyLimit: Int = Answer.bodyLimit
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeLimit = timeLimit
        self.bodyLimit = bodyLimit
    }
}

/// What came back.
///
/// The secrets that were sent may be in it.
package struct HTTPResponse: Sendable {
    package var status: Int
    /// Of the final answer alone, unfolded, in the order in which they came.
    package var headers: [HeaderField]
    package var body: [UInt8]
    /// Whether there was more than ``HTTPRequest/bodyLimit``.
    package var isCut: Bool
    package var timing: ExchangeTiming

    package init(
        status: Int,
        headers: [HeaderField] = [],
        body: [UInt8] = [],
        isCut: Bool = false,
        timing: ExchangeTiming = ExchangeTiming()
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.isCut = isCut
        self.timing = timing
    }

    /// The first value of a header field, whatever the case of its name.
    package func first(_ name: String) -> String? {
        headers.first { $0.isNamed(name) }?.value
    }
}

/// What came of one request of several that were handed over together.
package struct HTTPReply: Sendable {
    /// Which of them it was.
    package let index: Int
    package let outcome: Outcome
    /// From the moment it was handed over.
    package let latency: Duration

    /// What came of it.
    package enum Outcome: Sendable {
        /// The answer that ``HTTPRequest/isExpected`` knows.
        case expected(status: Int)
        case received(HTTPResponse)
        case failed(TransportFailure)
    }
}
