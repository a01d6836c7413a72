package import FoundationEssentials

/// Why a token is believed to be in its state: the reasoning that goes with a probe, an alert and a death certificate.
///
/// Absent facts are encoded as `null`, never left out.
package struct Evidence: Sendable, Hashable, Codable {
    package var name: TokenName
    /// What the token was answered, oldest first; answers alike in a row are one entry.
    package var answers: [AnswerEvidence]
    /// What the same request without the token was answered last.
    package var control: AnswerEvidence?
    /// What the token says of itself: hints, never proof.
    package var claims: TokenClaims?
    package var lastAcceptedAt: Date?
    /// First rejection since the last acceptance.
    package var firstRejectedAt: Date?
    /// How tokens that share owner, host or provider are doing.
    package var siblings: [SiblingEvidence]
    package var recipe: ProbeRecipe

    /// What is known of `token`.
    package init(token: WatchedToken, belief: Belief, siblings: [SiblingEvidence] = []) {
        name = token.name
        answers = belief.answers ?? []
        control = belief.controlAnswer
        claims = belief.claims
        lastAcceptedAt = belief.lastAcceptedAt
        firstRejectedAt = belief.firstRejectedAt
        self.siblings = siblings
        recipe = ProbeRecipe(for: token)
    }

    private enum CodingKeys: String, CodingKey {
        case name, answers, control, claims, siblings
        case lastAcceptedAt = "last_accepted_at"
        case firstRejectedAt = "first_rejected_at"
        case recipe = "repeat"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(answers, forKey: .answers)
        try container.encode(control, forKey: .control)
        try container.encode(claims, forKey: .claims)
        try container.encode(lastAcceptedAt, forKey: .lastAcceptedAt)
        try container.encode(firstRejectedAt, forKey: .firstRejectedAt)
        try container.encode(siblings, forKey: .siblings)
        try container.encode(recipe, forKey: .recipe)
    }
}

/// A token that shares something with the one in question, and how it is doing.
package struct SiblingEvidence: Sendable, Hashable, Codable {
    /// What two tokens can share, closest first.
    package enum Bond: String, Sendable, Hashable, Codable, CaseIterable {
        case owner, host, provider
    }

    /// Most siblings that are told of.
    package static let limit = 10

    package var name: TokenName
    package var state: StateName
    package var reason: String?
    package var since: Date
    package var shares: [Bond]

    package init(name: TokenName, state: StateName, reason: String?, since: Date, shares: [Bond]) {
        self.name = name
        self.state = state
        self.reason = reason
        self.since = since
        self.shares = shares
    }

    private enum CodingKeys: CodingKey { case name, state, reason, since, shares }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(state, forKey: .state)
        try container.encode(reason, forKey: .reason)
        try container.encode(since, forKey: .since)
        try container.encode(shares, forKey: .shares)
    }
}

extension WatchedToken {
    /// What this token and `other` share.
    package func bonds(with other: WatchedToken) -> [SiblingEvidence.Bond] {
        SiblingEvidence.Bond.allCases.filter { bond in
            switch bond {
            case .owner: owner != nil && owner == other.owner && provider.name == other.provider.name
            case .host: baseURL.authority == other.baseURL.authority
            case .provider: provider.name == other.provider.name
            }
        }
    }

    /// How the siblings of this token are doing, the closest first, at most ``SiblingEvidence/limit``.
    ///
    /// - `report`: the newest report on a token, or `nil` where nothing is known of it.
    package func siblings(
        among tokens: some Sequence<WatchedToken>,
        report: (TokenName) -> TokenReport?
    ) -> [SiblingEvidence] {
        let found = tokens.compactMap { other -> SiblingEvidence? in
            let bonds = bonds(with: other)
            guard other.name != name, !bonds.isEmpty, let report = report(other.name) else { return nil }
            return SiblingEvidence(
                name: other.name,
                state: report.state,
                reason: report.reason,
                since: report.since,
                shares: bonds
            )
        }
        return Array(
            found.sorted { ($1.shares.count, $0.name) < ($0.shares.count, $1.name) }.prefix(SiblingEvidence.limit)
        )
    }
}

extension String {
    /// Host and port of a URL.
    fileprivate var authority: String {
        let rest = ranges(of: "://").first.map { self[$0.upperBound...] } ?? self[...]
        return rest.prefix { !"/?#".contains($0) }.lowercased()
    }
}

// MARK: - For people

extension Evidence {
    /// One fact, with what it is about.
    package struct Line: Sendable, Hashable {
        package let subject: String
        package let text: String
    }

    /// The reasoning in words; the command that repeats the probe is not among them.
    package var lines: [Line] {
        var lines = answers.map { Line(subject: "answer", text: $0.sentence) }
        if let control { lines.append(Line(subject: "without token", text: control.sentence)) }
        if let words = claims?.sentence { lines.append(Line(subject: "token says", text: words)) }
        if let lastAcceptedAt { lines.append(Line(subject: "last accepted", text: lastAcceptedAt.secondUTC)) }
        if let firstRejectedAt { lines.append(Line(subject: "first rejected", text: firstRejectedAt.secondUTC)) }
        return lines + siblings.map { Line(subject: "sibling", text: $0.sentence) }
    }
}

extension SiblingEvidence {
    fileprivate var sentence: String {
        let common = shares.map(\.rawValue).joined(separator: ", ")
        return
            "\(name) (same \(common)) is \(state.rawValue)\(reason.map { " (\($0))" } ?? "") since \(since.secondUTC)"
    }
}

extension TokenClaims {
    /// What the token says of itself, for a person; `nil` where it says nothing.
    fileprivate var sentence: String? {
        var facts: [String] = []
        if let issuedAt { facts.append("issued \(issuedAt.minuteUTC)") }
        if let notBefore, notBefore != issuedAt { facts.append("not valid before \(notBefore.minuteUTC)") }
        if let expiresAt { facts.append("expires \(expiresAt.minuteUTC)") }
        if let subject { facts.append("subject \(subject)") }
        if !audience.isEmpty { facts.append("audience \(audience.joined(separator: " "))") }
        if let scopes { facts.append(scopes.isEmpty ? "no scopes" : "scopes \(scopes.joined(separator: " "))") }
        return facts.isEmpty ? nil : facts.joined(separator: ", ") + " (a hint, not proof)"
    }
}
