import FoundationEssentials
import Logging
import TokenHealth
import Testing
import VigilEngine

/// What happens to alerts that one way does not deliver.
struct FallbackTests {
    private let timekeeper = ManualTimekeeper()
    private let store = InMemoryHealthStore()

    private func dispatcher(
        _ notifiers: [String: any Notifier],
        rules: [String: NotifierRules] = [:]
    ) throws -> OutboxDispatcher {
        OutboxDispatcher(
            notifiers: notifiers,
            rules: rules,
            failing: try store.failingNotifiers(),
            composer: AlertComposer(host: "srv1"),
            store: store,
            timekeeper: timekeeper,
            progress: Progress(),
            signal: OutboxSignal(notifiers: notifiers.keys),
            logger: .silent,
            chance: { 0 }
        )
    }

    /// Lets time pass, each delivery being tried when it is due.
    private func pass(_ seconds: Int, _ dispatcher: OutboxDispatcher) async throws {
        let end = timekeeper.now().wall.addingTimeInterval(Double(seconds))
        await dispatcher.tick()
        while let next = store.waiting.map(\.dueAt).min(), next <= end {
            timekeeper.advance(by: .seconds(max(next.timeIntervalSince(timekeeper.now().wall), 0.001)))
            await dispatcher.tick()
        }
        timekeeper.advance(by: .seconds(max(end.timeIntervalSince(timekeeper.now().wall), 0)))
        await dispatcher.tick()
    }

    @Test func `what one notifier refuses its fallback delivers at once`() async throws {
        let (oncall, mail) = (RecordingNotifier(.refused("HTTP 400")), RecordingNotifier())
        let rules = ["oncall": NotifierRules(fallback: "mail")]
        store.enqueue(Sample.alert(), to: ["oncall"])
        let dispatcher = try dispatcher(["oncall": oncall, "mail": mail], rules: rules)
        await dispatcher.tick()
        await dispatcher.tick()
        #expect(oncall.ids == ["a1"])
        #expect(mail.ids.contains("a1"))
    }

    @Test func `what is refused is handed over at the first refusal, and delivered by both once that is over`()
        async throws
    {
        let (oncall, mail) = (RecordingNotifier(.refused("HTTP 401")), RecordingNotifier())
        let rules = ["oncall": NotifierRules(fallback: "mail", fallbackAfter: .seconds(3600))]
        store.enqueue(Sample.alert(), to: ["oncall"])
        let dispatcher = try dispatcher(["oncall": oncall, "mail": mail], rules: rules)
        await dispatcher.tick()
        #expect(store.waiting.map(\.notifier).contains("oncall"))
        oncall.answer(.delivered("HTTP 204"))
        try await pass(10, dispatcher)
        #expect((oncall.ids, mail.ids) == (["a1", "a1"], ["a1"]))
    }

    @Test func `the others are told of a notifier at its fourth failure, and not before`() async throws {
        for result in [DeliveryResult.failed("HTTP 503"), .refused("HTTP 403")] {
            let store = InMemoryHealthStore()
            let mail = RecordingNotifier()
            let dispatcher = OutboxDispatcher(
                notifiers: ["oncall": RecordingNotifier(result), "mail": mail],
                composer: AlertComposer(host: "srv1"),
                store: store,
                timekeeper: timekeeper,
                progress: Progress(),
                signal: OutboxSignal(),
                logger: .silent,
                chance: { 0 }
            )
            store.enqueue(Sample.alert(at: timekeeper.now().wall), to: ["oncall"])
            for (attempt, pause) in [5, 30, 120, 300].enumerated() {
                await dispatcher.tick()
                await dispatcher.tick()
                #expect(mail.alerts.map(\.kind) == (attempt < 3 ? [] : [.notifierFailing]), "attempt \(attempt + 1)")
                timekeeper.advance(by: .seconds(pause))
            }
        }
    }

    @Test func `the others are told at once of a notifier whose receiver wants to be left alone for minutes`()
        async throws
    {
        let mail = RecordingNotifier()
        let busy = RecordingNotifier(.failed("HTTP 503", retryAfter: .seconds(3600)))
        let slow = RecordingNotifier(.failed("HTTP 429", retryAfter: .seconds(60)))
        store.enqueue(Sample.alert(at: timekeeper.now().wall), to: ["oncall", "chat"])
        let dispatcher = try dispatcher(["oncall": busy, "chat": slow, "mail": mail])
        await dispatcher.tick()
        await dispatcher.tick()
        #expect(mail.alerts.map(\.summary) == ["NOTIFIER FAILING oncall (HTTP 503) on srv1"])
    }

    @Test func `what waits too long the fallback delivers, too, and only once`() async throws {
        let (oncall, mail) = (RecordingNotifier(.failed("HTTP 503")), RecordingNotifier())
        let rules = ["oncall": NotifierRules(fallback: "mail", fallbackAfter: .seconds(600))]
        store.enqueue(Sample.alert(), to: ["oncall"])
        let dispatcher = try dispatcher(["oncall": oncall, "mail": mail], rules: rules)
        try await pass(500, dispatcher)
        #expect(!mail.ids.contains("a1"))
        try await pass(20_000, dispatcher)
        #expect(mail.ids.count { $0 == "a1" } == 1)
    }

