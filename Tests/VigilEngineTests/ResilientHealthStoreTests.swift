import FoundationEssentials
import Logging
import Synchronization
import TokenHealth
import Testing

@testable import VigilEngine

/// The depot of a store that a test can break.
private final class ScriptedDepot: StoreDepot {
    struct Mistake: Error {}
    struct WrongChange: Error {}

    let disk = FailingHealthStore()
    private let opening: Mutex<(any Error)?>
    let openings = Tally()

    init(opening error: (any Error)? = nil) { opening = Mutex(error) }

    func repair() { opening.withLock { $0 = nil } }

    func open() throws -> any HealthStore {
        openings.add()
        if let error = opening.withLock({ $0 }) { throw error }
        return disk
    }

    func reserve(of store: (any HealthStore)?) throws -> any HealthStore {
        store == nil ? InMemoryHealthStore() : InMemoryHealthStore(copying: disk.healthy)
    }

    func adopt(_ reserve: any HealthStore, into store: any HealthStore) throws {}

    func fault(in error: any Error) -> StoreFault {
        switch error {
        case is Mistake: .mistake
        case is WrongChange: .request
        default: .disk
        }
    }
}

/// A store goes on in memory when the disk does not take what it is given.
@Suite struct ResilientHealthStoreTests {
    private let timekeeper = ManualTimekeeper()
    private let depot = ScriptedDepot()
    private let changes = Tally()

    private func store(_ depot: ScriptedDepot? = nil, notifiers: [String] = []) throws -> ResilientHealthStore {
        let changes = changes
        return try ResilientHealthStore(
            depot: depot ?? self.depot,
            notifiers: notifiers,
            composer: AlertComposer(host: "srv1"),
            timekeeper: timekeeper,
            logger: .silent,
            changed: { changes.add() }
        )
    }

    private func news(_ id: String) -> News {
        News(alerts: [OutgoingAlert(Sample.alert(id, at: timekeeper.now().wall), to: ["oncall"])])
    }

    private func due(_ store: any HealthStore) throws -> [PendingDelivery] {
        try store.deliveries(for: "oncall", dueAt: timekeeper.now().wall, limit: 1000)
    }

    @Test func `what a full disk refuses is answered from memory, and written once when there is room`() throws {
        let store = try self.store()
        try store.commit(news("before"))
        depot.disk.fail(.commit, .settle)
        try store.commit(news("during"))
        #expect(try due(store).map(\.alert.id) == ["before", "during"])
        for delivery in try due(store) { try store.settle(delivery, as: .delivered(at: timekeeper.now().wall)) }
        #expect(try due(store).isEmpty)
        #expect(depot.disk.healthy.waiting.map(\.alert.id) == ["before"])
        #expect(store.waitingChanges == 3)
        depot.disk.heal()
        timekeeper.advance(by: .seconds(1))
        #expect(try due(store).isEmpty)
        #expect(store.waitingChanges == 0 && store.problem == nil)
        #expect(depot.disk.healthy.waiting.isEmpty)
        #expect(depot.disk.healthy.alerts.map(\.id) == ["before", "during"])
    }

