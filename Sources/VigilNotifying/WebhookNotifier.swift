package import FoundationEssentials
package import TokenHealth
package import VigilEngine
package import VigilHTTPClient

/// Posts an alert in the form that a service wants, to an address that is itself a secret.
///
/// Every message has the headers of Standard Webhooks: the idempotency key, the time, and the signature where there is
/// a key; services that do not know them pass them over.
package struct WebhookNotifier: Notifier {
    /// Where to post what, and how long to wait.
    package struct Settings: Sendable, Hashable {
        /// Where the address stands.
        package enum Address: Sendable, Hashable {
            case literal(String)
            /// Read again for every delivery.
            case secret(SecretSource)
        }

        /// What a message looks like.
        package enum Format: Sendable, Hashable {
            case standard, slack, discord, teams, cloudEvents
            /// Its name is the receiver's.
            case alertmanager(receiver: String)
            case pagerDuty(routingKey: SecretSource)
            case ntfy(accessToken: SecretSource?)
            case template(MessageTemplate)
        }

        package var url: Address
        package var format: Format
        /// Key of the signature, read again for every delivery; unsigned where `nil`.
        package var signingSecret: SecretSource?
        /// Limit of the whole exchange, the body of the answer included.
        ///
        /// A receiver that is given up has often taken the alert, and would get it again.
        package var timeLimit: Duration

        /// Whether plain `http` to another host is accepted.
        ///
        /// A literal address was checked with the configuration; one from a secret source is known only here.
        package var allowsPlaintext: Bool

        /// PEM file with the authorities to trust instead of the system's.
        package var certificateAuthorities: String?

        package init(
            url: Address,
            format: Format = .standard,
            signingSecret: SecretSource? = nil,
            allowsPlaintext: Bool = false,
            certificateAuthorities: String? = nil,
            timeLimit: Duration = .seconds(30)
        ) {
            self.url = url
            self.format = format
            self.signingSecret = signingSecret
            self.allowsPlaintext = allowsPlaintext
            self.certificateAuthorities = certificateAuthorities
            self.timeLimit = timeLimit
        }
    }

    private let settings: Settings
    private let postman: Postman
    private let version: String

    /// A notifier that shares a client with others.
    ///
    /// - Parameters:
    ///   - settings: where to post.
    ///   - client: whoever makes it shuts it down.
    ///   - secrets: reads the address and the keys.
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
        self.version = version
        postman = Postman(
            client: client,
            certificateAuthorities: settings.certificateAuthorities,
            secrets: secrets,
            version: version,
            now: now
        )
    }

    package var keepsWarnings: Bool {
        switch settings.format {
        case .pagerDuty, .alertmanager: true
        case .standard, .slack, .discord, .teams, .cloudEvents, .ntfy, .template: false
        }
    }

    package func deliver(_ alert: Alert) async -> DeliveryResult {
        do throws(Obstacle) {
            let address = try await postman.address(settings.url, allowsPlaintext: settings.allowsPlaintext)
            let envelope = try await envelope(to: address)
            let letter = try await letter(about: alert, in: envelope)
            return await postman.deliver(letter, within: settings.timeLimit) { answer, now in
                envelope.format.result(of: answer, from: address.origin, at: now)
            }
        } catch {
            return error.result
        }
    }
}

// MARK: - The letter

extension WebhookNotifier {
    /// A form with the secrets it needs.
    private struct Envelope {
        let format: any MessageFormat
        let url: WebhookURL
        /// Sent as a bearer token.
        var accessToken: Secret?
        /// Stands in the message itself.
        var key: Secret?
    }

    private func envelope(to url: WebhookURL) async throws(Obstacle) -> Envelope {
        switch settings.format {
        case .standard: return Envelope(format: StandardFormat(), url: url)
        case .cloudEvents: return Envelope(format: CloudEventsFormat(), url: url)
        case .alertmanager(let receiver): return Envelope(format: AlertmanagerFormat(receiver: receiver), url: url)
        case .slack: return Envelope(format: SlackFormat(), url: url)
        case .discord: return Envelope(format: DiscordFormat(), url: url)
        case .teams: return Envelope(format: TeamsFormat(), url: url)
        case .pagerDuty(let source):
            let key = try await postman.secret(from: source, as: "routing key")
            return Envelope(format: PagerDutyFormat(routingKey: key, version: version), url: url, key: key)
        case .ntfy(let source):
            guard let address = NtfyAddress(url) else { throw .topic(url.origin) }
            var envelope = Envelope(format: NtfyFormat(topic: address.topic), url: address.root)
            if let source { envelope.accessToken = try await postman.secret(from: source, as: "access token") }
            return envelope
        case .template(let template):
            do throws(TemplateProblem) {
                return Envelope(format: try template.format(), url: url)
            } catch {
                throw .template(template.path, error)
            }
        }
    }

    private func letter(about alert: Alert, in envelope: Envelope) async throws(Obstacle) -> Letter {
        let body = try message(about: alert, as: envelope.format)
        var letter = Letter(to: envelope.url, contentType: envelope.format.contentType, body: body)
        if let token = envelope.accessToken { letter.authorize(with: token) }
        if let key = envelope.key { letter.secrets.append(key) }
        let id = alert.id.oneLine.shortened(to: 250)
        let timestamp = Int64(postman.now().timeIntervalSince1970)
        letter.fields["webhook-id"] = id
        letter.fields["webhook-timestamp"] = String(timestamp)
        if let source = settings.signingSecret {
            let secret = try await postman.secret(from: source, as: "signing secret")
            let signature = WebhookSignature.header(id: id, timestamp: timestamp, body: body, secret: secret)
            guard let signature else { throw .signingSecret("\(source)") }
            letter.fields["webhook-signature"] = signature
        }
        return letter
    }

    private func message(about alert: Alert, as format: any MessageFormat) throws(Obstacle) -> [UInt8] {
        do {
            return try format.message(for: alert)
        } catch FormatProblem.template(let problem) {
            throw .template("of this notifier", problem)
        } catch {
            throw .document
        }
    }
}
