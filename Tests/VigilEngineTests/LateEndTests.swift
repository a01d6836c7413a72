import TokenHealth
import Testing
import VigilEngine

/// What is said of an end that could be told only after a beginning that came later.
struct LateEndTests: OneNotifierStory {
    let timekeeper = ManualTimekeeper()
    let store = InMemoryHealthStore()

    /// `end-1` is not taken, and the beginning that came after it is.
    private func overtakenEnd() async -> (PoisonedNotifier, OutboxDispatcher) {
        let notifier = PoisonedNotifier(poison: "end-1")
        let dispatcher = dispatcher(notifier)
        enqueue("end-1", .recovered, incident: "bot-1")
        await dispatcher.tick()
        enqueue("begin-2", .invalidated, incident: "bot-2")
        await dispatcher.tick()
        return (notifier, dispatcher)
    }

    @Test func `an end that could be told only after the next beginning says so`() async throws {
        let (notifier, dispatcher) = await overtakenEnd()
        #expect(store.waiting.map(\.alert.id) == ["end-1"])
        notifier.heal()
        timekeeper.advance(by: .seconds(60))
        await dispatcher.tick()
        let told = try #require(notifier.delivered.last)
        #expect(told.id == "end-1")
        #expect(told.summary == "RECOVERED bot on srv1, but INVALID bot since 2026-11-23 10:00 UTC")
        #expect(told.lateness == "This message is late. By now: INVALID bot since 2026-11-23 10:00 UTC.")
    }

    @Test func `it says so though another of its incident has ended since`() async throws {
        let notifier = PoisonedNotifier(poison: "end-1")
        let dispatcher = dispatcher(notifier)
        enqueue("end-1", .recovered, of: ["bot"], open: 1)
        await dispatcher.tick()
        enqueue("begin-2", .invalidated, incident: "bot-2")
        enqueue("end-of-all", .recovered, of: ["other"], open: 0)
        await dispatcher.tick()
        notifier.heal()
        timekeeper.advance(by: .seconds(60))
        await dispatcher.tick()
        let told = try #require(notifier.delivered.last)
        #expect(told.id == "end-1")
        #expect(told.lateness == "This message is late. By now: INVALID bot since 2026-11-23 10:00 UTC.")
    }

    @Test func `an end of several says which of them are in trouble by now, though another is well again`() async throws
    {
        let notifier = PoisonedNotifier(poison: "end-of-all")
        let dispatcher = dispatcher(notifier)
        enqueue("end-of-all", .recovered, of: ["a", "b", "c"], open: 0)
        await dispatcher.tick()
        enqueue("begin-a", .invalidated, incident: "a-2", of: "a")
        enqueue("begin-b", .invalidated, incident: "b-2", of: "b")
        enqueue("begin-c", .invalidated, incident: "c-2", of: "c")
        enqueue("end-c", .recovered, incident: "c-2", of: "c")
        await dispatcher.tick()
        notifier.heal()
        timekeeper.advance(by: .seconds(60))
        await dispatcher.tick()
        let told = try #require(notifier.delivered.last)
        #expect(told.id == "end-of-all")
        let since = "since 2026-11-23 10:00 UTC"
        #expect(told.lateness == "This message is late. By now: INVALID a \(since), and INVALID b \(since).")
    }

    @Test func `an end that could be told only after the next beginning says so though that is over by now`()
        async throws
    {
        let (notifier, dispatcher) = await overtakenEnd()
        notifier.heal()
        timekeeper.advance(by: .seconds(60))
        enqueue("end-2", .recovered, incident: "bot-2")
        await dispatcher.tick()
        let told = try #require(notifier.delivered.first { $0.id == "end-1" })
        let span = "from 2026-11-23 10:00 UTC to 2026-11-23 10:01 UTC"
        #expect(told.summary == "RECOVERED bot on srv1, but INVALID bot \(span)")
        #expect(told.lateness == "This message is late. Meanwhile: INVALID bot \(span).")
        #expect(store.waiting == [])
    }
}
