import FoundationEssentials
import Logging
import ServiceLifecycle
import TokenHealth
import Testing
import VigilEngine

/// Notifiers that come, change and go while the daemon runs.
@Suite(.timeLimit(.minutes(1)))
struct RosterTests {
    private let timekeeper = ManualTimekeeper()
    private let store = FailingHealthStore()
    private let old = RecordingNotifier()
    private let new = RecordingNotifier()

    private func dispatcher(
        _ roster: NotifierRoster,
        heirs: @escaping @Sendable (Alert) -> [String] = { _ in [] }
    ) throws -> OutboxDispatcher {
        OutboxDispatcher(
            roster: roster,
            failing: try store.failingNotifiers(),
            heirs: heirs,
            composer: AlertComposer(host: "srv1"),
            store: store,
            timekeeper: timekeeper,
            progress: Progress(),
            logger: .silent,
            chance: { 0 }
        )
    }

    private func outcome(of alert: String, by notifier: String) -> String? {
        guard case .undeliverable(_, let error)? = store.healthy.outcome(of: alert, by: notifier) else { return nil }
        return error
    }

    @Test func `what waits for one that is removed goes to its fallback`() async throws {
        let rules = NotifierRules(fallback: "mail")
        let roster = NotifierRoster(["oncall": .init(old, rules: rules), "mail": .init(new), "third": .init(old)])
        let dispatcher = try dispatcher(roster)
        store.healthy.enqueue(Sample.alert(), to: ["oncall"])
        roster.adopt(["mail": .init(new), "third": .init(old)])
        dispatcher.handOverLegacies()
        await dispatcher.tick()
        #expect((old.ids, new.ids) == ([], ["a1"]))
        #expect(outcome(of: "a1", by: "oncall") == "the notifier was removed from the configuration; handed to mail")
    }

    @Test func `where the fallback is gone, too, it goes to the fallback of that`() async throws {
        let roster = NotifierRoster([
            "a": .init(old, rules: NotifierRules(fallback: "b")), "b": .init(old, rules: NotifierRules(fallback: "c")),
            "c": .init(new),
        ])
        let dispatcher = try dispatcher(roster)
        store.healthy.enqueue(Sample.alert(), to: ["a"])
        roster.adopt(["b": .init(old, rules: NotifierRules(fallback: "c")), "c": .init(new)])
        roster.adopt(["c": .init(new)])
        dispatcher.handOverLegacies()
        await dispatcher.tick()
        #expect((old.ids, new.ids) == ([], ["a1"]))
    }

    @Test func `without a fallback it goes to those who are told now, else to all`() async throws {
        let roster = NotifierRoster(["mail": .init(new), "third": .init(old)])
        let dispatcher = try dispatcher(roster) { $0.id == "a1" ? ["mail", "no-more"] : [] }
        store.healthy.enqueue(Sample.alert("a1"), to: ["oncall"])
        store.healthy.enqueue(Sample.alert("a2"), to: ["oncall"])
        dispatcher.handOverLegacies()
        await dispatcher.tick()
        #expect((Set(old.ids), Set(new.ids)) == (["a2"], ["a1", "a2"]))
    }

    @Test func `whoever has it already gets it once`() async throws {
        let roster = NotifierRoster(["mail": .init(new)])
        let dispatcher = try dispatcher(roster)
        store.healthy.enqueue(Sample.alert(), to: ["mail", "oncall"])
        await dispatcher.tick()
        dispatcher.handOverLegacies()
        await dispatcher.tick()
        #expect(new.ids == ["a1"])
    }

    @Test func `where there is no other it is listed as undeliverable`() async throws {
        let dispatcher = try dispatcher(NotifierRoster([:]))
        store.healthy.enqueue(Sample.alert(), to: ["oncall"])
        dispatcher.handOverLegacies()
        #expect(outcome(of: "a1", by: "oncall") == "the notifier was removed from the configuration; there is no other")
    }

