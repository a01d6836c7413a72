import FoundationEssentials
import TokenHealth
import Testing
import VigilEngine

struct TokenWatchTests {
    @Test func `a log-out becomes a suspicion, a death, and after the repair a recovery`() async throws {
        let bench = try WatchBench()
        await bench.watch.tick()
        #expect(await bench.state() == .valid)
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(60)
        #expect(await bench.state() == .suspect)
        await bench.pass(15)
        #expect(bench.told == [])
        await bench.pass(15)
        #expect(await bench.state() == .invalid)
        #expect(bench.told == [.invalidated])
        bench.secrets.put("second")
        bench.prober.answer(Reply.accepted)
        await bench.pass(60)
        #expect(await bench.state() == .valid)
        #expect(bench.told == [.invalidated, .recovered])
        #expect(
            bench.store.healthy.alerts.map(\.summary) == [
                "INVALID bot (rejected) on srv1", "RECOVERED bot after 60 s on srv1",
            ]
        )
        #expect(Set(bench.store.healthy.alerts.map(\.incidentID)).count == 1)
        #expect(bench.prober.tries == [0, 60, 75, 90, 150])
        #expect(bench.store.healthy.waiting.map(\.notifier) == ["oncall", "oncall"])
    }

    @Test func `the control is asked at the start, at a suspicion and before an incident, and at no other time`()
        async throws
    {
        let bench = try WatchBench()
        await bench.watch.tick()
        await bench.pass(60)
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(60, inStepsOf: 15)
        await bench.pass(60, inStepsOf: 15)
        #expect(bench.prober.controls == [0, 120, 150])
        #expect(bench.prober.questions.filter(\.isControl).allSatisfy { $0.isFresh })
    }

    @Test func `a confirmation comes over a connection of its own, after blindness too`() async throws {
        let bench = try WatchBench()
        await bench.watch.tick()
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(60)
        await bench.pass(15)
        bench.prober.answer(Reply.unreachable)
        await bench.pass(1200, inStepsOf: 15)
        #expect(await bench.state() == .blind)
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(60)
        #expect(await bench.state() == .invalid)
        let fresh = bench.prober.questions.filter { !$0.isControl }.map(\.isFresh)
        #expect(fresh == [false, false] + Array(repeating: true, count: fresh.count - 2))
        #expect(bench.told == [.blind, .invalidated])
    }

    @Test func `the dead are left alone, and a new secret is tried at the next interval`() async throws {
        let bench = try WatchBench([Sample.token(interval: .seconds(10))])
        bench.prober.answer(Reply.unauthenticated)
        await bench.watch.tick()
        await bench.pass(30, inStepsOf: 10)
        #expect(await bench.state() == .invalid)
        let death = try #require(bench.prober.tries.last)
        await bench.pass(400, inStepsOf: 5)
        #expect(bench.prober.tries.filter { $0 > death } == [death + 60, death + 360])
        bench.secrets.put("second")
        bench.prober.answer(Reply.accepted)
        await bench.pass(10, inStepsOf: 5)
        #expect(await bench.state() == .valid)
        #expect(bench.told == [.invalidated, .recovered])
    }

    @Test func `the pauses of the dead grow to an hour`() async throws {
        let bench = try WatchBench()
        bench.prober.answer(Reply.unauthenticated)
        await bench.watch.tick()
        await bench.pass(3 * 3600, inStepsOf: 15)
        #expect(bench.prober.tries == [0, 15, 30, 90, 390, 1290, 4890, 8490])
    }

    @Test func `the wait that a server asks for is kept`() async throws {
        let bench = try WatchBench()
        bench.prober.answer(Reply.status(429, [HeaderField("Retry-After", "600")]))
        await bench.watch.tick()
        await bench.pass(700, inStepsOf: 20)
        #expect(bench.prober.tries == [0, 600])
    }

    @Test func `an answer that says nothing opens no incident until it is blind`() async throws {
        let bench = try WatchBench()
        await bench.watch.tick()
        bench.prober.answer(Reply.unreachable)
        await bench.pass(900, inStepsOf: 60)
        #expect(await bench.state() == .unknown)
        await bench.pass(60)
        #expect(await bench.state() == .blind)
        bench.prober.answer(Reply.accepted)
        await bench.pass(60)
        #expect(bench.told == [.blind, .sighted])
    }

    @Test func `a missing secret asks nobody, and is said when it stays away`() async throws {
        let bench = try WatchBench()
        bench.secrets.fail(.missing(source: "file /x"))
        await bench.watch.tick()
        #expect(await bench.state() == .misconfigured)
        await bench.pass(30, inStepsOf: 15)
        #expect(bench.told == [.misconfigured])
        #expect(bench.prober.questions == [])
        bench.secrets.put("first")
        await bench.pass(60)
        #expect(bench.told == [.misconfigured, .recovered])
    }

    @Test func `a dead token whose secret is taken away stays dead`() async throws {
        let bench = try WatchBench()
        bench.prober.answer(Reply.unauthenticated)
        await bench.watch.tick()
        await bench.pass(30, inStepsOf: 15)
        bench.secrets.fail(.missing(source: "file /x"))
        await bench.pass(600, inStepsOf: 30)
        #expect(await bench.state() == .invalid)
        #expect(bench.told == [.invalidated])
    }

    @Test func `reminders come while the network is left alone`() async throws {
        let bench = try WatchBench()
        bench.prober.answer(Reply.unauthenticated)
        await bench.watch.tick()
        await bench.pass(30, inStepsOf: 15)
        await bench.pass(3600, inStepsOf: 60)
        #expect(bench.told == [.invalidated, .reminder])
    }

    @Test func `nobody is reminded of what began in a quiet and is still to be told`() async throws {
        var token = Sample.token()
        token.remind = [.seconds(3600)]
        token.maintenance = [
            MaintenanceWindow(
                name: "morning",
                reason: "a test",
                days: Set(Weekday.allCases),
                from: 10 * 60,
                to: 10 * 60 + 30,
                zone: .gmt
            )
        ]
        let bench = try WatchBench([token])
        await bench.watch.tick()
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(300, inStepsOf: 15)
        #expect(bench.told == [])
        // The clock is set forward, over the end of the window: what it holds is told a little later.
        bench.timekeeper.setWall(by: 4000)
        await bench.pass(120, inStepsOf: 15)
        #expect(bench.told.first == .invalidated)
        #expect(Set(bench.store.healthy.alerts.map(\.incidentID)).count == 1)
    }

    /// Tokens of one owner, with a boss who is told after ten minutes.
    private func escalating(intervals: [Int]) -> [WatchedToken] {
        intervals.enumerated().map { index, interval in
            var token = Sample.token("t\(index)", interval: .seconds(interval))
            token.owner = "bot@example.test"
            token.escalate = ["boss"]
            token.escalateAfter = .seconds(600)
            token.remind = []
            return token
        }
    }

    @Test func `tokens that were told together are escalated together, and recover together`() async throws {
        let bench = try WatchBench(escalating(intervals: [60, 60, 45]))
        await bench.watch.tick()
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(150, inStepsOf: 5)
        await bench.pass(1200, inStepsOf: 5)
        #expect(bench.told == [.invalidated, .reminder])
        #expect(bench.store.healthy.alerts.last?.summary.hasPrefix("ESCALATED") == true)
        #expect(bench.store.healthy.alerts.map(\.tokenCount) == [3, 3])
        bench.prober.answer(Reply.accepted)
        await bench.pass(3600, inStepsOf: 5)
        #expect(bench.told == [.invalidated, .reminder, .recovered])
    }

    @Test func `an acknowledgement takes back the escalation that waits for siblings`() async throws {
        // The second is looked at so seldom that the first waits for it.
        let bench = try WatchBench(escalating(intervals: [60, 3600]))
        await bench.watch.tick()
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(150, inStepsOf: 5)
        #expect(bench.told == [.invalidated])
        var patience = 200
        while try bench.store.untold().held.isEmpty, patience > 0 {
            await bench.pass(5)
            patience -= 1
        }
        #expect(try bench.store.untold().held.map(\.notice.isEscalation) == [true])
        let names = try await bench.watch.acknowledge("t0", by: "oncall", reason: "on it")
        #expect(names.map(\.text) == ["t0", "t1"])
        #expect(try bench.store.untold().held.isEmpty)
        await bench.pass(4000, inStepsOf: 20)
        #expect(bench.told == [.invalidated])
    }

    @Test func `no more are looked at once than may be, and none is forgotten`() async throws {
        let tokens = (0..<10).map { index in
            var token = Sample.token("t\(index)")
            token.baseURL = "https://\(index).example.test"
            return token
        }
        let bench = try WatchBench(tokens, limit: 3)
        bench.timekeeper.advance(by: .seconds(1))
        let first = await bench.watch.takeDue()
        #expect(await bench.watch.takeDue().isEmpty)
        #expect(await bench.watch.nextDue == nil)
        await bench.watch.run(first)
        #expect(Set(bench.prober.questions.map(\.token.text)) == ["t0", "t1", "t2"])
        await bench.watch.tick()
        #expect(Set(bench.prober.questions.map(\.token)).count == 10)
    }

    @Test func `what is overdue begins as soon as there is a place`() async throws {
        let bench = try WatchBench((0..<10).map { Sample.token("t\($0)") }, limit: 3)
        bench.timekeeper.advance(by: .seconds(1))
        let round = await bench.watch.takeDue()
        #expect(await bench.watch.nextWake(at: .seconds(1), latest: .seconds(61)) == .seconds(61))
        await bench.watch.run(round)
        #expect(await bench.watch.nextWake(at: .seconds(1), latest: .seconds(61)) == .seconds(1))
        await bench.watch.tick()
        #expect(await bench.watch.nextWake(at: .seconds(1), latest: .seconds(100)) == .seconds(61))
    }

    @Test func `the first looks are spread, a few at once and many over an interval`() async throws {
        let bench = try WatchBench((0..<100).map { Sample.token("t\($0)", interval: .milliseconds(500)) })
        await bench.watch.tick()
        #expect(bench.prober.tries.count == 1)
        bench.timekeeper.advance(by: .milliseconds(250))
        await bench.watch.tick()
        #expect(bench.prober.tries.count == 51)
    }
}

