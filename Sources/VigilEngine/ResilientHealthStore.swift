package import FoundationEssentials
package import Logging
import Synchronization
package import TokenHealth

/// A store that goes on when the disk is full, read-only, failing or damaged.
///
/// Meanwhile it keeps what is to be written in memory, answers from there, so that alerts still go out, and tries the disk
/// again and again. Once that works everything is written, in order and once; what was delivered in between is written
/// as delivered. A crash in between loses what was never on disk.
package final class ResilientHealthStore: HealthStore {
    private struct State {
        var disk: (any HealthStore)?
        /// What answers while the disk does not.
        var reserve: (any HealthStore)?
        var backlog = Backlog()
        var failure: (since: Date, cause: String)?
        /// Uptime of the next attempt, and the pause before the one after it.
        var nextTry = Duration.zero
        var pause = ResilientHealthStore.shortestPause
        var vigil = StoreVigil()
        /// Whether somebody must be told that alerts have been stored.
        var hasNews = false
    }

    private let depot: any StoreDepot
    private let notifiers: @Sendable () -> [String]
    private let composer: AlertComposer
    private let timekeeper: any Timekeeper
    private let logger: Logger
    private let changed: @Sendable () -> Void
    private let state: Mutex<State>

    /// How ``problem`` begins.
    package static let complaint = "history is not being kept"

    private static let shortestPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(30)
    /// Most writes of one transaction.
    private static let batch = 200

    /// Opens the store on disk, or begins without it.
    ///
    /// - Parameters:
    ///   - depot: where stores come from.
    ///   - notifiers: who is told that history is not kept: all of them.
    ///   - composer: puts that into words.
    ///   - timekeeper: the clock.
    ///   - logger: where it is logged.
    ///   - changed: called after such an alert has been stored.
    /// - Throws: what the depot throws where no waiting can help.
    package init(
        depot: any StoreDepot,
        notifiers: @escaping @autoclosure @Sendable () -> [String],
        composer: AlertComposer,
        timekeeper: any Timekeeper,
        logger: Logger,
        changed: @escaping @Sendable () -> Void = {}
    ) throws {
        self.depot = depot
        self.notifiers = notifiers
        self.composer = composer
        self.timekeeper = timekeeper
        self.logger = logger
        self.changed = changed
        var opened = State()
        do {
            let disk = try depot.open()
            opened.disk = disk
            let told = (try? disk.failingNotifiers())?[StoreVigil.name]
            opened.vigil = StoreVigil(incident: told, at: timekeeper.now().uptime)
        } catch {
            guard depot.fault(in: error) != .mistake else { throw error }
            opened.reserve = try depot.reserve(of: nil)
            ResilientHealthStore.note(error, in: &opened, at: timekeeper.now())
            logger.error("the state cannot be opened, going on without it", metadata: ["error": "\(error)"])
        }
        state = Mutex(opened)
    }

    /// That history is not kept, in one sentence; `nil` while it is.
    package var problem: String? {
        state.withLock { state in
            guard let failure = state.failure else { return nil }
            let dropped = state.backlog.dropped
            let loss = dropped > 0 ? ", \(dropped) records of history had to be dropped" : ""
            return "\(ResilientHealthStore.complaint) since \(failure.since.rfc3339): \(failure.cause); "
                + "\(state.backlog.count) changes wait in memory\(loss)"
        }
    }

    /// How many changes are not on disk.
    package var waitingChanges: Int { state.withLock { $0.backlog.count } }

    /// Tries the disk now, whatever the schedule says: the last chance before a stop.
    package func flush() {
        act { state in
            if state.reserve != nil { recover(&state, at: timekeeper.now()) }
        }
    }

    // MARK: - Both ways

    /// Runs `body` under the lock, and tells afterwards what came up in it.
    private func act<Value: Sendable>(_ body: (inout State) throws -> Value) throws -> Value {
        let (result, hasNews) = state.withLock { state -> (Result<Value, any Error>, Bool) in
            let result = Result { try body(&state) }
            announce(&state, at: timekeeper.now())
            defer { state.hasNews = false }
            return (result, state.hasNews)
        }
        if hasNews { changed() }
        return try result.get()
    }

    private func act(_ body: (inout State) -> Void) {
        let none: Void? = try? act { state throws -> Void in body(&state) }
        precondition(none != nil, "what cannot fail has failed")
    }

    private func read<Value: Sendable>(_ body: (any HealthStore) throws -> Value) throws -> Value {
        try act { state in
            let now = timekeeper.now()
            if state.reserve != nil, now.uptime >= state.nextTry { recover(&state, at: now) }
            if let reserve = state.reserve { return try body(reserve) }
            guard let disk = state.disk else { preconditionFailure("neither a disk nor a reserve") }
            do {
                return try body(disk)
            } catch {
                return try body(try fallBack(&state, because: error, at: now))
            }
        }
    }

    package func write(_ writes: [StoreWrite]) throws {
        try act { state in
            let now = timekeeper.now()
            // Every write tries the disk again, but not more than once a second.
            if state.reserve != nil, now.uptime >= state.nextTry - state.pause + ResilientHealthStore.shortestPause {
                recover(&state, at: now)
            }
            try keep(writes, in: &state, at: now)
        }
    }

    private func keep(_ writes: [StoreWrite], in state: inout State, at now: Moment) throws {
        if state.reserve == nil, let disk = state.disk {
            do {
                return try disk.write(writes)
            } catch {
                _ = try fallBack(&state, because: error, at: now)
            }
        }
        guard let reserve = state.reserve else { preconditionFailure("neither a disk nor a reserve") }
        try reserve.write(writes)
        for write in writes { state.backlog.append(write) }
    }

    // MARK: - Falling back and coming back

    private func fallBack(
        _ state: inout State,
        because error: any Error,
        at now: Moment
    ) throws -> any HealthStore {
        let fault = depot.fault(in: error)
        guard fault != .request else { throw error }
        guard let reserve = try? depot.reserve(of: state.disk) else { throw error }
        state.reserve = reserve
        if fault == .damage { state.disk = nil }
        ResilientHealthStore.note(error, in: &state, at: now)
        logger.error("the disk fails, going on in memory", metadata: ["error": "\(error)"])
        return reserve
    }

    private static func note(_ error: any Error, in state: inout State, at now: Moment) {
        state.failure = (now.wall, "\(error)")
        state.pause = shortestPause
        state.nextTry = now.uptime + shortestPause
        state.vigil.fail(at: now.uptime)
    }

    private func recover(_ state: inout State, at now: Moment) {
        guard let reserve = state.reserve else { return }
        let count = state.backlog.count
        do {
            if state.disk == nil {
                let disk = try depot.open()
                try depot.adopt(reserve, into: disk)
                state.disk = disk
            }
            if let disk = state.disk {
                _ = try disk.notifierReports()
                while !state.backlog.isEmpty { try writeBatch(&state, to: disk) }
            }
        } catch {
            if depot.fault(in: error) == .damage { state.disk = nil }
            if state.failure?.cause != "\(error)" {
                logger.error("the disk still fails", metadata: ["error": "\(error)"])
                state.failure?.cause = "\(error)"
            }
            state.pause = min(state.pause * 2, ResilientHealthStore.longestPause)
            state.nextTry = now.uptime + state.pause
            return
        }
        let dropped = state.backlog.dropped
        state.reserve = nil
        state.failure = nil
        state.backlog = Backlog()
        state.vigil.recover(at: now.uptime)
        logger.notice(
            "the disk works again, everything is written",
            metadata: ["changes": "\(count)", "dropped": "\(dropped)"]
        )
    }

    private func writeBatch(_ state: inout State, to disk: any HealthStore) throws {
        let batch = state.backlog.first(ResilientHealthStore.batch)
        do {
            try disk.write(batch)
            return state.backlog.removeFirst(batch.count)
        } catch {
            guard depot.fault(in: error) == .request else { throw error }
        }
        // One of them can never be written: it must not stand before the others for ever.
        for write in batch {
            do {
                try disk.write([write])
                state.backlog.removeFirst(1)
            } catch {
                guard depot.fault(in: error) == .request else { throw error }
                state.backlog.dropFirst()
                logger.error("a change cannot be written and is dropped", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Stores the alert that history is not kept, or is kept again, when its time has come.
    private func announce(_ state: inout State, at now: Moment) {
        guard let (kind, incident) = state.vigil.news(at: now) else { return }
        let notifiers = notifiers()
        guard !notifiers.isEmpty else { return }
        let cause = state.failure?.cause ?? ""
        let alert = composer.stateAlert(kind, incident: incident, cause: cause, at: now.wall)
        var news = News(alerts: [OutgoingAlert(alert, to: notifiers)])
        news.notifierIncidents[StoreVigil.name] = kind.endsIncident ? .ended : .opened(incident)
        // Where not even the reserve takes it, the status file and the log still tell.
        if (try? keep([.news(news)], in: &state, at: now)) != nil { state.hasNews = true }
    }
}

// MARK: - The store

extension ResilientHealthStore {
    package func load() throws -> [TokenName: StoredToken] { try read { try $0.load() } }

    package func untold() throws -> UntoldNews { try read { try $0.untold() } }

    package func commit(_ change: HealthChange) throws { try write([.change(change)]) }

    package func commit(_ news: News) throws { try write([.news(news)]) }

    package func confirm(_ sightings: [Sighting]) throws { try write([.sightings(sightings)]) }

    package func deliveries(for notifier: String, dueAt now: Date, limit: Int) throws -> [PendingDelivery] {
        try read { try $0.deliveries(for: notifier, dueAt: now, limit: limit) }
    }

    package func nextDelivery(for notifier: String) throws -> Date? {
        try read { try $0.nextDelivery(for: notifier) }
    }

    package func settle(
        _ delivery: PendingDelivery,
        as outcome: DeliveryOutcome,
        with consequences: Consequences
    ) throws {
        try write([.settlement(delivery, outcome, consequences)])
    }

    package func waiting(for notifier: String, about incident: String) throws -> [PendingDelivery] {
        try read { try $0.waiting(for: notifier, about: incident) }
    }

    package func knows(_ notifier: String, of incident: String) throws -> Bool {
        try read { try $0.knows(notifier, of: incident) }
    }

    package func later(than alert: Alert, for notifier: String) throws -> [LaterAlert] {
        try read { try $0.later(than: alert, for: notifier) }
    }

    package func firstWaiting(before alert: Alert, for notifier: String) throws -> PendingDelivery? {
        try read { try $0.firstWaiting(before: alert, for: notifier) }
    }

    package func overtaken(by alert: Alert, for notifier: String) throws -> [Alert] {
        try read { try $0.overtaken(by: alert, for: notifier) }
    }

    package func failingNotifiers() throws -> [String: Incident] {
        try read { try $0.failingNotifiers().filter { $0.key != StoreVigil.name } }
    }

    package func lostAlerts(since: Date) throws -> [LostAlert] { try read { try $0.lostAlerts(since: since) } }

    package func deliveryRecords(of alert: String) throws -> [DeliveryRecord] {
        try read { try $0.deliveryRecords(of: alert) }
    }

    package func drill() throws -> DrillRecord? { try read { try $0.drill() } }

    package func keep(_ drill: DrillRecord) throws { try write([.drill(drill)]) }

    package func hosts() throws -> HostMemory { try read { try $0.hosts() } }

    package func keep(_ hosts: HostMemory) throws { try write([.hosts(hosts)]) }

    package func notifierReports() throws -> [String: NotifierReport] { try read { try $0.notifierReports() } }

    /// Only the disk has anything that is old.
    package func prune(before limit: Date, after step: PruningStep?) throws -> PruningStep? {
        try act { state in
            guard state.reserve == nil, let disk = state.disk else { return nil }
            return try disk.prune(before: limit, after: step)
        }
    }
}
