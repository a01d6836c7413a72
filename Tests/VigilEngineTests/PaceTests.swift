import Testing
import TokenHealth

@testable import VigilEngine

struct PaceTests {
    private func pace(of count: Int, every interval: Duration = .seconds(60)) -> Pace {
        Pace(of: (0..<count).map { Sample.token("t\($0)", interval: interval) })
    }

    @Test(arguments: [(0, 10), (3, 100), (15, 500), (60, 500), (3600, 500)])
    func `looks that share a wake-up are close together`(interval: Int64, milliseconds: Int64) {
        #expect(pace(of: 3, every: .seconds(interval)).grain == .milliseconds(milliseconds))
        #expect(Pace(of: []).grain == .milliseconds(500))
    }

    @Test func `a thousand may always begin at once`() {
        var pace = pace(of: 1000)
        #expect(pace.allowance(at: .zero) >= 1000)
    }

    @Test func `after a sleep many are spread over a quarter of the interval`() {
        var pace = pace(of: 24_000)
        var begun = 0
        // A night asleep gives no more credit than a second does.
        for tick in 0..<2000 {
            let allowed = min(pace.allowance(at: .seconds(30_000) + .milliseconds(10 * tick)), 24_000 - begun)
            pace.spend(allowed)
            begun += allowed
            if tick == 0 { #expect(begun <= 1400) }
            if begun == 24_000 {
                #expect((1300...1500).contains(tick), "after \(tick * 10) ms")
                return
            }
        }
        Issue.record("only \(begun) have begun")
    }

    @Test func `in calm nothing waits`() {
        var pace = pace(of: 100_000)
        for tick in 0..<600 {
            let now = Duration.milliseconds(100 * tick)
            #expect(pace.allowance(at: now) >= 167)
            pace.spend(167)
        }
    }

    @Test func `a clock that stands still gives nothing`() {
        var pace = pace(of: 10)
        pace.spend(pace.allowance(at: .seconds(5)))
        #expect(pace.allowance(at: .seconds(5)) == 0)
        #expect(pace.allowance(at: .seconds(4)) == 0)
    }

    @Test func `thousands that are looked at hourly hold up none that is looked at every minute`() async throws {
        let hourly = (0..<5000).map { Sample.token("hourly-\($0)", interval: .seconds(3600)) }
        let tokens = [Sample.token()] + hourly
        let bench = try WatchBench(tokens)
        func tries() -> [Double] {
            bench.prober.questions.filter { !$0.isControl && $0.token == Sample.name("bot") }.map(\.at.inSeconds)
        }
        await bench.watch.tick()
        await bench.pass(200, inStepsOf: 1)
        #expect(tries() == [0, 60, 120, 180])
        // All are due at once after a reload, and after a sleep of the host.
        try await bench.watch.adopt(tokens)
        await bench.pass(100, inStepsOf: 1)
        #expect(tries().dropFirst(4) == [240, 300])
        bench.timekeeper.advance(by: .seconds(7200))
        await bench.pass(100, inStepsOf: 1)
        #expect(tries().dropFirst(6) == [7501, 7561])
    }
}