struct CancelledLookTests {
    @Test(.timeLimit(.minutes(1))) func `a cancelled look records nothing`() async throws {
        let gate = Gate()
        let bench = try WatchBench(gate: gate)
        bench.prober.answer(Reply.unauthenticated)
        await withTaskGroup { group in
            group.addTask { await bench.watch.tick() }
            await gate.arrivals.reach(1)
            group.cancelAll()
        }
        #expect(bench.store.healthy.changes == [])
        #expect(await bench.state() == .pending)
        #expect(await bench.report()?.lastProbe == nil)
    }
}

struct StoreFailureTests {
    /// A suspicion that the next look confirms, and a store that takes nothing.
    private func aboutToDie() async throws -> WatchBench {
        let bench = try WatchBench()
        await bench.watch.tick()
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(60)
        await bench.pass(15)
        bench.store.fail(.commit)
        return bench
    }

    @Test func `what cannot be stored is not believed`() async throws {
        let bench = try await aboutToDie()
        await bench.pass(15)
        #expect(await bench.state() == .suspect)
        #expect(bench.told == [])
        #expect(await bench.watch.standingProblems == ["history cannot be written: the disk is full"])
    }

    @Test func `the alert is made when the store is back, once`() async throws {
        let bench = try await aboutToDie()
        await bench.pass(600, inStepsOf: 5)
        #expect(bench.told == [])
        bench.store.heal()
        await bench.pass(60, inStepsOf: 5)
        #expect(await bench.state() == .invalid)
        #expect(bench.told == [.invalidated])
        #expect(await bench.watch.standingProblems == [])
        await bench.pass(600, inStepsOf: 5)
        #expect(bench.told == [.invalidated])
    }