    @Test func `a disk that cannot be read is answered for from memory`() throws {
        let store = try self.store()
        try store.commit(news("before"))
        depot.disk.fail(.read, .load)
        #expect(try due(store).map(\.alert.id) == ["before"])
        #expect(try store.load().isEmpty)
        #expect(
            store.problem
                == "history is not being kept since 2026-11-23T10:00:00.000Z: the disk is full; 0 changes wait in memory"
        )
    }

    @Test func `a disk that fails while changes are written one by one loses none of them`() throws {
        let store = try self.store()
        depot.disk.fail(.commit)
        for id in ["a1", "a2", "a3"] { try store.commit(news(id)) }
        depot.disk.heal()
        // One of the batch is refused; then, one by one, the first is written, and the disk fails at the second.
        depot.disk.endCommits(with: [ScriptedDepot.WrongChange(), nil, FailingHealthStore.DiskFull()])
        store.flush()
        #expect(store.waitingChanges == 2)
        #expect(store.problem?.contains("dropped") == false)
        store.flush()
        #expect(store.waitingChanges == 0 && store.problem == nil)
        #expect(depot.disk.healthy.alerts.map(\.id) == ["a1", "a2", "a3"])
    }

    @Test func `the disk is tried again with growing pauses, and by every write`() throws {
        let store = try self.store()
        depot.disk.fail(.commit, .read)
        try store.commit(news("a0"))
        var tries: [Int] = []
        for second in 1...40 {
            let before = depot.disk.failures.count
            timekeeper.advance(by: .seconds(1))
            _ = try due(store)
            if depot.disk.failures.count > before { tries.append(second) }
        }
        #expect(tries == [1, 3, 7, 15, 31])
        for index in 1...3 {
            let before = depot.disk.failures.count
            timekeeper.advance(by: .seconds(1))
            try store.commit(news("a\(index)"))
            #expect(depot.disk.failures.count == before + 1)
        }
    }

    @Test func `a start without a disk goes on, one with a mistake does not`() throws {
        #expect(throws: ScriptedDepot.Mistake.self) { try self.store(ScriptedDepot(opening: ScriptedDepot.Mistake())) }
        let depot = ScriptedDepot(opening: FailingHealthStore.DiskFull())
        let store = try self.store(depot)
        try store.commit(news("a1"))
        #expect(try due(store).count == 1)
        depot.repair()
        store.flush()
        #expect(store.problem == nil)
        #expect(depot.disk.healthy.alerts.map(\.id) == ["a1"])
    }

    @Test func `people are told once that history is not kept, and once that it is again`() throws {
        let store = try self.store(notifiers: ["oncall"])
        depot.disk.fail(.commit, .settle)
        try store.commit(news("a1"))
        for _ in 0..<60 {
            timekeeper.advance(by: .seconds(1))
            _ = try due(store)
        }
        let told = try due(store).map(\.alert).filter(\.isAboutState)
        #expect(told.map(\.kind) == [.notifierFailing])
        #expect(told.first?.summary == "HISTORY NOT KEPT (the disk is full) on srv1")
        #expect(told.first?.createdAt == ManualTimekeeper.start.addingTimeInterval(10))
        #expect(changes.count == 1)
        depot.disk.heal()
        for _ in 0..<120 {
            timekeeper.advance(by: .seconds(1))
            _ = try due(store)
        }
        let all = depot.disk.healthy.alerts.filter(\.isAboutState)
        #expect(all.map(\.kind) == [.notifierFailing, .notifierRecovered])
        #expect(Set(all.map(\.incidentID)).count == 1)
        #expect(store.problem == nil)
    }

    @Test(arguments: [false, true]) func `a restart in between keeps the end owed`(isOverBefore: Bool) throws {
        let store = try self.store(notifiers: ["oncall"])
        depot.disk.fail(.commit, .settle)
        try store.commit(news("a1"))
        timekeeper.advance(by: .seconds(11))
        _ = try due(store)
        depot.disk.heal()
        store.flush()
        if isOverBefore {
            timekeeper.advance(by: .seconds(61))
            _ = try due(store)
        }
        let next = try self.store(notifiers: ["oncall"])
        #expect(try next.failingNotifiers().isEmpty)
        timekeeper.advance(by: .seconds(59))
        _ = try due(next)
        #expect(depot.disk.healthy.alerts.count { $0.kind == .notifierRecovered } == (isOverBefore ? 1 : 0))
        timekeeper.advance(by: .seconds(61))
        _ = try due(next)
        let all = depot.disk.healthy.alerts.filter(\.isAboutState)
        #expect(all.map(\.kind) == [.notifierFailing, .notifierRecovered])
        #expect(Set(all.map(\.incidentID)).count == 1)
    }

    @Test func `a disk that fails for a moment is told of when it does so again and again, and then once`() throws {
        let store = try self.store(notifiers: ["oncall"])
        for index in 0..<10 {
            depot.disk.fail(.commit)
            try store.commit(news("a\(index)"))
            #expect(try due(store).contains { $0.alert.isAboutState } == (index >= 2), "\(index)")
            depot.disk.heal()
            timekeeper.advance(by: .seconds(5))
            _ = try due(store)
        }
        #expect(depot.disk.healthy.alerts.count(where: \.isAboutState) == 1)
    }

    @Test(arguments: 0..<20) func `whatever fails when, in the end the disk holds what it would have held`(seed: Int)
        throws
    {
        var chance = SeededChance(UInt64(seed) &+ 1)
        let (store, reference) = (try self.store(), InMemoryHealthStore())
        for step in 0..<200 {
            if chance.next(4) == 0 {
                chance.next(2) == 0 ? depot.disk.heal() : depot.disk.fail(.commit, .settle, .confirm)
            }
            if chance.next(8) == 0 { depot.disk.fail(.read) }
            timekeeper.advance(by: .milliseconds(400))
            let now = timekeeper.now().wall
            switch chance.next(3) {
            case 0:
                let news = news("a\(step)")
                try store.commit(news)
                try reference.commit(news)
            case 1:
                let seconds = now.timeIntervalSince(ManualTimekeeper.start)
                let begin = ManualTimekeeper.start.addingTimeInterval((seconds / 30).rounded(.down) * 30)
                let sighting = Sighting(
                    token: Sample.name("t\(chance.next(3))"),
                    belief: Belief(at: now),
                    interval: ValidityInterval(start: begin, end: now, state: .valid, reason: nil)
                )
                try store.confirm([sighting])
                try reference.confirm([sighting])
            default:
                let waiting = try due(store)
                #expect(waiting == (try due(reference)))
                guard let delivery = waiting.first else { continue }
                let outcome: DeliveryOutcome =
                    chance.next(2) == 0 ? .delivered(at: now) : .postponed(until: now.addingTimeInterval(1), error: "x")
                try store.settle(delivery, as: outcome)
                try reference.settle(delivery, as: outcome)
            }
        }
        depot.disk.heal()
        store.flush()
        #expect(store.problem == nil)
        #expect(depot.disk.healthy.waiting == reference.waiting)
        #expect(try depot.disk.healthy.load() == reference.load())
        #expect(depot.disk.healthy.alerts == reference.alerts)
    }
}

