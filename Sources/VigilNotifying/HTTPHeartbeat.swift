import FoundationEssentials
package import TokenHealth
package import VigilEngine
package import VigilHTTPClient

/// Posts signs of life to an address as healthchecks.io and its like have it: the address itself when all is well, the
/// address with `/fail` behind its path, and what is wrong as the body, when it is not.
///
/// https://healthchecks.io/docs/signaling_failures/ and https://healthchecks.io/docs/attaching_logs/
package struct HTTPHeartbeat: HeartbeatSender {
    private let url: WebhookNotifier.Settings.Address
    private let postman: Postman
    private let timeLimit: Duration

    /// Most bytes of a body: more than this the service cuts off anyhow.
    private static let longestBody = 10_000

    /// A sender that shares a client with notifiers.
    ///
    /// - Parameters:
    ///   - url: where to, read again for every sign.
    ///   - client: whoever makes it shuts it down.
    ///   - secrets: reads the address.
    ///   - version: of this program, for `User-Agent`.
    ///   - timeLimit: of one exchange.
    package init(
        _ url: WebhookNotifier.Settings.Address,
        client: HTTPClient,
        secrets: any SecretReader,
        version: String,
        timeLimit: Duration = .seconds(10)
    ) {
        self.url = url
        self.timeLimit = timeLimit
        postman = Postman(client: client, secrets: secrets, version: version, now: { Date() })
    }

    package func send(_ sign: SignOfLife) async -> DeliveryResult {
        do throws(Obstacle) {
            let address = try await postman.address(url, allowsPlaintext: false, as: "heartbeat URL")
            let letter: Letter
            switch sign {
            case .well:
                letter = Letter(to: address, contentType: "text/plain; charset=utf-8", body: [])
            case .unwell(let problems):
                guard let failing = HTTPHeartbeat.failing(address) else { throw .address(address.origin) }
                let text = problems.map(\.oneLine).joined(separator: "\n").shortened(to: HTTPHeartbeat.longestBody)
                letter = Letter(to: failing, contentType: "text/plain; charset=utf-8", body: Array(text.utf8))
            }
            return await postman.deliver(letter, within: timeLimit) { answer, now in
                HTTPHeartbeat.result(of: answer, from: address.origin, at: now)
            }
        } catch {
            return error.result
        }
    }

    /// Whether the sign has been counted: healthchecks.io answers 200 and says in the body where it was not.
    ///
    /// https://healthchecks.io/docs/http_api/
    static func result(of answer: WebhookAnswer, from origin: String, at now: Date) -> DeliveryResult {
        let result = answer.result(from: origin, at: now)
        let words = answer.body.lowercased()
        guard case .delivered(let text) = result, words.utf8.count < 200 else { return result }
        if words.contains("not found") {
            return .refused("\(text)\(answer.quotation): there is no check at this address; copy its ping URL again")
        }
        if words.contains("rate limited") {
            return .failed("\(text)\(answer.quotation): lengthen heartbeat.every", retryAfter: .seconds(60))
        }
        return result
    }

    /// The address with `/fail` behind its path.
    private static func failing(_ address: WebhookURL) -> WebhookURL? {
        let end = address.text.firstIndex { "?#".contains($0) } ?? address.text.endIndex
        var path = address.text[..<end]
        while path.hasSuffix("/") { path = path.dropLast() }
        return WebhookURL(path + "/fail" + address.text[end...])
    }
}
