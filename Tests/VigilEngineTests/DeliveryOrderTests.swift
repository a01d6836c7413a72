import FoundationEssentials
import Logging
import TokenHealth
import Testing
import VigilEngine

/// In which order one notifier is told, and when what has waited is tried.
struct DeliveryOrderTests: OneNotifierStory {
    let timekeeper = ManualTimekeeper()
    let store = InMemoryHealthStore()

    /// Has everything that waits tried so often that its next turn is half an hour away.
    private func exhaust(_ dispatcher: OutboxDispatcher) async throws {
        for _ in 0..<6 {
            await dispatcher.tick()
            let due = try #require(store.waiting.map(\.dueAt).max())
            timekeeper.advance(by: .seconds(due.timeIntervalSince(timekeeper.now().wall)))
        }
        await dispatcher.tick()
        #expect(store.waiting.allSatisfy { $0.dueAt.timeIntervalSince(timekeeper.now().wall) == 1800 })
    }

    @Test func `when one gets through, all that waits follows at once, the oldest first`() async throws {
        let notifier = RecordingNotifier(.failed("HTTP 503"))
        let dispatcher = dispatcher(notifier)
        let old = (0..<50).map { "old\($0)" }
        for id in old { store.enqueue(Sample.alert(id, at: timekeeper.now().wall), to: ["oncall"]) }
        try await exhaust(dispatcher)
        notifier.answer(.delivered("HTTP 204"))
        let before = notifier.ids.count
        store.enqueue(Sample.alert("new", at: timekeeper.now().wall), to: ["oncall"])
        await dispatcher.tick()
        #expect(Array(notifier.ids.dropFirst(before)) == ["new"] + old)
        #expect(store.waiting == [])
    }

    @Test func `after a restart the first that gets through pulls the others forward, too`() async throws {
        store.enqueue(Sample.alert("old", at: timekeeper.now().wall), to: ["oncall"])
        try await exhaust(dispatcher(RecordingNotifier(.failed("HTTP 503"))))
        let notifier = RecordingNotifier()
        store.enqueue(Sample.alert("new", at: timekeeper.now().wall), to: ["oncall"])
        await dispatcher(notifier).tick()
        #expect(notifier.ids == ["new", "old"])
    }

    @Test func `a pause that the receiver has asked for is kept though others get through`() async throws {
        let notifier = RecordingNotifier(.failed("HTTP 429", retryAfter: .seconds(600)))
        let dispatcher = dispatcher(notifier)
        store.enqueue(Sample.alert("old", at: timekeeper.now().wall), to: ["oncall"])
        await dispatcher.tick()
        notifier.answer(.delivered("HTTP 204"))
        timekeeper.advance(by: .seconds(10))
        store.enqueue(Sample.alert("new", at: timekeeper.now().wall), to: ["oncall"])
        await dispatcher.tick()
        #expect(notifier.ids == ["old", "new"])
        timekeeper.advance(by: .seconds(590))
        await dispatcher.tick()
        #expect(notifier.ids == ["old", "new", "old"])
    }

    @Test func `one that fails where all others succeed holds nobody up, and is tried once a quarter of a minute`()
        async throws
    {
        let notifier = PoisonedNotifier(poison: "poison")
        let dispatcher = dispatcher(notifier)
        store.enqueue(Sample.alert("poison", at: timekeeper.now().wall), to: ["oncall"])
        for number in 0..<300 {
            store.enqueue(Sample.alert("a\(number)", at: timekeeper.now().wall), to: ["oncall"])
        }
        await dispatcher.tick()
        #expect(notifier.attempts(of: "poison") == 2)
        #expect(store.waiting.map(\.alert.id) == ["poison"])
        for second in 1...60 {
            timekeeper.advance(by: .seconds(1))
            store.enqueue(Sample.alert("b\(second)", at: timekeeper.now().wall), to: ["oncall"])
            await dispatcher.tick()
        }
        #expect(notifier.attempts(of: "poison") <= 7)
        #expect(store.waiting.map(\.alert.id) == ["poison"])
    }

    @Test func `a host that has slept for three days goes on trying for a day`() async throws {
        let notifier = RecordingNotifier(.failed("no network"))
        let dispatcher = dispatcher(notifier)
        store.enqueue(Sample.alert("a1", at: timekeeper.now().wall), to: ["oncall"])
        await dispatcher.tick()
        timekeeper.advance(by: .seconds(3 * 86_400))
        let awake = timekeeper.now().wall
        while let due = try store.nextDelivery(for: "oncall"), due < awake.addingTimeInterval(20 * 3600) {
            timekeeper.advance(by: .seconds(max(0, due.timeIntervalSince(timekeeper.now().wall))))
            await dispatcher.tick()
        }
        #expect(store.waiting.map(\.alert.id) == ["a1"])
        notifier.answer(.delivered("HTTP 204"))
        timekeeper.advance(by: .seconds(1800))
        await dispatcher.tick()
        #expect(store.waiting == [])
    }

