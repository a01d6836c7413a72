package import FoundationEssentials

/// What goes back to the client, and how it is to be delivered.
package struct SimulatedAnswer: Sendable, Equatable {
    /// The status; it is not sent where the delivery sends nothing.
    package var status: Int
    /// The header fields, without those of the connection.
    package var headers: [HeaderField]
    /// The bytes that are sent at most.
    package var body: [UInt8]
    /// How the answer reaches the client, or fails to.
    package var delivery: Delivery
    /// How long to wait before the first byte.
    package var delay: Duration

    /// How an answer reaches the client, or fails to.
    package enum Delivery: Sendable, Equatable {
        /// Whole, on a connection that stays open.
        case normal
        /// Declares `missing` more bytes than it sends, then closes politely.
        case truncated(missing: Int)
        /// Sends the head and half of the body, then resets the connection.
        case reset
        /// Sends nothing, ever, until the client gives up.
        case stall
        /// Sends the head at once and the body in pieces of `bytes`, `pause` apart.
        case slowBody(bytes: Int, pause: Duration)
        /// Closes the connection without a word.
        case refuse
    }

    /// Describes an answer; unless told otherwise it is delivered whole and at once.
    package init(_ status: Int, headers: [HeaderField] = [], body: [UInt8] = [], delivery: Delivery = .normal) {
        self.status = status
        self.headers = headers
        self.body = body
        self.delivery = delivery
        self.delay = .zero
    }

    /// A JSON answer.
    package static func json(_ status: Int, _ body: WireJSON, headers: [HeaderField] = []) -> SimulatedAnswer {
        SimulatedAnswer(status, headers: [HeaderField("Content-Type", "application/json")] + headers, body: body.bytes)
    }

    /// An HTML answer.
    package static func html(_ status: Int, _ page: String, headers: [HeaderField] = []) -> SimulatedAnswer {
        let type = HeaderField("Content-Type", "text/html; charset=UTF-8")
        return SimulatedAnswer(status, headers: [type] + headers, body: Array(page.utf8))
    }

    /// The value of the first header called `name`, whatever its case.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// The status the client can have seen, nil when none was sent.
    var visibleStatus: Int? {
        switch delivery {
        case .normal, .truncated, .reset, .slowBody: status
        case .stall, .refuse: nil
        }
    }
}

/// One request as the log keeps it: enough to judge a client's manners, never a token.
package struct LoggedRequest: Sendable, Equatable {
    /// Which accepted connection it came on, counted from 1.
    package var connection: Int
    /// The method, in capitals.
    package var method: String
    /// The path as sent, without the query.
    package var path: String
    /// The names of the header fields in the order received.
    package var headerNames: [String]
    /// The value of `User-Agent`.
    package var userAgent: String?
    /// Whether there was any `Authorization`.
    package var hasAuthorization: Bool
    /// Short hash of the bearer token, if there was one.
    package var tokenFingerprint: String?
    /// What was asked of the token endpoint.
    package var grantType: String?
    /// The status answered; nil when the connection was stalled or closed instead.
    package var status: Int?
    /// The simulated time of the answer.
    package var at: Date
}
