/// Turns an exchange into a verdict: table 5.1 of the design, from top to bottom.
///
/// The default is *indeterminate*. Only what a provider lists as determinate counts for or against a token.
package struct Judge: Sendable {
    let token: WatchedToken
    let knownIdentity: Identity?
    let siblingsPass: Bool
    let usualRefusal: AnswerShape?
    let endpointChecksTokens: Bool

    /// - Parameters:
    ///   - token: what is watched, with its provider's rules.
    ///   - knownIdentity: the identity seen first, which a later one must equal.
    ///   - siblingsPass: whether this secret was accepted once, and another token of the same API since this one is
    ///     not: then no wall stands before the whole API.
    ///   - usualRefusal: what the same request without the token was answered while all was well.
    ///   - endpointChecksTokens: whether that request was ever refused.
    package init(
        token: WatchedToken,
        knownIdentity: Identity? = nil,
        siblingsPass: Bool = false,
        usualRefusal: AnswerShape? = nil,
        endpointChecksTokens: Bool = false
    ) {
        self.token = token
        self.knownIdentity = knownIdentity
        self.siblingsPass = siblingsPass
        self.usualRefusal = usualRefusal
        self.endpointChecksTokens = endpointChecksTokens
    }

    var rules: ProbeTemplate { token.probe }

    /// The verdict on `exchange`.
    ///
    /// `control`: the same request without the token, where it was asked. A 403 that the provider does not
    ///   list cannot be told from a wall without it.
    package func finding(on exchange: Exchange, control: Exchange? = nil) -> Finding {
        switch exchange.outcome {
        case .withheld(let problem):
            return Finding(problem)
        case .failed(let failure):
            return Finding(.indeterminate(Uncertainty(failure.kind)), "no answer: \(failure.detail)")
        case .answered(let answer):
            let verdict = doubted(verdict(on: answer, control: control), answer, control: control)
            return Finding(
                verdict,
                observation(of: answer, verdict: verdict, control: control),
                retryAfter: answer.retryAfter,
                statedReason: verdict == .rejected(.credential) ? statedReason(in: answer, control: control) : nil,
                showsLife: verdict.name != .limited || showsLife(answer, control: control)
            )
        }
    }

    /// Whether only the control can decide what `exchange` means.
    package func needsControl(for exchange: Exchange) -> Bool {
        guard case .answered(let answer) = exchange.outcome, answer.status == 403 else { return false }
        return forbidden(answer) == nil
    }

    /// What the same request without the token says about the endpoint.
    package func controlResult(of exchange: Exchange) -> ControlResult {
        guard case .answered(let answer) = exchange.outcome else { return .unreachable }
        switch answer.status {
        case 401, 403: return .refused
        case 408, 425, 429, 500...599: return .unreachable
        case 200..<300:
            if case .rejected? = byRules(answer) { return .refused }
            guard byRules(answer) == nil, isAccepted(answer) else { return .other }
            return refusalInSuccess(answer) == nil ? .open : .other
        default: return .other
        }
    }

    /// The verdict, unless a wall, a front or a cache has answered for the API.
    private func doubted(_ verdict: Verdict, _ answer: Answer, control: Exchange?) -> Verdict {
        if verdict == .rejected(.credential), isWall(answer, control: control) { return .indeterminate(.blocked) }
        if verdict.isOfKnownAccount, isFront(control) { return .indeterminate(.blocked) }
        if verdict.isAboutToken, isStale(answer) { return .indeterminate(.unexpected) }
        return verdict
    }

    // MARK: - By status

    private func verdict(on answer: Answer, control: Exchange?) -> Verdict {
        switch answer.status {
        case 200..<300: success(answer)
        case 300..<400: .indeterminate(.redirected)
        case 401: unauthorized(answer)
        case 402: listed(answer) ?? .limited(.plan)
        case 403: forbidden(answer) ?? forbidden(answer, against: control)
        case 404, 405, 410: notFound(answer)
        case 407, 511: .indeterminate(.captive)
        case 408, 425, 500...599: .indeterminate(.serverError)
        case 429: .indeterminate(.rateLimited)
        default: listed(answer) ?? .indeterminate(.unexpected)
        }
    }

    private func success(_ answer: Answer) -> Verdict {
        if let listed = listed(answer) { return listed }
        guard isAccepted(answer) else { return .indeterminate(.unexpected) }
        if let refusal = refusalInSuccess(answer) { return refusal }
        guard let pointers = rules.identity else { return .accepted(nil) }
        guard let document = answer.document, let identity = pointers.identity(in: document) else {
            return .indeterminate(.unexpected)
        }
        // The server has sent some of the secret back in it: whose the token is cannot be read from that.
        let isStruck = identity.id.contains(Secret.redaction)
        if let expected = token.expectedIdentity {
            if isStruck, !identity.answers(to: expected) { return .indeterminate(.unexpected) }
            return identity.answers(to: expected) ? .accepted(identity) : .rejected(.wrongIdentity(identity))
        }
        if isStruck { return .accepted(nil) }
        if let knownIdentity, knownIdentity.id != identity.id { return .rejected(.wrongIdentity(identity)) }
        return .accepted(identity)
    }

    private func isAccepted(_ answer: Answer) -> Bool {
        guard !answer.isCut, !answer.isEncoded, !answer.isHTML else { return false }
        return rules.accepted.contains { rule in
            let hasShape = rule.looksInside || answer.document != nil || (answer.status == 204 && answer.body.isEmpty)
            return hasShape && rule.matches(answer)
        }
    }

    private func unauthorized(_ answer: Answer) -> Verdict {
        if let missing = rules.missingRequiredHeader { return .misconfigured(.missingHeader(missing)) }
        if answer.challengeError == "insufficient_user_authentication", !isAsked(by: .asker) {
            return .limited(.stepUp)
        }
        if let listed = byOwnRules(answer) { return listed }
        // RFC 6750 section 3.1: the code says it, whatever page stands beside it.
        if answer.isHTML, rules.origin != .builtIn, answer.challengeError == "invalid_token", !isAsked(by: .asker) {
            return .rejected(.credential)
        }
        if isFromElsewhere(answer) { return .indeterminate(.blocked) }
        guard !answer.isCut, !answer.isEncoded else { return .indeterminate(.unexpected) }
        if isAsked(by: .asker) { return .misconfigured(.asker) }
        return byRules(answer) ?? .indeterminate(.unexpected)
    }

    /// Whose credential the header carries: with the asker's there, the token is in the body, and a refusal of the
    /// request says nothing of the token.
    func isAsked(by place: SecretPlace) -> Bool { place.isIn(token.provider.authorization.value) }

    private func notFound(_ answer: Answer) -> Verdict {
        if let missing = rules.missingRequiredHeader { return .misconfigured(.missingHeader(missing)) }
        return listed(answer) ?? .misconfigured(.endpoint)
    }

    /// A 403 that explains itself, or `nil` where the control must decide.
    private func forbidden(_ answer: Answer) -> Verdict? {
        if answer.challengeError == "insufficient_scope", !isAsked(by: .asker) { return .limited(.scope) }
        if answer.hasRateLimitSigns { return .indeterminate(.rateLimited) }
        if let listed = byOwnRules(answer) { return listed }
        if answer.first("cf-mitigated") != nil { return .indeterminate(.blocked) }
        if answer.isHTML { return siblingsPass && !isAsked(by: .asker) ? nil : .indeterminate(.blocked) }
        guard !answer.isCut, !answer.isEncoded else { return .indeterminate(.unexpected) }
        if isAsked(by: .asker) { return .misconfigured(.asker) }
        return byRules(answer)
    }

    private func forbidden(_ answer: Answer, against control: Exchange?) -> Verdict {
        guard case .answered(let bare)? = control?.outcome else {
            return .indeterminate(answer.isHTML ? .blocked : .unexpected)
        }
        if let name = recognisedAccount(in: answer), name != bare.namedAccount { return .limited(.forbidden) }
        switch bare.status {
        case 401: return answer.isHTML || isFromElsewhere(bare) ? .indeterminate(.blocked) : .limited(.forbidden)
        case 403:
            // The token counts for nothing any more, while others pass: it is the token, not a wall.
            return isRefusedAlike(answer, bare) ? .rejected(.credential) : .indeterminate(.blocked)
        default: return .indeterminate(.unexpected)
        }
    }
}

/// What the request without the token was answered.
package enum ControlResult: String, Sendable, Hashable, Codable {
    /// Refused, as it should be.
    case refused
    /// Accepted: the endpoint checks nothing.
    case open
    /// No answer, or one that says the server is in trouble.
    case unreachable
    case other
}

extension Answer {
    /// The `error` parameter of a Bearer challenge (RFC 6750 section 3).
    var challengeError: String? {
        challenges.lazy.filter { $0.scheme == "bearer" }.compactMap { $0.parameters["error"] }.first
    }

    var hasRateLimitSigns: Bool {
        first("retry-after") != nil
            || first("x-ratelimit-remaining") == "0" || first("ratelimit-remaining") == "0"
    }
}
