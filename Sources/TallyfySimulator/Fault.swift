/// Something that goes wrong on purpose, for some requests and some time.
package struct Fault: Sendable, Equatable {
    /// What happens.
    package var kind: Kind
    /// A path below the API root such as `/me`; nil is every path.
    ///
    /// `*` and names in braces stand for one segment, a last `*` for everything below.
    package var route: String?
    /// Only requests with this token; nil is any token or none.
    package var tokenFingerprint: String?
    /// How many requests it affects; nil is no limit.
    package var count: Int?
    /// How long it lasts from its injection; nil is until cleared.
    package var seconds: Double?
    /// How many matching requests pass before the first is affected.
    package var after: Int

    /// Describes a fault; unless limited it affects every request until cleared.
    package init(
        _ kind: Kind,
        route: String? = nil,
        token: String? = nil,
        count: Int? = nil,
        forSeconds seconds: Double? = nil,
        after: Int = 0
    ) {
        self.kind = kind
        self.route = route
        self.tokenFingerprint = token.map(SimulatedTallyfy.fingerprint(of:))
        self.count = count
        self.seconds = seconds
        self.after = after
    }

    /// What can go wrong.
    package enum Kind: Sendable, Equatable {
        case rateLimit(RetryAfter = .seconds(30))
        /// 503; a nil `html` follows the `maintenance_body` switch.
        case maintenance(html: Bool? = nil, retryAfterSeconds: Int? = nil)
        /// A challenge page with 403 or 503.
        case waf(status: Int = 403)
        /// Any status; a nil body is the usual one for that status.
        case status(Int, body: [UInt8]? = nil, html: Bool = false, headers: [HeaderField] = [])
        /// 200 with something else than a user.
        case body(BodyVariant)
        case nonCredential401(NonCredentialText)
        /// 403 for a business rule, the token being fine.
        case business403
        /// The usual answer, later.
        case delay(Duration)
        /// The head and half of the body, then a connection reset.
        case reset
        /// The connection closed without an answer.
        case refuse
        /// No answer at all, the connection left open.
        case stall
        /// The usual answer, its body in small pieces.
        case slowBody(bytes: Int = 1, pause: Duration = .seconds(1))
        /// 200 with another user; nil is somebody unknown.
        case wrongUser(Int? = nil)
        /// `status` where the repeating pattern says true, the usual answer where it says false.
        case flap(status: Int = 503, pattern: [Bool] = [true, false])
        case redirect(to: String = "https://account.example.test/login", status: Int = 302)
    }

    /// Bodies of a 200 that are no answer to the question.
    package enum BodyVariant: String, Sendable, CaseIterable {
        case htmlLogin = "html_login"
        /// Half of the user, then the connection closes before the declared length.
        case truncated
        case nullData = "null_data"
        case array
        /// Five million bytes of JSON.
        case huge
        case wrongUser = "wrong_user"
    }

    /// The four texts with which a 401 does not speak of the token.
    package enum NonCredentialText: String, Sendable, CaseIterable {
        case unauthorizedAction = "Unauthorized action"
        case unauthorized = "Unauthorized"
        /// Sent as plain text.
        case unauthorizedFullStop = "Unauthorized."
        case samlNotEnabled = "SAML is not enabled in this organization"
    }

    /// What `Retry-After` says.
    package enum RetryAfter: Sendable, Equatable {
        case seconds(Int)
        /// An HTTP date so many seconds ahead.
        case date(inSeconds: Int)
        case absent
        case garbage
        /// One day.
        case huge
        /// This very text.
        case literal(String)
    }
}

extension Fault {
    /// What makes the fault impossible to play, nil when nothing does.
    package var problem: String? {
        if let count, count < 1 { return "count must be at least 1" }
        if after < 0 { return "after must not be negative" }
        if let seconds, !(seconds.isFinite && seconds >= 0) { return "for_s must be a number of seconds" }
        return kind.problem
    }
}

extension Fault.Kind {
    var problem: String? {
        switch self {
        case .rateLimit(.literal(let text)): Self.problem(in: [HeaderField("Retry-After", text)])
        case .waf(let status): Self.problem(status)
        case .status(let status, _, _, let headers): Self.problem(status) ?? Self.problem(in: headers)
        case .redirect(let location, let status):
            Self.problem(status) ?? Self.problem(in: [HeaderField("Location", location)])
        case .flap(let status, let pattern):
            Self.problem(status) ?? (pattern.isEmpty ? "pattern must not be empty" : nil)
        case .slowBody(let bytes, let pause):
            bytes < 1 ? "bytes must be at least 1" : Self.problem(pause)
        case .delay(let delay): Self.problem(delay)
        case .rateLimit, .maintenance, .body, .nonCredential401, .business403, .reset, .refuse, .stall, .wrongUser: nil
        }
    }

    private static func problem(_ status: Int) -> String? {
        200...599 ~= status ? nil : "status must be from 200 to 599"
    }

    private static func problem(_ wait: Duration) -> String? {
        .zero ... .seconds(86_400) ~= wait ? nil : "a wait must be from 0 to 86400 seconds"
    }

    /// Header text that would break the framing of the answer is refused.
    private static func problem(in headers: [HeaderField]) -> String? {
        for header in headers {
            let validName = !header.name.isEmpty && header.name.utf8.allSatisfy(isTokenCharacter)
            guard validName else { return "'\(header.name)' is not a header name" }
            guard header.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
                return "the value of header '\(header.name)' has a control character"
            }
        }
        return nil
    }

    private static func isTokenCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        case _: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