    @Test func `also what is not due for a long time is handed over, and more than a batch`() async throws {
        old.answer(.failed("HTTP 503", retryAfter: .seconds(3600)))
        let roster = NotifierRoster(["oncall": .init(old)])
        let dispatcher = try dispatcher(roster)
        for number in 0..<50 { store.healthy.enqueue(Sample.alert("a\(number)"), to: ["oncall"]) }
        await dispatcher.tick()
        #expect(old.ids.count == 50)
        roster.adopt(["mail": .init(new)])
        dispatcher.handOverLegacies()
        await dispatcher.tick()
        #expect(new.ids.count >= 50)
        #expect(Set(new.ids).isSuperset(of: (0..<50).map { "a\($0)" }))
    }

    @Test func `an outbox that cannot be written is tried again, and nothing is lost`() async throws {
        let dispatcher = try dispatcher(NotifierRoster(["mail": .init(new)]))
        store.healthy.enqueue(Sample.alert(), to: ["oncall"])
        store.fail(.settle)
        dispatcher.handOverLegacies()
        store.heal()
        #expect(store.healthy.waiting.map(\.notifier) == ["oncall"])
        dispatcher.handOverLegacies()
        #expect(store.healthy.waiting.map(\.notifier) == ["mail"])
    }

    private func failing(_ roster: NotifierRoster) async throws -> OutboxDispatcher {
        old.answer(.gone("HTTP 410"))
        let dispatcher = try dispatcher(roster)
        store.healthy.enqueue(Sample.alert(), to: ["oncall"])
        await dispatcher.tick()
        await dispatcher.tick()
        return dispatcher
    }

    @Test func `one that is removed while it fails: the others hear that this is over`() async throws {
        let roster = NotifierRoster(["oncall": .init(old), "mail": .init(new)])
        let dispatcher = try await failing(roster)
        let told = try #require(try store.failingNotifiers()["oncall"])
        roster.adopt(["mail": .init(new)])
        for _ in 0..<2 {
            dispatcher.handOverLegacies()
            await dispatcher.tick()
        }
        let ends = store.healthy.alerts.filter { $0.kind == .notifierRecovered }
        #expect(ends.map(\.incidentID) == [told.id])
        #expect(ends.first?.summary.hasPrefix("NOTIFIER REMOVED oncall, failing for ") == true)
        #expect(ends.first?.ending == .removed)
        #expect(ends.allSatisfy { new.ids.contains($0.id) })
        #expect(try store.failingNotifiers().isEmpty)
    }

    @Test func `one that was removed while nobody watched: the others hear it after the start`() async throws {
        _ = try await failing(NotifierRoster(["oncall": .init(old), "mail": .init(new)]))
        let next = try dispatcher(NotifierRoster(["mail": .init(new)]))
        next.handOverLegacies()
        #expect(store.healthy.alerts.count { $0.kind == .notifierRecovered } == 1)
    }

    @Test func `an end that cannot be written is told when it can`() async throws {
        let roster = NotifierRoster(["oncall": .init(old), "mail": .init(new)])
        let dispatcher = try await failing(roster)
        roster.adopt(["mail": .init(new)])
        store.fail(.commit)
        dispatcher.handOverLegacies()
        store.heal()
        #expect(!store.healthy.alerts.contains { $0.kind == .notifierRecovered })
        dispatcher.handOverLegacies()
        #expect(store.healthy.alerts.count { $0.kind == .notifierRecovered } == 1)
    }

    @Test func `where nobody is left to hear it, it is over all the same`() async throws {
        let roster = NotifierRoster(["oncall": .init(old), "mail": .init(new)])
        let dispatcher = try await failing(roster)
        roster.adopt([:])
        dispatcher.handOverLegacies()
        #expect(try store.failingNotifiers().isEmpty)
    }

