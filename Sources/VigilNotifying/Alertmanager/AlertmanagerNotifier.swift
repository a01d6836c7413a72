package import FoundationEssentials
import Synchronization
package import TokenHealth
package import VigilEngine
package import VigilHTTPClient

/// Posts alerts to the peers of an Alertmanager cluster, and again while they last.
///
/// Every peer is told, as Prometheus does it: they find out among themselves that it is the same.
package final class AlertmanagerNotifier: ReassertingNotifier {
    /// Which peers, and how.
    package struct Settings: Sendable, Hashable {
        /// Addresses of the peers, each as a browser would have it.
        package var peers: [WebhookNotifier.Settings.Address]
        /// Sent as a bearer token, where a proxy in front asks for one.
        package var accessToken: SecretSource?
        package var allowsPlaintext: Bool
        /// PEM file with the authorities to trust instead of the system's.
        package var certificateAuthorities: String?
        /// Limit of one exchange with one peer.
        package var timeLimit: Duration

        package init(
            peers: [WebhookNotifier.Settings.Address],
            accessToken: SecretSource? = nil,
            allowsPlaintext: Bool = false,
            certificateAuthorities: String? = nil,
            timeLimit: Duration = .seconds(10)
        ) {
            self.peers = peers
            self.accessToken = accessToken
            self.allowsPlaintext = allowsPlaintext
            self.certificateAuthorities = certificateAuthorities
            self.timeLimit = timeLimit
        }
    }

    /// How long Alertmanager believes in an alert that is not repeated.
    ///
    /// Its own five minutes would announce an end whenever this program is stopped for an update.
    private static let belief = Duration.seconds(3600)
    /// The same for a test.
    private static let beliefInTest = Duration.seconds(300)
    /// Alerts in one request.
    private static let batch = 256
    /// Long texts belong into other notifiers; labels are short in any case.
    private static let detail = Detail(tokens: Alert.mostTokens, text: 1000)

    private let settings: Settings
    private let postman: Postman
    private let ledger = Mutex(AssertionLedger())

    /// A notifier that shares a client with others.
    ///
    /// - Parameters:
    ///   - settings: which peers.
    ///   - client: whoever makes it shuts it down.
    ///   - secrets: reads addresses and the access token.
    ///   - version: of this program, for `User-Agent`.
    ///   - now: wall time.
    package init(
        _ settings: Settings,
        client: HTTPClient,
        secrets: any SecretReader,
        version: String,
        now: @escaping @Sendable () -> Date = { Date() }
    ) {
        self.settings = settings
        postman = Postman(
            client: client,
            certificateAuthorities: settings.certificateAuthorities,
            secrets: secrets,
            version: version,
            now: now
        )
    }

    package var keepsWarnings: Bool { true }

    package func deliver(_ alert: Alert) async -> DeliveryResult {
        let now = postman.now()
        let story = AlertStory(alert, detail: AlertmanagerNotifier.detail)
        let alerts = AlertmanagerAlert.former(of: story) + AlertmanagerAlert.all(of: story)
        ledger.withLock { $0.note(alerts, at: now) }
        let belief = alert.kind == .test ? AlertmanagerNotifier.beliefInTest : AlertmanagerNotifier.belief
        return verdict(on: await post(alerts, believedFor: belief))
    }

    package func reassert(_ open: [Alert], at now: Date) async -> [String] {
        let alerts = open.flatMap { AlertmanagerAlert.all(of: AlertStory($0, detail: AlertmanagerNotifier.detail)) }
        let all = ledger.withLock { ledger in
            ledger.reconcile(with: alerts, at: now)
            return ledger.alerts
        }
        guard !all.isEmpty else { return [] }
        let results = await post(all, believedFor: AlertmanagerNotifier.belief)
        return results.filter { !$0.isDelivered }.map(\.detail)
    }

    /// One peer is enough: it tells the others.
    private func verdict(on results: [DeliveryResult]) -> DeliveryResult {
        let missed = results.filter { !$0.isDelivered }.map(\.detail)
        let count = "\(results.count - missed.count) of \(results.count) Alertmanagers took it"
        if missed.count < results.count { return .delivered(([count] + missed).joined(separator: "; ")) }
        let reasons = missed.joined(separator: "; ")
        var waits: [Duration] = []
        var mayHelp = results.isEmpty
        for case .failed(_, let retryAfter) in results {
            mayHelp = true
            if let retryAfter { waits.append(retryAfter) }
        }
        return mayHelp ? .failed(reasons, retryAfter: waits.min()) : .refused(reasons)
    }
}

