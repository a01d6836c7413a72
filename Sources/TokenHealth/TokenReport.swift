package import FoundationEssentials

/// One token as programs see it: an entry of the status file, and of an alert.
///
/// Absent facts are encoded as `null`, never left out.
package struct TokenReport: Sendable, Hashable, Codable {
    /// Only in lists; in the status file the name is the key.
    package var name: TokenName?
    package var state: StateName
    package var reason: String?
    package var since: Date
    package var explanation: String
    package var provider: String
    package var owner: String?
    package var fingerprint: Fingerprint?
    package var identity: Identity?
    package var lastProbe: LastProbe?
    package var lastAcceptedAt: Date?
    package var firstRejectedAt: Date?
    package var nextProbeAt: Date?
    package var expiresAt: Date?
    /// Who said so: with `estimate` nobody did.
    package var expirySource: ExpirySource?
    package var uptime: Uptime
    package var incident: IncidentReport?
    package var usedBy: [Dependant]

    /// What is known of `token`.
    package init(token: WatchedToken, belief: Belief, uptime: Uptime, nextProbeAt: Date?) {
        name = nil
        state = belief.state.name
        reason = belief.state.reason
        since = belief.since
        explanation = belief.explanation
        provider = token.provider.name
        owner = token.owner
        fingerprint = belief.fingerprint
        identity = belief.identity
        lastProbe = belief.lastProbe
        lastAcceptedAt = belief.lastAcceptedAt
        firstRejectedAt = belief.firstRejectedAt
        self.nextProbeAt = nextProbeAt
        expiresAt = belief.expiresAt
        expirySource = belief.expirySource
        self.uptime = uptime
        incident = belief.incident.map(IncidentReport.init)
        usedBy = token.usedBy
    }

    /// The same report with its name, for a list.
    package func named(_ name: TokenName) -> TokenReport {
        var report = self
        report.name = name
        return report
    }

    private enum CodingKeys: String, CodingKey {
        case name, state, reason, since, explanation, provider, owner, fingerprint, identity, uptime, incident
        case lastProbe = "last_probe"
        case lastAcceptedAt = "last_accepted_at"
        case firstRejectedAt = "first_rejected_at"
        case nextProbeAt = "next_probe_at"
        case expiresAt = "expires_at"
        case expirySource = "expiry_source"
        case usedBy = "used_by"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(name, forKey: .name)
        try container.encode(state, forKey: .state)
        try container.encode(reason, forKey: .reason)
        try container.encode(since, forKey: .since)
        try container.encode(explanation, forKey: .explanation)
        try container.encode(provider, forKey: .provider)
        try container.encode(owner, forKey: .owner)
        try container.encode(fingerprint, forKey: .fingerprint)
        try container.encode(identity, forKey: .identity)
        try container.encode(lastProbe, forKey: .lastProbe)
        try container.encode(lastAcceptedAt, forKey: .lastAcceptedAt)
        try container.encode(firstRejectedAt, forKey: .firstRejectedAt)
        try container.encode(nextProbeAt, forKey: .nextProbeAt)
        try container.encode(expiresAt, forKey: .expiresAt)
        try container.encode(expirySource, forKey: .expirySource)
        try container.encode(uptime, forKey: .uptime)
        try container.encode(incident, forKey: .incident)
        try container.encode(usedBy, forKey: .usedBy)
    }
}

/// An incident as programs see it.
package struct IncidentReport: Sendable, Hashable, Codable {
    package var id: String
    package var openedAt: Date
    package var acknowledged: String?
    package var silencedUntil: Date?

    package init(id: String, openedAt: Date) {
        self.id = id
        self.openedAt = openedAt
    }

    init(_ incident: Incident) {
        self.init(id: incident.sharedID, openedAt: incident.openedAt)
        acknowledged = incident.acknowledged?.text
    }

    private enum CodingKeys: String, CodingKey {
        case id, acknowledged
        case openedAt = "opened_at"
        case silencedUntil = "silenced_until"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(openedAt, forKey: .openedAt)
        try container.encode(acknowledged, forKey: .acknowledged)
        try container.encode(silencedUntil, forKey: .silencedUntil)
    }
}
