import FoundationEssentials
import Logging
import TokenHealth
import Testing
import VigilEngine

/// How it is found out that a notifier works again, and what is a problem until then.
struct RepairTests {
    private let timekeeper = ManualTimekeeper()
    private let store = InMemoryHealthStore()

    private func dispatcher(_ roster: NotifierRoster) throws -> OutboxDispatcher {
        OutboxDispatcher(
            roster: roster,
            failing: try store.failingNotifiers(),
            composer: AlertComposer(host: "srv1"),
            store: store,
            timekeeper: timekeeper,
            progress: Progress(),
            logger: .silent,
            chance: { 0 }
        )
    }

    private func problems(_ dispatcher: OutboxDispatcher) async throws -> [String] {
        let bench = try WatchBench([Sample.token(interval: .seconds(86_400))])
        await bench.watch.tick()
        return await Checkup(
            watch: bench.watch,
            store: store,
            storeProblem: { nil },
            notifiers: { ["chat", "mail"] },
            disabledNotifiers: { dispatcher.disabledNotifiers },
            timekeeper: timekeeper
        ).problems().filter { !$0.hasPrefix("not looked at") }
    }

    private func enqueueDeath() {
        store.enqueue(
            Sample.alert("death", .invalidated, incident: "bot-1", of: "bot", at: timekeeper.now().wall),
            to: ["chat"]
        )
    }

    @Test func `an alert that could not be delivered for five minutes is a problem, however rarely it is tried`()
        async throws
    {
        let busy = RecordingNotifier(.failed("HTTP 503", retryAfter: .seconds(290)))
        let dispatcher = try dispatcher(NotifierRoster(["chat": .init(busy)]))
        enqueueDeath()
        await dispatcher.tick()
        timekeeper.advance(by: .seconds(299))
        await dispatcher.tick()
        #expect(try await problems(dispatcher) == [])
        timekeeper.advance(by: .seconds(1))
        await dispatcher.tick()
        #expect(
            try await problems(dispatcher) == ["an alert to chat waits since 2026-11-23T10:00:00.000Z (HTTP 503)"]
        )
        busy.answer(.delivered("HTTP 204"))
        timekeeper.advance(by: .seconds(3600))
        await dispatcher.tick()
        #expect(try await problems(dispatcher) == [])
    }

    @Test func `one notifier that is closed by its receiver is a problem, and so is the alert that nobody got`()
        async throws
    {
        let dispatcher = try dispatcher(NotifierRoster(["chat": .init(RecordingNotifier(.gone("HTTP 410")))]))
        #expect(try await problems(dispatcher) == [])
        enqueueDeath()
        await dispatcher.tick()
        let told = try await problems(dispatcher)
        #expect(
            told == [
                "notifier chat is closed by its receiver since 2026-11-23T10:00:00.000Z (HTTP 410): "
                    + "give it a new address and reload",
                "an alert has reached nobody (INVALID bot on srv1, given up at 2026-11-23T10:00:00.000Z): tell whom it "
                    + "concerns; tokenvigil notify outbox lists it",
            ]
        )
        timekeeper.advance(by: .seconds(86_401))
        #expect(try await problems(dispatcher).map { $0.prefix(13) } == ["notifier chat"])
    }

    @Test func `a notifier that refuses is a problem once that is sure, until it takes an alert`() async throws {
        let chat = RecordingNotifier(.refused("HTTP 403"))
        let dispatcher = try dispatcher(NotifierRoster(["chat": .init(chat)]))
        enqueueDeath()
        for pause in [5, 30, 120, 300] {
            #expect(try await problems(dispatcher) == [])
            await dispatcher.tick()
            timekeeper.advance(by: .seconds(pause))
        }
        let told = try await problems(dispatcher)
        #expect(told.count == 1)
        #expect(told.first?.hasPrefix("notifier chat does not deliver since ") == true)
        #expect(told.first?.contains("(HTTP 403): repair it") == true)
        chat.answer(.delivered("HTTP 204"))
        await dispatcher.tick()
        #expect(try await problems(dispatcher) == [])
    }

    @Test func `after a restart one that is failing gets a test, and is no problem when it takes it`() async throws {
        enqueueDeath()
        await (try dispatcher(NotifierRoster(["chat": .init(RecordingNotifier(.gone("HTTP 410")))]))).tick()
        let chat = RecordingNotifier()
        let after = try dispatcher(NotifierRoster(["chat": .init(chat), "mail": .init(RecordingNotifier())]))
        after.checkFailingNotifiers()
        after.checkFailingNotifiers()
        await after.tick()
        after.checkFailingNotifiers()
        await after.tick()
        #expect(chat.alerts.map(\.kind) == [.test])
        #expect(chat.alerts.first?.summary.hasPrefix("TEST of chat on srv1") == true)
        #expect(try await problems(after).map { $0.prefix(8) } == ["an alert"])
    }

    @Test func `a receiver that wants no more is asked again only after its entry has changed`() async throws {
        let roster = NotifierRoster(["chat": .init(RecordingNotifier(.gone("HTTP 410")))])
        let dispatcher = try dispatcher(roster)
        enqueueDeath()
        await dispatcher.tick()
        for _ in 0..<3 {
            timekeeper.advance(by: .seconds(3600))
            dispatcher.checkFailingNotifiers()
        }
        #expect(store.waiting == [])
        let repaired = RecordingNotifier()
        dispatcher.enable(["chat"])
        roster.adopt(["chat": .init(repaired)])
        dispatcher.checkFailingNotifiers()
        await dispatcher.tick()
        #expect(repaired.alerts.map(\.kind) == [.test])
        #expect(try store.failingNotifiers().isEmpty)
    }

    @Test func `no test is sent while something waits, to one that works, or twice in half an hour`() async throws {
        let chat = RecordingNotifier(.gone("HTTP 410"))
        let roster = NotifierRoster(["chat": .init(chat), "mail": .init(RecordingNotifier())])
        enqueueDeath()
        await (try dispatcher(roster)).tick()
        let dispatcher = try dispatcher(roster)
        for _ in 0..<40 {
            dispatcher.checkFailingNotifiers()
            dispatcher.enable([])
            timekeeper.advance(by: .seconds(60))
        }
        #expect(store.waiting.filter(\.alert.isNotifierCheck).map(\.notifier) == ["chat"])
    }

    @Test func `a test goes to no fallback`() async throws {
        let mail = RecordingNotifier()
        let rules = NotifierRules(fallback: "mail")
        let roster = NotifierRoster([
            "chat": .init(RecordingNotifier(.refused("HTTP 403")), rules: rules), "mail": .init(mail),
        ])
        store.enqueue(AlertComposer(host: "srv1").checkAlert(of: "chat", at: timekeeper.now().wall), to: ["chat"])
        let dispatcher = try dispatcher(roster)
        for _ in 0..<3 { await dispatcher.tick() }
        #expect(mail.ids == [])
    }
}
