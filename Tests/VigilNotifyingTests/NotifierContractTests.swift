import FoundationEssentials
import TokenHealth
import Testing
import VigilEngine
import VigilHTTPClient
import VigilSystemd

@testable import VigilNotifying

/// What every notifier promises the engine, whatever way it goes.
@Suite struct `Every notifier` {
    enum Way: String, CaseIterable, Sendable {
        case webhook, alertmanager, sendmail, journal, command
    }

    enum Receiver: Sendable {
        case works, isAway, hangs
    }

    /// A notifier made by the factory, and the idempotency keys its receiver saw.
    private struct Line: Sendable {
        let notifier: any Notifier
        let keys: @Sendable () throws -> [String]
    }

    private func withLine<Result: Sendable>(
        _ way: Way,
        to receiver: Receiver,
        _ body: (Line) async throws -> Result
    ) async throws -> Result {
        try await Workshop.open { workshop in
            switch way {
            case .webhook: try await webhook(to: receiver, body)
            case .alertmanager: try await alertmanager(to: receiver, body)
            case .journal: try await journal(to: receiver, body)
            case .sendmail, .command: try await program(way, to: receiver, in: workshop, body)
            }
        }
    }

    private func behaviour(of receiver: Receiver) -> ScriptedReceiver.Behaviour {
        switch receiver {
        case .works: .answer("HTTP/1.1 204 No Content\r\n\r\n")
        case .isAway: .reset
        case .hangs: .hang
        }
    }

    /// Its keys are the labels: alerts of one incident are one to Alertmanager.
    private func alertmanager<Result: Sendable>(
        to receiver: Receiver,
        _ body: (Line) async throws -> Result
    ) async throws -> Result {
        try await ScriptedReceiver.run(behaviour(of: receiver)) { server in
            let settings = NotifierSettings.alertmanager(.init(peers: [.literal(server.url)]))
            return try await made(settings) { notifier in
                try await body(Line(notifier: notifier) { server.requests.values.map { "\($0.body.count)" } })
            }
        }
    }

    private func webhook<Result: Sendable>(
        to receiver: Receiver,
        _ body: (Line) async throws -> Result
    ) async throws -> Result {
        try await ScriptedReceiver.run(behaviour(of: receiver)) { server in
            let settings = NotifierSettings.webhook(.init(url: .literal(server.url)))
            return try await made(settings) { notifier in
                try await body(
                    Line(notifier: notifier) { server.requests.values.compactMap { $0.field("webhook-id") } }
                )
            }
        }
    }

    private func journal<Result: Sendable>(
        to receiver: Receiver,
        _ body: (Line) async throws -> Result
    ) async throws -> Result {
        let journal: RecordingJournal =
            switch receiver {
            case .works, .hangs: RecordingJournal()
            case .isAway: RecordingJournal(failure: .unreachable(errno: 2))
            }
        return try await made(.journal, journal: journal) { notifier in
            try await body(Line(notifier: notifier) { journal.written.compactMap { $0["TOKENVIGIL_ALERT"]?.first } })
        }
    }

    private func program<Result: Sendable>(
        _ way: Way,
        to receiver: Receiver,
        in workshop: Workshop,
        _ body: (Line) async throws -> Result
    ) async throws -> Result {
        let key = way == .sendmail ? "grep '^Message-ID:'" : "cat > /dev/null; echo \"$TOKENVIGIL_ALERT\""
        let script =
            switch receiver {
            case .works: "\(key) >> \"${0%/*}/keys\""
            case .isAway: "exit 75"
            case .hangs: "sleep 1000"
            }
        let file = try await workshop.script(script)
        let settings: NotifierSettings =
            way == .sendmail
            ? .sendmail(.init(from: "tokenvigil@example.com", to: ["root"], sendmail: file))
            : .command(.init(argv: [file]))
        return try await made(settings) { notifier in
            try await body(
                Line(notifier: notifier) { try workshop.contents(of: "keys").split(separator: "\n").map(String.init) }
            )
        }
    }

    private func made<Result>(
        _ settings: NotifierSettings,
        journal: RecordingJournal = RecordingJournal(),
        _ body: (any Notifier) async throws -> Result
    ) async throws -> Result {
        let client = try HTTPClient(environment: [:])
        let factory = NotifierFactory(client: client, secrets: ScriptedSecrets(), version: "0.1.0", journal: journal)
        do {
            let result = try await body(factory.notifier(for: settings))
            await client.shutdown()
            return result
        } catch {
            await client.shutdown()
            throw error
        }
    }

    @Test(arguments: Way.allCases)
    func `delivers every kind of alert`(_ way: Way) async throws {
        try await withLine(way, to: .works) { line in
            for kind in AlertKind.allCases {
                let result = await line.notifier.deliver(Samples.alert(kind))
                guard case .delivered = result else { return reject("\(kind): \(result)") }
            }
            let keys = try line.keys()
            #expect(keys.count == AlertKind.allCases.count)
        }
    }

    @Test(arguments: [Way.webhook, .sendmail, .journal, .command])
    func `gives every attempt the same key, and every alert its own`(_ way: Way) async throws {
        try await withLine(way, to: .works) { line in
            for alert in [Samples.alert(.invalidated), Samples.alert(.invalidated), Samples.alert(.reminder)] {
                _ = await line.notifier.deliver(alert)
            }
            let keys = try line.keys()
            #expect(keys.count == 3)
            #expect(keys.first == keys.dropFirst().first)
            #expect(keys.first != keys.last)
        }
    }

    @Test(arguments: Way.allCases)
    func `survives the worst text`(_ way: Way) async throws {
        try await withLine(way, to: .works) { line in
            for hostile in Samples.hostileTexts {
                let result = await line.notifier.deliver(Samples.hostile(hostile.text))
                guard case .delivered = result else { return reject("\(hostile): \(result)") }
            }
            guard case .delivered = await line.notifier.deliver(Samples.crowd(of: 2000)) else {
                return reject("a crowd does not arrive")
            }
        }
    }

    @Test(arguments: Way.allCases)
    func `asks for another attempt where its receiver is away`(_ way: Way) async throws {
        try await withLine(way, to: .isAway) { line in
            let result = await line.notifier.deliver(Samples.alert(.invalidated))
            guard case .failed(let text, _) = result else { return reject("\(result)") }
            #expect(!text.isEmpty && text.count < 500 && !text.contains("\n") && !text.contains("S3CRET"))
        }
    }

    @Test(arguments: [Way.webhook, .alertmanager, .sendmail, .command])
    func `stops when it is told to`(_ way: Way) async throws {
        try await withLine(way, to: .hangs) { line in
            let start = ContinuousClock.now
            let result = await withTaskGroup(of: DeliveryResult.self) { group in
                group.addTask { await line.notifier.deliver(Samples.alert(.invalidated)) }
                group.cancelAll()
                return await group.next()
            }
            guard case .failed = result else { return reject("\(String(describing: result))") }
            #expect(start.duration(to: .now) < .seconds(9))
        }
    }
}
