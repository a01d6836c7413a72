import FoundationEssentials

/// The scopes of one secret: as they were first told, and as they were told last.
package struct ScopeRecord: Sendable, Hashable, Codable {
    let fingerprint: Fingerprint?
    let first: [String]
    var latest: [String]
}

extension Belief {
    /// Takes over what an observation tells besides its verdict: expiry, scopes, membership.
    mutating func learn(from observation: Observation, token: WatchedToken) {
        learnExpiry(observation.facts.expiresAt, at: observation.at.wall)
        learnScopes(observation.facts.scopes)
        if let reading = observation.membership, let value = token.membershipValue {
            var record = membershipRecord(seeking: value, fingerprint: observation.fingerprint)
            record.note(reading, at: observation.at)
            membership = record
        }
    }

    /// What `token` can no longer do although it is accepted; `nil` where nothing is missing.
    func shortfall(of token: WatchedToken) -> Limitation? {
        lostMembership(of: token) ?? (missingScopes(of: token).isEmpty ? nil : .scopesShrunk)
    }

    /// The same in words, to follow what was seen.
    func shortfallSentence(of token: WatchedToken) -> String? {
        guard case .limited(let limitation) = state else { return nil }
        switch limitation {
        case .organizationLost:
            guard let membership else { return nil }
            let name = token.provider.membership?.parameter ?? "organization"
            let pages = membership.pages.map { $0 > 1 ? ", all \($0) pages read" : "" } ?? ""
            return "the token is alive, and its account is no longer in the \(name) \(membership.value)\(pages)"
        case .scopesShrunk:
            let missing = missingScopes(of: token)
            let since = token.expectedScopes == nil ? "it had when it was first seen" : "it is expected to have"
            return "the token is alive and lacks \(missing.joined(separator: ", ")), which \(since)"
        case .stepUp, .scope, .plan, .forbidden, .locked, .delegationRefused:
            return nil
        }
    }
}

extension Belief {
    /// What cures a shortfall, which a new token would not; `nil` where the provider's own steps apply.
    func stepsAgainstShortfall(of token: WatchedToken) -> [String]? {
        guard case .limited(let limitation) = state else { return nil }
        let account = identity?.label ?? token.owner ?? "the token's account"
        switch limitation {
        case .organizationLost:
            let name = token.provider.membership?.parameter ?? "organization"
            let value = membership?.value ?? "it"
            return [
                "Have an administrator of the \(name) \(value) add \(account) again, or make it active again there",
                "If it has left for good, use a token of a member, or correct \(name) in the configuration",
            ]
        case .scopesShrunk:
            let missing = missingScopes(of: token).joined(separator: ", ")
            return [
                "Give the token these scopes again, or make a new one that has them: \(missing)",
                "If they are no longer needed, list those that are under expect: {scopes: […]}",
            ]
        case .delegationRefused:
            return [
                "Check that the user in on_behalf_of exists and is an active member of the organization",
                "Check that the application may act in this organization",
            ]
        case .stepUp, .scope, .plan, .forbidden, .locked: return nil
        }
    }
}

// MARK: - Expiry

extension Belief {
    /// How far two tellings of the same expiry may lie apart, in seconds.
    ///
    /// One that is told in seconds left moves with the time an answer takes.
    private static let expiryTolerance = 60.0

    /// The provider's word outweighs the token's, and that outweighs the estimate.
    private mutating func learnExpiry(_ stated: Date?, at now: Date) {
        guard let stated else { return }
        forgetSteps(at: now)
        let isKnown =
            expiryIsStated == true
            && expiresAt.map { abs($0.timeIntervalSince(stated)) <= Belief.expiryTolerance } ?? false
        guard !isKnown else { return }
        expiresAt = stated
        expiryIsEstimated = false
        expiryIsStated = true
        let left = Duration.seconds(stated.timeIntervalSince(now))
        let isLonger = expiryStepsSaid.contains { $0 < left }
        expiryLongerSince = isLonger ? expiryLongerSince ?? now : nil
    }

    /// How long a longer life must have been told, in seconds: an expiry that comes and goes is warned of once.
    private static let timeToBelieveLonger = 3600.0

    /// A life made longer may be warned of again, once it is believed.
    private mutating func forgetSteps(at now: Date) {
        guard let since = expiryLongerSince, now.timeIntervalSince(since) >= Belief.timeToBelieveLonger,
            let expiresAt
        else { return }
        let left = Duration.seconds(expiresAt.timeIntervalSince(since))
        expiryStepsSaid = expiryStepsSaid.filter { left <= $0 }
        expiryLongerSince = nil
    }

