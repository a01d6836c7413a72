import FoundationEssentials
import Logging
import TokenHealth
import Testing

@testable import VigilEngine

/// A test alert by every notifier, from time to time, and a report of what became of it.
@Suite struct DrillTests {
    private let timekeeper = ManualTimekeeper()
    private let store = FailingHealthStore()
    private let changes = Tally()
    private let errors = Tally()

    private func service(every: Duration = .seconds(86_400), notifiers: [String] = ["mail", "oncall"]) -> DrillService {
        let (changes, errors) = (changes, errors)
        return DrillService(
            schedule: DrillSchedule(every: every, minute: 11 * 60),
            notifiers: notifiers,
            composer: AlertComposer(host: "srv1"),
            store: store,
            timekeeper: timekeeper,
            logger: Logger(label: "test") { _ in CountingLog(errors) },
            changed: { changes.add() }
        )
    }

    private func due(_ notifier: String) throws -> PendingDelivery? {
        try store.deliveries(for: notifier, dueAt: timekeeper.now().wall, limit: 10).first
    }

    private func settle(_ notifier: String, as outcome: DeliveryOutcome) throws {
        try store.settle(try #require(try due(notifier)), as: outcome)
    }

    @Test func `nothing happens before the time, and then every notifier gets a test`() throws {
        let drill = service()
        #expect(drill.tick() == .seconds(3600))
        timekeeper.advance(by: .seconds(3599))
        drill.tick()
        #expect(store.healthy.alerts.isEmpty)
        timekeeper.advance(by: .seconds(1))
        #expect(drill.tick() == .seconds(5))
        #expect(try due("mail")?.alert.kind == .test)
        #expect(try due("oncall")?.alert.id == due("mail")?.alert.id)
        #expect(changes.count == 1)
    }

    @Test func `when all have delivered, all are told who was how fast`() throws {
        let drill = service()
        drill.tick()
        timekeeper.advance(by: .seconds(3600))
        drill.tick()
        try settle("mail", as: .delivered(at: timekeeper.now().wall.addingTimeInterval(0.4)))
        timekeeper.advance(by: .seconds(5))
        drill.tick()
        #expect(store.healthy.alerts.count == 1)
        try settle("oncall", as: .delivered(at: timekeeper.now().wall))
        drill.tick()
        let report = try #require(store.healthy.alerts.last)
        #expect(report.summary == "DRILL on srv1: 2 of 2 notifiers delivered: mail in 0.4 s, oncall in 5.0 s")
        #expect(report.isDrillReport)
        #expect(try due("mail")?.alert == report)
        #expect(drill.problems([:]) == [])
        #expect(errors.count == 0)
        timekeeper.advance(by: .seconds(3600))
        drill.tick()
        #expect(store.healthy.alerts.count == 2)
    }

    @Test func `one that fails is told of by the others, and is a problem until it delivers`() throws {
        let drill = service()
        drill.tick()
        timekeeper.advance(by: .seconds(3600))
        drill.tick()
        try settle("mail", as: .undeliverable(at: timekeeper.now().wall, error: "exit 67"))
        try settle("oncall", as: .delivered(at: timekeeper.now().wall))
        drill.tick()
        let report = try #require(store.healthy.alerts.last)
        #expect(report.summary == "DRILL on srv1: 1 of 2 notifiers delivered: mail FAILED (exit 67), oncall in 0.0 s")
        #expect(try due("mail") == nil)
        #expect(try due("oncall")?.alert == report)
        #expect(errors.count == 1)
        let told = ["the drill of 2026-11-23T11:00:00.000Z found: mail FAILED (exit 67)"]
        #expect(drill.problems([:]) == told)
        let before = NotifierReport(lastDeliveredAt: ManualTimekeeper.start)
        #expect(drill.problems(["mail": before]) == told)
        let after = NotifierReport(lastDeliveredAt: timekeeper.now().wall.addingTimeInterval(60))
        #expect(drill.problems(["mail": after]) == [])
    }

    @Test func `one that does not deliver in a quarter of an hour counts as failed`() throws {
        let drill = service()
        drill.tick()
        timekeeper.advance(by: .seconds(3600))
        drill.tick()
        try settle("oncall", as: .delivered(at: timekeeper.now().wall))
        try settle("mail", as: .postponed(until: .distantFuture, error: "HTTP 503"))
        timekeeper.advance(by: .seconds(899))
        drill.tick()
        #expect(store.healthy.alerts.count == 1)
        timekeeper.advance(by: .seconds(1))
        drill.tick()
        #expect(store.healthy.alerts.last?.summary.contains("mail FAILED (not within 15 min: HTTP 503)") == true)
    }

    @Test func `a restart goes on with the drill under way, and begins none anew`() throws {
        service().tick()
        timekeeper.advance(by: .seconds(3600))
        // The first tick after a restart finds it due.
        service().tick()
        #expect(store.healthy.alerts.count == 1)
        let again = service()
        again.tick()
        #expect(store.healthy.alerts.count == 1)
        for notifier in ["mail", "oncall"] { try settle(notifier, as: .delivered(at: timekeeper.now().wall)) }
        again.tick()
        #expect(store.healthy.alerts.count == 2)
    }

    @Test func `drills missed while nothing ran are made up for once`() throws {
        service().tick()
        timekeeper.advance(by: .seconds(10 * 86_400))
        let drill = service()
        drill.tick()
        for notifier in ["mail", "oncall"] { try settle(notifier, as: .delivered(at: timekeeper.now().wall)) }
        drill.tick()
        drill.tick()
        #expect(store.healthy.alerts.count == 2)
        #expect(try store.drill()?.dueAt == ManualTimekeeper.start.addingTimeInterval(10 * 86_400 + 3600))
    }

    @Test func `another schedule begins anew`() throws {
        service().tick()
        let before = try #require(try store.drill())
        service(every: .seconds(7200)).tick()
        #expect(try store.drill()?.dueAt == ManualTimekeeper.start.addingTimeInterval(7200))
        #expect(try store.drill()?.schedule != before.schedule)
    }

    @Test func `what the store does not take is tried again`() throws {
        let drill = service()
        drill.tick()
        timekeeper.advance(by: .seconds(3600))
        store.fail(.commit)
        #expect(drill.tick() == .seconds(60))
        #expect(errors.count == 1)
        store.heal()
        drill.tick()
        #expect(store.healthy.alerts.count == 1)
    }
}
