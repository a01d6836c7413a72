import FoundationEssentials
import TokenHealth
import Testing
import VigilHTTPClient

@testable import VigilNotifying

@Suite struct `What Alertmanager is told again` {
    private static let begin = Samples.now

    private func alerts(_ kind: AlertKind, _ tokens: [String] = ["hr-onboarding"], incident: String = "i1")
        -> [AlertmanagerAlert]
    {
        let source = Samples.alert(kind)
        let isOver = kind == .recovered
        let alert = Alert(
            id: "\(incident)-\(kind.idPart)",
            kind: kind,
            severity: kind.severity,
            createdAt: Self.begin,
            incidentID: incident,
            incidentKind: isOver ? .invalidated : kind,
            summary: source.summary,
            host: source.host,
            tokens: tokens.map { Samples.report($0) }
        )
        return AlertmanagerAlert.all(of: AlertStory(alert))
    }

    private func minutes(_ count: Double) -> Date { Self.begin.addingTimeInterval(count * 60) }

    /// Token and whether it fires, of what is told.
    private func told(_ ledger: AssertionLedger) -> [String] {
        ledger.alerts.map {
            "\($0.labels["alertname"] ?? "?") \($0.token ?? "-") \($0.endsAt == nil ? "firing" : "over")"
        }
    }

    @Test func `is what was delivered, as long as it is open`() {
        var ledger = AssertionLedger()
        ledger.reconcile(with: [], at: minutes(0))
        ledger.note(alerts(.invalidated), at: minutes(1))
        ledger.reconcile(with: alerts(.invalidated), at: minutes(2))
        #expect(told(ledger) == ["TokenInvalid hr-onboarding firing"])
    }

    @Test func `is nothing that the outbox has not delivered yet`() {
        var ledger = AssertionLedger()
        ledger.reconcile(with: [], at: minutes(0))
        ledger.reconcile(with: alerts(.invalidated), at: minutes(1))
        #expect(told(ledger).isEmpty)
    }

    @Test func `is after a restart everything that is open`() {
        var ledger = AssertionLedger()
        ledger.reconcile(with: alerts(.invalidated), at: minutes(0))
        #expect(told(ledger) == ["TokenInvalid hr-onboarding firing"])
    }

    @Test func `names the tokens that an alert only counts`() {
        var ledger = AssertionLedger()
        ledger.reconcile(with: [], at: minutes(0))
        ledger.note(alerts(.invalidated, ["a"]), at: minutes(1))
        ledger.reconcile(with: alerts(.invalidated, ["a", "b"]), at: minutes(2))
        #expect(told(ledger).sorted() == ["TokenInvalid a firing", "TokenInvalid b firing"])
    }

    @Test func `says the end for five minutes, under the labels of the beginning`() {
        var ledger = AssertionLedger()
        ledger.note(alerts(.invalidated), at: minutes(0))
        let labels = ledger.alerts.map(\.labels)
        ledger.note(alerts(.recovered), at: minutes(1))
        #expect(ledger.alerts.map(\.labels) == labels)
        ledger.reconcile(with: [], at: minutes(4.9))
        #expect(told(ledger) == ["TokenInvalid hr-onboarding over"])
        ledger.reconcile(with: [], at: minutes(6.1))
        #expect(told(ledger).isEmpty)
    }

    @Test func `notices an end of which nothing was delivered`() {
        var ledger = AssertionLedger()
        ledger.note(alerts(.invalidated), at: minutes(0))
        ledger.reconcile(with: [], at: minutes(1))
        #expect(told(ledger) == ["TokenInvalid hr-onboarding over"])
        #expect(ledger.alerts.first?.endsAt == minutes(1))
    }

    @Test func `does not end what was delivered after the look`() {
        var ledger = AssertionLedger()
        ledger.reconcile(with: [], at: minutes(0))
        ledger.note(alerts(.invalidated), at: minutes(2))
        ledger.reconcile(with: [], at: minutes(1))
        #expect(told(ledger) == ["TokenInvalid hr-onboarding firing"])
    }

    @Test func `does not bring back what ended after the look`() {
        var ledger = AssertionLedger()
        ledger.note(alerts(.invalidated), at: minutes(0))
        ledger.note(alerts(.recovered), at: minutes(2))
        ledger.reconcile(with: alerts(.invalidated), at: minutes(1))
        #expect(told(ledger) == ["TokenInvalid hr-onboarding over"])
    }

    @Test func `ends the milder alert of a token that got worse`() {
        var ledger = AssertionLedger()
        ledger.note(alerts(.limited), at: minutes(0))
        ledger.note(alerts(.invalidated), at: minutes(1))
        #expect(told(ledger).sorted() == ["TokenInvalid hr-onboarding firing", "TokenLimited hr-onboarding over"])
    }

    @Test func `keeps what is about a provider until its own end`() {
        var ledger = AssertionLedger()
        ledger.note(alerts(.providerIncident, incident: "p"), at: minutes(0))
        ledger.reconcile(with: [], at: minutes(1))
        #expect(told(ledger) == ["TokenProviderIncident - firing"])
        let end = AlertmanagerAlert.all(
            of: AlertStory(
                Alert(
                    id: "p-end",
                    kind: .providerRecovered,
                    severity: .info,
                    createdAt: minutes(2),
                    incidentID: "p",
                    summary: "over",
                    host: Samples.host,
                    tokens: [Samples.report()]
                )
            )
        )
        ledger.note(end, at: minutes(2))
        ledger.reconcile(with: [], at: minutes(3))
        #expect(told(ledger) == ["TokenProviderIncident - over"])
    }