    /// How long the token lives from its issue, or from its first sight where it took the place of another; `nil` where
    /// that is not known.
    private var wholeLife: Duration? {
        guard let expiresAt else { return nil }
        let start = claims?.issuedAt ?? (previousFingerprint == nil ? nil : fingerprintSeenAt)
        return start.map { .seconds(expiresAt.timeIntervalSince($0)) }
    }

    /// The steps that are reached, said or not.
    ///
    /// A step that is as long as the whole life is none: whoever renews a token every hour is not warned of each.
    func expirySteps(of token: WatchedToken, at now: Date) -> Set<Duration> {
        guard let expiresAt else { return [] }
        let left = Duration.seconds(expiresAt.timeIntervalSince(now))
        let life = wholeLife
        // The first secret of a token may be warned of all the same: whoever configures such a step wants to hear of it.
        let isRenewed = previousFingerprint != nil || life.map { $0 < .seconds(86_400) } ?? false
        return Set(
            token.expirySteps.lazy.filter { step in left <= step && !(isRenewed && life.map { step >= $0 } ?? false) }
        )
    }

    /// Who said when the token expires; `nil` where nobody did.
    package var expirySource: ExpirySource? {
        guard expiresAt != nil else { return nil }
        if expiryIsEstimated { return .estimate }
        return expiryIsStated == true ? .provider : .token
    }
}

/// Who said when a token expires.
package enum ExpirySource: String, Sendable, Hashable, Codable, CaseIterable {
    /// The API, in an answer.
    case provider
    /// The token itself, which nobody has verified.
    case token
    /// Nobody: the usual life of such a token, counted from when this one was first seen.
    case estimate
}

// MARK: - Scopes

extension Belief {
    private mutating func learnScopes(_ told: [String]?) {
        if let scopes, scopes.fingerprint != fingerprint { self.scopes = nil }
        guard let told else { return }
        if scopes == nil {
            scopes = ScopeRecord(fingerprint: fingerprint, first: told, latest: told)
        } else {
            scopes?.latest = told
        }
    }

    /// Scopes that `token` should have and was last told not to have, in order.
    func missingScopes(of token: WatchedToken) -> [String] {
        guard let scopes, scopes.fingerprint == fingerprint else { return [] }
        return Set(token.expectedScopes ?? scopes.first).subtracting(scopes.latest).sorted()
    }
}

// MARK: - Membership

extension WatchedToken {
    /// What must be in the list of memberships; `nil` where nothing is to be checked.
    var membershipValue: String? {
        guard let template = provider.membership, actsAsUser else { return nil }
        return parameters[template.parameter]
    }

    /// The request for one page of the memberships.
    package func membershipQuestion(page: Int) -> Question? {
        guard let template = provider.membership else { return nil }
        return Question(
            method: "GET",
            url: url(of: template.path, others: ["page": String(page)]),
            headers: template.headers,
            authorization: provider.authorization
        )
    }

    /// What an answer to ``membershipQuestion(page:)`` tells.
    package func membershipReading(of exchange: Exchange, page: Int) -> MembershipReading? {
        guard let template = provider.membership, let value = membershipValue else { return nil }
        return template.reading(of: exchange, page: page, seeking: value)
    }
}

extension Belief {
    /// The page of the memberships to read now, after `finding`; `nil` where none is due.
    ///
    /// It is asked after an acceptance. After an answer that an organization lost would explain, it is asked as well:
    /// the probe of such a token may be a request within the organization.
    package func membershipPage(
        for finding: Finding,
        token: WatchedToken,
        fingerprint: Fingerprint,
        at now: Moment
    ) -> Int? {
        guard let template = token.provider.membership, let value = token.membershipValue else { return nil }
        switch finding.verdict {
        case .accepted: break
        case .limited(.forbidden), .misconfigured(.endpoint):
            guard token.probe.path.contains("{\(template.parameter)}") else { return nil }
        case .limited, .rejected, .indeterminate, .misconfigured: return nil
        }
        let record = membershipRecord(seeking: value, fingerprint: fingerprint)
        let isChanged = lastProbe?.verdict != finding.verdict.name
        return isChanged || record.isDue(every: template.every, at: now) ? record.nextPage : nil
    }

    private func membershipRecord(seeking value: String, fingerprint: Fingerprint?) -> MembershipRecord {
        if let membership, membership.value == value, membership.fingerprint == fingerprint { return membership }
        return MembershipRecord(value: value, fingerprint: fingerprint)
    }

    /// The loss of the organization, once it is believed.
    ///
    /// It explains why a request within the organization finds nothing there, or is forbidden.
    func lostMembership(of token: WatchedToken) -> Limitation? {
        guard let value = token.membershipValue, let membership, membership.isLost else { return nil }
        return membership.value == value && membership.fingerprint == fingerprint ? .organizationLost : nil
    }
}
