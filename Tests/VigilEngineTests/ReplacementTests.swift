import FoundationEssentials
import TokenHealth
import Testing
import VigilEngine

struct ReplacementTests {
    private static let somebodyElse = Exchange(
        .answered(Answer(status: 200, body: Array(#"{"data":{"id":999}}"#.utf8)))
    )

    private func replacement(_ token: String = "bot", isNew: Bool = false, at: Date? = nil) -> Replacement {
        Replacement(token: token, by: "ann (root)", acceptsNewIdentity: isNew, at: at)
    }

    private func dead() async throws -> WatchBench {
        let bench = try WatchBench()
        await bench.watch.tick()
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(60)
        await bench.pass(15)
        await bench.pass(15)
        #expect(await bench.state() == .invalid)
        return bench
    }

    @Test func `a dead token that is replaced is tried at once, and recovers`() async throws {
        let bench = try await dead()
        bench.secrets.put("second")
        bench.prober.answer(Reply.accepted)
        let (record, report, _) = try await bench.watch.replaced(replacement())
        #expect(report.state == .valid)
        #expect(report.incident == nil)
        #expect(bench.told == [.invalidated, .recovered])
        #expect(record.deed == .replaced)
        #expect((record.oldFingerprint?.text, record.newFingerprint?.text) == ("k1:first", "k1:second"))
        #expect(record.by == "ann (root)")
        #expect(record.incident == bench.store.healthy.alerts.first?.incidentID)
        #expect(bench.store.healthy.interventions == [record])
    }

    @Test func `all tokens with this secret are tried at once, recorded and told`() async throws {
        let bench = try WatchBench([Sample.token("bot"), Sample.token("twin")])
        await bench.watch.tick()
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(120, inStepsOf: 15)
        bench.secrets.put("second")
        bench.prober.answer(Reply.accepted)
        let (_, report, others) = try await bench.watch.replaced(replacement())
        #expect(report.state == .valid)
        #expect(others.mapValues(\.state) == [Sample.name("twin"): .valid])
        #expect(bench.store.healthy.interventions.map(\.token.text) == ["bot", "twin"])
        await bench.pass(60, inStepsOf: 15)
        let ends = bench.store.healthy.alerts.filter { $0.kind == .recovered }
        #expect(Set(ends.flatMap(\.tokens).compactMap(\.name?.text)) == ["bot", "twin"])
    }

    @Test func `the record names the secret before, also when the new one was seen sooner`() async throws {
        let bench = try await dead()
        bench.secrets.put("second")
        bench.prober.answer(Reply.accepted)
        await bench.pass(60)
        #expect(await bench.state() == .valid)
        let (record, _, _) = try await bench.watch.replaced(replacement())
        #expect((record.oldFingerprint?.text, record.newFingerprint?.text) == ("k1:first", "k1:second"))
    }

    @Test func `somebody else's token is a wrong one, unless that is intended`() async throws {
        let bench = try WatchBench()
        await bench.watch.tick()
        bench.secrets.put("second")
        bench.prober.answer(Self.somebodyElse)
        #expect(try await bench.watch.replaced(replacement()).report.state == .suspect)
        let (record, report, _) = try await bench.watch.replaced(replacement(isNew: true))
        #expect(report.state == .valid)
        #expect(report.identity?.id == "999")
        #expect(record.reason == "another identity is intended")
        await bench.pass(60)
        #expect(await bench.state() == .valid)
        #expect(try bench.store.load()[Sample.name()]?.belief.identity?.id == "999")
    }

    @Test func `what was replaced without a daemon is recorded with its time, and nobody is asked for it`() async throws
    {
        let bench = try await dead()
        let tries = bench.prober.tries
        bench.secrets.put("second")
        let then = ManualTimekeeper.start.addingTimeInterval(-3600)
        let record = try await bench.watch.note(replacement(at: then))
        #expect(record.at == then)
        #expect(record.newFingerprint?.text == "k1:second")
        #expect(bench.prober.tries == tries)
    }

    @Test func `a secret that cannot be read is recorded without its name`() async throws {
        let bench = try await dead()
        bench.secrets.fail(.missing(source: "file /x"))
        let (record, report, _) = try await bench.watch.replaced(replacement())
        #expect((record.oldFingerprint?.text, record.newFingerprint) == ("k1:first", nil))
        #expect(report.state == .invalid)
    }

    @Test func `a host that wants rest is left alone, and the record is made`() async throws {
        let bench = try WatchBench()
        await bench.watch.tick()
        bench.prober.answer(Reply.status(429, [HeaderField("Retry-After", "600")]))
        await bench.pass(60)
        let tries = bench.prober.tries
        bench.secrets.put("second")
        let (record, report, _) = try await bench.watch.replaced(replacement())
        #expect(record.newFingerprint?.text == "k1:second")
        #expect(report.state == .unknown)
        #expect(bench.prober.tries == tries)
    }

    @Test func `a token that is not watched, and a disk that takes nothing, are refusals`() async throws {
        let bench = try await dead()
        await #expect(throws: InterventionRefusal.unknownToken("other")) {
            try await bench.watch.replaced(replacement("other"))
        }
        bench.store.fail(.commit)
        await #expect(throws: InterventionRefusal.self) { try await bench.watch.replaced(replacement()) }
        #expect(bench.store.healthy.interventions == [])
    }
}
