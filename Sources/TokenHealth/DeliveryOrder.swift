/// An alert that was decided after another one and goes to the same notifier.
package struct LaterAlert: Sendable, Hashable {
    package let alert: Alert
    package let isDelivered: Bool

    package init(_ alert: Alert, isDelivered: Bool) {
        self.alert = alert
        self.isDelivered = isDelivered
    }
}

/// Whether an alert is still to be told as it was meant, given what was decided after it.
package enum Timeliness: Sendable, Hashable {
    case timely
    /// Telling it is needless: this one tells of it, too.
    case overtaken(by: Alert)
    /// It is an end, and people know already of this beginning that came after it.
    case late(Alert)
}

extension Alert {
    /// What it is about, for the order in which one notifier is told: its tokens, or what else has an incident.
    package var subjects: [String] {
        let names = tokens.compactMap(\.name?.text)
        if !names.isEmpty { return names }
        // The id of an incident is its subject and its time; no token's name has a slash.
        guard let incidentID, let end = incidentID.lastIndex(of: "-") else { return [] }
        return ["/\(incidentID[..<end])"]
    }

    /// Whether it is to be told as it was meant.
    ///
    /// `later`: everything decided after it about the same subjects or the same incident, in order.
    package func timeliness(before later: [LaterAlert]) -> Timeliness {
        if let end = later.last(where: { $0.alert.overtakes(self) }) { return .overtaken(by: end.alert) }
        guard kind.endsIncident, let newest = later.last(where: { $0.alert.kind.tellsState }),
            newest.alert.kind.beginsIncident, newest.isDelivered
        else { return .timely }
        return .late(newest.alert)
    }

    /// The same end, told after a later beginning: whoever reads it last must not believe that all is well now.
    package func telling(afterwards beginning: Alert) -> Alert {
        var alert = self
        let what = "\(beginning.summaryWithoutHost) since \(beginning.createdAt.minuteUTC)"
        alert.summary = "\(summary), but \(what)"
        alert.lateness = "This message is late. By now: \(what)."
        return alert
    }

    /// The summary without the name of the host at its end.
    var summaryWithoutHost: String {
        summary.hasSuffix(" on \(host)") ? String(summary.dropLast(host.count + 4)) : summary
    }
}

extension AlertKind {
    /// Whether it says that an incident is there, or that it is over.
    fileprivate var tellsState: Bool { beginsIncident || endsIncident }
}
