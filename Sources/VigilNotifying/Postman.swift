import FoundationEssentials
import TokenHealth
import VigilEngine
import VigilHTTPClient

/// One HTTP POST.
struct Letter: Sendable {
    let url: WebhookURL
    let contentType: String
    var body: [UInt8]
    /// Further fields, by name.
    var fields: [String: String] = [:]
    /// What must not be quoted from an answer, besides the address.
    var secrets: [Secret] = []

    init(to url: WebhookURL, contentType: String, body: [UInt8]) {
        self.url = url
        self.contentType = contentType
        self.body = body
    }

    /// Adds a bearer token, RFC 6750 section 2.1.
    mutating func authorize(with token: Secret) {
        fields["Authorization"] = token.withExposedValue { "Bearer \($0)" }
        secrets.append(token)
    }
}

/// Posts to addresses that are themselves secrets, within a time limit, and reads the beginning of each answer.
struct Postman: Sendable {
    /// Bytes of an answer that are read: nobody reads more of it.
    private static let maximumAnswer = 4096

    private let client: HTTPClient
    private let certificateAuthorities: String?
    private let secrets: any SecretReader
    private let userAgent: String
    let now: @Sendable () -> Date

    init(
        client: HTTPClient,
        certificateAuthorities: String? = nil,
        secrets: any SecretReader,
        version: String,
        now: @escaping @Sendable () -> Date
    ) {
        self.client = client
        self.certificateAuthorities = certificateAuthorities
        self.secrets = secrets
        userAgent = "tokenvigil/\(version)"
        self.now = now
    }

    /// The address as it is now.
    ///
    /// - Parameters:
    ///   - address: literal, or where it stands.
    ///   - allowsPlaintext: whether plain `http` to another host is accepted from a secret source.
    ///   - role: what messages call it.
    /// - Returns: one to which a secret may be sent.
    /// - Throws: why there is none.
    func address(
        _ address: WebhookNotifier.Settings.Address,
        allowsPlaintext: Bool,
        as role: String = "webhook URL"
    ) async throws(Obstacle) -> WebhookURL {
        switch address {
        case .literal(let text):
            guard let url = WebhookURL(text) else { throw .address("in the configuration") }
            return url
        case .secret(let source):
            let secret = try await secret(from: source, as: role)
            guard let url = secret.withExposedValue({ WebhookURL($0) }) else { throw .address("\(source)") }
            guard url.isProtected || allowsPlaintext else { throw .plaintext("\(source)") }
            return url
        }
    }

    func secret(from source: SecretSource, as role: String) async throws(Obstacle) -> Secret {
        do throws(SecretProblem) {
            return try await secrets.secret(from: source)
        } catch {
            throw .secret(role, error)
        }
    }

    /// Posts, and has the answer judged.
    ///
    /// - Parameters:
    ///   - letter: what to post.
    ///   - limit: of the whole exchange, the body of the answer included.
    ///   - judgement: of the answer, and of the time when it came.
    /// - Returns: the judgement, or a failure where no answer came.
    func deliver(
        _ letter: Letter,
        within limit: Duration,
        judgedBy judgement: (WebhookAnswer, Date) -> DeliveryResult
    ) async -> DeliveryResult {
        let url = letter.url
        let reply = await client.send(request(for: letter, within: limit))
        switch reply.outcome {
        case .received(let response):
            let body = String(decoding: response.body, as: UTF8.self)
            let answer = WebhookAnswer(
                status: response.status,
                retryAfter: response.first("retry-after"),
                body: body,
                remark: letter.redacted(body)
            )
            return judgement(answer, now())
        case .expected(let status):
            return judgement(WebhookAnswer(status: status, retryAfter: nil), now())
        case .failed(let failure) where failure.kind == .timeout && !failure.isOfProxy:
            return .failed("\(url.origin) did not answer within \(limit.short)")
        case .failed(let failure):
            return .failed("\(url.origin) cannot be reached: \(letter.redacted(failure.detail))")
        }
    }

    private func request(for letter: Letter, within limit: Duration) -> HTTPRequest {
        var request = HTTPRequest(
            "POST",
            letter.url.text,
            headers: [HeaderField("Content-Type", letter.contentType), HeaderField("User-Agent", userAgent)],
            body: letter.body,
            timeLimit: limit,
            bodyLimit: Postman.maximumAnswer
        )
        request.certificateAuthorities = certificateAuthorities
        // The receiver has it once it has answered: whether the rest of what it says arrives changes nothing.
        request.isHeadEnough = true
        for (name, value) in letter.fields.sorted(by: { $0.key < $1.key }) {
            request.headers.append(HeaderField(name, value))
        }
        return request
    }
}

extension Letter {
    /// `message` on one short line, without anything secret of this letter.
    fileprivate func redacted(_ message: String) -> String {
        // In ASCII alone: for `String` a secret with a combining mark behind it is another text.
        var text = String(message.unicodeScalars.map { $0.isASCII ? Character($0) : "?" })
        for secret in secrets {
            text = secret.withExposedValue { text.replacing($0, with: Secret.redaction) }
        }
        return url.redacted(text)
    }
}

/// Why there is nothing to send.
///
/// Only what cannot be written is hopeless: an administrator repairs the rest.
enum Obstacle: Error {
    case address(String)
    case plaintext(String)
    case secret(String, SecretProblem)
    case signingSecret(String)
    case topic(String)
    case template(String, TemplateProblem)
    case document

    var result: DeliveryResult {
        switch self {
        case .address(let place):
            .failed("the webhook URL (\(place)) is not an http or https address with a host: correct it")
        case .plaintext(let place):
            .failed("the webhook URL (\(place)) is plain http to another host: use https, or set allow_plaintext: true")
        case .secret(let role, let problem):
            .failed("the \(role) \(problem.fault)")
        case .signingSecret(let place):
            .failed("the signing secret (\(place)) begins with whsec_, and the rest is not base64: copy it again")
        case .topic(let origin):
            .failed("the address at \(origin) does not end with a topic of ntfy, as in https://ntfy.example.com/alerts")
        case .template(let path, let problem):
            .failed("the template \(path.oneLine) \(problem.fault)")
        case .document:
            .refused("the alert cannot be written as this receiver wants it")
        }
    }
}

extension SecretProblem {
    /// What is wrong with a secret that is not a token, as the end of a sentence.
    fileprivate var fault: String {
        switch self {
        case .missing(let source): "is missing (\(source))"
        case .unreadable(let source, let cause), .unavailable(let source, let cause):
            "cannot be read (\(source): \(cause))"
        case .worldReadable(let source): "is readable by every user of this host (\(source)): chmod 0640 it"
        case .empty(let source): "is empty (\(source))"
        case .tooLong(let source): "is too long (\(source))"
        case .containsWhitespace(let source): "has a space or a line break inside it (\(source))"
        case .quoted(let source): "stands in quotes (\(source)): remove them"
        case .bearerPrefix(let source): "begins with \"Bearer\" (\(source)): remove that word"
        case .placeholder(let source): "is a placeholder from an example (\(source))"
        case .notPrintable(let source): "has characters that are not plain ASCII (\(source))"
        }
    }
}
