import FoundationEssentials
import Testing
import TokenHealth
import VigilEngine

/// Reloads and restarts while some of many tokens are doubted, and when some are gone.
@Suite(.timeLimit(.minutes(1))) struct ReloadedCrowdTests {
    private let names = (1...9).map { "bot-\($0)" }
    private var tokens: [WatchedToken] {
        names.map { name in
            var token = Sample.stranger(name, interval: .seconds(30))
            token.owner = "owner-of-\(name)"
            token.habits.confirmation = Confirmation(rejections: 3, over: .seconds(10))
            return token
        }
    }

    /// Three of nine owners' tokens are rejected twice, one rejection before their deaths are certain.
    private func doubted() async throws -> WatchBench {
        let bench = try WatchBench(tokens)
        await bench.watch.tick()
        for name in names.prefix(3) { bench.prober.answer(Reply.unauthenticated, about: name) }
        await bench.pass(30)
        for _ in 0..<20 where await bench.state("bot-1") != .suspect { await bench.pass(1) }
        // The second rejection, ten seconds after the first: only the third is missing.
        await bench.pass(10)
        #expect(await bench.state("bot-1") == .suspect)
        #expect(await bench.state("bot-9") == .valid)
        return bench
    }

    @Test func `a suspicion across a reload does not become the provider's incident`() async throws {
        let bench = try await doubted()
        try await bench.watch.adopt(tokens)
        await bench.pass(120, inStepsOf: 5)
        #expect(bench.told == [.invalidated, .invalidated, .invalidated])
    }

    @Test func `nor where a reload changes every owner`() async throws {
        let bench = try await doubted()
        let moved = tokens.map { token in
            var token = token
            token.owner = "team-of-\(token.name)"
            return token
        }
        try await bench.watch.adopt(moved)
        await bench.pass(120, inStepsOf: 5)
        #expect(bench.told == [.invalidated, .invalidated, .invalidated])
    }

    @Test func `nor across a restart`() async throws {
        let bench = try await doubted()
        await bench.watch.flush()
        let next = try WatchBench(tokens, store: bench.store, timekeeper: bench.timekeeper)
        for name in names.prefix(3) { next.prober.answer(Reply.unauthenticated, about: name) }
        // The doubted are asked before anybody else can be accepted.
        for _ in 0..<20 {
            next.timekeeper.advance(by: .milliseconds(10))
            await next.watch.tick()
        }
        await next.pass(120, inStepsOf: 5)
        #expect(next.told == [.invalidated, .invalidated, .invalidated])
    }

    @Test func `the provider's incident ends where its last tokens have moved elsewhere`() async throws {
        let bench = try WatchBench(tokens)
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(60, inStepsOf: 5)
        #expect(bench.told == [.providerIncident])
        try await bench.watch.adopt(tokens.map { ChangedSetting.host.changing($0) })
        #expect(bench.told == [.providerIncident, .providerRecovered])
        let alerts = bench.store.healthy.alerts
        #expect(Set(alerts.map(\.incidentID)).count == 1)
        #expect(alerts.last?.summary == "PROVIDER NO LONGER WATCHED example, in trouble for 45 s on srv1")
        #expect(try bench.store.untold().providerIncidents.isEmpty)
    }
}