    @Test func `while it runs, one that comes is used, one that changes is another, one that goes is used no more`()
        async throws
    {
        let roster = NotifierRoster(["oncall": .init(old)])
        let dispatcher = try dispatcher(roster)
        let third = RecordingNotifier()
        try await withThrowingTaskGroup { group in
            group.addTask { try await dispatcher.run() }
            store.healthy.enqueue(Sample.alert("a1"), to: ["oncall"])
            roster.signal.send()
            await old.deliveries.reach(1)
            roster.adopt(["oncall": .init(new), "mail": .init(third)])
            store.healthy.enqueue(Sample.alert("a2"), to: ["oncall", "mail"])
            roster.signal.send()
            await new.deliveries.reach(1)
            await third.deliveries.reach(1)
            roster.adopt(["mail": .init(third)])
            store.healthy.enqueue(Sample.alert("a3"), to: ["oncall"])
            roster.signal.send()
            // Found at once by the end of its loop, or within a minute.
            await timekeeper.untilAsleep(2)
            timekeeper.advance(by: .seconds(61))
            await third.deliveries.reach(2)
            group.cancelAll()
            try await group.waitForAll()
        }
        #expect((old.ids, new.ids, third.ids) == (["a1"], ["a2"], ["a2", "a3"]))
    }

    @Test func `one whose receiver wanted no more is tried again when it is another`() async throws {
        old.answer(.gone("HTTP 410"))
        let roster = NotifierRoster(["oncall": .init(old)])
        let dispatcher = try dispatcher(roster)
        store.healthy.enqueue(Sample.alert("a1"), to: ["oncall"])
        await dispatcher.tick()
        #expect(dispatcher.disabledNotifiers == ["oncall"])
        roster.adopt(["oncall": .init(new)])
        dispatcher.enable(["oncall"])
        store.healthy.enqueue(Sample.alert("a2"), to: ["oncall"])
        await dispatcher.tick()
        #expect(new.ids == ["a2"])
        #expect(dispatcher.disabledNotifiers == [])
    }
}

@Suite(.timeLimit(.minutes(1)))
struct RelayTests {
    /// Notes when it starts, and when it is over.
    private final class Runner: Service {
        let started = Tally()
        let ended = Tally()

        func run() async throws {
            started.add()
            try? await gracefulShutdown()
            ended.add()
        }
    }

    private let timekeeper = ManualTimekeeper()

    private func whileRunning(_ relay: Relay<Runner>, _ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { try await relay.run() }
            try await body()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    @Test func `one runs at a time, and the next when it is there`() async throws {
        let (first, second) = (Runner(), Runner())
        let relay = Relay(first, timekeeper: timekeeper)
        try await whileRunning(relay) {
            await first.started.reach(1)
            relay.hand(over: second)
            await second.started.reach(1)
            await first.ended.reach(1)
            #expect(second.ended.count == 0)
            relay.hand(over: nil)
            await second.ended.reach(1)
            #expect(relay.current == nil)
        }
        #expect((first.started.count, second.started.count) == (1, 1))
    }

    @Test func `one that lingers goes on beside the next for a while`() async throws {
        let (first, second) = (Runner(), Runner())
        let relay = Relay(first, linger: .seconds(1), timekeeper: timekeeper)
        try await whileRunning(relay) {
            await first.started.reach(1)
            relay.hand(over: second)
            await second.started.reach(1)
            #expect(first.ended.count == 0)
            await timekeeper.untilAsleep(3)
            timekeeper.advance(by: .seconds(1))
            await first.ended.reach(1)
        }
    }

    @Test func `it goes on for hours, and starts nothing twice`() async throws {
        let runner = Runner()
        let relay = Relay(runner, timekeeper: timekeeper)
        try await whileRunning(relay) {
            await runner.started.reach(1)
            for _ in 0..<3 {
                await timekeeper.untilAsleep(2)
                timekeeper.advance(by: .seconds(3600))
            }
            await timekeeper.untilAsleep(2)
        }
        #expect((runner.started.count, runner.ended.count) == (1, 1))
    }
}