// MARK: - The requests

extension AlertmanagerNotifier {
    /// What every peer said, in the order of the settings.
    private func post(_ alerts: [AlertmanagerAlert], believedFor belief: Duration) async -> [DeliveryResult] {
        let until = postman.now().advanced(by: belief)
        let bodies: [[UInt8]]
        do {
            bodies = try stride(from: 0, to: alerts.count, by: AlertmanagerNotifier.batch).map { start in
                let batch = alerts[start..<min(start + AlertmanagerNotifier.batch, alerts.count)]
                return try Array(Wire.encoder().encode(batch.map { Posting(alert: $0, endsAt: $0.endsAt ?? until) }))
            }
        } catch {
            return [.refused("the alert cannot be written as JSON")]
        }
        return await withTaskGroup(of: (Int, DeliveryResult).self) { group in
            for (index, peer) in settings.peers.enumerated() {
                group.addTask { (index, await self.post(bodies, to: peer)) }
            }
            var results: [(Int, DeliveryResult)] = []
            for await result in group { results.append(result) }
            return results.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func post(_ bodies: [[UInt8]], to peer: WebhookNotifier.Settings.Address) async -> DeliveryResult {
        var result = DeliveryResult.failed("there is nothing to post")
        do throws(Obstacle) {
            let address = try await postman.address(
                peer,
                allowsPlaintext: settings.allowsPlaintext,
                as: "Alertmanager URL"
            )
            guard let url = AlertmanagerNotifier.endpoint(at: address) else { throw .address("\(address.origin)") }
            var letter = Letter(to: url, contentType: "application/json", body: [])
            if let source = settings.accessToken {
                try letter.authorize(with: await postman.secret(from: source, as: "access token"))
            }
            for body in bodies {
                letter.body = body
                result = await postman.deliver(letter, within: settings.timeLimit) {
                    $0.result(from: url.origin, at: $1)
                }
                guard result.isDelivered else { break }
            }
        } catch {
            result = error.result
        }
        if case .gone(let detail) = result { result = .refused(detail) }
        return result
    }

    /// The resource of `POST /api/v2/alerts` (Alertmanager's `api/v2/openapi.yaml`) below an address.
    private static func endpoint(at address: WebhookURL) -> WebhookURL? {
        let resource = "/api/v2/alerts"
        let end = address.text.firstIndex(where: { "?#".contains($0) }) ?? address.text.endIndex
        var path = address.text[..<end]
        while path.hasSuffix("/") { path = path.dropLast() }
        if path.hasSuffix(resource) { return address }
        return WebhookURL(path + resource + address.text[end...])
    }

    /// An alert in a request.
    private struct Posting: Encodable {
        let alert: AlertmanagerAlert
        let endsAt: Date

        private enum CodingKeys: String, CodingKey { case labels, annotations, startsAt, endsAt, generatorURL }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(alert.labels, forKey: .labels)
            try container.encode(alert.annotations, forKey: .annotations)
            // It must not end before it begins.
            try container.encode(min(alert.startsAt, endsAt), forKey: .startsAt)
            try container.encode(endsAt, forKey: .endsAt)
            try container.encodeIfPresent(alert.generatorURL, forKey: .generatorURL)
        }
    }
}

extension DeliveryResult {
    fileprivate var isDelivered: Bool {
        if case .delivered = self { true } else { false }
    }
}
