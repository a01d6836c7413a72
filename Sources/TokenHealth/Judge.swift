/// Turns an exchange into a verdict: table 5.1 of the design, from top to bottom.
///
/// The default is *indeterminate*. Only what a provider lists as determinate counts for or against a token.
package struct Judge: Sendable {
    private let token: WatchedToken
    private let knownIdentity: Identity?
    private let siblingsPass: Bool

    /// - Parameters:
    ///   - token: what is watched, with its provider's rules.
    ///   - knownIdentity: the identity seen first, which a later one must equal.
    ///   - siblingsPass: whether this secret was accepted once, and another token of the same API since this one is
    ///     not: then no wall stands before the whole API.
    package init(token: WatchedToken, knownIdentity: Identity? = nil, siblingsPass: Bool = false) {
        self.token = token
        self.knownIdentity = knownIdentity
        self.siblingsPass = siblingsPass
    }

    private var rules: ProbeTemplate { token.probe }

    /// The verdict on `exchange`.
    ///
    /// `control`: the same request without the token, where it was asked. A 403 that the provider does not
    ///   list cannot be told from a wall without it.
    package func finding(on exchange: Exchange, control: Exchange? = nil) -> Finding {
        switch exchange.outcome {
        case .withheld(let problem):
            return Finding(.misconfigured(.secret(problem)), problem.sentence)
        case .failed(let failure):
            return Finding(.indeterminate(Uncertainty(failure.kind)), "no answer: \(failure.detail)")
        case .answered(let answer):
            let verdict = verdict(on: answer, control: control)
            let retryAfter = answer.first("retry-after").flatMap { RetryAfter($0) }
            return Finding(verdict, observation(of: answer, verdict: verdict), retryAfter: retryAfter)
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
            return byRules(answer) == nil && isAccepted(answer) ? .open : .other
        default: return .other
        }
    }

    // MARK: - By status

    private func verdict(on answer: Answer, control: Exchange?) -> Verdict {
        switch answer.status {
        case 200..<300: success(answer)
        case 300..<400: .indeterminate(.redirected)
        case 401: unauthorized(answer)
        case 402: byRules(answer) ?? .limited(.plan)
        case 403: forbidden(answer) ?? forbidden(answer, against: control)
        case 404, 405, 410: byRules(answer) ?? .misconfigured(.endpoint)
        case 407, 511: .indeterminate(.captive)
        case 408, 425, 500...599: .indeterminate(.serverError)
        case 429: .indeterminate(.rateLimited)
        default: byRules(answer) ?? .indeterminate(.unexpected)
        }
    }

    private func success(_ answer: Answer) -> Verdict {
        guard !answer.isCut, !answer.isEncoded, !answer.isHTML else { return .indeterminate(.unexpected) }
        if let listed = byRules(answer) { return listed }
        guard isAccepted(answer) else { return .indeterminate(.unexpected) }
        guard let pointers = rules.identity else { return .accepted(nil) }
        guard let document = answer.document, let identity = pointers.identity(in: document) else {
            return .indeterminate(.unexpected)
        }
        if let expected = token.expectedIdentity {
            return identity.answers(to: expected) ? .accepted(identity) : .rejected(.wrongIdentity(identity))
        }
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
        if answer.challengeError == "insufficient_user_authentication" { return .limited(.stepUp) }
        if answer.isHTML || answer.isForeignChallenge(ours: token.provider.authorization) {
            return .indeterminate(.blocked)
        }
        guard !answer.isCut, !answer.isEncoded else { return .indeterminate(.unexpected) }
        return byRules(answer) ?? .indeterminate(.unexpected)
    }

    /// A 403 that explains itself, or `nil` where the control must decide.
    private func forbidden(_ answer: Answer) -> Verdict? {
        if answer.challengeError == "insufficient_scope" { return .limited(.scope) }
        if answer.hasRateLimitSigns { return .indeterminate(.rateLimited) }
        if answer.first("cf-mitigated") != nil { return .indeterminate(.blocked) }
        if answer.isHTML { return siblingsPass ? nil : .indeterminate(.blocked) }
        guard !answer.isCut, !answer.isEncoded else { return .indeterminate(.unexpected) }
        return byRules(answer)
    }

    private func forbidden(_ answer: Answer, against control: Exchange?) -> Verdict {
        guard case .answered(let bare)? = control?.outcome else {
            return .indeterminate(answer.isHTML ? .blocked : .unexpected)
        }
        switch bare.status {
        case 401: return answer.isHTML ? .indeterminate(.blocked) : .limited(.forbidden)
        case 403:
            // The token counts for nothing any more, while others pass: it is the token, not a wall.
            return siblingsPass && bare.body == answer.body ? .rejected(.credential) : .indeterminate(.blocked)
        default: return .indeterminate(.unexpected)
        }
    }

    /// The provider's own rules, the ones that clear a token first.
    ///
    /// They read no page and no part of a body.
    private func byRules(_ answer: Answer) -> Verdict? {
        guard !answer.isCut, !answer.isEncoded, !answer.isHTML else { return nil }
        if rules.unrelated.contains(where: { $0.matches(answer) }) { return .indeterminate(.unexpected) }
        if rules.limited.contains(where: { $0.matches(answer) }) { return .limited(.forbidden) }
        if rules.rejected.contains(where: { $0.matches(answer) }) { return .rejected(.credential) }
        return nil
    }

    // MARK: - In words

    private func observation(of answer: Answer, verdict: Verdict) -> String {
        let head = "HTTP \(answer.status)"
        let words = answer.message.map { " \"\($0)\"" } ?? ""
        switch verdict {
        case .accepted(let identity):
            return head + (identity.map { ", as \($0.label)" } ?? "")
        case .rejected(.wrongIdentity(let found)):
            let expected = token.expectedIdentity ?? knownIdentity?.label ?? "another"
            return "\(head), as \(found.label) where \(expected) was expected"
        case .indeterminate(.redirected):
            return "\(head), a redirect, which is never followed"
        case .indeterminate(.blocked):
            return "\(head)\(words), from a wall in front of the API rather than from the API"
        case .indeterminate(.captive):
            return "\(head), from a proxy that wants a login of its own"
        case .indeterminate(.unexpected):
            return "\(head)\(words), \(strangeness(of: answer))"
        case .misconfigured(.missingHeader(let name)):
            return "\(head)\(words), and the request lacks the header \(name) that this API requires"
        case .misconfigured(.endpoint):
            return "\(head)\(words): this URL is not the API's, check base_url, the path and its parameters"
        case .limited, .rejected, .indeterminate, .misconfigured:
            return head + words
        }
    }

    private func strangeness(of answer: Answer) -> String {
        if answer.isCut { return "a body of more than \(Answer.bodyLimit / 1024) KiB" }
        if answer.isEncoded { return "a compressed body that was not asked for" }
        if answer.isHTML { return "an HTML page where JSON was expected" }
        if (200..<300).contains(answer.status) { return "without the fields that prove a token is accepted" }
        return "which says nothing certain about the token"
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
    fileprivate var challengeError: String? {
        for challenge in values(of: "www-authenticate") where challenge.lowercased().hasPrefix("bearer") {
            for parameter in challenge.dropFirst(6).split(separator: ",") {
                let parts = parameter.split(separator: "=", maxSplits: 1)
                let name = parts.first?.filter { !$0.isWhitespace }.lowercased()
                guard name == "error", parts.count == 2 else { continue }
                return String(parts[1].filter { !$0.isWhitespace && $0 != "\"" })
            }
        }
        return nil
    }

    /// A challenge for a login this API does not use, from a body that is not the API's.
    fileprivate func isForeignChallenge(ours: AuthorizationTemplate) -> Bool {
        let schemes = values(of: "www-authenticate").compactMap { $0.split(separator: " ").first?.lowercased() }
        let own = ours.value.split(separator: " ").first?.lowercased()
        let foreign = schemes.contains { ["basic", "negotiate", "ntlm"].contains($0) && $0 != own }
        return foreign && !schemes.contains("bearer") && document == nil
    }

    fileprivate var hasRateLimitSigns: Bool {
        first("retry-after") != nil
            || first("x-ratelimit-remaining") == "0" || first("ratelimit-remaining") == "0"
    }
}
