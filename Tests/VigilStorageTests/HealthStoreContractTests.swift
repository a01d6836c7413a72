import FoundationEssentials
import TokenHealth
import Testing
import VigilEngine
import VigilStorage

/// What every store must do, the double of the engine's tests as much as the real one.
enum StoreImplementation: CaseIterable, Sendable {
    case inMemory, sqlite
    /// In front of a disk that works, of one that fails from the beginning, and of one that fails later.
    case resilient, resilientWithoutDisk, resilientOnFullDisk

    /// Runs `body` with an empty store.
    func withStore(_ body: (any HealthStore) throws -> Void) throws {
        switch self {
        case .inMemory:
            try body(InMemoryHealthStore())
        case .sqlite:
            let directory = try TemporaryDirectory()
            try body(directory.open())
        case .resilient:
            let directory = try TemporaryDirectory()
            try body(directory.resilient(SQLiteDepot(directory: directory.state) { Sample.start }))
        case .resilientWithoutDisk:
            let directory = try TemporaryDirectory()
            let depot = SwitchedDepot(directory)
            depot.breakDown()
            try body(directory.resilient(depot))
        case .resilientOnFullDisk:
            let directory = try TemporaryDirectory()
            let depot = SwitchedDepot(directory)
            let store = try directory.resilient(depot)
            try depot.fill()
            try body(store)
        }
    }
}

@Suite struct HealthStoreContractTests {
    @Test(arguments: StoreImplementation.allCases)
    func `an empty store knows nothing`(implementation: StoreImplementation) throws {
        try implementation.withStore { store in
            let (stored, reports) = (try store.load(), try store.notifierReports())
            #expect(stored.isEmpty && reports.isEmpty)
            let (due, next) = (try due(in: store, at: 1_000_000), try store.nextDelivery(for: "oncall"))
            #expect(due.isEmpty && next == nil)
        }
    }

    private func due(in store: any HealthStore, at seconds: Double, limit: Int = 10, for notifier: String = "oncall")
        throws -> [PendingDelivery]
    {
        try store.deliveries(for: notifier, dueAt: Sample.second(seconds), limit: limit)
    }

