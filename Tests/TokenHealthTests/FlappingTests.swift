import FoundationEssentials
import TokenHealth
import Testing

/// What comes and goes: told a few times, then as one, and never in place of a death.
struct FlappingTests {
    /// Limited three times in a row, which is told, then valid.
    private func episode(of history: inout History, at second: Double, _ verdict: Verdict = .limited(.plan)) {
        for step in 0..<3 { history.observe(verdict, at: second + Double(step) * 10) }
        history.observe(.acceptedOwner, at: second + 30)
    }

    private func flapping(_ episodes: Int) -> History {
        var history = History()
        history.token.remind = []
        history.observe(.acceptedOwner, at: 0)
        for index in 0..<episodes { episode(of: &history, at: Double(100 + index * 100)) }
        return history
    }

    @Test func `twice is told as it happens`() {
        #expect(flapping(2).told == [.limited, .recovered, .limited, .recovered])
    }

    @Test func `the third time within an hour is the last one told, until all has been well for a quarter of an hour`()
    {
        var history = flapping(9)
        #expect(history.told == [.limited, .recovered, .limited, .recovered, .limited])
        #expect(history.belief.incident?.occurrence == 3)
        #expect(history.belief.state == .valid)
        history.observe(.acceptedOwner, at: 930 + 899)
        #expect(history.belief.incident != nil)
        let decision = history.observe(.acceptedOwner, at: 930 + 900)
        #expect(decision.notices.kinds == [.recovered])
        #expect(decision.notices.first?.incident?.relapses == 6)
        #expect(history.belief.incident == nil)
    }

    @Test func `after that it begins anew`() {
        var history = flapping(5)
        history.observe(.acceptedOwner, at: 2000)
        let told = history.told.count
        episode(of: &history, at: 2100)
        #expect(history.told.dropFirst(told) == [.limited, .recovered])
    }

    @Test func `what comes back once an hour is told every time`() {
        var history = History()
        history.token.remind = []
        history.observe(.acceptedOwner, at: 0)
        for hour in 1...6 { episode(of: &history, at: Double(hour) * 3600) }
        #expect(history.told.count == 12)
    }

    @Test func `another kind of the same trouble is not told meanwhile`() {
        var history = flapping(3)
        episode(of: &history, at: 500, .misconfigured(.endpoint))
        #expect(history.told == [.limited, .recovered, .limited, .recovered, .limited])
        #expect(history.belief.incident?.kind == .misconfigured)
    }

    @Test func `a death is told at once, and so is its end`() {
        var history = flapping(4)
        history.die(at: 500)
        #expect(history.told.last == .invalidated)
        let decision = history.observe(.acceptedOwner, at: 600)
        #expect(decision.notices.kinds == [.recovered])
        #expect(history.belief.incident == nil)
    }

    @Test func `the end of a death is told at once, though it had become what comes and goes`() {
        var history = flapping(4)
        history.die(at: 500)
        for step in 0..<3 { history.observe(.limited(.plan), at: 600 + Double(step) * 10) }
        #expect(history.belief.incident?.kind == .limited)
        let decision = history.observe(.acceptedOwner, at: 630)
        #expect(decision.notices.kinds == [.recovered])
        #expect(history.belief.incident == nil)
    }

    @Test func `nobody is reminded while all is well`() {
        var history = flapping(3)
        history.token.remind = [.seconds(60)]
        history.observe(.acceptedOwner, at: 700)
        #expect(!history.told.contains(.reminder))
        for second in [800.0, 810, 820] { history.observe(.limited(.plan), at: second) }
        #expect(history.told.last == .reminder)
    }

    @Test func `it survives a restart`() throws {
        var history = flapping(5)
        try history.restart()
        episode(of: &history, at: 700)
        #expect(history.told == [.limited, .recovered, .limited, .recovered, .limited])
    }

    @Test func `the alerts say so`() throws {
        var history = flapping(2)
        for second in [500.0, 510, 520] { history.observe(.limited(.plan), at: second) }
        var said = try #require(history.alert(telling: history.decisions.last?.notices.first)).summary
        #expect(said.contains(", 3 times within an hour: what follows is told as one"), "\(said)")
        history.observe(.acceptedOwner, at: 530)
        episode(of: &history, at: 600)
        let end = history.observe(.acceptedOwner, at: 630 + 900)
        said = try #require(history.alert(telling: end.notices.first)).summary
        #expect(said.contains(", in which it came back 1 time"), "\(said)")
    }
}
