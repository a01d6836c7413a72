import TokenHealth
import Testing
import VigilEngine

@Suite struct `The reasoning of the watch` {
    @Test func `goes with the alert and into the certificate`() async throws {
        let bench = try WatchBench()
        await bench.watch.tick()
        await bench.pass(60)
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(60)
        await bench.pass(30, inStepsOf: 15)
        let evidence = try #require(bench.store.healthy.alerts.first?.evidence.first)
        #expect(evidence.answers.map(\.httpStatus) == [200, 401])
        #expect(evidence.answers.map(\.times) == [2, 3])
        #expect(evidence.control?.httpStatus == 401)
        let certificates = bench.store.healthy.changes.compactMap(\.certificate)
        #expect(certificates.map(\.evidence) == [evidence])
        #expect(certificates.map(\.reason) == [.rejected])
    }

    @Test func `names the siblings, and how they are`() async throws {
        let bench = try WatchBench([Sample.token(), Sample.token("other")])
        bench.prober.answer(Reply.unauthenticated)
        await bench.watch.tick()
        await bench.pass(60, inStepsOf: 15)
        let evidence = bench.store.healthy.alerts.flatMap(\.evidence)
        #expect(Set(evidence.map(\.name.text)) == ["bot", "other"])
        let siblings = try #require(evidence.first { $0.name == Sample.name() }).siblings
        #expect(siblings.map(\.name.text) == ["other"])
        #expect(siblings.first?.shares.contains(.provider) == true)
    }

    @Test func `of a secret that is missing says so`() async throws {
        let bench = try WatchBench()
        bench.secrets.fail(.missing(source: "file /x"))
        await bench.watch.tick()
        await bench.pass(60)
        await bench.pass(60)
        let evidence = try #require(bench.store.healthy.alerts.first?.evidence.first)
        #expect(evidence.answers.map(\.times) == [3])
        #expect(evidence.answers.first?.failure?.contains("file /x") == true)
    }
}