    @Test func `is nothing that is said once`() {
        var ledger = AssertionLedger()
        for kind in [AlertKind.test, .expiring, .replaced] {
            ledger.note(AlertmanagerAlert.all(of: AlertStory(Samples.alert(kind))), at: minutes(0))
        }
        #expect(told(ledger).isEmpty)
    }

    @Test func `has labels without what changes, and their known fingerprint`() throws {
        let first = try #require(AlertmanagerAlert.all(of: AlertStory(Samples.alert(.invalidated))).first)
        let later = try #require(AlertmanagerAlert.all(of: AlertStory(Samples.alert(.reminder))).first)
        #expect(first.labels == later.labels)
        #expect(
            first.labels == [
                "alertname": "TokenInvalid", "severity": "critical", "host": "srv1.example.com",
                "incident": Samples.incident, "token": "hr-onboarding", "provider": "tallyfy",
                "owner": "api-bot@example.com",
            ]
        )
        #expect(first.fingerprint.count == 16 && first.fingerprint == later.fingerprint)
    }
}

@Suite struct `The Alertmanager notifier` {
    private func withNotifier<Result: Sendable>(
        _ peers: [WebhookNotifier.Settings.Address],
        token: String? = nil,
        _ body: (AlertmanagerNotifier) async throws -> Result
    ) async throws -> Result {
        let source = SecretSource.credential(name: "token")
        let client = try HTTPClient(environment: [:])
        let settings = AlertmanagerNotifier.Settings(
            peers: peers,
            accessToken: token == nil ? nil : source,
            timeLimit: .seconds(10)
        )
        var secrets = ScriptedSecrets()
        secrets.values[source] = token
        let notifier = AlertmanagerNotifier(settings, client: client, secrets: secrets, version: "0.1.0") {
            Samples.now
        }
        do {
            let result = try await body(notifier)
            await client.shutdown()
            return result
        } catch {
            await client.shutdown()
            throw error
        }
    }

    private static let ok = ScriptedReceiver.Behaviour.answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    @Test func `posts to every peer, and one is enough`() async throws {
        try await ScriptedReceiver.run(Self.ok) { good in
            try await ScriptedReceiver.run(.reset) { bad in
                let base = "http://127.0.0.1:\(good.port)/am/"
                let result = try await withNotifier([.literal(bad.url), .literal(base)]) {
                    await $0.deliver(Samples.alert(.invalidated))
                }
                guard case .delivered(let detail) = result else { return reject("\(result)") }
                #expect(detail.hasPrefix("1 of 2 Alertmanagers took it; http://127.0.0.1 cannot be reached"))
                #expect(!detail.contains("S3CRET"))
                #expect(bad.requests.values.count == 1)
                let request = try #require(good.requests.values.first)
                #expect(request.head.hasPrefix("POST /am/api/v2/alerts HTTP/1.1"))
                let document = try #require(JSONValue(parsing: request.body))
                func value(_ path: String) throws -> JSONValue? { try document.value(at: path) }
                #expect(try value("/0/labels/alertname") == "TokenInvalid")
                #expect(try value("/0/startsAt") == "2026-11-23T10:05:07.120Z")
                #expect(try value("/0/endsAt") == "2026-11-23T11:05:07.120Z")
            }
        }
    }

    @Test func `tries again where no peer took it, and not where all refuse`() async throws {
        try await ScriptedReceiver.run(.answer("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")) { refusing in
            try await ScriptedReceiver.run(.reset) { away in
                let mixed = try await withNotifier([.literal(refusing.url), .literal(away.url)]) {
                    await $0.deliver(Samples.alert(.invalidated))
                }
                guard case .failed = mixed else { return reject("\(mixed)") }
                let refused = try await withNotifier([.literal(refusing.url)]) {
                    await $0.deliver(Samples.alert(.invalidated))
                }
                guard case .refused = refused else { return reject("\(refused)") }
            }
        }
    }

    @Test func `repeats what is open, in requests of a sensible size, with its token`() async throws {
        try await ScriptedReceiver.run(Self.ok) { receiver in
            let open = (1...600).map { number in
                let alert = Samples.alert(.invalidated)
                return Alert(
                    id: "a\(number)",
                    kind: .invalidated,
                    severity: .critical,
                    createdAt: Samples.now,
                    incidentID: "i\(number)",
                    incidentKind: .invalidated,
                    summary: alert.summary,
                    host: alert.host,
                    tokens: [Samples.report("token-\(number)")]
                )
            }
            let problems = try await withNotifier(
                [.literal("http://127.0.0.1:\(receiver.port)")],
                token: "t0ken-S3CRET"
            ) {
                await $0.reassert(open, at: Samples.now)
            }
            #expect(problems.isEmpty)
            let counts = receiver.requests.values.map { request -> Int in
                guard case .array(let alerts)? = JSONValue(parsing: request.body) else { return 0 }
                return alerts.count
            }
            #expect(counts == [256, 256, 88])
            #expect(receiver.requests.values.allSatisfy { $0.field("authorization") == "Bearer t0ken-S3CRET" })
        }
    }

    @Test func `says what went wrong with a peer, and nothing where there is nothing to say`() async throws {
        try await ScriptedReceiver.run(.reset) { away in
            let quiet = try await withNotifier([.literal(away.url)]) { await $0.reassert([], at: Samples.now) }
            #expect(quiet.isEmpty && away.requests.values.isEmpty)
            let problems = try await withNotifier([.literal(away.url)]) {
                await $0.reassert([Samples.alert(.invalidated)], at: Samples.now)
            }
            #expect(problems.count == 1)
            #expect(problems.first?.hasPrefix("http://127.0.0.1 cannot be reached") == true)
        }
    }
}
