import Testing
import TokenHealth

@testable import VigilEngine

/// A host that bears fewer requests than its tokens need.
struct CeilingTests {
    @Test(arguments: [4, 20, 60], [250, 70])
    func `what a host bears is spread over the time for which it must last`(count: Int, step: Int) async throws {
        let names = (0..<count).map { "t\($0)" }
        let tokens = names.map { name in
            var token = Sample.token(name, interval: .seconds(1))
            token.provider.limits = ProviderLimits(rate: Rate(count: 60, per: .seconds(60)))
            return token
        }
        let bench = try WatchBench(tokens)
        await bench.watch.tick()
        for _ in 0..<(600_000 / step) {
            bench.timekeeper.advance(by: .milliseconds(step))
            await bench.watch.tick()
        }
        let all = bench.prober.questions.map(\.at.inSeconds)
        for start in all { #expect(all.count { $0 >= start && $0 < start + 60 } <= 60) }
        // At least so many as the host bears, but for what is put by and a twentieth.
        #expect(all.count { $0 >= 180 } >= 420 * 85 / 100)
        for name in names {
            let times = bench.prober.questions.filter { $0.token == Sample.name(name) }.map(\.at.inSeconds)
            let gaps = zip(times, times.dropFirst() + [600]).map { $1 - $0 }
            // A turn each second, and at first, when half was spent at once, one in two.
            let longest = gaps.max() ?? .infinity
            #expect(longest <= 2 * Double(count) + 5, "\(name)")
            let later = zip(times, gaps).filter { $0.0 > 120 }.map(\.1).max() ?? .infinity
            #expect(later <= 1.5 * Double(count) + 6, "\(name)")
        }
    }

    @Test func `a death is confirmed at once though the ceiling keeps the others waiting`() async throws {
        let tokens = (0..<20).map { index in
            var token = Sample.token("t\(index)", interval: .seconds(1))
            token.provider.limits = ProviderLimits(rate: Rate(count: 60, per: .seconds(60)))
            return token
        }
        let bench = try WatchBench(tokens)
        await bench.pass(300, inStepsOf: 1)
        bench.prober.answer(Reply.unauthenticated, about: "t3")
        var seconds = 0
        while await bench.state("t3") != .invalid, seconds < 200 {
            await bench.pass(1)
            seconds += 1
        }
        // Its turn, and what a confirmation takes.
        #expect(seconds <= 26 + 35)
    }
}
