package import FoundationEssentials
package import TokenHealth

/// Asks an HTTP endpoint once.
///
/// Contract: it reports what it saw and never judges; failure is data; it returns within the token's time limit; it
/// follows no redirect; no copy of the secret is left in what it returns, and of the secrets that an answer grants none
/// but ``Exchange/minted``.
package protocol Prober: Sendable {
    func exchange(_ request: ProbeRequest) async -> Exchange
    /// Asks all of these at once, each as ``exchange(_:)`` does, and reads no more of an answer with the expected mark.
    ///
    /// - Returns: what came of each, once; those that come together are given together.
    func glances(at requests: [GlanceRequest]) -> AsyncStream<[GlanceResult]>
}

/// One question, and the mark of the answer that would be no news; `nil` where any is to be read.
package struct GlanceRequest: Sendable {
    package var request: ProbeRequest { _read { yield shared.value } }
    private let shared: CopyOnWrite<ProbeRequest>
    package let mark: AnswerMark?

    package init(_ request: ProbeRequest, expecting mark: AnswerMark?) {
        shared = CopyOnWrite(request)
        self.mark = mark
    }
}

/// What came of asking again.
package struct GlanceResult: Sendable {
    /// Which of the requests it was.
    package let index: Int
    package let glance: Glance

    package init(index: Int, _ glance: Glance) {
        self.index = index
        self.glance = glance
    }
}

/// What an answer looked like at a glance.
package enum Glance: Sendable, Hashable {
    /// It has the mark that was expected.
    case same(status: Int, latency: Duration)
    case other(Exchange)

    /// What an exchange that was read comes to.
    package init(_ exchange: Exchange, expecting mark: AnswerMark?) {
        if let mark, exchange.mark == mark {
            self = .same(status: mark.status, latency: exchange.latency)
        } else {
            self = .other(exchange)
        }
    }
}

extension Prober {
    /// Reads every answer, and says of those with the expected mark that they are the same.
    package func glances(at requests: [GlanceRequest]) -> AsyncStream<[GlanceResult]> {
        let (results, continuation) = AsyncStream.makeStream(of: [GlanceResult].self)
        let asking = Task {
            await withDiscardingTaskGroup { group in
                for (index, glance) in requests.enumerated() {
                    group.addTask {
                        let result = Glance(await exchange(glance.request), expecting: glance.mark)
                        continuation.yield([GlanceResult(index: index, result)])
                    }
                }
            }
            continuation.finish()
        }
        continuation.onTermination = { _ in asking.cancel() }
        return results
    }
}

/// One question to a provider.
package struct ProbeRequest: Sendable {
    package let token: WatchedToken
    /// What is asked; by default, the token's probe.
    package let question: Question
    /// `nil` for the control: the same request without the token.
    package let secret: Secret?
    /// The credential that asks, where the provider wants one beside the token.
    package let asker: Secret?
    /// Whether a connection of its own must be used: a confirmation must not trust one broken connection.
    package let onFreshConnection: Bool

    package init(
        token: WatchedToken,
        question: Question? = nil,
        secret: Secret?,
        asker: Secret? = nil,
        onFreshConnection: Bool = false
    ) {
        self.token = token
        self.question = question ?? token.question
        self.secret = secret
        self.asker = asker
        self.onFreshConnection = onFreshConnection
    }
}

/// Reads secrets.
///
/// Contract: read anew at every call; the error never holds any of the secret.
package protocol SecretReader: Sendable {
    func secret(from source: SecretSource) async throws(SecretProblem) -> Secret
}

/// Names secrets without revealing them.
///
/// Contract: equal secrets get equal names, across restarts.
package protocol Fingerprinter: Sendable {
    func fingerprint(of secret: Secret) -> Fingerprint
}

/// Hands an alert to people.
///
/// Contract: returns within its time limit, which the configuration bounds by two minutes, and some seconds; says whether
/// another attempt may help; the same alert has the same idempotency key at every attempt.
package protocol Notifier: Sendable {
    /// Whether its receiver keeps a warning open until it is told that it is over.
    var keepsWarnings: Bool { get }
    func deliver(_ alert: Alert) async -> DeliveryResult
}

extension Notifier {
    /// For people and most programs a warning is a message, and its end is none.
    package var keepsWarnings: Bool { false }
}

/// Publishes what is known.
///
/// Contract: a reader sees the old edition or the new one, never a part.
package protocol StatusPublisher: Sendable {
    func publish(_ edition: StatusEdition) async throws
}