    @Test func `two of one millisecond are told in the order in which they were decided`() async throws {
        let notifier = RecordingNotifier()
        for (id, kind) in [("z-recovered", AlertKind.recovered), ("a-invalidated", .invalidated)] {
            enqueue(id, kind, incident: id)
        }
        await dispatcher(notifier).tick()
        #expect(notifier.ids == ["z-recovered", "a-invalidated"])
    }

    @Test func `an end that waits is told before the next beginning of the same token`() async throws {
        let notifier = RecordingNotifier(.failed("HTTP 503"))
        let dispatcher = dispatcher(notifier)
        enqueue("end-1", .recovered, incident: "bot-1")
        try await exhaust(dispatcher)
        notifier.answer(.delivered("HTTP 204"))
        let before = notifier.ids.count
        enqueue("begin-2", .invalidated, incident: "bot-2")
        await dispatcher.tick()
        #expect(Array(notifier.ids.dropFirst(before)) == ["end-1", "begin-2"])
        #expect(notifier.alerts.last { $0.id == "end-1" }?.summary == "RECOVERED bot on srv1")
    }

    @Test func `all ends that wait are told before the next beginning of their tokens, though the first is needless`()
        async throws
    {
        let notifier = RecordingNotifier(.failed("HTTP 503"))
        let dispatcher = dispatcher(notifier)
        enqueue("needless", .blind, of: ["a", "b"], open: 2)
        enqueue("end-c", .recovered, incident: "c-1", of: "c")
        try await exhaust(dispatcher)
        let begin = Sample.alert(
            "begin",
            .invalidated,
            incident: "c-2",
            of: "c",
            and: ["b"],
            at: timekeeper.now().wall,
            open: 2
        )
        store.enqueue(begin, to: ["oncall"])
        enqueue("end-of-all", .sighted, of: ["a", "b"], open: 0)
        let before = notifier.ids.count
        notifier.answer(.delivered("HTTP 204"))
        await dispatcher.tick()
        #expect(Array(notifier.ids.dropFirst(before)) == ["end-c", "begin", "end-of-all"])
        #expect(notifier.alerts.allSatisfy { $0.lateness == nil })
    }

    @Test func `an end is told as it is where the beginning after it is over, too, or is another token's`() async throws
    {
        for (kind, token) in [(AlertKind.recovered, "bot"), (.invalidated, "other")] {
            let store = InMemoryHealthStore()
            let end = Sample.alert("end", .recovered, incident: "bot-1", at: timekeeper.now().wall)
            store.enqueue(end, to: ["oncall"])
            store.enqueue(
                Sample.alert("later", kind, incident: "\(token)-2", of: token, at: timekeeper.now().wall),
                to: ["oncall"]
            )
            let later = try #require(try store.deliveries(for: "oncall", dueAt: .distantFuture, limit: 2).last)
            try store.settle(later, as: .delivered(at: timekeeper.now().wall))
            #expect(end.timeliness(before: try store.later(than: end, for: "oncall")) == .timely)
        }
    }

    @Test(arguments: [AlertKind.blind, .reminder])
    func `the end of one of several waits for what opened it and could not be told`(opening: AlertKind) async throws {
        let notifier = RecordingNotifier(.failed("HTTP 503"))
        let dispatcher = dispatcher(notifier)
        enqueue("opening", opening, of: ["bot", "other"], open: 2)
        await dispatcher.tick()
        enqueue("end", .sighted, of: ["bot"], open: 1)
        await dispatcher.tick()
        #expect(notifier.ids == ["opening", "opening"])
        #expect(store.waiting.map(\.attempts) == [2, 0])
        #expect(Set(store.waiting.map(\.dueAt)).count == 1)
        notifier.answer(.delivered("HTTP 204"))
        timekeeper.advance(by: .seconds(60))
        await dispatcher.tick()
        #expect(notifier.ids.suffix(2) == ["opening", "end"])
        #expect(store.waiting == [])
    }

    @Test func `the end of one of several that is told after the end of all ends all`() async throws {
        let notifier = PoisonedNotifier(poison: "end-of-one")
        let dispatcher = dispatcher(notifier)
        enqueue("end-of-one", .sighted, of: ["bot"], open: 1)
        await dispatcher.tick()
        enqueue("end-of-all", .sighted, of: ["other"], open: 0)
        await dispatcher.tick()
        #expect(store.waiting.map(\.alert.id) == ["end-of-one"])
        notifier.heal()
        timekeeper.advance(by: .seconds(60))
        await dispatcher.tick()
        #expect(notifier.delivered.map(\.id) == ["end-of-all", "end-of-one"])
        #expect(notifier.delivered.map(\.openTokens) == [0, 0])
    }

