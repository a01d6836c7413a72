package import FoundationEssentials

extension Belief {
    /// The belief after `observation`, and what follows from it.
    ///
    /// Table 5.2 of the design.
    ///
    /// - `siblings`: what the other tokens of the same API say.
    /// - `chance`: a number from 0 to below 1 that spreads the next look.
    package func considering(
        _ observation: Observation,
        of token: WatchedToken,
        siblings: Siblings = .none,
        chance: Double
    ) -> Decision {
        var next = self
        next.adoptSecret(of: observation, provider: token.provider)
        next.learn(from: observation, token: token)
        let before = next.state
        next.state = next.state(after: observation, token: token, siblings: siblings)
        next.record(observation, before: before)
        next.explanation = next.explanation(for: observation, token: token, siblings: siblings)
        var notices = next.settleIncident(at: observation.at.wall, token: token)
        notices += next.agePassively(at: observation.at.wall, token: token)
        return next.decision(
            after: self,
            notices: notices,
            at: observation.at.wall,
            schedule: Cadence(
                token: token,
                chance: chance,
                retryAfter: observation.finding.retryAfter?.wait(at: observation.at.wall),
                isHeldBack: next.isHeldBack(by: siblings, at: observation.at.wall, token: token)
            )
        )
    }

    /// What follows from time alone, when the secret was looked at and nothing was sent.
    package func ageing(at now: Moment, of token: WatchedToken, chance: Double) -> Decision {
        var next = self
        var notices = next.darken(at: now, token: token)
        notices += next.agePassively(at: now.wall, token: token)
        return next.decision(
            after: self,
            notices: notices,
            at: now.wall,
            schedule: Cadence(token: token, chance: chance, retryAfter: nil)
        )
    }

    /// What follows when this token, rejected itself, may not be asked again and a sibling of the same owner has died: a
    /// log-out ends them together, and the confirmed one speaks for the group.
    ///
    /// `nil` where nothing speaks for it.
    package func following(
        _ siblings: Siblings,
        at now: Date,
        of token: WatchedToken,
        chance: Double
    ) -> Decision? {
        guard case .suspect(let suspicion) = state, suspicion.reason != .wrongIdentity, let speaker = siblings.speaker,
            !siblings.holdBack(at: now, grace: token.providerGrace)
        else { return nil }
        var next = self
        next.state = .invalid(suspicion.reason)
        next.since = now
        next.repetitions = 1
        next.explanation =
            "rejected like \(speaker), its sibling, whose death is certain; "
            + "not asked again, to spare failed logins"
        let notices = next.settleIncident(at: now, token: token)
        return next.decision(
            after: self,
            notices: notices,
            at: now,
            schedule: Cadence(token: token, chance: chance, retryAfter: nil)
        )
    }

    /// Whether `observation` would make a death certain, were it not for the siblings.
    package func isHeldBack(by siblings: Siblings, at now: Date, token: WatchedToken) -> Bool {
        guard case .suspect(let suspicion) = state, suspicion.reason != .wrongIdentity else { return false }
        return suspicion.hasEnough(for: token.confirmation) && siblings.holdBack(at: now, grace: token.providerGrace)
    }

    private func decision(after previous: Belief, notices: [Notice], at now: Date, schedule: Cadence) -> Decision {
        let isSame = state.name == previous.state.name && state.reason == previous.state.reason
        let transition =
            isSame
            ? nil
            : Transition(
                at: now,
                from: previous.state.name,
                to: state.name,
                reason: state.reason,
                explanation: explanation,
                fingerprint: fingerprint
            )
        let rest = schedule.rest(after: self)
        return Decision(
            belief: self,
            transition: transition,
            notices: notices,
            pause: min(rest, schedule.spreadInterval),
            rest: rest
        )
    }
}

// MARK: - The table

extension Belief {
    private func state(after observation: Observation, token: WatchedToken, siblings: Siblings) -> TokenState {
        switch observation.finding.verdict {
        case .accepted:
            if observation.control == .open { return .misconfigured(.publicEndpoint) }
            return shortfall(of: token).map { .limited($0) } ?? .valid
        case .limited(let limitation):
            return .limited(limitation == .forbidden ? lostMembership(of: token) ?? limitation : limitation)
        case .rejected(let rejection):
            return rejected(rejection, observation: observation, token: token, siblings: siblings)
        case .indeterminate(let cause):
            return unlit(by: cause, at: observation.at, blindAfter: token.blindAfter)
        case .misconfigured(let mistake):
            if case .invalid = state { return state }
            if mistake == .endpoint, let lost = lostMembership(of: token) { return .limited(lost) }
            return .misconfigured(mistake)
        }
    }

