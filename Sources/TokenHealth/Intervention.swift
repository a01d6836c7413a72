package import FoundationEssentials

/// That a person has taken an incident on: nobody is reminded of it any more.
package struct Acknowledgement: Sendable, Hashable, Codable {
    package let at: Date
    package let by: String
    package let reason: String

    package init(at: Date, by: String, reason: String) {
        self.at = at
        self.by = by
        self.reason = reason
    }

    /// For the status file: `oncall: rotating it now (2026-11-23T10:05:07.120Z)`.
    package var text: String { "\(by): \(reason) (\(at.rfc3339))" }
}

/// That a token is not spoken of for a while; what happens meanwhile is told at the end.
package struct Silence: Sendable, Hashable, Codable {
    package let until: Date
    package let reason: String
    package let by: String
    package let at: Date

    package init(until: Date, reason: String, by: String, at: Date) {
        self.until = until
        self.reason = reason
        self.by = by
        self.at = at
    }
}

/// What was done about a token, for the record.
package struct Intervention: Sendable, Hashable, Codable {
    package enum Deed: String, Sendable, Hashable, Codable, CaseIterable {
        case acknowledged, silenced, unsilenced
        /// By itself, at the time set or at the recovery.
        case silenceEnded = "silence_ended"
        /// Its secret was, by a person.
        case replaced
        /// With an open incident, because it is no longer configured.
        case removed
    }

    package let at: Date
    package let token: TokenName
    package let deed: Deed
    package let by: String
    package let reason: String
    package let incident: String?
    package let until: Date?
    /// Of the secret before and after a replacement, where they are known.
    package var oldFingerprint: Fingerprint?
    package var newFingerprint: Fingerprint?

    package init(
        at: Date,
        token: TokenName,
        deed: Deed,
        by: String,
        reason: String,
        incident: String? = nil,
        until: Date? = nil
    ) {
        self.at = at
        self.token = token
        self.deed = deed
        self.by = by
        self.reason = reason
        self.incident = incident
        self.until = until
    }

    private enum CodingKeys: String, CodingKey {
        case at, token, deed, by, reason, incident, until
        case oldFingerprint = "old_fingerprint"
        case newFingerprint = "new_fingerprint"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(at, forKey: .at)
        try container.encode(token, forKey: .token)
        try container.encode(deed, forKey: .deed)
        try container.encode(by, forKey: .by)
        try container.encode(reason, forKey: .reason)
        try container.encode(incident, forKey: .incident)
        try container.encode(until, forKey: .until)
        try container.encode(oldFingerprint, forKey: .oldFingerprint)
        try container.encode(newFingerprint, forKey: .newFingerprint)
    }
}
