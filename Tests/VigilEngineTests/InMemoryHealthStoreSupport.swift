import FoundationEssentials
import Synchronization
import TokenHealth
import VigilEngine

/// Keeps everything until the test ends.
///
/// It passes the same contract as the real store, in VigilStorageTests.
final class InMemoryHealthStore: HealthStore {
    private struct Key: Hashable {
        let alert: String
        let notifier: String
    }

    private struct Row {
        var delivery: PendingDelivery
        /// When the alert was stored, among all.
        let sequence: Int
        var outcome: DeliveryOutcome?

        var place: (Date, Int) { (delivery.alert.createdAt, sequence) }

        var isWaiting: Bool {
            switch outcome {
            case nil, .postponed, .held: true
            case .delivered, .overtaken, .undeliverable: false
            }
        }
    }

    private struct State {
        var tokens: [TokenName: StoredToken] = [:]
        var changes: [HealthChange] = []
        var rows: [Key: Row] = [:]
        var held: [HeldNotice] = []
        var providers: [RealmName: ProviderIncident] = [:]
        var alerts: [Alert] = []
        var sequences: [String: Int] = [:]
        var drill: DrillRecord?
        var hosts = HostMemory()
        var hostWrites = 0
        var failing: [String: Incident] = [:]
        var silences: [TokenName: Silence] = [:]
        var interventions: [Intervention] = []
        var confirmed: [TokenName] = []
    }

    private let state: Mutex<State>

    init() { state = Mutex(State()) }

    /// Begins with everything that another has now.
    init(copying other: InMemoryHealthStore) { state = Mutex(other.state.withLock { $0 }) }

    /// Everything committed, in order.
    var changes: [HealthChange] { state.withLock { $0.changes } }
    /// Tokens whose sightings were stored, in the order of that.
    var confirmed: [TokenName] { state.withLock { $0.confirmed } }
    /// How often something was kept about hosts.
    var hostWrites: Int { state.withLock { $0.hostWrites } }
    var interventions: [Intervention] { state.withLock { $0.interventions } }
    var alerts: [Alert] { state.withLock { $0.alerts } }

    /// The rows that wait, oldest first.
    var waiting: [PendingDelivery] {
        state.withLock { state in
            state.rows.values.filter(\.isWaiting).sorted { $0.place < $1.place }.map(\.delivery)
        }
    }

    func outcome(of alert: String, by notifier: String) -> DeliveryOutcome? {
        state.withLock { $0.rows[Key(alert: alert, notifier: notifier)]?.outcome }
    }

    /// Puts an alert into the outbox without a token.
    func enqueue(_ alert: Alert, to notifiers: [String]) {
        state.withLock { InMemoryHealthStore.enqueue(OutgoingAlert(alert, to: notifiers), in: &$0) }
    }

    private static func enqueue(_ outgoing: OutgoingAlert, in state: inout State) {
        let alert = outgoing.alert
        let sequence = state.sequences[alert.id] ?? state.sequences.count
        state.sequences[alert.id] = sequence
        for notifier in outgoing.notifiers where state.rows[Key(alert: alert.id, notifier: notifier)] == nil {
            let delivery = PendingDelivery(
                alert: alert,
                notifier: notifier,
                attempts: 0,
                dueAt: alert.createdAt,
                lastError: nil
            )
            state.rows[Key(alert: alert.id, notifier: notifier)] = Row(
                delivery: delivery,
                sequence: sequence,
                outcome: nil
            )
        }
    }

    func load() throws -> [TokenName: StoredToken] { state.withLock { $0.tokens.mapValues(\.completed) } }

    func commit(_ change: HealthChange) throws {
        state.withLock { state in
            state.changes.append(change)
            InMemoryHealthStore.keep(change.belief, of: change.token, in: &state)
            for interval in [change.endedInterval, change.interval].compactMap({ $0 }) {
                InMemoryHealthStore.keep(interval, of: change.token, in: &state)
            }
            InMemoryHealthStore.keep(change.news, in: &state)
        }
    }

    func commit(_ news: News) throws {
        state.withLock { InMemoryHealthStore.keep(news, in: &$0) }
    }

    func untold() throws -> UntoldNews {
        state.withLock { UntoldNews(held: $0.held, providerIncidents: $0.providers, silences: $0.silences) }
    }

    private static func keep(_ news: News, in state: inout State) {
        for (token, belief) in news.regrouped { keep(belief, of: token, in: &state) }
        state.held += news.held
        state.held.removeAll { held in news.released.contains { $0.id == held.id } }
        for (realm, change) in news.providers {
            switch change {
            case .opened(let incident), .becameDeaths(let incident): state.providers[realm] = incident
            case .ended: state.providers[realm] = nil
            }
        }
        for (token, change) in news.silences {
            switch change {
            case .began(let silence): state.silences[token] = silence
            case .ended: state.silences[token] = nil
            }
        }
        state.interventions += news.interventions
        for (notifier, change) in news.notifierIncidents { keep(change, of: notifier, in: &state) }
        for outgoing in news.alerts {
            state.alerts.append(outgoing.alert)
            enqueue(outgoing, in: &state)
        }
    }