    private func rejected(
        _ rejection: Rejection,
        observation: Observation,
        token: WatchedToken,
        siblings: Siblings
    ) -> TokenState {
        if case .invalid = state { return state }
        let reason =
            observation.finding.statedReason
            ?? reason(of: rejection, provider: token.provider, at: observation.at.wall)
        let suspicion =
            state.suspicion?.strengthened(reason, at: observation.at) ?? Suspicion(reason, at: observation.at)
        guard suspicion.isConfirmed(by: token.confirmation, control: observation.control) else {
            return .suspect(suspicion)
        }
        let isHeldBack =
            rejection == .credential && siblings.holdBack(at: observation.at.wall, grace: token.providerGrace)
        return isHeldBack ? .suspect(suspicion) : .invalid(reason)
    }

    /// Becomes blind where nothing was known for so long, asked or not: a host that wants to be left alone for an hour leaves
    /// people in the dark as one that does not answer.
    private mutating func darken(at now: Moment, token: WatchedToken) -> [Notice] {
        let darkness: Darkness?
        switch state {
        case .unknown(let present): darkness = present
        case .suspect(let suspicion): darkness = suspicion.darkness
        case .pending, .valid, .limited, .invalid, .blind, .misconfigured: darkness = nil
        }
        guard let darkness else { return [] }
        let later = unlit(by: darkness.cause, at: now, blindAfter: token.blindAfter)
        guard later.name == .blind else {
            // After a restart it is counted from the first look on.
            if !darkness.isCounted { state = later }
            return []
        }
        state = later
        (since, repetitions) = (now.wall, 1)
        return settleIncident(at: now.wall, token: token)
    }

    private func unlit(by cause: Uncertainty, at now: Moment, blindAfter: Duration) -> TokenState {
        switch state {
        case .invalid:
            return state
        case .blind(_, let suspicion):
            return .blind(cause, suspicion: suspicion)
        case .suspect(var suspicion):
            let darkness = suspicion.darkness?.continued(cause, at: now) ?? Darkness(cause, at: now)
            suspicion.darkness = darkness
            return darkness.lasted >= blindAfter ? .blind(cause, suspicion: suspicion) : .suspect(suspicion)
        case .unknown(let darkness):
            let longer = darkness.continued(cause, at: now)
            return longer.lasted >= blindAfter ? .blind(cause, suspicion: nil) : .unknown(longer)
        case .pending, .valid, .limited, .misconfigured:
            return .unknown(Darkness(cause, at: now))
        }
    }

    /// Tolerated difference between this host's clock and the provider's.
    private static let clockSkew = 60.0

    private func reason(of rejection: Rejection, provider: Provider, at now: Date) -> RejectionReason {
        if case .wrongIdentity = rejection { return .wrongIdentity }
        guard let expiresAt else { return .rejected }
        if expiresAt.timeIntervalSince(now) <= Belief.clockSkew { return .expired }
        return expiryIsEstimated ? .rejected : .revoked
    }
}

// MARK: - Records

extension Belief {
    /// Starts over for a secret not seen before, keeping the history.
    private mutating func adoptSecret(of observation: Observation, provider: Provider) {
        guard let seen = observation.fingerprint, seen != fingerprint else { return }
        if fingerprint != nil {
            replacedFingerprint = isProven ? fingerprint : replacedFingerprint
            state = state.withAnotherSecret
            repetitions = 0
        }
        previousFingerprint = fingerprint
        fingerprint = seen
        fingerprintSeenAt = observation.at.wall
        isProven = false
        deadProbes = 0
        answers = nil
        claims = observation.claims
        firstRejectedAt = nil
        expiryStepsSaid = []
        estimateExpiry(of: provider)
    }

