import FoundationEssentials
import Logging
import TokenHealth
import Testing
import VigilEngine

struct ProgressTests {
    @Test func `what has never come round stands still`() {
        #expect(Progress().stalled(since: .zero) == Progress.Loop.allCases)
    }

    @Test func `a loop stands still until it comes round again`() {
        let progress = Progress()
        for loop in Progress.Loop.allCases { progress.mark(loop, at: .seconds(10)) }
        #expect(progress.stalled(since: .seconds(10)) == [])
        #expect(progress.stalled(since: .seconds(11)) == Progress.Loop.allCases)
        progress.mark(.probing, at: .seconds(12))
        #expect(progress.stalled(since: .seconds(11)) == [.delivering, .publishing])
    }
}

struct WatchdogTests {
    private let timekeeper = ManualTimekeeper()
    private let progress = Progress()
    private let errors = Tally()

    private func watchdog(_ supervisor: RecordingSupervisor) -> Watchdog {
        let errors = errors
        return Watchdog(
            supervisor: supervisor,
            progress: progress,
            timekeeper: timekeeper,
            logger: Logger(label: "test") { _ in CountingLog(errors) }
        )
    }

    private func mark(except stalled: Progress.Loop? = nil) {
        for loop in Progress.Loop.allCases where loop != stalled { progress.mark(loop, at: timekeeper.now().uptime) }
    }

    @Test(arguments: Progress.Loop.allCases)
    func `one loop that stands still is enough to get no sign of life`(stalled: Progress.Loop) {
        let supervisor = RecordingSupervisor()
        mark()
        timekeeper.advance(by: .seconds(31))
        mark(except: stalled)
        watchdog(supervisor).tick(interval: .seconds(30))
        #expect(supervisor.signs.count == 0)
        #expect(errors.count == 1)
        mark()
        watchdog(supervisor).tick(interval: .seconds(30))
        #expect(supervisor.signs.count == 1)
    }

    @Test func `a loop that came round exactly an interval ago is alive`() {
        let supervisor = RecordingSupervisor()
        mark()
        timekeeper.advance(by: .seconds(30))
        watchdog(supervisor).tick(interval: .seconds(30))
        #expect(supervisor.signs.count == 1)
    }

    @Test(.timeLimit(.minutes(1)))
    func `the loops have the time for their first round, then signs come thrice an interval`() async throws {
        let supervisor = RecordingSupervisor()
        let watchdog = watchdog(supervisor)
        try await withThrowingTaskGroup { group in
            group.addTask { try await watchdog.run() }
            for sign in 1...5 {
                await timekeeper.untilAsleep(1)
                mark()
                timekeeper.advance(by: .seconds(10))
                await supervisor.signs.reach(sign)
            }
            await timekeeper.untilAsleep(1)
            group.cancelAll()
            try await group.waitForAll()
        }
        #expect(supervisor.signs.count == 5)
        #expect(errors.count == 0)
    }
}

/// The loops that keep the watch and the status file going.
@Suite(.timeLimit(.minutes(1)))
struct LoopTests {
    @Test func `the watch looks when a token is due, and makes progress between`() async throws {
        let bench = try WatchBench()
        let progress = Progress()
        let service = ProbeService(watch: bench.watch, timekeeper: bench.timekeeper, progress: progress)
        try await withThrowingTaskGroup { group in
            group.addTask { try await service.run() }
            while bench.prober.tries.count < 4 {
                await bench.timekeeper.untilAsleep(1)
                // Nothing is due while the only look is under way: time waits for its answer.
                while await bench.watch.nextDue == nil { await Task.yield() }
                let now = bench.timekeeper.now().uptime
                #expect(!progress.stalled(since: now).contains(.probing), "at \(now)")
                bench.timekeeper.advance(by: .seconds(5))
            }
            await bench.timekeeper.untilAsleep(1)
            group.cancelAll()
            try await group.waitForAll()
        }
        let tries = bench.prober.tries
        // Time is moved by 5 s while a look may be under way: it is late by that, or its answer waits for its turn by that.
        #expect(tries.first.map { $0 < 60 } == true)
        #expect(zip(tries, tries.dropFirst()).allSatisfy { (55...65).contains($1 - $0) })
        #expect(bench.prober.controls.count == 1)
    }

