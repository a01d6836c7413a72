import FoundationEssentials
import Logging
import TokenHealth
import Testing
import VigilEngine

struct OutboxDispatcherTests {
    private let timekeeper = ManualTimekeeper()
    private let store = FailingHealthStore()
    private let settled = Tally()

    private func dispatcher(
        _ notifiers: [String: any Notifier],
        rules: [String: NotifierRules] = [:],
        progress: Progress = Progress(),
        logger: Logger = .silent
    ) throws -> OutboxDispatcher {
        OutboxDispatcher(
            notifiers: notifiers,
            rules: rules,
            failing: try store.failingNotifiers(),
            composer: AlertComposer(host: "srv1"),
            store: store,
            timekeeper: timekeeper,
            progress: progress,
            signal: OutboxSignal(notifiers: notifiers.keys),
            logger: logger,
            chance: { 0 },
            settled: { settled.add() }
        )
    }

    private func start(_ second: Double = 0) -> Date { ManualTimekeeper.start.addingTimeInterval(second) }

    @Test func `a failure is tried again after ever longer pauses`() async throws {
        let notifier = RecordingNotifier(.failed("HTTP 503"))
        let dispatcher = try dispatcher(["oncall": notifier])
        store.healthy.enqueue(Sample.alert(), to: ["oncall"])
        var pauses: [Double] = []
        for attempt in 1...8 {
            await dispatcher.tick()
            #expect(notifier.ids.count == attempt)
            let due = try #require(try store.nextDelivery(for: "oncall"))
            let pause = due.timeIntervalSince(timekeeper.now().wall)
            pauses.append(pause)
            timekeeper.advance(by: .seconds(pause) - .milliseconds(1))
            await dispatcher.tick()
            #expect(notifier.ids.count == attempt)
            timekeeper.advance(by: .milliseconds(1))
        }
        #expect(pauses == [5, 30, 120, 300, 900, 1800, 1800, 1800])
        #expect(Set(notifier.ids) == ["a1"])
        #expect(store.healthy.waiting.map(\.lastError) == ["HTTP 503"])
        notifier.answer(.delivered("HTTP 204"))
        await dispatcher.tick()
        #expect(store.healthy.waiting == [])
    }

    @Test(arguments: [(Duration.seconds(600), 600.0), (.seconds(1), 5), (.seconds(100_000), 3600)])
    func `the wait that a receiver asks for is kept, at most an hour`(wait: Duration, expected: Double) async throws {
        let dispatcher = try dispatcher(["oncall": RecordingNotifier(.failed("HTTP 429", retryAfter: wait))])
        store.healthy.enqueue(Sample.alert(), to: ["oncall"])
        await dispatcher.tick()
        let due = try store.nextDelivery(for: "oncall")
        #expect(due == start(expected))
    }

    @Test func `what a receiver wants no more is set aside at once, with its reason`() async throws {
        let notifier = RecordingNotifier(.gone("HTTP 410"))
        store.healthy.enqueue(Sample.alert(), to: ["oncall"])
        try await dispatcher(["oncall": notifier]).tick()
        #expect(store.healthy.outcome(of: "a1", by: "oncall") == .undeliverable(at: start(), error: "HTTP 410"))
        #expect(notifier.ids == ["a1"])
        #expect(settled.count == 1)
    }

    @Test func `one refusal loses nothing: it is tried again after five seconds`() async throws {
        let notifier = RecordingNotifier(.refused("HTTP 404"))
        let dispatcher = try dispatcher(["oncall": notifier])
        store.healthy.enqueue(Sample.alert(), to: ["oncall"])
        await dispatcher.tick()
        #expect(store.healthy.waiting.map(\.lastError) == ["HTTP 404"])
        notifier.answer(.delivered("HTTP 204"))
        timekeeper.advance(by: .seconds(5))
        await dispatcher.tick()
        #expect(notifier.ids == ["a1", "a1"])
        #expect(store.healthy.outcome(of: "a1", by: "oncall") == .delivered(at: start(5)))
    }

    @Test func `a refusal is believed after a day, and never before the sixth`() async throws {
        for age in [Double](arrayLiteral: 0, 172_800) {
            let store = FailingHealthStore()
            let dispatcher = OutboxDispatcher(
                notifiers: ["oncall": RecordingNotifier(.refused("HTTP 403"))],
                composer: AlertComposer(host: "srv1"),
                store: store,
                timekeeper: timekeeper,
                progress: Progress(),
                signal: OutboxSignal(),
                logger: .silent,
                chance: { 0 }
            )
            let begun = timekeeper.now().wall
            store.healthy.enqueue(Sample.alert(at: begun.addingTimeInterval(-age)), to: ["oncall"])
            var attempts = 0
            repeat {
                await dispatcher.tick()
                attempts += 1
                guard let due = try store.nextDelivery(for: "oncall") else { break }
                timekeeper.advance(by: .seconds(due.timeIntervalSince(timekeeper.now().wall)))
            } while attempts < 100
            let passed = timekeeper.now().wall.timeIntervalSince(begun)
            #expect(attempts >= 6 && attempts < 100)
            #expect(age > 0 ? passed < 3600 : passed >= 86_400)
            #expect(passed < 90_000)
            guard case .undeliverable? = store.healthy.outcome(of: "a1", by: "oncall") else {
                Issue.record("not set aside")
                return
            }
        }
    }

