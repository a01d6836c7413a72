package import FoundationEssentials

extension Alert {
    /// What an incident of the configuration is about, where others have the name of a token.
    package static let configurationSubject = "configuration"

    /// Whether it tells that a new configuration is not used, or that one is again, rather than of a notifier.
    package var isAboutConfiguration: Bool {
        kind.traits.subject == .monitor && incidentID?.hasPrefix(Alert.configurationSubject + "-") ?? false
    }
}

extension AlertComposer {
    /// The alert that a new configuration is not used, or that one is again.
    ///
    /// It is of the kind of a failing notifier: what fails is the monitor itself, no token and no provider.
    ///
    /// - Parameters:
    ///   - kind: `notifierFailing` or `notifierRecovered`.
    ///   - incident: of the configuration.
    ///   - problem: why it is not used.
    ///   - now: the time.
    /// - Returns: the alert.
    package func configurationAlert(_ kind: AlertKind, incident: Incident, problem: String, at now: Date) -> Alert {
        let lasted = Duration.seconds(now.timeIntervalSince(incident.openedAt))
        let lines = problem.split(separator: "\n").map(String.init)
        let first = (lines.first { !$0.hasSuffix(":") } ?? problem).prefix(200)
        let summary =
            kind.endsIncident
            ? "NEW CONFIGURATION IN USE after \(lasted.short)" : "NEW CONFIGURATION NOT USED (\(first))"
        let steps =
            lines.prefix(10) + [
                "sudo tokenvigil config check",
                "sudo systemctl reload tokenvigil",
            ]
        return Alert(
            id: "\(incident.id)-\(kind.idPart)-\(now.compactUTC)",
            kind: kind,
            severity: kind.severity,
            createdAt: now,
            incidentID: incident.id,
            summary: summary + " on \(host)",
            host: host,
            remedy: kind.endsIncident ? AlertRemedy() : AlertRemedy(steps: Array(steps)),
            lastedSeconds: kind.endsIncident ? Int(lasted.components.seconds) : nil
        )
    }
}

/// What is to be told of configurations that are not used: of each once, and when one is used again.
package struct ConfigurationVigil: Sendable, Hashable, Codable {
    /// What people have been told and not yet been told the end of.
    package private(set) var incident: Incident?
    /// Why the last configuration is not used; `nil` where it is.
    package private(set) var problem: String?

    package init() {}

    /// Takes note of a configuration that is not used, or for `nil` of one that is.
    ///
    /// - Returns: what is to be told.
    package mutating func note(_ problem: String?, at now: Date) -> (kind: AlertKind, incident: Incident)? {
        let isNews = problem != self.problem
        self.problem = problem
        guard problem != nil else {
            defer { incident = nil }
            return incident.map { (.notifierRecovered, $0) }
        }
        let current = incident ?? Incident(subject: Alert.configurationSubject, openedAt: now, kind: .notifierFailing)
        incident = current
        return isNews ? (.notifierFailing, current) : nil
    }
}
