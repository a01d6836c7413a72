import Logging
import Testing
import TokenHealth

@testable import VigilEngine

/// A host that cannot read secrets is one problem of the monitor, and none of the tokens.
@Suite struct HostWantsTests {
    private let want = SecretProblem.unavailable(source: "file /x", cause: "Too many open files")

    @Test func `no token is blamed, and the monitor says it once until it is over`() async throws {
        let bench = try WatchBench(["a", "b", "c"].map { Sample.token($0) })
        await bench.pass(60)
        #expect(await bench.state("a") == .valid)
        bench.secrets.fail(want)
        await bench.pass(300, inStepsOf: 60)
        for name in ["a", "b", "c"] {
            #expect(await bench.report(name)?.state == .unknown)
            #expect(await bench.report(name)?.reason == "host_failure")
        }
        #expect(bench.told == [])
        let problems = await bench.watch.standingProblems
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("this host cannot read the secrets of 3 tokens: ") == true)
        #expect(problems.first?.contains("Too many open files") == true)
        bench.secrets.put("first")
        await bench.pass(120, inStepsOf: 60)
        #expect(await bench.state("b") == .valid)
        #expect(await bench.watch.standingProblems == [])
        #expect(bench.told == [])
    }

    @Test func `its beginning and its end are news, and nothing in between`() {
        var wants = HostWants()
        func kind(_ news: HostWants.News?) -> String? {
            switch news {
            case .begun(let cause)?: "begun: \(cause)"
            case .over?: "over"
            case nil: nil
            }
        }
        let (a, b) = (Sample.name("a"), Sample.name("b"))
        #expect(kind(wants.note(nil, of: a)) == nil)
        #expect(kind(wants.note("x", of: a)) == "begun: x")
        #expect(kind(wants.note("y", of: b)) == nil)
        #expect(kind(wants.note(nil, of: a)) == nil)
        #expect(wants.problem { _ in true } == "this host cannot read the secret of b: y")
        #expect(wants.problem { $0 != b } == nil)
        #expect(kind(wants.note(nil, of: b)) == "over")
    }
}