/// Tokens that are configured no more while people know them to be in trouble.
@Suite(.timeLimit(.minutes(1))) struct RemovedTokenTests {
    private func dead(_ tokens: [WatchedToken]) async throws -> WatchBench {
        let bench = try WatchBench(tokens)
        await bench.watch.tick()
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(120, inStepsOf: 15)
        return bench
    }

    private func ends(_ bench: WatchBench) -> [Alert] { bench.store.healthy.alerts.filter(\.kind.endsIncident) }

    @Test func `its incident is closed under its id where it was told, and says why`() async throws {
        let bench = try await dead([Sample.token()])
        try await bench.watch.adopt([])
        let alerts = bench.store.healthy.alerts
        #expect(alerts.map(\.kind) == [.invalidated, .recovered])
        #expect(Set(alerts.map(\.incidentID)).count == 1)
        #expect(alerts.last?.ending == .removed)
        #expect(alerts.last?.summary == "NO LONGER WATCHED bot, invalid for 30 s on srv1")
        #expect(bench.store.healthy.waiting.map(\.notifier) == ["oncall", "oncall"])
    }

    @Test func `of several told as one the last closes it`() async throws {
        let tokens = ["a", "b", "c"].map { name in
            var token = Sample.token(name)
            token.owner = "svc@example.com"
            return token
        }
        let bench = try await dead(tokens)
        #expect(bench.told == [.invalidated])
        try await bench.watch.adopt([tokens[2]])
        #expect(ends(bench).map(\.openTokens) == [1])
        #expect(ends(bench).map(\.tokenCount) == [2])
        try await bench.watch.adopt([])
        #expect(ends(bench).map(\.openTokens) == [1, 0])
        #expect(Set(bench.store.healthy.alerts.map(\.incidentID)).count == 1)
    }

    @Test func `the last of them removed while the ends of the others wait closes it, too`() async throws {
        let tokens = ["a", "b", "c"].map { name in
            var token = Sample.stranger(name)
            token.owner = "svc@example.com"
            return token
        }
        let bench = try await dead(tokens)
        #expect(bench.told == [.invalidated])
        for name in ["a", "b"] {
            bench.secrets.put("another-of-\(name)", in: .file(path: "/own/\(name)"))
            bench.prober.answer(Reply.accepted, about: name)
            _ = try await bench.watch.probe(name)
        }
        try await bench.watch.adopt(Array(tokens.prefix(2)))
        #expect(Set(ends(bench).flatMap(\.tokens).compactMap(\.name?.text)) == ["a", "b", "c"])
        #expect(ends(bench).last?.openTokens == 0)
    }

    @Test func `whoever was told is told, whatever is configured meanwhile`() async throws {
        let bench = try await dead([Sample.token()])
        try await bench.watch.adopt([Sample.token(notify: ["pager"])])
        try await bench.watch.adopt([])
        #expect(bench.store.healthy.waiting.map(\.notifier) == ["oncall", "oncall"])
    }

    @Test func `removed while nobody watched, it is closed at the next start`() async throws {
        var token = Sample.token()
        token.owner = "ann@example.com"
        let bench = try await dead([token, Sample.token("other")])
        let next = try WatchBench([Sample.token("other")], store: bench.store, timekeeper: bench.timekeeper)
        bench.store.fail(.commit)
        await next.watch.tick()
        #expect(ends(next) == [])
        bench.store.heal()
        await next.pass(60)
        let end = try #require(ends(next).first { $0.ending == .removed })
        #expect(end.incidentID == bench.store.healthy.alerts.first { $0.tokens.first?.name == token.name }?.incidentID)
        #expect((end.tokens.first?.provider, end.tokens.first?.owner) == ("example", "ann@example.com"))
        #expect(try bench.store.load()[token.name]?.belief.incident == nil)
        await next.pass(600, inStepsOf: 60)
        #expect(ends(next).count { $0.ending == .removed } == 1)
    }

    @Test func `a provider's incident of which no token is left is closed at the next start`() async throws {
        let tokens = (1...4).map { index in
            var token = Sample.stranger("bot-\(index)", interval: .seconds(30))
            token.owner = "owner-\(index)"
            return token
        }
        let bench = try await dead(tokens)
        #expect(bench.told == [.providerIncident])
        let next = try WatchBench([], store: bench.store, timekeeper: bench.timekeeper)
        await next.watch.tick()
        #expect(next.told == [.providerIncident, .providerRecovered])
    }

    @Test func `what nobody was told has no end`() async throws {
        let bench = try WatchBench()
        await bench.watch.tick()
        _ = try await bench.watch.silence(["bot"], for: .seconds(7200), by: "ann", reason: "r")
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(120, inStepsOf: 15)
        try await bench.watch.adopt([])
        #expect(bench.told == [])
        #expect(try bench.store.untold().held == [])
        #expect(try bench.store.untold().silences == [:])
    }
}
