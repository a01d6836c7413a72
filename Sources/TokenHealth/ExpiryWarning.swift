import FoundationEssentials

/// Warnings of a coming expiry: one for each step of the ladder, under one id until the danger is over.
extension Belief {
    /// Whether the coming expiry is to be said now.
    func isExpiryStepDue(of token: WatchedToken, at now: Date) -> Bool {
        guard expiresAt != nil, state == .valid || state.name == .limited else { return false }
        guard let nearest = expirySteps(of: token, at: now).min() else { return false }
        // A step that a reload has added is none where a shorter one was said.
        return !expiryStepsSaid.contains { $0 <= nearest }
    }

    /// Warns of the coming expiry, or says that the warning is over.
    mutating func settleExpiryWarning(at now: Date, token: WatchedToken) -> [Notice] {
        if isExpiryStepDue(of: token, at: now) {
            expiryStepsSaid.formUnion(expirySteps(of: token, at: now))
            let warning = expiryWarning ?? Incident(subject: "\(token.name)-expiry", openedAt: now, kind: .expiring)
            expiryWarning = warning
            return [Notice(.expiring, incident: warning)]
        }
        guard let warning = expiryWarning, let ending = endOfExpiryWarning(for: token, at: now) else { return [] }
        expiryWarning = nil
        return [Notice(.expiring, incident: warning, ending: ending)]
    }

    /// How the warning that people know ends; `nil` while it goes on.
    ///
    /// A longer life must have been told for a while: one that comes and goes ends nothing.
    func endOfExpiryWarning(for token: WatchedToken, at now: Date) -> IncidentEnding? {
        switch state {
        case .invalid: return .outlived
        case .valid, .limited:
            return expiryLongerSince == nil && expirySteps(of: token, at: now).isEmpty ? .renewed : nil
        case .pending, .suspect, .unknown, .blind, .misconfigured: return nil
        }
    }
}

/// What people know to be open of one token: its incident, and the warning of its expiry.
extension Belief {
    /// Whether anything of it is known by `id`.
    package func isKnown(by id: String) -> Bool { incident?.sharedID == id || expiryWarning?.sharedID == id }

    /// The own ids of what is known by `id`.
    package func opened(by id: String) -> [String] {
        [incident, expiryWarning].compactMap { $0.flatMap { $0.sharedID == id ? $0.id : nil } }
    }

    /// What has this id of its own.
    package func opened(_ id: String) -> Incident? {
        if let incident, incident.id == id { return incident }
        return expiryWarning.flatMap { $0.id == id ? $0 : nil }
    }

    /// Changes what has this id of its own.
    package mutating func change(_ id: String, _ body: (inout Incident) -> Void) {
        guard var changed = opened(id) else { return }
        body(&changed)
        if incident?.id == id { incident = changed } else { expiryWarning = changed }
    }
}
