import FoundationEssentials
import Testing
import TokenHealth
import VigilEngine

/// A warning of an expiry is opened once, and closed under the same id when the danger is over.
@Suite(.timeLimit(.minutes(1))) struct ExpiryWarningTests {
    private static let day = 86_400

    private func token(_ name: String = "bot", lives days: Int = 16) -> WatchedToken {
        var token = Sample.token(name)
        token.provider.lifetime = .seconds(days * ExpiryWarningTests.day)
        return token
    }

    /// Tokens that people were warned of: they live for sixteen days, and thirty is the first step.
    private func warned(_ names: [String] = ["bot"]) async throws -> WatchBench {
        let bench = try WatchBench(names.map { token($0) })
        await bench.watch.tick()
        await bench.pass(600, inStepsOf: 60)
        #expect(bench.told == [.expiring])
        return bench
    }

    private func endings(_ bench: WatchBench) -> [IncidentEnding] { bench.store.healthy.alerts.compactMap(\.ending) }

    @Test func `every step has the same id, and a new secret ends it`() async throws {
        let bench = try await warned()
        await bench.pass(3 * ExpiryWarningTests.day)
        #expect(bench.told == [.expiring, .expiring])
        bench.secrets.put("second")
        await bench.pass(60)
        #expect(endings(bench) == [.renewed])
        let alerts = bench.store.healthy.alerts.filter { $0.kind == .expiring }
        #expect(Set(alerts.map(\.incidentID)).count == 1)
        #expect(alerts.last?.incidentKind == .expiring)
        #expect(alerts.last?.summary == "RENEWED bot, expires in 16 d (estimated) on srv1")
        #expect(alerts.last?.severity == .info)
        #expect(await bench.watch.openIncidents(at: bench.timekeeper.now().wall) == [])
    }

    @Test func `its death ends it, and has an id of its own`() async throws {
        let bench = try await warned()
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(120, inStepsOf: 15)
        #expect(endings(bench) == [.outlived])
        let death = try #require(bench.store.healthy.alerts.first { $0.kind == .invalidated })
        #expect(bench.store.healthy.alerts.allSatisfy { $0.kind != .expiring || $0.incidentID != death.incidentID })
        bench.prober.answer(Reply.accepted)
        await bench.pass(600, inStepsOf: 15)
        #expect(bench.told.last == .recovered)
    }

    @Test func `its removal ends it, also while nobody watches`() async throws {
        let bench = try await warned()
        let next = try WatchBench([], store: bench.store, timekeeper: bench.timekeeper)
        await next.watch.tick()
        await next.pass(60)
        #expect(endings(next) == [.removed])
        #expect(Set(bench.store.healthy.alerts.map(\.incidentID)).count == 1)
    }

    @Test func `a step that a reload adds is none where a shorter one was said`() async throws {
        let bench = try await warned()
        var changed = token()
        changed.expirySteps = [45, 30, 14, 7, 3, 1].map { .seconds($0 * ExpiryWarningTests.day) }
        try await bench.watch.adopt([changed])
        await bench.pass(120, inStepsOf: 60)
        #expect(bench.told == [.expiring])
    }

    @Test func `another usual life counts after a reload, and after a restart`() async throws {
        let bench = try await warned()
        let next = try WatchBench([token(lives: 400)], store: bench.store, timekeeper: bench.timekeeper)
        await next.pass(60)
        #expect(endings(next) == [.renewed])
    }

    @Test func `nobody who was silenced is told that a danger is over of which they never heard`() async throws {
        let bench = try WatchBench([token(lives: 400)])
        await bench.watch.tick()
        _ = try await bench.watch.silence(["bot"], for: .seconds(3600), by: "ann", reason: "r")
        try await bench.watch.adopt([token()])
        await bench.pass(60)
        try await bench.watch.adopt([token(lives: 400)])
        await bench.pass(7200, inStepsOf: 60)
        #expect(bench.told == [])
    }
}