    @Test func `the provider is not made to pay for it`() async throws {
        let bench = try await aboutToDie()
        let before = bench.prober.tries.count
        await bench.pass(3600, inStepsOf: 5)
        #expect(bench.prober.tries.count - before <= 61)
        bench.prober.answer(Reply.status(429, [HeaderField("Retry-After", "1800")]))
        await bench.pass(60, inStepsOf: 5)
        let limited = bench.prober.tries.count
        await bench.pass(1700, inStepsOf: 5)
        #expect(bench.prober.tries.count == limited)
    }

    @Test func `a recovery that cannot be stored is not lost`() async throws {
        let bench = try WatchBench()
        bench.prober.answer(Reply.unauthenticated)
        await bench.watch.tick()
        await bench.pass(30, inStepsOf: 15)
        bench.store.fail(.commit)
        bench.secrets.put("second")
        bench.prober.answer(Reply.accepted)
        await bench.pass(600, inStepsOf: 5)
        #expect(bench.told == [.invalidated])
        bench.store.heal()
        await bench.pass(60, inStepsOf: 5)
        #expect(bench.told == [.invalidated, .recovered])
    }

    @Test func `healthy probes are stored together, and kept while that fails`() async throws {
        let bench = try WatchBench()
        await bench.watch.tick()
        await bench.pass(120, inStepsOf: 60)
        #expect(bench.store.healthy.changes.count == 1)
        bench.store.fail(.confirm)
        await bench.watch.flush()
        #expect(await bench.watch.standingProblems.count == 1)
        bench.store.heal()
        await bench.watch.flush()
        #expect(await bench.watch.standingProblems == [])
        let stored = try bench.store.load()[Sample.name()]
        #expect(stored?.belief.lastAcceptedAt == bench.timekeeper.now().wall)
        #expect(stored?.intervals.last?.end == bench.timekeeper.now().wall)
        bench.store.fail(.confirm)
        await bench.watch.flush()
        #expect(bench.store.failures.count == 1)
    }