    @Test func `patience ends after three days`() async throws {
        let notifier = RecordingNotifier(.failed("HTTP 503"))
        let dispatcher = try dispatcher(["oncall": notifier])
        store.healthy.enqueue(Sample.alert(), to: ["oncall"])
        var last = timekeeper.now().wall
        while let due = try store.nextDelivery(for: "oncall") {
            last = due
            timekeeper.advance(by: .seconds(due.timeIntervalSince(timekeeper.now().wall)))
            await dispatcher.tick()
        }
        #expect(store.healthy.outcome(of: "a1", by: "oncall") == .undeliverable(at: last, error: "HTTP 503"))
        let age = last.timeIntervalSince(start())
        #expect(age >= 3 * 86_400 && age < 3 * 86_400 + 1800)
    }

    @Test func `the oldest goes first, and all that are due go`() async throws {
        let notifier = RecordingNotifier()
        for number in (0..<50).reversed() {
            store.healthy.enqueue(Sample.alert("a\(number)", at: start(Double(-number))), to: ["oncall"])
        }
        try await dispatcher(["oncall": notifier]).tick()
        #expect(notifier.ids == (0..<50).reversed().map { "a\($0)" })
        #expect(settled.count == 50)
    }

    @Test(.timeLimit(.minutes(1))) func `a slow notifier delays no other`() async throws {
        let gate = Gate()
        let (slow, fast) = (RecordingNotifier(gate: gate), RecordingNotifier())
        let dispatcher = try dispatcher(["slow": slow, "fast": fast])
        for id in ["a1", "a2"] { store.healthy.enqueue(Sample.alert(id), to: ["slow", "fast"]) }
        await withTaskGroup { group in
            group.addTask { await dispatcher.tick() }
            await gate.arrivals.reach(1)
            await fast.deliveries.reach(2)
            #expect(slow.ids == [])
            gate.open()
            await gate.arrivals.reach(2)
            gate.open()
        }
        #expect(slow.ids == ["a1", "a2"])
    }

    @Test func `a crash between delivery and its note repeats the same id`() async throws {
        let notifier = RecordingNotifier()
        store.healthy.enqueue(Sample.alert(), to: ["oncall"])
        store.fail(.settle)
        try await dispatcher(["oncall": notifier]).tick()
        store.heal()
        try await dispatcher(["oncall": notifier]).tick()
        #expect(notifier.ids == ["a1", "a1"])
        #expect(store.healthy.waiting == [])
    }

    @Test func `while the outbox cannot be written nobody is told twice by one process`() async throws {
        let notifier = RecordingNotifier()
        let dispatcher = try dispatcher(["oncall": notifier])
        for id in ["a1", "a2"] { store.healthy.enqueue(Sample.alert(id), to: ["oncall"]) }
        store.fail(.settle)
        for _ in 0..<100 {
            await dispatcher.tick()
            timekeeper.advance(by: .seconds(1))
        }
        #expect(notifier.ids == ["a1"])
        store.heal()
        await dispatcher.tick()
        #expect(notifier.ids == ["a1", "a2"])
        #expect(store.healthy.waiting == [])
        #expect(store.healthy.outcome(of: "a1", by: "oncall") == .delivered(at: start()))
    }

    @Test func `an outbox that cannot be read delivers nothing and loses nothing`() async throws {
        let notifier = RecordingNotifier()
        let dispatcher = try dispatcher(["oncall": notifier])
        store.healthy.enqueue(Sample.alert(), to: ["oncall"])
        store.fail(.read)
        await dispatcher.tick()
        #expect(notifier.ids == [])
        store.heal()
        await dispatcher.tick()
        #expect(notifier.ids == ["a1"])
    }

