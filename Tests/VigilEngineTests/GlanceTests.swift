import Synchronization
import Testing
import TokenHealth

@testable import VigilEngine

/// Tokens that are asked at a glance, and what may happen meanwhile.
@Suite(.timeLimit(.minutes(2))) struct GlanceTests {
    private let timekeeper = ManualTimekeeper()
    private let prober = HeldProber()
    private let secrets = ScriptedSecretReader()

    private func token(base: String = "https://api.example.test", logins: Int = 3) throws -> WatchedToken {
        let provider = Provider(
            name: "example",
            baseURL: base,
            probe: ProbeTemplate(path: "/me"),
            limits: ProviderLimits(failedLogins: Rate(count: logins, per: .seconds(600)))
        )
        return WatchedToken(name: Sample.name("bot"), provider: provider, secret: .environment(variable: "X"))
    }

    private func watch(_ token: WatchedToken, asking prober: HeldProber) throws -> TokenWatch {
        TokenWatch(
            tokens: [token],
            stored: [:],
            observer: TokenObserver(
                prober: prober,
                secrets: secrets,
                fingerprinter: PlainFingerprinter(),
                timekeeper: timekeeper
            ),
            store: InMemoryHealthStore(),
            composer: AlertComposer(host: "srv1"),
            timekeeper: timekeeper,
            logger: .silent,
            chance: { 0 },
            changed: {}
        )
    }

    /// Looks until the answer is known, and then has a glance under way until `body` has been done and the answer is given.
    private func withGlance(
        at token: WatchedToken,
        answered glance: Glance,
        _ body: (TokenWatch) async throws -> Void
    ) async throws -> TokenWatch {
        let watch = try watch(token, asking: prober)
        await watch.tick()
        timekeeper.advance(by: .seconds(61))
        let running = Task { await watch.tick() }
        while !prober.isAsked { await Task.yield() }
        try await body(watch)
        prober.answer(glance)
        await running.value
        return watch
    }

    @Test func `an answer as expected is one more acceptance`() async throws {
        let watch = try await withGlance(at: try token(), answered: .same(status: 200, latency: .milliseconds(5))) {
            _ in
        }
        let report = await watch.reports(of: [Sample.name("bot")], at: timekeeper.now().wall).first?.report
        #expect(report?.state == .valid)
        #expect(report?.lastAcceptedAt == timekeeper.now().wall)
        #expect(await watch.nextDue == .seconds(121))
    }

    @Test func `the interval counts from the answer, however long it waited for its turn`() async throws {
        let watch = try await withGlance(at: try token(), answered: .same(status: 200, latency: .milliseconds(5))) {
            _ in timekeeper.advance(by: .seconds(3))
        }
        let report = await watch.reports(of: [Sample.name("bot")], at: timekeeper.now().wall).first?.report
        #expect(report?.lastAcceptedAt == timekeeper.now().wall.advanced(by: .milliseconds(-2995)))
        #expect(await watch.nextDue == .milliseconds(61_005) + .seconds(60))
    }

    @Test(arguments: [(3, 60), (50, 80), (300, 330)])
    func `of a first answer, too, but for half of it`(wait: Int, due: Int) async throws {
        let prober = HeldProber(holdsAll: true)
        let watch = try watch(try token(), asking: prober)
        let running = Task { await watch.tick() }
        while !prober.isAsked { await Task.yield() }
        timekeeper.advance(by: .seconds(wait))
        prober.answer(.other(Exchange(Reply.accepted.outcome, latency: .zero)))
        await running.value
        #expect(await watch.nextDue == .seconds(due))
    }

    @Test func `nor does the host's sleep bring the next look forward by more`() async throws {
        let watch = try await withGlance(at: try token(), answered: .same(status: 200, latency: .milliseconds(5))) {
            _ in timekeeper.advance(by: .seconds(200))
        }
        #expect(await watch.nextDue == .seconds(261 + 30))
    }

    @Test func `a wait that the provider asks for is not shortened`() async throws {
        let prober = HeldProber(holdsAll: true)
        let watch = try watch(try token(), asking: prober)
        let running = Task { await watch.tick() }
        while !prober.isAsked { await Task.yield() }
        timekeeper.advance(by: .seconds(20))
        prober.answer(.other(Reply.status(200, [HeaderField("retry-after", "120")])))
        await running.value
        let report = await watch.reports(of: [Sample.name("bot")], at: timekeeper.now().wall).first?.report
        #expect(report?.nextProbeAt == timekeeper.now().wall.advanced(by: .seconds(120)))
    }

    @Test func `a doubt counts from when it began`() async throws {
        let watch = try await withGlance(at: try token(), answered: .other(Reply.unauthenticated)) { _ in
            timekeeper.advance(by: .seconds(3))
        }
        let report = await watch.reports(of: [Sample.name("bot")], at: timekeeper.now().wall).first?.report
        #expect(report?.state == .suspect)
        #expect(await watch.nextDue == .seconds(64 + 15))
    }

    @Test func `the first answers are asked for together, and read`() async throws {
        let watch = try watch(try token(), asking: prober)
        let round = await watch.takeDue()
        #expect(round.looks.isEmpty && !round.isEmpty)
        await watch.run(round)
        #expect(prober.asked == ["https://api.example.test/me"])
        let report = await watch.reports(of: [Sample.name("bot")], at: timekeeper.now().wall).first?.report
        #expect(report?.state == .valid)
        #expect(report?.lastProbe?.httpStatus == 200)
    }

    @Test(arguments: [Glance.same(status: 200, latency: .milliseconds(5)), .other(Reply.unauthenticated)])
    func `a token that is removed meanwhile leaves nothing under way`(glance: Glance) async throws {
        // Room for one more, where a refusal has been counted as well.
        let token = try token(logins: glance == .other(Reply.unauthenticated) ? 6 : 3)
        let watch = try await withGlance(at: token, answered: glance) { try await $0.adopt([]) }
        let ledger = try #require(await watch.ledgers[token.realm])
        for _ in 0..<3 { #expect(ledger.wait(for: .good, suspects: Suspects(), at: timekeeper.now().uptime) == nil) }
        #expect(await watch.places.count == 0)
        #expect(await watch.nextDue == nil)
        // It may come back, and is looked at.
        try await watch.adopt([token])
        await watch.tick()
        #expect(await watch.reports(of: [token.name], at: timekeeper.now().wall).first?.report.state == .valid)
    }

    @Test func `a refusal that a reload has overtaken counts for the host`() async throws {
        let prober = HeldProber(holdsAll: true)
        let (token, moved) = (try token(logins: 1), try token(base: "https://other.example.test", logins: 1))
        let watch = try watch(token, asking: prober)
        let running = Task { await watch.tick() }
        while !prober.isAsked { await Task.yield() }
        try await watch.adopt([moved])
        prober.answer(.other(Reply.unauthenticated))
        // The new question.
        while !prober.isAsked { await Task.yield() }
        #expect(
            await watch.ledgers[token.realm]?.wait(for: .good, suspects: Suspects(), at: timekeeper.now().uptime) != nil
        )
        prober.answer(.other(Reply.accepted))
        await running.value
        #expect(await watch.reports(of: [moved.name], at: timekeeper.now().wall).first?.report.state == .valid)
    }

    @Test func `an answer to the old question says nothing under new settings`() async throws {
        let moved = try token(base: "https://other.example.test")
        let watch = try await withGlance(at: try token(), answered: .other(Reply.unauthenticated)) { watch in
            try await watch.adopt([moved])
        }
        await watch.tick()
        #expect(await watch.reports(of: [moved.name], at: timekeeper.now().wall).first?.report.state == .valid)
        #expect(prober.asked.allSatisfy { $0.hasPrefix("https://other.example.test") || $0.hasPrefix("https://api.") })
        #expect(prober.asked.last == "https://other.example.test/me")
    }
}