    @Test func `they are stored in the order of the configuration, so that neighbours share a page`() async throws {
        let names = (0..<40).map { "bot-\($0 * 17 % 40)" }
        let bench = try WatchBench(names.map { Sample.token($0) })
        await bench.pass(120, inStepsOf: 1)
        await bench.watch.flush()
        #expect(bench.store.healthy.confirmed == names.map { Sample.name($0) })
    }
}

struct HistoryKeepingTests {
    @Test func `one interval covers looks alike, and each change begins another`() async throws {
        let bench = try WatchBench()
        await bench.watch.tick()
        await bench.pass(300, inStepsOf: 60)
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(150, inStepsOf: 15)
        await bench.watch.flush()
        let intervals = try #require(try bench.store.load()[Sample.name()]).intervals
        #expect(intervals.map(\.state) == [.valid, .suspect, .invalid])
        #expect(intervals.first?.start == ManualTimekeeper.start)
        for (earlier, later) in zip(intervals, intervals.dropFirst()) { #expect(earlier.end == later.start) }
        #expect(intervals.map { $0.end.timeIntervalSince($0.start) } == [360, 30, 60])
    }

    @Test func `a restart leaves a gap and keeps the history`() async throws {
        let store = FailingHealthStore()
        let first = try WatchBench(store: store)
        await first.watch.tick()
        await first.pass(600, inStepsOf: 60)
        await first.watch.flush()
        let second = try WatchBench(store: store, timekeeper: first.timekeeper)
        await second.pass(7200)
        let intervals = try #require(try store.load()[Sample.name()]).intervals
        #expect(intervals.map { $0.end.timeIntervalSince($0.start) } == [600, 0])
        #expect(second.told == [])
        #expect(await second.report()?.uptime.day == 1)
    }

    @Test func `a restart of the dead says nothing again`() async throws {
        let store = FailingHealthStore()
        let first = try WatchBench(store: store)
        first.prober.answer(Reply.unauthenticated)
        await first.watch.tick()
        await first.pass(30, inStepsOf: 15)
        let second = try WatchBench(store: store, timekeeper: first.timekeeper)
        second.prober.answer(Reply.unauthenticated)
        await second.pass(600, inStepsOf: 60)
        #expect(second.told == [.invalidated])
        #expect(await second.state() == .invalid)
    }

    @Test func `a long sleep of the host is a gap, and what was before it stays`() async throws {
        let bench = try WatchBench()
        await bench.watch.tick()
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(180, inStepsOf: 15)
        bench.prober.answer(Reply.accepted)
        bench.secrets.put("second")
        await bench.pass(240, inStepsOf: 60)
        let uptime = await bench.report()?.uptime.day
        #expect(uptime != nil && uptime != 1)
        await bench.pass(36_000)
        #expect(await bench.report()?.uptime.day == uptime)
        await bench.watch.flush()
        let intervals = try #require(try bench.store.load()[Sample.name()]).intervals
        #expect(intervals.map(\.state) == [.valid, .suspect, .invalid, .valid, .valid])
        let (before, after) = (intervals[3], intervals[4])
        #expect(after.start.timeIntervalSince(before.end) == 36_000)
    }

    @Test func `a clock set back makes no interval that ends before it begins`() async throws {
        let bench = try WatchBench()
        await bench.watch.tick()
        await bench.pass(300, inStepsOf: 60)
        bench.timekeeper.setWall(by: -200)
        bench.prober.answer(Reply.unreachable)
        await bench.pass(60)
        bench.prober.answer(Reply.accepted)
        await bench.pass(60)
        let intervals = try #require(try bench.store.load()[Sample.name()]).intervals
        #expect(intervals.allSatisfy { $0.end >= $0.start })
    }
}

struct ChangedTokensTests {
    @Test func `new tokens are looked at, gone ones are forgotten, the others go on`() async throws {
        let bench = try WatchBench([Sample.token("a"), Sample.token("b")])
        await bench.pass(1)
        let before = bench.prober.tries.count
        try await bench.watch.adopt([Sample.token("b"), Sample.token("c")])
        await bench.pass(1)
        let names = ["a", "b", "c"].map { Sample.name($0) }
        let reports = await bench.watch.reports(of: names[...], at: bench.timekeeper.now().wall)
        #expect(reports.map(\.name.text) == ["b", "c"])
        #expect(reports.last?.report.state == .valid)
        #expect(bench.prober.tries.count - before <= 2)
        #expect(bench.told == [])
    }

