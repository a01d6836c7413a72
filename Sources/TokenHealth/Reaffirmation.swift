package import FoundationEssentials

/// One more acceptance, by an answer just like the one before.
package struct Reaffirmation: Sendable, Hashable {
    package let status: Int
    package let latency: Duration
    package let at: Moment

    package init(status: Int, latency: Duration, at: Moment) {
        self.status = status
        self.latency = latency
        self.at = at
    }
}

extension Belief {
    /// Whether an answer just like the last one would change nothing but times: then it need not be read.
    ///
    /// Nearly every look at a healthy token is such a one, and costs no more than its exchange.
    package func isSettled(for token: WatchedToken, at now: Moment) -> Bool {
        guard state == .valid, incident == nil, let lastProbe, lastProbe.verdict == .accepted, endpointChecksTokens,
            isProven, replacedFingerprint == nil, token.probe.meansTheSameLater, token.grant == nil
        else { return false }
        if expiryWarning != nil, endOfExpiryWarning(for: token, at: now.wall) != nil { return false }
        return !isControlDue(for: token, at: now.wall) && !isExpiryStepDue(of: token, at: now.wall)
            && !isMembershipDue(for: token, at: now)
    }

    /// Takes note of it: as ``considering(_:of:siblings:chance:)`` would, for a belief that ``isSettled(for:at:)``.
    package mutating func note(_ reaffirmation: Reaffirmation) {
        let now = reaffirmation.at.wall
        repetitions += 1
        lastProbe = LastProbe(
            at: now,
            verdict: .accepted,
            httpStatus: reaffirmation.status,
            latencyMilliseconds: reaffirmation.latency.inMilliseconds
        )
        lastAcceptedAt = now
        if let last = answers?.indices.last { answers?[last].noteRepetition(at: now) }
    }

    /// The same after acceptances until `end` of which nothing else was kept.
    package func sighted(at end: Date) -> Belief {
        guard state == .valid, lastAcceptedAt.map({ $0 < end }) ?? true else { return self }
        var belief = self
        belief.lastAcceptedAt = end
        belief.lastProbe?.at = end
        return belief
    }

    private func isMembershipDue(for token: WatchedToken, at now: Moment) -> Bool {
        guard let template = token.provider.membership, token.membershipValue != nil else { return false }
        return membership?.isDue(every: template.every, at: now) ?? true
    }
}

extension ProbeTemplate {
    /// Whether the same answer means the same whenever it is given: a time left does not.
    fileprivate var meansTheSameLater: Bool {
        if case .secondsLeft? = expiry { return false }
        return true
    }
}

extension WatchedToken {
    /// How long a token that is well is left alone: until the secret is looked at, and until the network is used.
    ///
    /// - `chance`: a number from 0 to below 1 that spreads the next look.
    package func calm(chance: Double) -> (pause: Duration, rest: Duration) {
        let pause = habits.interval * (1 - 0.05 * chance)
        guard grant != nil else { return (pause, pause) }
        return (pause, max(pause, networkInterval * (1 - 0.05 * chance)))
    }
}