    @Test func `whoever took over the beginning is told the end as well, and whoever did not is not`() async throws {
        let (oncall, mail) = (RecordingNotifier(.failed("HTTP 503")), RecordingNotifier())
        let rules = ["oncall": NotifierRules(fallback: "mail", fallbackAfter: .seconds(600))]
        let dispatcher = try dispatcher(["oncall": oncall, "mail": mail], rules: rules)
        func enqueue(_ id: String, _ kind: AlertKind, _ incident: String) {
            store.enqueue(
                Sample.alert(id, kind, incident: incident, of: incident, at: timekeeper.now().wall),
                to: ["oncall"]
            )
        }
        enqueue("death", .invalidated, "bot-1")
        try await pass(5000, dispatcher)
        #expect(mail.ids.contains("death"))
        oncall.answer(.delivered("HTTP 204"))
        try await pass(5000, dispatcher)
        enqueue("other", .invalidated, "bot-2")
        try await pass(10, dispatcher)
        enqueue("end", .recovered, "bot-1")
        enqueue("other end", .recovered, "bot-2")
        try await pass(10, dispatcher)
        #expect(oncall.ids.suffix(2) == ["end", "other end"])
        #expect(mail.ids.filter { !$0.contains("notifier") } == ["death", "end"])
    }

    @Test func `two that fall back on each other do not go round in circles`() async throws {
        let (first, second) = (RecordingNotifier(.refused("no")), RecordingNotifier(.refused("no")))
        let rules = ["first": NotifierRules(fallback: "second"), "second": NotifierRules(fallback: "first")]
        store.enqueue(Sample.alert(), to: ["first"])
        let dispatcher = try dispatcher(["first": first, "second": second], rules: rules)
        for _ in 0..<5 { await dispatcher.tick() }
        #expect(first.ids.count { $0 == "a1" } == 1)
        #expect(second.ids.count { $0 == "a1" } == 1)
    }

    @Test func `a notifier that fails repeatedly is told by the others once, across a restart, and its recovery`()
        async throws
    {
        let (mail, dead) = (RecordingNotifier(), RecordingNotifier(.failed("HTTP 503")))
        store.enqueue(Sample.alert(), to: ["oncall"])
        try await pass(100, try dispatcher(["oncall": dead, "mail": mail]))
        #expect(mail.alerts.map(\.kind) == [])
        try await pass(4000, try dispatcher(["oncall": dead, "mail": mail]))
        #expect(mail.alerts.map(\.kind) == [.notifierFailing])
        #expect(mail.alerts.first?.summary == "NOTIFIER FAILING oncall (HTTP 503) on srv1")
        try await pass(4000, try dispatcher(["oncall": dead, "mail": mail]))
        #expect(mail.alerts.map(\.kind) == [.notifierFailing])
        try await pass(4000, try dispatcher(["oncall": RecordingNotifier(), "mail": mail]))
        #expect(mail.alerts.map(\.kind) == [.notifierFailing, .notifierRecovered])
        #expect(Set(mail.alerts.map(\.incidentID)).count == 1)
    }

    @Test func `a beginning that its end has overtaken is told with it, in one message`() async throws {
        let notifier = RecordingNotifier(.failed("HTTP 503"))
        let began = timekeeper.now().wall
        store.enqueue(Sample.alert("death", .invalidated, incident: "i1", at: began), to: ["oncall"])
        let dispatcher = try dispatcher(["oncall": notifier])
        await dispatcher.tick()
        timekeeper.advance(by: .seconds(600))
        store.enqueue(
            Sample.alert("life", .recovered, incident: "i1", at: timekeeper.now().wall),
            to: ["oncall"]
        )
        notifier.answer(.delivered("HTTP 204"))
        await dispatcher.tick()
        #expect(notifier.ids == ["death", "life"])
        let ended = timekeeper.now().wall
        #expect(
            notifier.alerts.last?.summary
                == "STILL INVALID bot on srv1, was INVALID bot from \(began.minuteUTC) to \(ended.minuteUTC)"
        )
        #expect(store.waiting.isEmpty)
    }

    @Test func `an end that is due before its beginning takes it along, and nothing is told after it`() async throws {
        let notifier = RecordingNotifier(.failed("HTTP 503"))
        let dispatcher = try dispatcher(["oncall": notifier])
        let began = timekeeper.now().wall
        store.enqueue(Sample.alert("death", .invalidated, incident: "i1", at: began), to: ["oncall"])
        try await pass(600, dispatcher)
        store.enqueue(
            Sample.alert("life", .recovered, incident: "i1", at: timekeeper.now().wall),
            to: ["oncall"]
        )
        // The death is due again in some ten minutes, its end in five seconds.
        await dispatcher.tick()
        notifier.answer(.delivered("HTTP 204"))
        let before = notifier.ids.count
        try await pass(2000, dispatcher)
        #expect(Array(notifier.ids.dropFirst(before)) == ["life"])
        #expect(notifier.alerts.last?.summary.contains(", was INVALID bot from \(began.minuteUTC)") == true)
        #expect(store.waiting.isEmpty)
    }

    @Test func `reminders that could not be told do not pile up`() async throws {
        let notifier = RecordingNotifier(.failed("HTTP 503"))
        let dispatcher = try dispatcher(["oncall": notifier])
        for number in 1...5 {
            timekeeper.advance(by: .seconds(3600))
            store.enqueue(
                Sample.alert("r\(number)", .reminder, incident: "i1", at: timekeeper.now().wall),
                to: ["oncall"]
            )
            await dispatcher.tick()
        }
        notifier.answer(.delivered("HTTP 204"))
        timekeeper.advance(by: .seconds(7200))
        let before = notifier.ids.count
        await dispatcher.tick()
        #expect(Array(notifier.ids.dropFirst(before)) == ["r5"])
    }
}