    private static func keep(_ change: NotifierChange, of notifier: String, in state: inout State) {
        switch change {
        case .opened(let incident): state.failing[notifier] = incident
        case .ended: state.failing[notifier] = nil
        }
    }

    func confirm(_ sightings: [Sighting]) throws {
        state.withLock { state in
            state.confirmed += sightings.map(\.token)
            for sighting in sightings {
                if let belief = sighting.belief { InMemoryHealthStore.keep(belief, of: sighting.token, in: &state) }
                InMemoryHealthStore.keep(sighting.interval, of: sighting.token, in: &state)
            }
        }
    }

    private static func keep(_ belief: Belief, of token: TokenName, in state: inout State) {
        state.tokens[token] = StoredToken(belief: belief, intervals: state.tokens[token]?.intervals ?? [])
    }

    private static func keep(_ interval: ValidityInterval, of token: TokenName, in state: inout State) {
        var intervals = state.tokens[token]?.intervals ?? []
        intervals.removeAll { $0.start == interval.start }
        intervals.append(interval)
        state.tokens[token]?.intervals = intervals.sorted { $0.start < $1.start }
    }

    func deliveries(for notifier: String, dueAt now: Date, limit: Int) throws -> [PendingDelivery] {
        let horizon = now.advanced(by: RetryAfter.cap * 2)
        return Array(
            waiting.filter { $0.notifier == notifier && ($0.dueAt <= now || $0.dueAt > horizon) }.prefix(limit)
        )
    }

    func nextDelivery(for notifier: String) throws -> Date? {
        waiting.filter { $0.notifier == notifier }.map(\.dueAt).min()
    }

    func waiting(for notifier: String, about incident: String) throws -> [PendingDelivery] {
        waiting.filter { $0.notifier == notifier && $0.alert.incidentID == incident }
    }

    func knows(_ notifier: String, of incident: String) throws -> Bool {
        state.withLock { state in
            state.rows.values.contains { row in
                let alert = row.delivery.alert
                guard row.delivery.notifier == notifier, alert.incidentID == incident, alert.kind.opens,
                    !alert.endsIncident
                else { return false }
                switch row.outcome {
                case .overtaken, .undeliverable: return false
                case .delivered, .postponed, .held, nil: return true
                }
            }
        }
    }

    func overtaken(by alert: Alert, for notifier: String) throws -> [Alert] {
        state.withLock { state in
            state.rows.values.filter { row in
                guard row.delivery.notifier == notifier, case .overtaken(_, alert.id)? = row.outcome else {
                    return false
                }
                return true
            }.sorted { $0.place < $1.place }.map(\.delivery.alert)
        }
    }

    func later(than alert: Alert, for notifier: String) throws -> [LaterAlert] {
        state.withLock { state in
            let place = state.sequences[alert.id] ?? .max
            return state.rows.values.filter { row in
                let other = row.delivery.alert
                let isDelivered = if case .delivered? = row.outcome { true } else { false }
                let isRelated =
                    (other.incidentID != nil && other.incidentID == alert.incidentID)
                    || !Set(other.subjects).isDisjoint(with: alert.subjects)
                return row.delivery.notifier == notifier && row.sequence > place && isRelated
                    && (row.isWaiting || isDelivered)
            }.sorted { $0.sequence < $1.sequence }
                .map { LaterAlert($0.delivery.alert, isDelivered: !$0.isWaiting) }
        }
    }

    func firstWaiting(before alert: Alert, for notifier: String) throws -> PendingDelivery? {
        let place = state.withLock { $0.sequences[alert.id] ?? 0 }
        let earlier = Set(state.withLock { state in state.sequences.filter { $0.value < place }.keys })
        return waiting.first {
            $0.notifier == notifier && earlier.contains($0.alert.id)
                && !Set($0.alert.subjects).isDisjoint(with: alert.subjects)
        }
    }

    func failingNotifiers() throws -> [String: Incident] { state.withLock { $0.failing } }

    func settle(
        _ delivery: PendingDelivery,
        as outcome: DeliveryOutcome,
        with consequences: Consequences
    ) throws {
        keep(outcome, of: delivery)
        state.withLock { state in
            if let notifier = consequences.handOver {
                InMemoryHealthStore.enqueue(OutgoingAlert(delivery.alert, to: [notifier]), in: &state)
            }
            if let alert = consequences.alert { InMemoryHealthStore.enqueue(alert, in: &state) }
            if let change = consequences.notifierIncident {
                InMemoryHealthStore.keep(change, of: delivery.notifier, in: &state)
            }
            guard let due = consequences.waitingDueBy else { return }
            for (key, row) in state.rows
            where key.notifier == delivery.notifier && row.isWaiting && row.delivery.dueAt > due {
                state.rows[key]?.delivery.dueAt = due
            }
        }
    }

