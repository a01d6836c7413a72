import FoundationEssentials

/// Which request without the token is wanted beside an answer, and how new its own answer must be.
package struct ControlDemand: Sendable, Hashable {
    /// What it is wanted for; an answer that was asked for something else does not serve.
    package enum Occasion: Sendable, Hashable {
        /// All is as it was.
        case calm
        /// The token is refused a right, as before.
        case standing(AnswerShape)
        /// The token is answered otherwise than before.
        case change(AnswerShape)
    }

    package let occasion: Occasion
    /// How long ago it may have been asked.
    package let mostAge: Duration

    init(_ occasion: Occasion, mostAge: Duration) {
        self.occasion = occasion
        self.mostAge = mostAge
    }

    /// Longest time between two of them while all is well, and the part of it that is spread over the tokens.
    fileprivate static let period = (longest: Duration.seconds(3600), spread: Duration.seconds(900))
    fileprivate static let calmAge = period.longest - period.spread
    /// How long an endpoint that was never seen to refuse anybody, or a control without an answer, is left alone.
    fileprivate static let retry = Duration.seconds(600)
    /// After that, a refusal that looks different from the usual one is asked for again.
    fileprivate static let secondLook = Duration.seconds(60)
    /// How long one control serves all the tokens that are in the same trouble, at most.
    fileprivate static let troubleAge = Duration.seconds(10)
}

extension Belief {
    /// The control that `finding`, made without it, should be considered with.
    ///
    /// - Parameters:
    ///   - exchange: what was found.
    ///   - finding: what it means without a control.
    ///   - isDecisive: whether the control alone can tell what it means.
    ///   - token: what is watched.
    ///   - now: the time.
    /// - Returns: `nil` where it could say nothing.
    package func controlDemand(
        beside exchange: Exchange,
        _ finding: Finding,
        isDecisive: Bool = false,
        token: WatchedToken,
        at now: Moment
    ) -> ControlDemand? {
        guard let shape = AnswerShape(of: exchange) else { return nil }
        switch finding.verdict {
        case .accepted:
            return demand(besideAccepted: shape, token: token, at: now.wall)
        case .rejected(let rejection):
            let isWanted = isDecisive || wantsControl(for: rejection, token: token, at: now)
            return isWanted ? ControlDemand(.change(shape), mostAge: troubleAge(at: now.wall)) : nil
        case .limited, .indeterminate, .misconfigured:
            guard isDecisive else { return nil }
            let isStanding = state.name == .limited && usualAnswer == shape
            return isStanding
                ? ControlDemand(.standing(shape), mostAge: ControlDemand.calmAge)
                : ControlDemand(.change(shape), mostAge: troubleAge(at: now.wall))
        }
    }

    /// How old a control may be that is to tell what has become of this token: what was asked for another one before this one
    /// was last accepted is of a time when nothing was wrong with it.
    private func troubleAge(at now: Date) -> Duration {
        guard let lastAcceptedAt else { return ControlDemand.troubleAge }
        return min(ControlDemand.troubleAge, .seconds(max(0, now.timeIntervalSince(lastAcceptedAt))))
    }

    /// Whether a suspicion begins, or a death is about to be confirmed.
    private func wantsControl(for rejection: Rejection, token: WatchedToken, at now: Moment) -> Bool {
        if case .invalid = state { return false }
        // Nobody can be told apart from a front that shows one account to all, where it was never seen to refuse.
        if case .wrongIdentity = rejection, !endpointChecksTokens { return false }
        guard let suspicion = state.suspicion else { return true }
        return suspicion.strengthened(suspicion.reason, at: now).hasEnough(for: token.confirmation)
    }

    private func demand(besideAccepted shape: AnswerShape, token: WatchedToken, at now: Date) -> ControlDemand? {
        guard endpointChecksTokens else { return ControlDemand(.calm, mostAge: ControlDemand.retry) }
        if isAnsweredOtherwise {
            let lasted = Duration.seconds(max(0, now.timeIntervalSince(since)))
            return ControlDemand(.change(shape), mostAge: min(lasted, ControlDemand.secondLook))
        }
        if let usualAnswer, usualAnswer != shape {
            return ControlDemand(.change(shape), mostAge: ControlDemand.retry)
        }
        guard isControlDue(for: token, at: now) else { return nil }
        return ControlDemand(.calm, mostAge: newRefusal == nil ? ControlDemand.calmAge : ControlDemand.secondLook)
    }

    /// Whether the answers until now were something else than an acceptance: not where there were none.
    private var isAnsweredOtherwise: Bool {
        switch state {
        case .suspect, .invalid, .misconfigured: true
        case .unknown(let darkness): darkness.cause.isAnswer
        case .blind(let cause, _): cause.isAnswer
        case .pending, .valid, .limited: false
        }
    }

    /// Whether it is time for another control while all is well.
    func isControlDue(for token: WatchedToken, at now: Date) -> Bool {
        guard let controlAnswer else { return true }
        let age = Duration.seconds(now.timeIntervalSince(controlAnswer.at))
        if age < .zero { return true }
        if controlAnswer.isWithoutAnswer { return age >= ControlDemand.retry }
        if newRefusal != nil { return age >= ControlDemand.secondLook }
        guard age >= ControlDemand.calmAge else { return false }
        return age >= ControlDemand.calmAge + ControlDemand.period.spread * token.name.share
    }

    /// Learns what the request without the token is answered, from a control beside an acceptance.
    ///
    /// Another look than the usual one is believed when two controls in a row show it.
    mutating func learnRefusal(from observation: Observation) {
        guard let shape = observation.controlShape else { return }
        guard let usual = usualRefusal else { return usualRefusal = shape }
        if shape == usual { return newRefusal = nil }
        guard let candidate = newRefusal else { return newRefusal = shape }
        guard observation.controlAnswer?.at != controlAnswer?.at else { return }
        if shape == candidate { usualRefusal = shape }
        newRefusal = nil
    }
}

extension Uncertainty {
    /// Whether something answered, and not as the API answers a token that works.
    fileprivate var isAnswer: Bool {
        switch self {
        case .unexpected, .redirected, .blocked, .captive: true
        case .dns, .network, .timeout, .tls, .rateLimited, .serverError, .hostFailure: false
        }
    }
}

extension AnswerEvidence {
    /// Whether there was no answer, or one that says the server is in trouble.
    fileprivate var isWithoutAnswer: Bool {
        guard let httpStatus else { return true }
        return httpStatus == 408 || httpStatus == 425 || httpStatus == 429 || httpStatus >= 500
    }
}

extension TokenName {
    /// A number from 0 to below 1 that is always the same for this name, and another one for most others.
    fileprivate var share: Double {
        // FNV-1a: the hash of the standard library is another one in each process.
        let hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return Double(hash % 1000) / 1000
    }
}
