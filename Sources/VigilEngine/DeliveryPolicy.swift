import FoundationEssentials
import Synchronization
import TokenHealth

/// What happens when a notifier does not deliver.
package struct NotifierRules: Sendable, Hashable {
    /// The notifier that takes over.
    package var fallback: String?
    /// How long an alert may wait before the fallback gets it, too.
    package var fallbackAfter: Duration

    package init(fallback: String? = nil, fallbackAfter: Duration = .seconds(900)) {
        self.fallback = fallback
        self.fallbackAfter = fallbackAfter
    }
}

/// Decides what follows from an attempt to deliver: another attempt, the fallback, and a word to the others.
struct DeliveryPolicy: Sendable {
    let composer: AlertComposer
    /// Every notifier by its name.
    let rules: [String: NotifierRules]

    /// Failed attempts of one alert after which its notifier is said to be failing: some two and a half minutes.
    private static let patience = 4
    /// One that is left alone for so long after an attempt, as its receiver asks for, is said to be failing at once.
    private static let longRest = Duration.seconds(300)

    /// What became of `delivery`.
    ///
    /// - `course`: how the deliveries of this notifier went.
    /// - `chance`: from 0 to below 1; it spreads the attempts.
    func outcome(
        of result: DeliveryResult,
        for delivery: PendingDelivery,
        on course: NotifierCourse,
        chance: Double,
        at now: Date
    ) -> DeliveryOutcome {
        switch result {
        case .delivered:
            return .delivered(at: now)
        case .failed(let error, let retryAfter):
            let isOld = age(of: delivery, at: now) >= RetrySchedule.patience
            if isOld, delivery.attempts + 1 >= RetrySchedule.attempts {
                return .undeliverable(at: now, error: error)
            }
            let scheduled = RetrySchedule.pause(after: delivery.attempts + 1, retryAfter: retryAfter, chance: chance)
            let pause = course.pause(scheduled, of: delivery, retryAfter: retryAfter)
            return .postponed(until: now.advanced(by: pause), error: error)
        case .refused(let error):
            let isBelieved =
                delivery.attempts + 1 >= RetrySchedule.refusals
                && age(of: delivery, at: now) >= RetrySchedule.patienceWithRefusals
            guard !isBelieved else { return .undeliverable(at: now, error: error) }
            let scheduled = RetrySchedule.pause(after: delivery.attempts + 1, retryAfter: nil, chance: chance)
            let pause = course.pause(scheduled, of: delivery, retryAfter: nil)
            return .postponed(until: now.advanced(by: pause), error: error)
        case .gone(let error):
            return .undeliverable(at: now, error: error)
        }
    }

    /// What follows from `outcome`.
    ///
    /// - `isRefused`: whether the receiver has said that it never takes this: its fallback does not wait then.
    /// - `incident`: of this notifier, where people know that it is failing.
    /// - `fallbackKnows`: whether the fallback was told of the incident that the alert is about.
    func consequences(
        of outcome: DeliveryOutcome,
        for delivery: PendingDelivery,
        isRefused: Bool = false,
        incident: Incident?,
        fallbackKnows: Bool = false,
        at now: Date
    ) -> Consequences {
        var consequences = Consequences()
        switch outcome {
        case .delivered:
            // Whoever took over a beginning is told its end.
            if fallbackKnows, delivery.alert.endsIncident { consequences.handOver = fallback(delivery) }
            guard let incident else { break }
            consequences.notifierIncident = .ended
            consequences.alert = word(.notifierRecovered, of: delivery.notifier, incident, because: "", at: now)
        case .overtaken:
            break
        case .held:
            consequences.handOver = isLate(delivery, at: now) ? fallback(delivery) : nil
        case .postponed(let until, let error):
            consequences.handOver = isRefused || isLate(delivery, at: now) ? fallback(delivery) : nil
            let isLongRest = until.timeIntervalSince(now) >= DeliveryPolicy.longRest.inSeconds
            if incident == nil, isLongRest || delivery.attempts + 1 >= DeliveryPolicy.patience {
                open(&consequences, for: delivery, because: error, at: now)
            }
        case .undeliverable(_, let error):
            consequences.handOver = fallback(delivery)
            if incident == nil { open(&consequences, for: delivery, because: error, at: now) }
        }
        return consequences
    }

    private func open(
        _ consequences: inout Consequences,
        for delivery: PendingDelivery,
        because error: String,
        at now: Date
    ) {
        let incident = Incident(subject: "notifier-\(delivery.notifier)", openedAt: now, kind: .notifierFailing)
        consequences.notifierIncident = .opened(incident)
        consequences.alert = word(.notifierFailing, of: delivery.notifier, incident, because: error, at: now)
    }

    /// What the other notifiers say of this one; `nil` where there is no other.
    private func word(
        _ kind: AlertKind,
        of notifier: String,
        _ incident: Incident,
        because error: String,
        at now: Date
    ) -> OutgoingAlert? {
        let others = rules.keys.filter { $0 != notifier }.sorted()
        guard !others.isEmpty else { return nil }
        let alert = composer.notifierAlert(kind, notifier: notifier, incident: incident, detail: error, at: now)
        return OutgoingAlert(alert, to: others)
    }

    func fallback(_ delivery: PendingDelivery) -> String? {
        delivery.alert.isNotifierCheck ? nil : rules[delivery.notifier]?.fallback
    }

    /// Whether its fallback gets it, too.
    private func isLate(_ delivery: PendingDelivery, at now: Date) -> Bool {
        age(of: delivery, at: now) >= rules[delivery.notifier]?.fallbackAfter ?? .zero
    }

    private func age(of delivery: PendingDelivery, at now: Date) -> Duration {
        .seconds(now.timeIntervalSince(delivery.alert.createdAt))
    }
}

/// The notifiers that people know to be failing, as the store last took them.
final class FailingNotifiers: Sendable {
    private let incidents: Mutex<[String: Incident]>

    init(_ incidents: [String: Incident]) { self.incidents = Mutex(incidents) }

    func incident(of notifier: String) -> Incident? { incidents.withLock { $0[notifier] } }

    /// All of them, by name.
    var all: [(notifier: String, incident: Incident)] {
        incidents.withLock { $0.sorted { $0.key < $1.key } }.map { ($0.key, $0.value) }
    }

    func note(_ change: NotifierChange?, of notifier: String) {
        switch change {
        case .opened(let incident): incidents.withLock { $0[notifier] = incident }
        case .ended: incidents.withLock { $0[notifier] = nil }
        case nil: break
        }
    }
}