/// The same numbers for the same seed: xorshift64.
struct SeededChance {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    mutating func next(_ bound: UInt64) -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return (state >> 11) % bound
    }
}

/// What waits in memory to be written.
@Suite struct BacklogTests {
    private func sighting(_ token: String, _ start: Double, _ end: Double) -> StoreWrite {
        let base = ManualTimekeeper.start
        let interval = ValidityInterval(
            start: base.addingTimeInterval(start),
            end: base.addingTimeInterval(end),
            state: .valid,
            reason: nil
        )
        return .sightings([Sighting(token: Sample.name(token), belief: Belief(at: base), interval: interval)])
    }

    private func alert(_ id: String) -> StoreWrite {
        .news(News(alerts: [OutgoingAlert(Sample.alert(id), to: ["oncall"])]))
    }

    @Test func `a healthy look takes the place of the one before it`() {
        var backlog = Backlog()
        for second in 1...100 {
            backlog.append(sighting("a", 0, Double(second)))
            backlog.append(sighting("b", 0, Double(second)))
        }
        #expect(backlog.first(10) == [sighting("a", 0, 100), sighting("b", 0, 100)])
        #expect(backlog.dropped == 0)
    }

    @Test func `an interval of its own is a write of its own, also after some were written`() {
        var backlog = Backlog()
        backlog.append(alert("a1"))
        backlog.append(sighting("a", 0, 10))
        backlog.removeFirst(1)
        backlog.append(sighting("a", 0, 20))
        backlog.append(sighting("a", 30, 40))
        #expect(backlog.first(10) == [sighting("a", 0, 20), sighting("a", 30, 40)])
        backlog.removeFirst(2)
        backlog.append(sighting("a", 30, 50))
        #expect(backlog.first(10) == [sighting("a", 30, 50)])
    }

    @Test func `beyond the limit the oldest history goes, but no alert and no last belief`() {
        var backlog = Backlog(limit: 100)
        backlog.append(alert("first"))
        for index in 0..<500 { backlog.append(sighting("a", Double(index), Double(index))) }
        #expect(backlog.count <= 100)
        #expect(backlog.first(1) == [alert("first")])
        #expect(backlog.first(100).last == sighting("a", 499, 499))
        #expect(backlog.dropped == 501 - backlog.count)
    }

    @Test func `even alerts have a limit`() {
        var backlog = Backlog(limit: 100)
        for index in 0..<500 { backlog.append(alert("a\(index)")) }
        #expect(backlog.count == 200)
        #expect(backlog.dropped == 300)
        #expect(backlog.first(1) == [alert("a300")])
    }
}
