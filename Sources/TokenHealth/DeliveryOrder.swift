package import FoundationEssentials

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
    /// It is an end, and people know already of these beginnings that came after it, in order.
    case late([KnownBeginning])
}

/// A beginning of which people know.
package struct KnownBeginning: Sendable, Hashable {
    package let alert: Alert
    /// When it ended, of which people are not told yet; `nil` where it is so still.
    package let end: Date?
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
        if let end = lastEnd(of: later) { return .overtaken(by: end) }
        let beginnings = kind.endsIncident ? knownBeginnings(in: later) : []
        return beginnings.isEmpty ? .timely : .late(beginnings)
    }

    /// What people know of each of its tokens, where that is a beginning: what they are told of another says nothing of it.
    private func knownBeginnings(in later: [LaterAlert]) -> [KnownBeginning] {
        let own = Set(subjects)
        var known: [String: Int] = [:]
        var ends: [String: Date] = [:]
        for (index, other) in later.enumerated() where other.alert.kind.tellsState {
            for subject in other.alert.subjects where own.contains(subject) {
                if other.isDelivered { known[subject] = index }
                ends[subject] = other.alert.kind.endsIncident ? other.alert.createdAt : nil
            }
        }
        let beginnings = Dictionary(grouping: known.keys) { known[$0] ?? 0 }.sorted { $0.key < $1.key }
        return beginnings.map { index, subjects in
            // It is over where it is over for all of them.
            let over = subjects.compactMap { ends[$0] }
            return KnownBeginning(alert: later[index].alert, end: over.count < subjects.count ? nil : over.max())
        }.filter { $0.alert.kind.beginsIncident }
    }

    /// The last of the ends that are told of each token it is about, where its incident is over by then: told after them, it
    /// would open what nothing ends.
    private func lastEnd(of later: [LaterAlert]) -> Alert? {
        guard kind.opens, !endsIncident, omittedTokens == 0, isOver(by: later) else { return nil }
        let ends = later.filter { $0.alert.incidentID == incidentID && $0.alert.endsIncident }
        let ended = Set(ends.flatMap(\.alert.tokens).map(\.name))
        return tokens.allSatisfy { ended.contains($0.name) } ? ends.last?.alert : nil
    }

    /// Whether of what was decided later about its incident the last word is that nothing of it is open.
    private func isOver(by later: [LaterAlert]) -> Bool {
        guard let incidentID else { return false }
        let last = later.last { $0.alert.incidentID == incidentID && ($0.alert.kind.opens || $0.alert.endsIncident) }
        return last.map { $0.alert.endsIncident && $0.alert.openTokens == 0 } ?? false
    }

    /// The same end as it is told when its incident is over by what was decided later: told as the end of one of several,
    /// it would open the incident again.
    package func known(with later: [LaterAlert]) -> Alert {
        guard endsIncident, isOver(by: later) else { return self }
        var alert = self
        alert.openTokens = 0
        return alert
    }

    /// The same end, told after later beginnings: whoever reads it last must not believe that all is well now.
    package func telling(afterwards beginnings: [KnownBeginning]) -> Alert {
        var alert = self
        let what = beginnings.map(\.text).joined(separator: ", and ")
        alert.summary = "\(summary), but \(what)"
        alert.lateness =
            "This message is late. \(beginnings.contains { $0.end == nil } ? "By now" : "Meanwhile"): \(what)."
        return alert
    }

    /// The summary without the name of the host at its end.
    var summaryWithoutHost: String {
        summary.hasSuffix(" on \(host)") ? String(summary.dropLast(host.count + 4)) : summary
    }
}

extension KnownBeginning {
    fileprivate var text: String {
        let span = end.map { "from \(alert.createdAt.minuteUTC) to \($0.minuteUTC)" }
        return "\(alert.summaryWithoutHost) \(span ?? "since \(alert.createdAt.minuteUTC)")"
    }
}

extension AlertKind {
    /// Whether it says that an incident is there, or that it is over.
    fileprivate var tellsState: Bool { beginsIncident || endsIncident }
}
