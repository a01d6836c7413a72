import FoundationEssentials
import TokenHealth
import Testing
import VigilEngine
import VigilHTTPClient

@testable import VigilNotifying

@Suite struct `The webhook notifier` {
    private static let urlSource = SecretSource.file(path: "/secrets/url")
    private static let keySource = SecretSource.credential(name: "key")
    private static let ok = "HTTP/1.1 204 No Content\r\n\r\n"

    private func withNotifier<Result>(
        _ settings: WebhookNotifier.Settings,
        secrets: ScriptedSecrets = ScriptedSecrets(),
        _ body: (WebhookNotifier) async throws -> Result
    ) async throws -> Result {
        let client = try HTTPClient(environment: [:])
        let notifier = WebhookNotifier(settings, client: client, secrets: secrets, version: "0.1.0") { Samples.now }
        do {
            let result = try await body(notifier)
            await client.shutdown()
            return result
        } catch {
            await client.shutdown()
            throw error
        }
    }

    /// One delivery to a receiver that behaves so.
    private func deliver(
        _ alert: Alert = Samples.alert(.invalidated),
        to behaviour: ScriptedReceiver.Behaviour,
        within limit: Duration = .seconds(20),
        key: String? = nil
    ) async throws -> (result: DeliveryResult, requests: [ScriptedReceiver.Request]) {
        try await ScriptedReceiver.run(behaviour) { receiver in
            var secrets = ScriptedSecrets(values: [Self.urlSource: receiver.url])
            secrets.values[Self.keySource] = key
            let settings = WebhookNotifier.Settings(
                url: .secret(Self.urlSource),
                signingSecret: key == nil ? nil : Self.keySource,
                timeLimit: limit
            )
            let result = try await withNotifier(settings, secrets: secrets) { await $0.deliver(alert) }
            #expect(!result.detail.contains("S3CRET"), "\(result)")
            return (result, receiver.requests.values)
        }
    }

    @Test func `posts the document with the headers of Standard Webhooks`() async throws {
        let alert = Samples.alert(.invalidated)
        let (result, requests) = try await deliver(alert, to: .answer(Self.ok), key: "some-signing-secret")
        #expect(result == .delivered("http://127.0.0.1 answered HTTP 204"))
        let request = try #require(requests.first)
        #expect(requests.count == 1)
        #expect(request.head.hasPrefix("POST /hooks/S3CRET-PATH?key=S3CRET-QUERY HTTP/1.1\r\n"))
        #expect(request.field("content-type") == "application/json")
        #expect(request.field("user-agent") == "tokenvigil/0.1.0")
        #expect(request.field("webhook-id") == alert.id)
        #expect(request.field("webhook-timestamp") == "1795428307")
        #expect(request.body == (try AlertDocument(alert: alert).encoded()))
        let signature = WebhookSignature.header(
            id: alert.id,
            timestamp: 1_795_428_307,
            body: request.body,
            secret: try SecretLint.secret(in: Array("some-signing-secret".utf8), source: "test")
        )
        #expect(request.field("webhook-signature") == signature)
    }

    @Test func `signs nothing without a key`() async throws {
        let (_, requests) = try await deliver(to: .answer(Self.ok))
        #expect(requests.first?.field("webhook-signature") == nil)
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func `follows no redirect`(_ status: Int) async throws {
        try await ScriptedReceiver.run(.answer(Self.ok)) { target in
            let location = "HTTP/1.1 \(status) Moved\r\nLocation: \(target.url)\r\nContent-Length: 0\r\n\r\n"
            let (result, requests) = try await deliver(to: .answer(location))
            guard case .refused = result else { return reject("\(result)") }
            #expect(requests.count == 1)
            #expect(target.requests.values.isEmpty)
        }
    }

    @Test func `obeys Retry-After`() async throws {
        let answer = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n"
        let (result, _) = try await deliver(to: .answer(answer))
        #expect(result == .failed("http://127.0.0.1 answered HTTP 429", retryAfter: .seconds(17)))
    }

    @Test func `does not wait for ever for an answer`() async throws {
        let (result, requests) = try await deliver(to: .hang, within: .seconds(3))
        #expect(result == .failed("http://127.0.0.1 did not answer within 3 s"))
        #expect(requests.count == 1)
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    ])
    func `believes the status of an answer that never ends`(_ start: String) async throws {
        let (result, _) = try await deliver(to: .hangAfter(start), within: .seconds(3))
        #expect(result == .delivered("http://127.0.0.1 answered HTTP 200"))
    }

