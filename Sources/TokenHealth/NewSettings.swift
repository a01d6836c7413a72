package import FoundationEssentials

/// What a change of settings does to what is believed.
extension WatchedToken {
    /// Whether an answer to `other` says the same about this one: everything is equal that a verdict rests on.
    package func isAskedLike(_ other: WatchedToken) -> Bool {
        asksTheSameAPI(as: other) && secret == other.secret && asker == other.asker
            && certificateAuthorities == other.certificateAuthorities && expectedIdentity == other.expectedIdentity
            && expectedScopes == other.expectedScopes && grant == other.grant
            && provider.lifetime == other.provider.lifetime
    }

    /// Whether both put the same question to the same API, and read its answers by the same rules.
    fileprivate func asksTheSameAPI(as other: WatchedToken) -> Bool {
        baseURL == other.baseURL && probe == other.probe && parameters == other.parameters
            && provider.name == other.provider.name && provider.authorization == other.provider.authorization
            && provider.membership == other.provider.membership
    }
}

extension Belief {
    /// The belief under new settings.
    ///
    /// Refusals that were counted under the old settings confirm nothing under the new ones. A death, an incident and a time
    /// in which nothing was known stay what they are until an answer ends them.
    ///
    /// - Parameters:
    ///   - token: as it is configured now.
    ///   - old: as it was configured before.
    ///   - now: the time.
    /// - Returns: the belief from now on.
    package func following(_ token: WatchedToken, after old: WatchedToken, at now: Date) -> Belief {
        var next = self
        if token.remind != old.remind, let since = incident?.awaitedSince {
            next.incident?.remindersSent = Reminders(steps: token.remind).due(since: since, at: now)
        }
        guard !token.isAskedLike(old) else { return next }
        next.forgetCounts(at: now)
        if !token.asksTheSameAPI(as: old) { next.forgetAPI() }
        if token.provider.lifetime != old.provider.lifetime || !token.asksTheSameAPI(as: old) {
            next.estimateExpiry(of: token.provider)
        }
        return next
    }

    /// The same after a restart, by the usual life of such a token as it is configured now.
    package func restarted(as token: WatchedToken) -> Belief {
        guard expiryIsEstimated || expiresAt == nil, fingerprint != nil else { return self }
        var next = self
        next.estimateExpiry(of: token.provider)
        return next
    }

    /// How long the network is left alone after the last look.
    package func rest(of token: WatchedToken, chance: Double) -> Duration {
        Cadence(token: token, chance: chance, retryAfter: nil).rest(after: self)
    }

    private mutating func forgetCounts(at now: Date) {
        repetitions = 0
        deadProbes = 0
        switch state {
        case .suspect:
            (state, since) = (.pending, now)
            explanation = "not probed yet under the new settings"
            firstRejectedAt = nil
        case .blind(let cause, _):
            state = .blind(cause, suspicion: nil)
        case .pending, .valid, .limited, .invalid, .unknown, .misconfigured:
            break
        }
    }

    /// What another API has told, or the same one about another question.
    private mutating func forgetAPI() {
        identity = nil
        endpointChecksTokens = false
        usualRefusal = nil
        answers = nil
        controlAnswer = nil
        scopes = nil
        membership = nil
    }

    /// What the token itself tells of its expiry, or the usual life of such a token.
    mutating func estimateExpiry(of provider: Provider) {
        let estimate = provider.lifetime.flatMap { life in fingerprintSeenAt.map { $0.advanced(by: life) } }
        expiresAt = claims?.expiresAt ?? estimate
        expiryIsEstimated = claims?.expiresAt == nil && estimate != nil
        expiryIsStated = nil
        expiryLongerSince = nil
    }
}
