import FoundationEssentials
import TokenHealth

/// What Alertmanager is to believe: it forgets what it is not told again.
struct AssertionLedger: Sendable {
    /// How long an end is repeated, so that no peer of a cluster misses it.
    static let echo = Duration.seconds(300)

    private struct Entry {
        var alert: AlertmanagerAlert
        /// When this was last learnt.
        var notedAt: Date
    }

    /// What an alert is about, under whatever name.
    private struct Subject: Hashable {
        let incident: String
        let token: String?

        init?(_ alert: AlertmanagerAlert) {
            guard let incident = alert.incident else { return nil }
            self.incident = incident
            token = alert.token
        }
    }

    private var entries: [[String: String]: Entry] = [:]
    private var hasSeenOpen = false

    /// Takes note of what is being delivered.
    ///
    /// What belongs to no incident is said once and is not kept.
    mutating func note(_ alerts: [AlertmanagerAlert], at now: Date) {
        for alert in alerts {
            guard let subject = Subject(alert) else { continue }
            // What was said of it before, as of limits when it is dead now, is over.
            for (labels, entry) in entries
            where labels != alert.labels && entry.alert.endsAt == nil && Subject(entry.alert) == subject {
                entries[labels]?.alert.endsAt = alert.endsAt ?? now
            }
            entries[alert.labels] = Entry(alert: alert, notedAt: now)
        }
    }

    /// Compares with what is open.
    ///
    /// The first time everything open is taken over, for another process has told of it. Later only what belongs to
    /// an incident that was delivered: the outbox decides what is said for the first time.
    ///
    /// - Parameters:
    ///   - open: every open incident of a token that this notifier tells of.
    ///   - now: when that was so.
    mutating func reconcile(with open: [AlertmanagerAlert], at now: Date) {
        let told = Set(entries.values.filter { $0.alert.token != nil }.compactMap(\.alert.incident))
        for alert in open {
            guard let incident = alert.incident, !hasSeenOpen || told.contains(incident) else { continue }
            if let known = entries[alert.labels], known.notedAt >= now { continue }
            entries[alert.labels] = Entry(alert: alert, notedAt: now)
        }
        hasSeenOpen = true
        let stillOpen = Set(open.map(\.labels))
        for (labels, entry) in entries
        where entry.alert.token != nil && entry.alert.endsAt == nil && entry.notedAt < now
            && !stillOpen.contains(labels)
        {
            entries[labels]?.alert.endsAt = now
        }
        entries = entries.filter { _, entry in
            entry.alert.endsAt.map { $0.advanced(by: AssertionLedger.echo) >= now } ?? true
        }
    }

    /// Everything to be said again, in a stable order.
    var alerts: [AlertmanagerAlert] {
        entries.values.map(\.alert).sorted { ($0.startsAt, $0.fingerprint) < ($1.startsAt, $1.fingerprint) }
    }
}