/// Accepts every token, with a mark, and holds glances at known answers back until the test answers them.
private final class HeldProber: Prober {
    private struct State {
        var asked: [String] = []
        var glances: [AsyncStream<[GlanceResult]>.Continuation] = []
    }

    private let state = Mutex(State())
    /// Whether the first questions about a token wait, too.
    private let holdsAll: Bool

    init(holdsAll: Bool = false) { self.holdsAll = holdsAll }

    var isAsked: Bool { state.withLock { !$0.glances.isEmpty } }
    var asked: [String] { state.withLock { $0.asked } }

    func exchange(_ request: ProbeRequest) async -> Exchange {
        guard request.secret != nil else { return Reply.unauthenticated }
        state.withLock { $0.asked.append(request.question.url) }
        let mark = unsafe AnswerMark(
            status: 200,
            under: request.token.probe,
            body: UnsafeRawBufferPointer(start: nil, count: 0)
        ) { _ in [] }
        return Exchange(Reply.accepted.outcome, mark: mark)
    }

    func glances(at requests: [GlanceRequest]) -> AsyncStream<[GlanceResult]> {
        let (results, continuation) = AsyncStream.makeStream(of: [GlanceResult].self)
        guard !holdsAll, requests.allSatisfy({ $0.mark == nil }) else {
            state.withLock { $0.glances.append(continuation) }
            return results
        }
        Task {
            for (index, glance) in requests.enumerated() {
                continuation.yield([GlanceResult(index: index, .other(await exchange(glance.request)))])
            }
            continuation.finish()
        }
        return results
    }

    func answer(_ glance: Glance) {
        let held = state.withLock { state in
            defer { state.glances = [] }
            return state.glances
        }
        for continuation in held {
            continuation.yield([GlanceResult(index: 0, glance)])
            continuation.finish()
        }
    }
}