    private func reporter(
        _ bench: WatchBench,
        _ publisher: RecordingPublisher,
        wakeup: Wakeup = Wakeup(),
        progress: Progress = Progress(),
        fault: StandingFault = StandingFault("x"),
        logger: Logger = .silent
    ) -> StatusReporter {
        StatusReporter(
            watch: bench.watch,
            store: bench.store,
            publisher: publisher,
            timekeeper: bench.timekeeper,
            progress: progress,
            monitor: MonitorReport(version: "0.1.0", pid: 1, host: "srv1", startedAt: ManualTimekeeper.start),
            notifierNames: ["oncall"],
            period: .seconds(60),
            wakeup: wakeup,
            fault: fault,
            logger: logger
        )
    }

    @Test func `a status file that cannot be written stops nothing`() async throws {
        let bench = try WatchBench()
        let publisher = RecordingPublisher()
        publisher.fail()
        await reporter(bench, publisher).tick()
        #expect(publisher.publications.count == 1)
    }

    @Test func `a status that cannot be published is logged once and is a problem of the monitor until it is over`()
        async throws
    {
        let bench = try WatchBench()
        let publisher = RecordingPublisher()
        let (lines, fault) = (Tally(), StandingFault("the status cannot be published"))
        let reporter = reporter(
            bench,
            publisher,
            fault: fault,
            logger: Logger(label: "test") { _ in CountingLog(lines) }
        )
        publisher.fail()
        for _ in 0..<5 { await reporter.tick() }
        #expect(lines.count == 1)
        #expect(fault.problem?.hasPrefix("the status cannot be published: ") == true)
        publisher.heal()
        await reporter.tick()
        #expect(publisher.documents.last?.monitor.healthy == false)
        await reporter.tick()
        #expect(publisher.documents.last?.monitor.healthy == true)
        #expect(fault.problem == nil && lines.count == 1)
    }

    @Test func `an outbox that cannot be read is a problem in the document`() async throws {
        let bench = try WatchBench()
        let publisher = RecordingPublisher()
        bench.store.fail(.read)
        await reporter(bench, publisher).tick()
        let document = try #require(publisher.documents.first)
        #expect(!document.monitor.healthy)
        #expect(document.monitor.problems == ["the outbox cannot be read: the disk is full"])
        #expect(document.notifiers["oncall"] == NotifierReport())
    }

    @Test func `a document holds for twice its period, and names every token and notifier`() async throws {
        let bench = try WatchBench()
        await bench.watch.tick()
        let publisher = RecordingPublisher()
        await reporter(bench, publisher).tick()
        let document = try #require(publisher.documents.first)
        #expect(document.generatedAt == ManualTimekeeper.start)
        #expect(document.validUntil == ManualTimekeeper.start.addingTimeInterval(120))
        #expect(document.monitor.healthy)
        #expect(document.worst == .valid)
        #expect(Set(document.tokens.keys) == ["bot"])
        #expect(Set(document.notifiers.keys) == ["oncall"])
    }

    @Test func `it is written once a period, and at once when something has changed`() async throws {
        let bench = try WatchBench()
        let publisher = RecordingPublisher()
        let wakeup = Wakeup()
        let progress = Progress()
        let reporter = reporter(bench, publisher, wakeup: wakeup, progress: progress)
        try await withThrowingTaskGroup { group in
            group.addTask { try await reporter.run() }
            await publisher.publications.reach(1)
            for _ in 0..<12 {
                await bench.timekeeper.untilAsleep(1)
                #expect(publisher.documents.count == 1)
                bench.timekeeper.advance(by: .seconds(5))
            }
            await publisher.publications.reach(2)
            await bench.timekeeper.untilAsleep(1)
            #expect(!progress.stalled(since: .seconds(60)).contains(.publishing))
            wakeup.signal()
            await publisher.publications.reach(3)
            group.cancelAll()
            try await group.waitForAll()
        }
        #expect(publisher.documents.map { $0.generatedAt.timeIntervalSince(ManualTimekeeper.start) } == [0, 60, 60])
    }

    @Test func `healthy sightings are stored when it stops`() async throws {
        let bench = try WatchBench()
        await bench.watch.tick()
        await bench.pass(60)
        let publisher = RecordingPublisher()
        let reporter = reporter(bench, publisher)
        try await withThrowingTaskGroup { group in
            group.addTask { try await reporter.run() }
            await publisher.publications.reach(1)
            group.cancelAll()
            try await group.waitForAll()
        }
        #expect(try bench.store.load()[Sample.name()]?.belief.lastAcceptedAt == bench.timekeeper.now().wall)
    }
}
