import FoundationEssentials
import TokenHealth

/// Decides when people are told that history is not kept, and when that it is again: once, however often a bad disk
/// fails and comes back.
struct StoreVigil {
    /// Uptime since which the disk fails; `nil` while it does not.
    private var failingSince: Duration?
    /// Uptime since which it works again.
    private var workingSince = Duration.zero
    /// Uptimes of the last failures.
    private var failures: [Duration] = []
    /// What people have been told and not yet been told the end of.
    private(set) var incident: Incident?

    /// A failure that is over sooner is told only if others follow.
    static let patience = Duration.seconds(10)
    /// So many failures within ``window`` are told, however short they are.
    private static let mostFailures = 3
    private static let window = Duration.seconds(600)
    /// How long the disk must have worked before that is told.
    static let calm = Duration.seconds(60)

    mutating func fail(at now: Duration) {
        guard failingSince == nil else { return }
        failingSince = now
        failures.removeAll { $0 < now - StoreVigil.window }
        failures.append(now)
    }

    mutating func recover(at now: Duration) {
        guard failingSince != nil else { return }
        failingSince = nil
        workingSince = now
    }

    /// Under what name the store keeps the incident among those of notifiers: none can be called so.
    static let name = "/" + Alert.stateSubject

    init() {}

    /// Goes on after a restart, with a disk that works.
    ///
    /// - `incident`: what people have been told and not yet been told the end of.
    init(incident: Incident?, at now: Duration) {
        self.incident = incident
        workingSince = now
    }

    /// Whether there is something to tell now; it counts as told.
    mutating func news(at now: Moment) -> (kind: AlertKind, incident: Incident)? {
        if let failingSince, incident == nil {
            let isOften = failures.count >= StoreVigil.mostFailures
            guard isOften || now.uptime - failingSince >= StoreVigil.patience else { return nil }
            let opened = Incident(subject: Alert.stateSubject, openedAt: now.wall, kind: .notifierFailing)
            incident = opened
            return (.notifierFailing, opened)
        }
        if failingSince == nil, let ended = incident, now.uptime - workingSince >= StoreVigil.calm {
            incident = nil
            failures = []
            return (.notifierRecovered, ended)
        }
        return nil
    }
}