    @Test func `what would open an incident again after the ends of all it is about is told with them`() async throws {
        let notifier = PoisonedNotifier(poison: "opening")
        let dispatcher = dispatcher(notifier)
        enqueue("opening", .blind, of: ["bot", "other"], open: 2)
        await dispatcher.tick()
        enqueue("end-of-one", .sighted, of: ["bot"], open: 1)
        enqueue("end-of-all", .sighted, of: ["other"], open: 0)
        await dispatcher.tick()
        #expect(store.waiting == [])
        #expect(notifier.attempts(of: "opening") == 1)
    }

    @Test func `trouble of a provider that could not be told before its end is told with it`() async throws {
        let notifier = PoisonedNotifier(poison: "trouble")
        let dispatcher = dispatcher(notifier)
        let now = timekeeper.now().wall
        let (provider, tokens) = ("provider-example-1", ["bot", "other"])
        let trouble = Sample.alert(
            "trouble",
            .providerIncident,
            incident: provider,
            of: tokens[0],
            and: [tokens[1]],
            at: now,
            open: 2
        )
        store.enqueue(trouble, to: ["oncall"])
        await dispatcher.tick()
        store.enqueue(Sample.alert("end", .providerRecovered, incident: provider, at: now), to: ["oncall"])
        await dispatcher.tick()
        #expect(store.waiting == [])
        notifier.heal()
        timekeeper.advance(by: .seconds(60))
        await dispatcher.tick()
        #expect(notifier.attempts(of: "trouble") == 1)
        #expect(notifier.attempts(of: "end") == 1)
    }

    @Test func `what opens an incident again after its end is told`() async throws {
        let notifier = RecordingNotifier()
        enqueue("end", .sighted, of: ["bot"], open: 0)
        timekeeper.advance(by: .milliseconds(1))
        enqueue("opening", .blind, of: ["bot"], open: 1)
        await dispatcher(notifier).tick()
        #expect(notifier.ids == ["end", "opening"])
        #expect(notifier.alerts.map(\.openTokens) == [0, 1])
    }

    @Test func `a beginning whose end waits beside it is told with it, without an attempt before`() async throws {
        let notifier = RecordingNotifier()
        enqueue("death", .invalidated, incident: "bot-1")
        enqueue("life", .recovered, incident: "bot-1")
        await dispatcher(notifier).tick()
        #expect(notifier.ids == ["life"])
        #expect(notifier.alerts.first?.summary.contains(", was INVALID bot from ") == true)
    }

    @Test func `the recovery of a notifier is not told after it fails again`() async throws {
        let notifier = PoisonedNotifier(poison: "end-1")
        let dispatcher = dispatcher(notifier)
        for (id, kind, incident) in [
            ("end-1", AlertKind.notifierRecovered, "notifier-chat-1"), ("begin-2", .notifierFailing, "notifier-chat-2"),
        ] {
            store.enqueue(Sample.monitorAlert(id, kind, incident: incident, at: timekeeper.now().wall), to: ["oncall"])
        }
        await dispatcher.tick()
        notifier.heal()
        timekeeper.advance(by: .seconds(60))
        await dispatcher.tick()
        #expect(notifier.delivered.map(\.id) == ["begin-2", "end-1"])
        #expect(notifier.delivered.last?.lateness != nil)
    }

    @Test(.timeLimit(.minutes(1))) func `the fallback has what was handed over within a moment`() async throws {
        let (refusing, mail) = (RecordingNotifier(.refused("HTTP 400")), RecordingNotifier())
        let roster = NotifierRoster([
            "oncall": .init(refusing, rules: NotifierRules(fallback: "mail")), "mail": .init(mail),
        ])
        let dispatcher = OutboxDispatcher(
            roster: roster,
            composer: AlertComposer(host: "srv1"),
            store: store,
            timekeeper: timekeeper,
            progress: Progress(),
            logger: .silent,
            chance: { 0 }
        )
        try await withThrowingTaskGroup { group in
            group.addTask { try await dispatcher.run() }
            await timekeeper.untilAsleep(4)
            store.enqueue(Sample.alert(), to: ["oncall"])
            roster.signal.send()
            // No time passes: the manual clock stands still.
            await mail.deliveries.reach(1)
            group.cancelAll()
            try await group.waitForAll()
        }
        #expect(mail.ids.contains("a1"))
    }
}

/// Takes everything but one alert.
final class PoisonedNotifier: Notifier {
    private let inner = RecordingNotifier()
    private let refused = RecordingNotifier(.failed("HTTP 500"))
    private let poison: String

    init(poison: String) { self.poison = poison }

    func deliver(_ alert: Alert) async -> DeliveryResult {
        alert.id == poison ? await refused.deliver(alert) : await inner.deliver(alert)
    }

    func heal() { refused.answer(.delivered("HTTP 204")) }
    func attempts(of id: String) -> Int { (inner.ids + refused.ids).count { $0 == id } }
    var delivered: [Alert] { inner.alerts + refused.alerts.suffix(1) }
}