    @Test func `a token that comes back has its history`() async throws {
        let bench = try WatchBench([Sample.token("a")])
        bench.prober.answer(Reply.unauthenticated)
        await bench.watch.tick()
        await bench.pass(30, inStepsOf: 15)
        try await bench.watch.adopt([])
        await bench.pass(600, inStepsOf: 60)
        try await bench.watch.adopt([Sample.token("a")])
        #expect(await bench.state("a") == .invalid)
        #expect(await bench.report("a")?.incident == nil)
        // Its incident ended with its removal: a death that still is one is told anew.
        await bench.pass(60)
        #expect(bench.told == [.invalidated, .recovered, .invalidated])
    }

    @Test func `the incident of a token that is removed is closed once, and nobody is reminded`() async throws {
        let bench = try WatchBench([Sample.token("a"), Sample.token("b")])
        await bench.watch.tick()
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(60)
        await bench.pass(600, inStepsOf: 15)
        let told = bench.told
        #expect(await bench.watch.openIncidents(at: bench.timekeeper.now().wall).isEmpty == false)
        try await bench.watch.adopt([])
        #expect(await bench.watch.openIncidents(at: bench.timekeeper.now().wall) == [])
        await bench.pass(7200, inStepsOf: 600)
        // They are of one account, and were told together.
        #expect(bench.told == told + [.recovered])
        #expect(bench.store.healthy.interventions.map(\.deed) == [.removed, .removed])
        for stored in try bench.store.load().values { #expect(stored.belief.incident == nil) }
    }

    @Test func `what was held about a token that is removed is not told any more`() async throws {
        let bench = try WatchBench([Sample.token("a")])
        await bench.watch.tick()
        _ = try await bench.watch.silence(["a"], for: .seconds(7200), by: "ann", reason: "r")
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(60)
        await bench.pass(60, inStepsOf: 15)
        try await bench.watch.adopt([Sample.token("b")])
        await bench.pass(10_000, inStepsOf: 1000)
        #expect(
            bench.store.healthy.alerts.allSatisfy { alert in alert.tokens.allSatisfy { $0.name != Sample.name("a") } }
        )
    }

    @Test func `a removal that cannot be stored changes nothing`() async throws {
        let bench = try WatchBench([Sample.token("a"), Sample.token("b")])
        await bench.watch.tick()
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(60)
        await bench.pass(600, inStepsOf: 15)
        bench.store.fail(.commit)
        await #expect(throws: FailingHealthStore.DiskFull.self) { try await bench.watch.adopt([Sample.token("b")]) }
        #expect(await bench.report("a")?.incident != nil)
        #expect(await bench.watch.openIncidents(at: bench.timekeeper.now().wall).count > 0)
    }

    @Test func `a store that cannot be read changes nothing`() async throws {
        let bench = try WatchBench([Sample.token("a")])
        await bench.watch.tick()
        bench.store.fail(.load)
        await #expect(throws: FailingHealthStore.DiskFull.self) { try await bench.watch.adopt([Sample.token("b")]) }
        #expect(await bench.state("a") == .valid)
        #expect(await bench.state("b") == nil)
    }

    @Test func `the dead are not asked again because the configuration was read again`() async throws {
        let bench = try WatchBench()
        bench.prober.answer(Reply.unauthenticated)
        await bench.watch.tick()
        await bench.pass(30, inStepsOf: 15)
        let before = bench.prober.tries.count
        try await bench.watch.adopt([Sample.token()])
        await bench.pass(1)
        #expect(bench.prober.tries.count == before)
    }
}