    @Test(arguments: ["Content-Length: 1000000000000", "Connection: close"])
    func `reads no more of a huge answer than a little`(_ field: String) async throws {
        let start = ContinuousClock.now
        let (result, _) = try await deliver(to: .flood("HTTP/1.1 200 OK\r\n\(field)\r\n\r\n"), within: .seconds(60))
        #expect(result == .delivered("http://127.0.0.1 answered HTTP 200"))
        #expect(start.duration(to: .now) < .seconds(50))
    }

    @Test func `is not taken in by a login page, however long it is`() async throws {
        let page = "<!DOCTYPE html><html>" + String(repeating: "x", count: 20_000)
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: \(page.utf8.count)\r\n\r\n\(page)"
        let (result, _) = try await deliver(to: .answer(answer))
        guard case .failed(let text, nil) = result else { return reject("\(result)") }
        #expect(text.contains("web page"))
    }

    @Test func `repeats no secret that a receiver sends back`() async throws {
        let key = "S3CRETROUTINGKEY0123456789abcdef"
        let body = #"{"status":"invalid event","errors":["no service for \#(key)","at /hooks/S3CRET-PATH"]}"#
        let answer = "HTTP/1.1 202 Accepted\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        for head in [answer, answer.replacing("202 Accepted", with: "400 Bad Request")] {
            try await ScriptedReceiver.run(.answer(head)) { receiver in
                let secrets = ScriptedSecrets(values: [Self.urlSource: receiver.url, Self.keySource: key])
                let settings = WebhookNotifier.Settings(
                    url: .secret(Self.urlSource),
                    format: .pagerDuty(routingKey: Self.keySource)
                )
                let result = try await withNotifier(settings, secrets: secrets) {
                    await $0.deliver(Samples.alert(.invalidated))
                }
                guard case .refused(let text) = result else { return reject("\(result)") }
                #expect(!text.contains("S3CRET"), "\(text)")
                #expect(text.contains("invalid event") == head.contains(" 202 "), "\(text)")
            }
        }
    }

    @Test(arguments: [ScriptedReceiver.Behaviour.reset, .answer("SSH-2.0-OpenSSH_9.2\r\n")])
    func `tries again after a broken conversation`(_ behaviour: ScriptedReceiver.Behaviour) async throws {
        let (result, _) = try await deliver(to: behaviour)
        guard case .failed(let text, nil) = result else { return reject("\(result)") }
        #expect(text.hasPrefix("http://127.0.0.1 cannot be reached: "))
    }

    @Test func `tries again when nobody listens or the name is unknown`() async throws {
        let port = try await ScriptedReceiver.run(.hang) { $0.port }
        for host in ["127.0.0.1:\(port)", "no-such-host.invalid"] {
            let url = "http://\(host)/S3CRET-PATH?S3CRET-QUERY"
            let result = try await withNotifier(.init(url: .literal(url))) {
                await $0.deliver(Samples.alert(.invalidated))
            }
            guard case .failed(let text, nil) = result else { return reject("\(result)") }
            #expect(!text.contains("S3CRET"))
        }
    }

    @Test func `reads its address and key at every delivery, and waits for them to be repaired`() async throws {
        let missing = try await withNotifier(.init(url: .secret(Self.urlSource))) {
            await $0.deliver(Samples.alert(.test))
        }
        #expect(missing == .failed("the webhook URL is missing (file /secrets/url)"))

        let secrets = ScriptedSecrets(values: [Self.urlSource: "hooks.example.com/S3CRET"])
        let malformed = try await withNotifier(.init(url: .secret(Self.urlSource)), secrets: secrets) {
            await $0.deliver(Samples.alert(.test))
        }
        guard case .failed(let text, nil) = malformed else { return reject("\(malformed)") }
        #expect(text.contains("file /secrets/url") && !text.contains("S3CRET"))

        let keyless = WebhookNotifier.Settings(url: .literal("https://127.0.0.1:1/"), signingSecret: Self.keySource)
        let unsigned = try await withNotifier(keyless) { await $0.deliver(Samples.alert(.test)) }
        #expect(unsigned == .failed("the signing secret is missing (credential key)"))

        let (mistyped, requests) = try await deliver(to: .answer(Self.ok), key: "whsec_S3CRET!")
        guard case .failed = mistyped else { return reject("\(mistyped)") }
        #expect(requests.isEmpty)
    }
}
