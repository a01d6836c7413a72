package import AsyncHTTPClient
package import FoundationEssentials
import NIOCore
import NIOHTTP1
package import TokenHealth
package import VigilEngine

/// Posts an alert as Standard Webhooks describe: signed, with an idempotency key, to an address that is itself a secret.
package struct WebhookNotifier: Notifier {
    /// Where to post, and how long to wait.
    package struct Settings: Sendable, Hashable {
        /// Where the address stands.
        package enum Address: Sendable, Hashable {
            case literal(String)
            /// Read again for every delivery.
            case secret(SecretSource)
        }

        package var url: Address
        /// Key of the signature, read again for every delivery; unsigned where `nil`.
        package var signingSecret: SecretSource?
        /// Limit of the whole exchange, the body of the answer included.
        package var timeLimit: Duration

        /// Whether plain `http` to another host is accepted.
        ///
        /// A literal address was checked with the configuration; one from a secret source is known only here.
        package var allowsPlaintext: Bool

        package init(
            url: Address,
            signingSecret: SecretSource? = nil,
            allowsPlaintext: Bool = false,
            timeLimit: Duration = .seconds(10)
        ) {
            self.url = url
            self.signingSecret = signingSecret
            self.allowsPlaintext = allowsPlaintext
            self.timeLimit = timeLimit
        }
    }

    /// A connection is kept for the next alert only if the receiver's answer is no longer than this.
    private static let maximumAnswer = 4096

    private let settings: Settings
    private let client: HTTPClient
    private let secrets: any SecretReader
    private let userAgent: String
    private let now: @Sendable () -> Date

    /// A notifier that shares a client with others.
    ///
    /// - Parameters:
    ///   - settings: where to post.
    ///   - client: one made with ``clientConfiguration``.
    ///   - secrets: reads the address and the signing key.
    ///   - version: of this program, for `User-Agent`.
    ///   - now: wall time, for the signature.
    package init(
        _ settings: Settings,
        client: HTTPClient,
        secrets: any SecretReader,
        version: String,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.settings = settings
        self.client = client
        self.secrets = secrets
        userAgent = "tokenvigil/\(version)"
        self.now = now
    }

    /// How the client must be made: it follows no redirect, inflates nothing, and reports a refused connection at once.
    package static var clientConfiguration: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow, decompression: .disabled)
        configuration.connectionPool.retryConnectionEstablishment = false
        return configuration
    }

    package func deliver(_ alert: Alert) async -> DeliveryResult {
        do throws(Obstacle) {
            let url = try await address()
            let body = try document(of: alert)
            let request = try await request(to: url, id: alert.id.oneLine.shortened(to: 250), body: body)
            return await exchange(request, with: url)
        } catch {
            return error.result
        }
    }
}

// MARK: - The request

extension WebhookNotifier {
    private func address() async throws(Obstacle) -> WebhookURL {
        switch settings.url {
        case .literal(let text):
            guard let url = WebhookURL(text) else { throw .address("in the configuration") }
            return url
        case .secret(let source):
            let secret = try await secret(from: source, as: "webhook URL")
            guard let url = secret.withExposedValue({ WebhookURL($0) }) else { throw .address("\(source)") }
            guard url.isProtected || settings.allowsPlaintext else { throw .plaintext("\(source)") }
            return url
        }
    }

    private func secret(from source: SecretSource, as role: String) async throws(Obstacle) -> Secret {
        do throws(SecretProblem) {
            return try await secrets.secret(from: source)
        } catch {
            throw .secret(role, error)
        }
    }

    private func document(of alert: Alert) throws(Obstacle) -> [UInt8] {
        do {
            return try AlertDocument(alert: alert).encoded()
        } catch {
            throw .document
        }
    }

    private func request(to url: WebhookURL, id: String, body: [UInt8]) async throws(Obstacle) -> HTTPClientRequest {
        let timestamp = Int64(now().timeIntervalSince1970)
        var request = HTTPClientRequest(url: url.text)
        request.method = .POST
        request.headers = [
            "Content-Type": "application/json",
            "User-Agent": userAgent,
            "webhook-id": id,
            "webhook-timestamp": String(timestamp),
        ]
        if let source = settings.signingSecret {
            let secret = try await secret(from: source, as: "signing secret")
            let signature = WebhookSignature.header(id: id, timestamp: timestamp, body: body, secret: secret)
            guard let signature else { throw .signingSecret("\(source)") }
            request.headers.add(name: "webhook-signature", value: signature)
        }
        request.body = .bytes(ByteBuffer(bytes: body))
        return request
    }
}

// MARK: - The exchange

extension WebhookNotifier {
    private func exchange(_ request: HTTPClientRequest, with url: WebhookURL) async -> DeliveryResult {
        let start = ContinuousClock.now
        let limit = settings.timeLimit
        do {
            let response = try await within(limit) { [client] in
                // The client's own limit ends at the head of the answer; it is set where it cannot come first.
                try await client.execute(request, timeout: .seconds(limit.components.seconds + 5))
            }
            guard let response else {
                return .failed("\(url.origin) did not answer within \(limit.short)")
            }
            let answer = WebhookAnswer(
                status: Int(response.status.code),
                retryAfter: response.headers.first(name: "retry-after")
            )
            let result = answer.result(from: url.origin, at: now())
            await discard(response, within: limit - start.duration(to: .now))
            return result
        } catch {
            return .failed("\(url.origin) cannot be reached: \(url.redacted("\(error)"))")
        }
    }

    /// Reads a short answer to its end, so that its connection can be used again.
    ///
    /// What it says, and whether it ends well, changes nothing: the status has decided.
    private func discard(_ response: HTTPClientResponse, within limit: Duration) async {
        _ = try? await within(limit) {
            _ = try await response.body.collect(upTo: WebhookNotifier.maximumAnswer)
        }
    }
}

// MARK: - What stands in the way

/// Why there is nothing to send.
///
/// Only a document that cannot be written is hopeless: an administrator repairs the rest.
private enum Obstacle: Error {
    case address(String)
    case plaintext(String)
    case secret(String, SecretProblem)
    case signingSecret(String)
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
        case .document:
            .refused("the alert cannot be written as JSON")
        }
    }
}

extension SecretProblem {
    /// What is wrong with a secret that is not a token, as the end of a sentence.
    fileprivate var fault: String {
        switch self {
        case .missing(let source): "is missing (\(source))"
        case .unreadable(let source, let cause): "cannot be read (\(source): \(cause))"
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
