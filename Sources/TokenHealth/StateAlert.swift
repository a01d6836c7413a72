package import FoundationEssentials

extension Alert {
    /// What an incident of the state directory is about, where others have the name of a token.
    package static let stateSubject = "state-directory"

    /// Whether it tells that history is not kept, or is kept again, rather than of a notifier.
    package var isAboutState: Bool {
        kind.traits.subject == .monitor && incidentID?.hasPrefix(Alert.stateSubject + "-") ?? false
    }
}

extension AlertComposer {
    /// The alert that history is not kept, or is kept again.
    ///
    /// It is of the kind of a failing notifier: what fails is the monitor itself, no token and no provider.
    ///
    /// - Parameters:
    ///   - kind: `notifierFailing` or `notifierRecovered`.
    ///   - incident: of the state directory.
    ///   - cause: what the disk says.
    ///   - now: the time.
    /// - Returns: the alert.
    package func stateAlert(_ kind: AlertKind, incident: Incident, cause: String, at now: Date) -> Alert {
        let lasted = Duration.seconds(now.timeIntervalSince(incident.openedAt))
        let summary =
            kind.endsIncident ? "HISTORY KEPT AGAIN after \(lasted.short)" : "HISTORY NOT KEPT (\(cause))"
        let steps = [
            "Make room, or repair the disk, where state.directory of the configuration points: df, dmesg.",
            "Nothing need be restarted: what happens meanwhile is kept in memory, and written once the disk takes it. "
                + "A restart before that loses it.",
        ]
        return Alert(
            id: "\(incident.id)-\(kind.idPart)",
            kind: kind,
            severity: kind.severity,
            createdAt: now,
            incidentID: incident.id,
            summary: summary + " on \(host)",
            host: host,
            remedy: kind.endsIncident ? AlertRemedy() : AlertRemedy(steps: steps),
            lastedSeconds: kind.endsIncident ? Int(lasted.components.seconds) : nil
        )
    }
}
