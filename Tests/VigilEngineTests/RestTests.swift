import Testing
import TokenHealth

@testable import VigilEngine

/// A provider that asks for rest gets it, whatever else it says.
struct RestTests {
    @Test(arguments: [200, 401, 402, 403, 404, 429, 503])
    func `a wait that comes with any answer is obeyed`(status: Int) async throws {
        let bench = try WatchBench()
        guard case .answered(let accepted) = Reply.accepted.outcome else { return }
        let wait = [HeaderField("retry-after", "700")]
        let body = status == 200 ? accepted.body : Array("{}".utf8)
        bench.prober.answer(Exchange(.answered(Answer(status: status, headers: wait, body: body))))
        await bench.watch.tick()
        await bench.pass(695, inStepsOf: 5)
        #expect(bench.prober.tries == [0])
        // Nor does a person's wish count for more.
        await #expect(throws: InterventionRefusal.self) { try await bench.watch.probe("bot") }
        await bench.pass(60, inStepsOf: 5)
        #expect(bench.prober.tries.count > 1)
    }

    @Test func `with a step-up it is obeyed, too`() async throws {
        let bench = try WatchBench()
        let headers = [
            HeaderField("retry-after", "700"),
            HeaderField("www-authenticate", "Bearer error=\"insufficient_user_authentication\""),
        ]
        bench.prober.answer(Reply.status(401, headers))
        await bench.watch.tick()
        #expect(await bench.state() == .limited)
        await bench.pass(695, inStepsOf: 5)
        #expect(bench.prober.tries == [0])
    }

    @Test func `one that is to be left alone goes blind in time, though its siblings have news`() async throws {
        let bench = try WatchBench([Sample.token("limited"), Sample.token("dying")])
        bench.prober.answer(Reply.status(429, [HeaderField("retry-after", "3000")]), about: "limited")
        await bench.watch.tick()
        bench.prober.answer(Reply.unauthenticated, about: "dying")
        await bench.pass(120, inStepsOf: 5)
        #expect(await bench.state("dying") == .invalid)
        await bench.pass(900, inStepsOf: 30)
        #expect(await bench.state("limited") == .blind)
        #expect(bench.prober.questions.count { $0.token == Sample.name("limited") && !$0.isControl } == 1)
    }

    @Test func `a wait is obeyed, and a new secret noticed meanwhile, though the answer could not be stored`()
        async throws
    {
        let bench = try WatchBench()
        await bench.watch.tick()
        bench.prober.answer(Reply.status(429, [HeaderField("retry-after", "3000")]))
        bench.store.fail(.commit)
        await bench.pass(60)
        bench.store.heal()
        await bench.pass(1000, inStepsOf: 20)
        #expect(bench.prober.tries == [0, 60])
        bench.prober.answer(Reply.accepted)
        bench.secrets.put("second")
        await bench.pass(80, inStepsOf: 20)
        #expect(await bench.report()?.fingerprint?.text == "k1:second")
    }

    @Test func `a secret that is replaced again and again keeps nobody in the dark`() async throws {
        let bench = try WatchBench()
        await bench.watch.tick()
        bench.prober.answer(Reply.unreachable)
        for number in 0..<3 {
            await bench.pass(300, inStepsOf: 30)
            bench.secrets.put("another-\(number)")
        }
        await bench.pass(120, inStepsOf: 30)
        #expect(await bench.state() == .blind)
        #expect(bench.told == [.blind])
    }

    @Test func `what only time decides is charged as what decides nothing`() async throws {
        let bench = try WatchBench((0..<5).map { Sample.stranger("t\($0)") })
        await bench.watch.tick()
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(60)
        await bench.pass(5)
        #expect(await bench.watch.standing(of: Sample.name("t0")) == .suspected)
        await bench.pass(120, inStepsOf: 5)
        #expect(await bench.state("t0") == .suspect)
        #expect(await bench.watch.standing(of: Sample.name("t0")) == .refused)
    }
}

/// What the store is told of hosts.
struct HostMemoryTests {
    private func tokens(_ count: Int, budget: Int = 10) -> [WatchedToken] {
        (0..<count).map { index in
            var token = Sample.token("t\(index)")
            var provider = token.provider
            provider.limits = ProviderLimits(failedLogins: Rate(count: budget, per: .seconds(600)))
            token.provider = provider
            return token
        }
    }

    @Test func `in calm nothing is written about a host after its first look`() async throws {
        let bench = try WatchBench(tokens(1))
        await bench.watch.tick()
        let first = bench.store.healthy.hostWrites
        #expect(first >= 1)
        await bench.pass(3600, inStepsOf: 5)
        #expect(bench.store.healthy.hostWrites == first)
    }

    @Test func `a store that takes nothing keeps nobody from being looked at, and is told later`() async throws {
        let bench = try WatchBench(tokens(3))
        bench.prober.answer(Reply.unauthenticated)
        bench.store.fail(.commit)
        await bench.watch.tick()
        #expect(!bench.prober.tries.isEmpty)
        #expect(await bench.watch.standingProblems.count == 1)
        bench.store.heal()
        await bench.pass(60, inStepsOf: 5)
        #expect(try bench.store.hosts().records.values.first?.spent.isEmpty == false)
        #expect(await bench.watch.standingProblems == [])
    }

    @Test func `a reload that changes a limit forgets nothing that was spent`() async throws {
        let bench = try WatchBench(tokens(30, budget: 10))
        bench.prober.answer(Reply.unauthenticated)
        for minute in 0..<5 {
            await bench.pass(60, inStepsOf: 5)
            try await bench.watch.adopt(tokens(30, budget: 10 + (minute + 1) % 2))
        }
        #expect(bench.prober.tries.count <= 11)
    }
}