    @Test(arguments: StoreImplementation.allCases)
    func `what was committed is loaded`(implementation: StoreImplementation) throws {
        try implementation.withStore { store in
            let death = Sample.death()
            try store.commit(death.change)
            let stored = try #require(try store.load()[Sample.name()])
            #expect(stored.belief == death.decision.belief)
            #expect(
                stored.intervals == [Sample.interval(0, 60), Sample.interval(60, 60, .invalid, reason: "rejected")]
            )
        }
    }

    @Test(arguments: StoreImplementation.allCases)
    func `the newest belief takes the place of the one before, of its own token alone`(
        implementation: StoreImplementation
    ) throws {
        try implementation.withStore { store in
            try store.commit(Sample.change("a", at: 0))
            try store.commit(Sample.change("b", at: 0))
            try store.commit(Sample.change("a", at: 60))
            let stored = try store.load()
            #expect(stored[Sample.name("a")]?.belief.since == Sample.second(60))
            #expect(stored[Sample.name("b")]?.belief.since == Sample.second(0))
        }
    }

    @Test(arguments: StoreImplementation.allCases)
    func `an interval that goes on is one row that grows`(implementation: StoreImplementation) throws {
        try implementation.withStore { store in
            for second in stride(from: 0.0, through: 600, by: 60) {
                var change = Sample.change(at: second)
                change.interval = Sample.interval(0, second)
                try store.commit(change)
            }
            try store.confirm([
                Sighting(token: Sample.name(), belief: Belief(at: Sample.start), interval: Sample.interval(0, 900))
            ])
            #expect(try store.load()[Sample.name()]?.intervals == [Sample.interval(0, 900)])
        }
    }

    @Test(arguments: StoreImplementation.allCases)
    func `intervals are loaded oldest first`(implementation: StoreImplementation) throws {
        try implementation.withStore { store in
            for (from, state) in [(120.0, StateName.invalid), (0, .valid), (60, .suspect)] {
                var change = Sample.change()
                change.interval = Sample.interval(from, from + 60, state)
                try store.commit(change)
            }
            #expect(try store.load()[Sample.name()]?.intervals.map(\.state) == [.valid, .suspect, .invalid])
        }
    }

    @Test(arguments: StoreImplementation.allCases)
    func `a sighting is stored, of a token not known before too`(implementation: StoreImplementation) throws {
        try implementation.withStore { store in
            let belief = Sample.accepted(at: 0)
            try store.confirm([
                Sighting(token: Sample.name("a"), belief: belief, interval: Sample.interval(0, 60)),
                Sighting(token: Sample.name("b"), belief: belief, interval: Sample.interval(0, 90)),
            ])
            let stored = try store.load()
            let seen = belief.sighted(at: Sample.second(60))
            #expect(stored[Sample.name("a")] == StoredToken(belief: seen, intervals: [Sample.interval(0, 60)]))
            #expect(stored[Sample.name("b")]?.intervals == [Sample.interval(0, 90)])
        }
    }

    @Test(arguments: StoreImplementation.allCases)
    func `of acceptances without news the last one is known`(implementation: StoreImplementation) throws {
        try implementation.withStore { store in
            let belief = Sample.accepted(at: 0)
            try store.confirm([Sighting(token: Sample.name(), belief: belief, interval: Sample.interval(0, 0))])
            for second in stride(from: 60.0, through: 600, by: 60) {
                try store.confirm([Sighting(token: Sample.name(), belief: nil, interval: Sample.interval(0, second))])
            }
            let stored = try #require(try store.load()[Sample.name()])
            #expect(stored.intervals == [Sample.interval(0, 600)])
            #expect(stored.belief == belief.sighted(at: Sample.second(600)))
            #expect(stored.belief.lastAcceptedAt == Sample.second(600))
        }
    }

    @Test(arguments: StoreImplementation.allCases)
    func `what must be known of hosts is loaded, the newest of each`(implementation: StoreImplementation) throws {
        try implementation.withStore { store in
            #expect(try store.hosts().isEmpty)
            let (one, other) = (
                RealmName(provider: "a", origin: "https://a.example.test"),
                RealmName(provider: "a", origin: "https://b.example.test")
            )
            var record = HostRecord()
            record.allowedLooks = 2
            record.spent = [HostRecord.Events(at: Sample.second(5), count: 3)]
            try store.keep(HostMemory(records: [one: record], quiet: [Sample.name(): Sample.second(600)]))
            record.allowedRequests = 7
            try store.keep(HostMemory(records: [other: record]))
            record.trials = [HostRecord.Events(at: Sample.second(6), count: 1)]
            try store.write([.hosts(HostMemory(records: [one: record], quiet: [Sample.name("b"): Sample.second(9)]))])
            let hosts = try store.hosts()
            #expect(hosts.records[one] == record)
            #expect(hosts.records[other]?.trials.isEmpty == true)
            #expect(hosts.quiet == [Sample.name(): Sample.second(600), Sample.name("b"): Sample.second(9)])
        }
    }

    @Test(arguments: [StoreImplementation.inMemory, .sqlite, .resilient])
    func `of hosts nothing old is kept for ever`(implementation: StoreImplementation) throws {
        try implementation.withStore { store in
            let realm = RealmName(provider: "a", origin: "https://a.example.test")
            var record = HostRecord()
            record.spent = [HostRecord.Events(at: Sample.second(5), count: 3)]
            let quiet = [Sample.name(): Sample.second(600), Sample.name("b"): Sample.second(90_000)]
            try store.keep(HostMemory(records: [realm: record], quiet: quiet))
            try prune(store, before: 80_000)
            let hosts = try store.hosts()
            #expect(hosts.quiet.keys.map(\.text) == ["b"])
            #expect(hosts.records.isEmpty)
        }
    }

    private func prune(_ store: any HealthStore, before seconds: Double) throws {
        var step: PruningStep?
        var steps = 0
        repeat {
            step = try store.prune(before: Sample.second(seconds), after: step)
            steps += 1
        } while step != nil && steps < 100
        #expect(steps < 100)
    }

    @Test(arguments: [StoreImplementation.inMemory, .sqlite, .resilient])
    func `what ended long ago is forgotten, and nothing else`(implementation: StoreImplementation) throws {
        try implementation.withStore { store in
            var change = Sample.change(alerts: [Sample.alert("old"), Sample.alert("waiting")])
            change.interval = Sample.interval(0, 100)
            try store.commit(change)
            change = Sample.change(at: 300, alerts: [Sample.alert("new", at: 300)])
            change.interval = Sample.interval(100, 300, .unknown)
            try store.commit(change)
            let due = try store.deliveries(for: "oncall", dueAt: Sample.second(300), limit: 10)
            for delivery in due where delivery.alert.id != "waiting" {
                try store.settle(delivery, as: .delivered(at: Sample.second(301)))
            }
            try prune(store, before: 100)
            #expect(try store.load()[Sample.name()]?.intervals.count == 2)
            try prune(store, before: 200)
            #expect(try store.load()[Sample.name()]?.intervals == [Sample.interval(100, 300, .unknown)])
            #expect(try store.deliveryRecords(of: "old").isEmpty)
            #expect(try store.deliveryRecords(of: "waiting").count == 1)
            #expect(try store.deliveryRecords(of: "new").count == 1)
        }
    }

    @Test(arguments: StoreImplementation.allCases)
    func `an alert waits for each of its notifiers, due at once`(implementation: StoreImplementation) throws {
        try implementation.withStore { store in
            try store.commit(Sample.change(at: 60, alerts: [Sample.alert(at: 60)], to: ["oncall", "journal"]))
            for notifier in ["oncall", "journal"] {
                #expect(try store.deliveries(for: notifier, dueAt: Sample.second(59.999), limit: 10) == [])
                let due = try store.deliveries(for: notifier, dueAt: Sample.second(60), limit: 10)
                #expect(
                    due == [
                        PendingDelivery(
                            alert: Sample.alert(at: 60),
                            notifier: notifier,
                            attempts: 0,
                            dueAt: Sample.second(60),
                            lastError: nil
                        )
                    ]
                )
                #expect(try store.nextDelivery(for: notifier) == Sample.second(60))
            }
            #expect(try store.deliveries(for: "other", dueAt: Sample.second(60), limit: 10) == [])
        }
    }

    @Test(arguments: StoreImplementation.allCases)
    func `the oldest comes first, and no more than asked for`(implementation: StoreImplementation) throws {
        try implementation.withStore { store in
            for second in [30.0, 10, 50, 20, 40] {
                try store.commit(Sample.change(at: second, alerts: [Sample.alert("a\(Int(second))", at: second)]))
            }
            let due = try store.deliveries(for: "oncall", dueAt: Sample.second(40), limit: 3)
            #expect(due.map(\.alert.id) == ["a10", "a20", "a30"])
        }
    }

    @Test(arguments: StoreImplementation.allCases)
    func `of one millisecond the one stored first comes first`(implementation: StoreImplementation) throws {
        try implementation.withStore { store in
            let ids = ["z", "a", "m", "b"]
            for id in ids { try store.commit(Sample.change(alerts: [Sample.alert(id)])) }
            #expect(try due(in: store, at: 0).map(\.alert.id) == ids)
        }
    }

    @Test(arguments: StoreImplementation.allCases)
    func `when a notifier works again, what waits for it is due, and for no other`(
        implementation: StoreImplementation
    ) throws {
        try implementation.withStore { store in
            try store.commit(Sample.change(alerts: [Sample.alert("a"), Sample.alert("b")], to: ["oncall", "journal"]))
            for notifier in ["oncall", "journal"] {
                let waiting = try #require(try due(in: store, at: 0, for: notifier).last)
                try store.settle(waiting, as: .postponed(until: Sample.second(1800), error: "HTTP 503"))
            }
            var consequences = Consequences()
            consequences.waitingDueBy = Sample.second(20)
            let first = try #require(try due(in: store, at: 0).first)
            try store.settle(first, as: .delivered(at: Sample.second(5)), with: consequences)
            #expect(try store.nextDelivery(for: "oncall") == Sample.second(20))
            #expect(try due(in: store, at: 20).map(\.attempts) == [1])
            #expect(try due(in: store, at: 20, for: "journal").map(\.alert.id) == ["a"])
        }
    }

    @Test(arguments: StoreImplementation.allCases)
    func `what is about the same is found, before and after an alert`(implementation: StoreImplementation) throws {
        try implementation.withStore { store in
            func alert(_ id: String, about incident: String) -> Alert {
                Alert(
                    id: id,
                    kind: .notifierFailing,
                    severity: .warning,
                    createdAt: Sample.start,
                    incidentID: incident,
                    summary: id,
                    host: "srv1"
                )
            }
            let all = [("z", "chat-1"), ("y", "mail-1"), ("x", "chat-2"), ("w", "chat-3"), ("v", "chat-3")]
                .map { alert($0, about: $1) }
            for alert in all { try store.commit(Sample.change(alerts: [alert], to: ["oncall", "journal"])) }
            let due = try due(in: store, at: 0)
            try store.settle(due[2], as: .delivered(at: Sample.start))
            try store.settle(due[3], as: .undeliverable(at: Sample.start, error: "no"))
            #expect(
                try store.later(than: all[0], for: "oncall")
                    == [LaterAlert(all[2], isDelivered: true), LaterAlert(all[4], isDelivered: false)]
            )
            #expect(try store.later(than: all[4], for: "oncall") == [])
            #expect(try store.firstWaiting(before: all[4], for: "oncall")?.alert.id == "z")
            #expect(try store.firstWaiting(before: all[1], for: "oncall") == nil)
            try store.settle(due[0], as: .overtaken(at: Sample.start, by: "v"))
            #expect(try store.firstWaiting(before: all[4], for: "oncall") == nil)
            #expect(try store.firstWaiting(before: all[4], for: "journal")?.alert.id == "z")
            // Delivered, waiting, overtaken, given up, and what is told elsewhere.
            #expect(try store.knows("oncall", of: "chat-2"))
            #expect(try store.knows("oncall", of: "mail-1"))
            #expect(try !store.knows("oncall", of: "chat-1"))
            #expect(try store.knows("journal", of: "chat-1"))
            try store.settle(due[4], as: .undeliverable(at: Sample.start, error: "no"))
            #expect(try !store.knows("oncall", of: "chat-3"))
            #expect(try !store.knows("mail", of: "chat-2"))
        }
    }

    @Test(arguments: StoreImplementation.allCases)
    func `the same alert again is one delivery`(implementation: StoreImplementation) throws {
        try implementation.withStore { store in
            for _ in 0..<2 { try store.commit(Sample.change(alerts: [Sample.alert()])) }
            #expect(try store.deliveries(for: "oncall", dueAt: Sample.start, limit: 10).count == 1)
        }
    }

    @Test(arguments: StoreImplementation.allCases)
    func `a delivery that is held comes back when it is due, as one that was not tried`(
        implementation: StoreImplementation
    ) throws {
        try implementation.withStore { store in
            try store.commit(Sample.change(alerts: [Sample.alert()]))
            let delivery = try #require(try store.deliveries(for: "oncall", dueAt: Sample.start, limit: 1).first)
            let later = Sample.start.addingTimeInterval(60)
            try store.settle(delivery, as: .held(until: later))
            #expect(try store.deliveries(for: "oncall", dueAt: Sample.start, limit: 1) == [])
            let again = try #require(try store.deliveries(for: "oncall", dueAt: later, limit: 1).first)
            #expect((again.attempts, again.lastError) == (0, nil))
        }
    }

    @Test(arguments: StoreImplementation.allCases)
    func `a postponed delivery comes back when it is due, with its error`(implementation: StoreImplementation) throws {
        try implementation.withStore { store in
            try store.commit(Sample.change(alerts: [Sample.alert()]))
            let delivery = try #require(try store.deliveries(for: "oncall", dueAt: Sample.start, limit: 1).first)
            try store.settle(delivery, as: .postponed(until: Sample.second(30), error: "HTTP 503"))
            #expect(try store.deliveries(for: "oncall", dueAt: Sample.second(29.999), limit: 10) == [])
            #expect(try store.nextDelivery(for: "oncall") == Sample.second(30))
            let again = try #require(try store.deliveries(for: "oncall", dueAt: Sample.second(30), limit: 1).first)
            #expect(again.attempts == 1)
            #expect(again.lastError == "HTTP 503")
            #expect(again.alert == delivery.alert)
        }
    }

    @Test(arguments: StoreImplementation.allCases)
    func `a delivery due absurdly late was written by another clock, and is due now`(
        implementation: StoreImplementation
    ) throws {
        try implementation.withStore { store in
            try store.commit(Sample.change(at: 86_400, alerts: [Sample.alert(at: 86_400)]))
            #expect(try store.deliveries(for: "oncall", dueAt: Sample.start, limit: 10).count == 1)
        }
    }

    @Test(
        arguments: StoreImplementation.allCases,
        [DeliveryOutcome.delivered(at: Sample.second(5)), .undeliverable(at: Sample.second(5), error: "HTTP 410")]
    )
    func `what is settled for good waits no more`(implementation: StoreImplementation, outcome: DeliveryOutcome) throws
    {
        try implementation.withStore { store in
            try store.commit(Sample.change(alerts: [Sample.alert()], to: ["oncall", "journal"]))
            let delivery = try #require(try store.deliveries(for: "oncall", dueAt: Sample.start, limit: 1).first)
            try store.settle(delivery, as: outcome)
            #expect(try store.deliveries(for: "oncall", dueAt: .distantFuture, limit: 10) == [])
            #expect(try store.nextDelivery(for: "oncall") == nil)
            #expect(try store.deliveries(for: "journal", dueAt: Sample.start, limit: 10).count == 1)
        }
    }

    @Test(arguments: StoreImplementation.allCases)
    func `the report of a notifier follows its deliveries`(implementation: StoreImplementation) throws {
        try implementation.withStore { store in
            func report() throws -> NotifierReport? { try store.notifierReports()["oncall"] }
            func first(_ second: Double) throws -> PendingDelivery {
                try #require(try store.deliveries(for: "oncall", dueAt: Sample.second(second), limit: 1).first)
            }
            for second in [0.0, 10] {
                try store.commit(Sample.change(at: second, alerts: [Sample.alert("a\(second)", at: second)]))
            }
            #expect(try report() == NotifierReport(state: .ok, pending: 2, oldestPendingAt: Sample.start))
            try store.settle(try first(10), as: .postponed(until: Sample.second(40), error: "HTTP 503"))
            #expect(
                try report()
                    == NotifierReport(state: .failing, pending: 2, oldestPendingAt: Sample.start, lastError: "HTTP 503")
            )
            for second in [40.0, 41] { try store.settle(try first(41), as: .delivered(at: Sample.second(second))) }
            #expect(try report() == NotifierReport(state: .ok, pending: 0, lastDeliveredAt: Sample.second(41)))
            try store.commit(Sample.change(at: 50, alerts: [Sample.alert("a50", at: 50)]))
            try store.settle(try first(50), as: .undeliverable(at: Sample.second(51), error: "HTTP 410"))
            let lost = NotifierReport(
                state: .failing,
                pending: 0,
                lastDeliveredAt: Sample.second(41),
                lastError: "HTTP 410"
            )
            #expect(try report() == lost)
            try store.commit(Sample.change(at: 60, alerts: [Sample.alert("a60", at: 60)]))
            try store.settle(try first(60), as: .delivered(at: Sample.second(61)))
            #expect(try report() == NotifierReport(state: .ok, pending: 0, lastDeliveredAt: Sample.second(61)))
        }
    }

    @Test(arguments: StoreImplementation.allCases)
    func `what became of an alert is known of each notifier`(implementation: StoreImplementation) throws {
        try implementation.withStore { store in
            try store.commit(Sample.change(alerts: [Sample.alert()], to: ["a", "b", "c", "d"]))
            func settle(_ notifier: String, as outcome: DeliveryOutcome) throws {
                let due = try store.deliveries(for: notifier, dueAt: Sample.start, limit: 1)
                try store.settle(try #require(due.first), as: outcome)
            }
            try settle("a", as: .delivered(at: Sample.second(2)))
            try settle("b", as: .postponed(until: Sample.second(30), error: "HTTP 503"))
            try settle("c", as: .undeliverable(at: Sample.second(3), error: "HTTP 410"))
            let start = Sample.start
            #expect(
                try store.deliveryRecords(of: "a1") == [
                    DeliveryRecord(notifier: "a", queuedAt: start, deliveredAt: Sample.second(2), isSettled: true),
                    DeliveryRecord(notifier: "b", queuedAt: start, lastError: "HTTP 503"),
                    DeliveryRecord(notifier: "c", queuedAt: start, isSettled: true, lastError: "HTTP 410"),
                    DeliveryRecord(notifier: "d", queuedAt: start),
                ]
            )
            #expect(try store.deliveryRecords(of: "other") == [])
        }
    }

    @Test(arguments: StoreImplementation.allCases)
    func `what nobody got is known, and for how long`(implementation: StoreImplementation) throws {
        try implementation.withStore { store in
            func alert(_ id: String) -> Alert {
                let kind = id == "test" ? AlertKind.test : .blind
                return Alert(
                    id: id,
                    kind: kind,
                    severity: .info,
                    createdAt: Sample.start,
                    summary: "about \(id)",
                    host: "srv1"
                )
            }
            for id in ["lost", "test", "waiting", "delivered"] {
                try store.commit(Sample.change(alerts: [alert(id)], to: ["a", "b"]))
            }
            for notifier in ["a", "b"] {
                for delivery in try due(in: store, at: 0, for: notifier) {
                    switch (delivery.alert.id, notifier) {
                    case ("waiting", "b"): break
                    case ("delivered", "b"): try store.settle(delivery, as: .delivered(at: Sample.second(5)))
                    default: try store.settle(delivery, as: .undeliverable(at: Sample.second(5), error: "HTTP 410"))
                    }
                }
            }
            let lost = ["a", "b"].map {
                LostAlert(summary: "about lost", notifier: $0, at: Sample.second(5), error: "HTTP 410")
            }
            #expect(try store.lostAlerts(since: Sample.second(5)).sorted { $0.notifier < $1.notifier } == lost)
            #expect(try store.lostAlerts(since: Sample.second(6)) == [])
        }
    }

    @Test(arguments: StoreImplementation.allCases)
    func `the newest of drills is remembered`(implementation: StoreImplementation) throws {
        try implementation.withStore { store in
            #expect(try store.drill() == nil)
            let report = DrillReport(
                startedAt: Sample.start,
                finishedAt: Sample.second(1),
                results: [DrillReport.Result(notifier: "a", seconds: 0.5)]
            )
            let drill = Drill(alert: "a1", startedAt: Sample.start, notifiers: ["a"])
            try store.keep(DrillRecord(schedule: "x", dueAt: Sample.start))
            let record = DrillRecord(schedule: "y", dueAt: Sample.second(60), underWay: drill, last: report)
            try store.write([.drill(record), .news(News(alerts: [OutgoingAlert(Sample.alert(), to: ["a"])]))])
            #expect(try store.drill() == record)
            #expect(try store.deliveries(for: "a", dueAt: Sample.start, limit: 10).count == 1)
        }
    }

    @Test(arguments: StoreImplementation.allCases)
    func `which notifiers are failing is known until it is over`(implementation: StoreImplementation) throws {
        try implementation.withStore { store in
            func write(_ change: NotifierChange, of notifier: String) throws {
                var news = News()
                news.notifierIncidents[notifier] = change
                try store.commit(news)
            }
            let incident = Incident(subject: "notifier-a", openedAt: Sample.start, kind: .notifierFailing)
            try write(.opened(incident), of: "a")
            try write(.opened(incident), of: "b")
            try write(.ended, of: "b")
            #expect(try store.failingNotifiers() == ["a": incident])
            try write(.ended, of: "a")
            try write(.ended, of: "never")
            #expect(try store.failingNotifiers() == [:])
        }
    }

    @Test(arguments: StoreImplementation.allCases)
    func `to settle what is not there does nothing`(implementation: StoreImplementation) throws {
        try implementation.withStore { store in
            let delivery = PendingDelivery(
                alert: Sample.alert(),
                notifier: "oncall",
                attempts: 0,
                dueAt: Sample.start,
                lastError: nil
            )
            try store.settle(delivery, as: .delivered(at: Sample.start))
            #expect(try store.notifierReports() == [:])
        }
    }
}