/// Keeps beliefs, history and the outbox.
///
/// Contract: a call that returns has reached the disk; one that throws has changed nothing.
package protocol HealthStore: Sendable {
    /// Every token as it was before a restart.
    func load() throws -> [TokenName: StoredToken]
    /// What had not been told yet before a restart.
    func untold() throws -> UntoldNews
    /// Writes one observation that changes anything: belief, history, incident and what is told of it, in one
    /// transaction.
    func commit(_ change: HealthChange) throws
    /// Writes what is told without a new observation, in one transaction.
    func commit(_ news: News) throws
    /// Writes all of these in order, in one transaction.
    func write(_ writes: [StoreWrite]) throws
    /// Writes what healthy probes have confirmed meanwhile, in one transaction.
    func confirm(_ sightings: [Sighting]) throws
    /// Alerts that a notifier still has to deliver and whose time has come, oldest first; of one millisecond, in the
    /// order in which they were stored.
    func deliveries(for notifier: String, dueAt now: Date, limit: Int) throws -> [PendingDelivery]
    /// When the next delivery of a notifier is due; `nil` where nothing waits.
    func nextDelivery(for notifier: String) throws -> Date?
    /// Notes what became of an attempt, and what follows from it, in one transaction.
    func settle(_ delivery: PendingDelivery, as outcome: DeliveryOutcome, with consequences: Consequences) throws
    /// Everything about an incident that a notifier still has to deliver, oldest first.
    func waiting(for notifier: String, about incident: String) throws -> [PendingDelivery]
    /// Whether a notifier was told that an incident is open, or has yet to tell it.
    func knows(_ notifier: String, of incident: String) throws -> Bool
    /// What was stored after this alert about the same subjects or the same incident, and was delivered by the
    /// notifier or waits for it, in order.
    func later(than alert: Alert, for notifier: String) throws -> [LaterAlert]
    /// The first alert stored before this one about the same subjects that still waits for the notifier.
    func firstWaiting(before alert: Alert, for notifier: String) throws -> PendingDelivery?
    /// What a notifier was not told because this alert has overtaken it, oldest first.
    func overtaken(by alert: Alert, for notifier: String) throws -> [Alert]
    /// The notifiers that people know to be failing.
    func failingNotifiers() throws -> [String: Incident]
    /// What was given up since then and that nobody else has got or will get, tests left out, oldest first.
    func lostAlerts(since: Date) throws -> [LostAlert]
    /// How every notifier that has ever had a delivery is doing.
    func notifierReports() throws -> [String: NotifierReport]
    /// What became of an alert at each notifier that had to deliver it.
    func deliveryRecords(of alert: String) throws -> [DeliveryRecord]
    /// What is remembered of drills.
    func drill() throws -> DrillRecord?
    /// Remembers this of drills.
    func keep(_ drill: DrillRecord) throws
    /// What must be known of hosts, so that their limits are kept across a restart.
    func hosts() throws -> HostMemory
    /// Remembers this of the hosts and tokens in it, in the place of what was known of them.
    func keep(_ hosts: HostMemory) throws
    /// Forgets some of what ended before `limit` and nobody waits for; `step`: where the last call came to.
    ///
    /// - Returns: where this call came to; `nil` where nothing is left to be forgotten.
    func prune(before limit: Date, after step: PruningStep?) throws -> PruningStep?
}

/// A token as the store remembers it.
package struct StoredToken: Sendable, Hashable {
    package var belief: Belief
    /// Validity of the last thirty days, oldest first.
    package var intervals: [ValidityInterval]

    package init(belief: Belief, intervals: [ValidityInterval]) {
        self.belief = belief
        self.intervals = intervals
    }

    /// With what follows from the intervals: acceptances without news lengthen the last one, and are written nowhere else.
    package var completed: StoredToken {
        guard let last = intervals.last, last.state == .valid else { return self }
        return StoredToken(belief: belief.sighted(at: last.end), intervals: intervals)
    }
}

/// Everything one decision writes.
package struct HealthChange: Sendable, Hashable {
    package var token: TokenName
    package var belief: Belief
    package var transition: Transition?
    /// The interval that is open now, with its newest end.
    package var interval: ValidityInterval
    /// The interval that has just ended, with its final end.
    package var endedInterval: ValidityInterval?
    /// An incident that has just ended, and when.
    package var endedIncident: Incident?
    /// For a token that is believed dead; of each incident, the first one is kept.
    package var certificate: DeathCertificate?
    package var news: News
    package var at: Date

    package var alerts: [OutgoingAlert] { news.alerts }

    package init(
        token: TokenName,
        belief: Belief,
        transition: Transition?,
        interval: ValidityInterval,
        endedInterval: ValidityInterval? = nil,
        endedIncident: Incident? = nil,
        certificate: DeathCertificate? = nil,
        news: News = News(),
        at: Date
    ) {
        self.token = token
        self.belief = belief
        self.transition = transition
        self.interval = interval
        self.endedInterval = endedInterval
        self.endedIncident = endedIncident
        self.certificate = certificate
        self.news = news
        self.at = at
    }
}

