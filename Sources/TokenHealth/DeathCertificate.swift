package import FoundationEssentials

/// What is kept of a death for good: when, why, by which evidence, and what stood still because of it.
///
/// Absent facts are encoded as `null`, never left out.
package struct DeathCertificate: Sendable, Hashable, Codable {
    package var provider: String
    package var owner: String?
    package var fingerprint: Fingerprint?
    /// First sight of this secret: it may be older.
    package var fingerprintSeenAt: Date?
    package var lastAcceptedAt: Date?
    package var firstRejectedAt: Date?
    package var confirmedAt: Date
    package var reason: RejectionReason
    /// What most likely ended it, as far as the provider's description knows.
    package var cause: String?
    package var explanation: String
    package var usedBy: [Dependant]
    package var evidence: Evidence

    /// The certificate for `token`, or `nil` where it is not believed dead.
    package init?(token: WatchedToken, belief: Belief, siblings: [SiblingEvidence] = []) {
        guard case .invalid(let reason) = belief.state else { return nil }
        provider = token.provider.name
        owner = token.owner
        fingerprint = belief.fingerprint
        fingerprintSeenAt = belief.fingerprintSeenAt
        lastAcceptedAt = belief.lastAcceptedAt
        firstRejectedAt = belief.firstRejectedAt
        confirmedAt = belief.since
        self.reason = reason
        cause = reason == .revoked ? token.provider.remedy.causes.first : nil
        explanation = belief.explanation
        usedBy = token.usedBy
        evidence = Evidence(token: token, belief: belief, siblings: siblings)
    }

    /// Time of death, as exactly as it is known from above.
    package var diedAt: Date { firstRejectedAt ?? confirmedAt }

    /// From the first sight of the secret to its death.
    package var lived: Duration? {
        guard let fingerprintSeenAt, diedAt >= fingerprintSeenAt else { return nil }
        return .seconds(diedAt.timeIntervalSince(fingerprintSeenAt))
    }

    private enum CodingKeys: String, CodingKey {
        case provider, owner, fingerprint, reason, cause, explanation, evidence
        case fingerprintSeenAt = "fingerprint_seen_at"
        case lastAcceptedAt = "last_accepted_at"
        case firstRejectedAt = "first_rejected_at"
        case confirmedAt = "confirmed_at"
        case usedBy = "used_by"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(provider, forKey: .provider)
        try container.encode(owner, forKey: .owner)
        try container.encode(fingerprint, forKey: .fingerprint)
        try container.encode(fingerprintSeenAt, forKey: .fingerprintSeenAt)
        try container.encode(lastAcceptedAt, forKey: .lastAcceptedAt)
        try container.encode(firstRejectedAt, forKey: .firstRejectedAt)
        try container.encode(confirmedAt, forKey: .confirmedAt)
        try container.encode(reason, forKey: .reason)
        try container.encode(cause, forKey: .cause)
        try container.encode(explanation, forKey: .explanation)
        try container.encode(usedBy, forKey: .usedBy)
        try container.encode(evidence, forKey: .evidence)
    }
}