    private func keep(_ outcome: DeliveryOutcome, of delivery: PendingDelivery) {
        let key = Key(alert: delivery.alert.id, notifier: delivery.notifier)
        state.withLock { state in
            state.rows[key]?.outcome = outcome
            switch outcome {
            case .overtaken, .held: break
            case .delivered, .postponed, .undeliverable: state.rows[key]?.delivery.attempts += 1
            }
            switch outcome {
            case .held(let until):
                state.rows[key]?.delivery.dueAt = until
            case .delivered, .overtaken:
                state.rows[key]?.delivery.lastError = nil
            case .postponed(let until, let error):
                state.rows[key]?.delivery.dueAt = until
                state.rows[key]?.delivery.lastError = error
            case .undeliverable(_, let error):
                state.rows[key]?.delivery.lastError = error
            }
        }
    }

    func lostAlerts(since: Date) throws -> [LostAlert] {
        state.withLock { state in
            state.rows.values.sorted { $0.place < $1.place }.compactMap { row in
                let alert = row.delivery.alert
                let all = state.rows.values.filter { $0.delivery.alert.id == alert.id }
                guard case .undeliverable(let at, let error)? = row.outcome, at >= since, alert.kind != .test,
                    all.allSatisfy({ if case .undeliverable? = $0.outcome { true } else { false } })
                else { return nil }
                return LostAlert(summary: alert.summary, notifier: row.delivery.notifier, at: at, error: error)
            }
        }
    }

    func deliveryRecords(of alert: String) throws -> [DeliveryRecord] {
        state.withLock { state in
            state.rows.values.filter { $0.delivery.alert.id == alert }.map { row in
                var record = DeliveryRecord(
                    notifier: row.delivery.notifier,
                    queuedAt: row.delivery.alert.createdAt,
                    isSettled: !row.isWaiting,
                    lastError: row.delivery.lastError
                )
                if case .delivered(let at)? = row.outcome { record.deliveredAt = at }
                return record
            }.sorted { $0.notifier < $1.notifier }
        }
    }

    func drill() throws -> DrillRecord? { state.withLock { $0.drill } }

    func keep(_ drill: DrillRecord) throws { state.withLock { $0.drill = drill } }

    func hosts() throws -> HostMemory { state.withLock { $0.hosts } }

    func keep(_ hosts: HostMemory) throws {
        state.withLock { state in
            state.hosts.merge(hosts)
            state.hostWrites += 1
        }
    }

    func notifierReports() throws -> [String: NotifierReport] {
        state.withLock { state in
            Dictionary(grouping: state.rows.values) { $0.delivery.notifier }.mapValues(InMemoryHealthStore.report)
        }
    }

    private static func report(on rows: [Row]) -> NotifierReport {
        let waiting = rows.filter(\.isWaiting).map(\.delivery)
        var delivered: [Date] = []
        var undeliverable: [(at: Date, error: String)] = []
        for row in rows {
            switch row.outcome {
            case .delivered(let at), .overtaken(let at, _): delivered.append(at)
            case .undeliverable(let at, let error): undeliverable.append((at, error))
            case .postponed, .held, nil: break
            }
        }
        let tried = waiting.filter { $0.attempts > 0 }.max { $0.dueAt < $1.dueAt }
        let lost = undeliverable.max { $0.at < $1.at }
        let isLost = lost.map { $0.at > delivered.max() ?? .distantPast } ?? false
        return NotifierReport(
            state: tried != nil || isLost ? .failing : .ok,
            pending: waiting.count,
            oldestPendingAt: waiting.map(\.alert.createdAt).min(),
            lastDeliveredAt: delivered.max(),
            lastError: tried?.lastError ?? (isLost ? lost?.error : nil)
        )
    }

    func prune(before limit: Date, after step: PruningStep?) throws -> PruningStep? {
        state.withLock { state in
            for name in state.tokens.keys { state.tokens[name]?.intervals.removeAll { $0.end < limit } }
            state.interventions.removeAll { $0.at < limit }
            state.hosts.quiet = state.hosts.quiet.filter { $0.value >= limit }
            state.hosts.records = state.hosts.records.filter { $0.value.newest.map { $0 >= limit } ?? true }
            let waiting = Set(state.rows.filter(\.value.isWaiting).map(\.key.alert))
            state.alerts.removeAll { $0.createdAt < limit && !waiting.contains($0.id) }
            state.rows = state.rows.filter {
                $0.value.delivery.alert.createdAt >= limit || waiting.contains($0.key.alert)
            }
        }
        return nil
    }
}