/// What is told, and what waits to be told.
package struct News: Sendable, Hashable {
    /// Notices that wait for their siblings.
    package var held: [HeldNotice] = []
    /// Notices that wait no longer.
    package var released: [HeldNotice] = []
    package var alerts: [OutgoingAlert] = []
    /// Beliefs that change without a look: incidents that are now told as one, or that a person has taken on.
    package var regrouped: [TokenName: Belief] = [:]
    package var providers: [RealmName: ProviderChange] = [:]
    package var silences: [TokenName: SilenceChange] = [:]
    package var interventions: [Intervention] = []
    /// Incidents that end without a recovery, because their token is watched no more.
    package var abandoned: [TokenName: AbandonedIncident] = [:]
    /// What becomes of incidents of the monitor itself: of its notifiers by their name, and of its store.
    package var notifierIncidents: [String: NotifierChange] = [:]

    package init(alerts: [OutgoingAlert] = []) {
        self.alerts = alerts
    }

    package var isEmpty: Bool {
        held.isEmpty && released.isEmpty && alerts.isEmpty && regrouped.isEmpty && providers.isEmpty
            && silences.isEmpty && interventions.isEmpty && abandoned.isEmpty && notifierIncidents.isEmpty
    }
}

/// An incident that ends without a recovery.
package struct AbandonedIncident: Sendable, Hashable {
    package let incident: Incident
    package let at: Date

    package init(incident: Incident, at: Date) {
        self.incident = incident
        self.at = at
    }
}

/// What becomes of a silence that a person has ordered.
package enum SilenceChange: Sendable, Hashable {
    case began(Silence)
    case ended(Silence)
}

/// What becomes of the incident of a provider.
package enum ProviderChange: Sendable, Hashable {
    case opened(ProviderIncident)
    case becameDeaths(ProviderIncident)
    case ended(ProviderIncident)
}

/// What a restart must take up again.
package struct UntoldNews: Sendable, Hashable {
    package var held: [HeldNotice]
    package var providerIncidents: [RealmName: ProviderIncident]
    package var silences: [TokenName: Silence]

    package init(
        held: [HeldNotice] = [],
        providerIncidents: [RealmName: ProviderIncident] = [:],
        silences: [TokenName: Silence] = [:]
    ) {
        self.held = held
        self.providerIncidents = providerIncidents
        self.silences = silences
    }
}

/// An alert and the notifiers that must deliver it.
package struct OutgoingAlert: Sendable, Hashable {
    package var alert: Alert
    package var notifiers: [String]

    package init(_ alert: Alert, to notifiers: [String]) {
        self.alert = alert
        self.notifiers = notifiers
    }
}

/// What a probe without news adds to the record.
package struct Sighting: Sendable, Hashable {
    package var token: TokenName
    /// `nil` where the token was accepted once more, and ``Belief/sighted(at:)`` is all that has changed.
    package var belief: Belief?
    package var interval: ValidityInterval

    package init(token: TokenName, belief: Belief?, interval: ValidityInterval) {
        self.token = token
        self.belief = belief
        self.interval = interval
    }
}

/// A row of the outbox.
package struct PendingDelivery: Sendable, Hashable {
    package var alert: Alert
    package var notifier: String
    /// Attempts made so far.
    package var attempts: Int
    package var dueAt: Date
    package var lastError: String?

    package init(alert: Alert, notifier: String, attempts: Int, dueAt: Date, lastError: String?) {
        self.alert = alert
        self.notifier = notifier
        self.attempts = attempts
        self.dueAt = dueAt
        self.lastError = lastError
    }
}

extension HealthStore {
    /// Notes what became of an attempt that has no consequences.
    package func settle(_ delivery: PendingDelivery, as outcome: DeliveryOutcome) throws {
        try settle(delivery, as: outcome, with: Consequences())
    }
}

/// What follows from an attempt to deliver.
package struct Consequences: Sendable, Hashable {
    /// The notifier that must deliver the alert, too.
    package var handOver: String?
    /// What the other notifiers are to say of this one.
    package var alert: OutgoingAlert?
    /// The incident of this notifier from now on; `nil` where nothing changes.
    package var notifierIncident: NotifierChange?
    /// When all that waits for this notifier is due at the latest, because it works again; `nil` where nothing changes.
    package var waitingDueBy: Date?

    package init() {}
}

/// What becomes of the incident of a notifier.
package enum NotifierChange: Sendable, Hashable {
    case opened(Incident)
    case ended
}

/// What is noted of a delivery.
package enum DeliveryOutcome: Sendable, Hashable {
    case delivered(at: Date)
    /// Not delivered, because a later alert tells it, too.
    case overtaken(at: Date, by: String)
    case postponed(until: Date, error: String)
    /// Not tried: it waits for what is to be told before it.
    case held(until: Date)
    /// Set aside for good, listed and counted.
    case undeliverable(at: Date, error: String)
}