    private mutating func record(_ observation: Observation, before: TokenState) {
        let now = observation.at.wall
        repetitions = state.name == before.name ? repetitions + 1 : 1
        if state.name != before.name { since = now }
        lastProbe = LastProbe(
            at: now,
            verdict: observation.finding.verdict.name,
            httpStatus: observation.httpStatus,
            latencyMilliseconds: observation.latency?.inMilliseconds
        )
        answers = answers.recording(observation.answer)
        defer { controlAnswer = observation.controlAnswer ?? controlAnswer }
        switch observation.finding.verdict {
        case .accepted(let found):
            identity = found ?? identity
            lastAcceptedAt = now
            firstRejectedAt = nil
            isProven = true
            usualAnswer = observation.answerShape ?? usualAnswer
            learnRefusal(from: observation)
            endpointChecksTokens =
                endpointChecksTokens || observation.control == .refused || observation.control == .other
        case .rejected:
            firstRejectedAt = firstRejectedAt ?? now
            if case .invalid = state { deadProbes += 1 }
        case .limited:
            usualAnswer = observation.answerShape ?? usualAnswer
        case .indeterminate, .misconfigured:
            break
        }
    }
}

// MARK: - Incidents

extension Belief {
    /// Opens, changes or closes the incident as the state demands, and says what to tell.
    private mutating func settleIncident(at now: Date, token: WatchedToken) -> [Notice] {
        if state == .valid {
            if isWellTooBriefly(at: now) { return [] }
            let ended = incident
            incident = nil
            // The old secret may have been put back meanwhile.
            let replaced = replacedFingerprint == fingerprint ? nil : replacedFingerprint
            replacedFingerprint = nil
            if let ended { return [Notice(ended.isMereBlindness ? .sighted : .recovered, incident: ended)] }
            return replaced == nil || token.isRenewedByOthers ? [] : [Notice(.replaced, incident: nil)]
        }
        guard let kind = alarm(for: token) else { return [] }
        noteRelapse()
        let isNewDeath = !token.isRenewedByOthers && incident?.isNewDeath(of: fingerprint) ?? false
        guard incident?.kind != kind || isNewDeath else { return [] }
        let isFlapping = flaps(at: now)
        var current = incident ?? Incident(subject: token.name.text, openedAt: now, kind: kind)
        // Whoever took on something less did not take on this.
        if kind.severity.isWorse(than: current.kind.severity) { current.acknowledged = nil }
        current.kind = kind
        if kind.mayFlap { current.occurrence = noteAlarm(at: now) }
        let isKnown = isFlapping && incident != nil && kind.mayFlap
        if !isKnown { current.noteTold(of: fingerprint, after: incident) }
        incident = current
        return isKnown ? [] : [Notice(kind, incident: current)]
    }

    /// The alert this state calls for, once it has been seen often enough.
    ///
    /// One stray 404 or 403 wakes nobody.
    private func alarm(for token: WatchedToken) -> AlertKind? {
        let isSettled = repetitions >= token.confirmation.rejections
        switch state {
        case .invalid(.wrongIdentity): return .identityChanged
        case .invalid: return .invalidated
        case .blind: return .blind
        case .limited: return isSettled ? .limited : nil
        case .misconfigured: return isSettled ? .misconfigured : nil
        case .pending, .valid, .suspect, .unknown: return nil
        }
    }

    /// Reminders and expiry warnings: what the passing of time alone calls for.
    private mutating func agePassively(at now: Date, token: WatchedToken) -> [Notice] {
        var notices: [Notice] = []
        if var current = incident, current.acknowledged == nil, current.calmSince == nil, !token.escalate.isEmpty,
            !current.hasEscalated,
            now.timeIntervalSince(current.awaitedSince) >= token.escalateAfter.inSeconds
        {
            current.hasEscalated = true
            incident = current
            notices.append(Notice(.reminder, incident: current, isEscalation: true))
        }
        if var current = incident, current.acknowledged == nil, current.calmSince == nil {
            let due = Reminders(steps: token.remind).due(since: current.awaitedSince, at: now)
            if due > current.remindersSent {
                current.remindersSent = due
                incident = current
                notices.append(Notice(.reminder, incident: current))
            }
        }
        return notices + settleExpiryWarning(at: now, token: token)
    }
}

/// When an incident is spoken of again: after each step in turn, then again and again after the last one.
struct Reminders {
    let steps: [Duration]

    /// How many reminders should have been sent by `now`; those missed while the daemon was down count as sent.
    func due(since openedAt: Date, at now: Date) -> Int {
        guard let last = steps.last, last > .zero else { return 0 }
        let elapsed = Duration.seconds(now.timeIntervalSince(openedAt))
        var total = Duration.zero
        for (index, step) in steps.enumerated() {
            total += step
            if elapsed < total { return index }
        }
        return steps.count + Int((elapsed - total) / last)
    }
}