    @Test(arguments: [false, true])
    func `an outbox that cannot be used is logged when that begins, not at every attempt`(isWritten: Bool) async throws
    {
        let lines = Tally()
        let dispatcher = try dispatcher(
            ["oncall": RecordingNotifier(), "backup": RecordingNotifier()],
            logger: Logger(label: "test") { _ in CountingLog(lines) }
        )
        for round in 1...3 {
            store.healthy.enqueue(Sample.alert("a\(round)"), to: ["oncall", "backup"])
            store.fail(isWritten ? .settle : .read)
            for _ in 0..<20 { await dispatcher.tick() }
            #expect(lines.count == round)
            store.heal()
            await dispatcher.tick()
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a delivery that the shut-down cuts short stays due`() async throws {
        let gate = Gate()
        let notifier = RecordingNotifier(.failed("cancelled"), gate: gate)
        let dispatcher = try dispatcher(["oncall": notifier])
        store.healthy.enqueue(Sample.alert(), to: ["oncall"])
        await withTaskGroup { group in
            group.addTask { await dispatcher.tick() }
            await gate.arrivals.reach(1)
            group.cancelAll()
        }
        #expect(store.healthy.waiting.map(\.attempts) == [0])
    }

    @Test(.timeLimit(.minutes(1))) func `a delivery that succeeds during the shut-down is noted`() async throws {
        let gate = Gate()
        let dispatcher = try dispatcher(["oncall": RecordingNotifier(gate: gate)])
        store.healthy.enqueue(Sample.alert(), to: ["oncall"])
        await withTaskGroup { group in
            group.addTask { await dispatcher.tick() }
            await gate.arrivals.reach(1)
            group.cancelAll()
        }
        #expect(store.healthy.outcome(of: "a1", by: "oncall") == .delivered(at: start()))
    }
}

/// The loop around it.
@Suite(.timeLimit(.minutes(1)))
struct OutboxLoopTests {
    private let timekeeper = ManualTimekeeper()
    private let store = FailingHealthStore()
    private let notifier = RecordingNotifier()
    private let signal = OutboxSignal(notifiers: ["oncall"])
    private let progress = Progress()

    /// Runs the dispatcher while `body` runs; three of its loops sleep when it has nothing to do.
    private func whileRunning(_ body: () async throws -> Void) async throws {
        let dispatcher = OutboxDispatcher(
            notifiers: ["oncall": notifier],
            composer: AlertComposer(host: "srv1"),
            store: store,
            timekeeper: timekeeper,
            progress: progress,
            signal: signal,
            logger: .silent,
            chance: { 0 }
        )
        try await withThrowingTaskGroup { group in
            group.addTask { try await dispatcher.run() }
            await timekeeper.untilAsleep(3)
            try await body()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @Test func `a signal has new alerts delivered at once`() async throws {
        try await whileRunning {
            store.healthy.enqueue(Sample.alert(), to: ["oncall"])
            signal.send()
            await notifier.deliveries.reach(1)
        }
        #expect(notifier.ids == ["a1"])
    }

    @Test func `without a signal they are found within a minute`() async throws {
        try await whileRunning {
            store.healthy.enqueue(Sample.alert(), to: ["oncall"])
            timekeeper.advance(by: .seconds(60))
            await notifier.deliveries.reach(1)
        }
    }

    @Test func `a failed one is tried again when it is due`() async throws {
        notifier.answer(.failed("HTTP 503"))
        try await whileRunning {
            store.healthy.enqueue(Sample.alert(), to: ["oncall"])
            signal.send()
            await notifier.deliveries.reach(1)
            for second in 1...5 {
                await timekeeper.untilAsleep(3)
                #expect(notifier.ids.count == 1, "after \(second - 1) s")
                timekeeper.advance(by: .seconds(1))
            }
            await notifier.deliveries.reach(2)
        }
    }

    @Test func `while the outbox cannot be written it is left alone for half a minute`() async throws {
        store.fail(.settle)
        try await whileRunning {
            store.healthy.enqueue(Sample.alert(), to: ["oncall"])
            signal.send()
            await store.failures.reach(1)
            for _ in 0..<29 {
                await timekeeper.untilAsleep(3)
                timekeeper.advance(by: .seconds(1))
            }
            await timekeeper.untilAsleep(3)
            #expect(store.failures.count == 1)
            store.heal()
            timekeeper.advance(by: .seconds(1))
            await timekeeper.untilAsleep(3)
        }
        #expect(notifier.ids == ["a1"])
    }

    @Test func `it makes progress while the outbox can be read, and none while it cannot`() async throws {
        try await whileRunning {
            #expect(!progress.stalled(since: .zero).contains(.delivering))
            store.fail(.read)
            timekeeper.advance(by: .seconds(5))
            await store.failures.reach(1)
            await timekeeper.untilAsleep(3)
            #expect(progress.stalled(since: .seconds(1)).contains(.delivering))
            store.heal()
            timekeeper.advance(by: .seconds(5))
            await timekeeper.untilAsleep(3)
            #expect(!progress.stalled(since: .seconds(1)).contains(.delivering))
        }
    }
}
