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
            return Finding(problem)
        case .failed(let failure):
            return Finding(.indeterminate(Uncertainty(failure.kind)), "no answer: \(failure.detail)")
        case .answered(let answer):
            let verdict = verdict(on: answer, control: control)
            let retryAfter = answer.retryAfter
            return Finding(
                verdict,
                observation(of: answer, verdict: verdict),
                retryAfter: retryAfter,
                statedReason: verdict == .rejected(.credential) ? statedReason(in: answer) : nil
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
        case 404, 405, 410: notFound(answer)
        case 407, 511: .indeterminate(.captive)
        case 408, 425, 500...599: .indeterminate(.serverError)
        case 429: .indeterminate(.rateLimited)
        default: byRules(answer) ?? .indeterminate(.unexpected)
        }
    }

    private func success(_ answer: Answer) -> Verdict {
        if let listed = byRules(answer) { return listed }
        guard isAccepted(answer) else { return .indeterminate(.unexpected) }
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
        if isFromElsewhere(answer) { return .indeterminate(.blocked) }
        guard !answer.isCut, !answer.isEncoded else { return .indeterminate(.unexpected) }
        if isAsked(by: .asker) { return .misconfigured(.asker) }
        return byRules(answer) ?? .indeterminate(.unexpected)
    }

    /// Whose credential the header carries: with the asker's there, the token is in the body, and a refusal of the
    /// request says nothing of the token.
    private func isAsked(by place: SecretPlace) -> Bool { place.isIn(token.provider.authorization.value) }

    private func notFound(_ answer: Answer) -> Verdict {
        if let missing = rules.missingRequiredHeader { return .misconfigured(.missingHeader(missing)) }
        return byRules(answer) ?? .misconfigured(.endpoint)
    }

    /// Whether something in front of the API refuses with a page or a challenge of its own.
    private func isFromElsewhere(_ answer: Answer) -> Bool {
        answer.isHTML || answer.isForeignChallenge(ours: token.provider.authorization)
    }

    /// A 403 that explains itself, or `nil` where the control must decide.
    private func forbidden(_ answer: Answer) -> Verdict? {
        if answer.challengeError == "insufficient_scope", !isAsked(by: .asker) { return .limited(.scope) }
        if answer.hasRateLimitSigns { return .indeterminate(.rateLimited) }
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
        switch bare.status {
        case 401: return answer.isHTML || isFromElsewhere(bare) ? .indeterminate(.blocked) : .limited(.forbidden)
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
        if let rule = rules.limited.first(where: { $0.matches(answer) }) {
            guard case .limitation(let limitation)? = rule.meaning else { return .limited(.forbidden) }
            return .limited(limitation)
        }
        if rules.rejected.contains(where: { $0.matches(answer) }) { return .rejected(.credential) }
        return nil
    }

    /// Why the token is rejected, in the provider's own words.
    private func statedReason(in answer: Answer) -> RejectionReason? {
        let rule = rules.rejected.first { $0.matches(answer) }
        guard case .rejection(let reason)? = rule?.meaning else { return nil }
        return reason
    }

    // MARK: - In words

    private func observation(of answer: Answer, verdict: Verdict) -> String {
        let head = "HTTP \(answer.status)"
        var words: String { answer.message.map { " \"\($0)\"" } ?? "" }
        switch verdict {
        case .accepted(let identity):
            return head + (identity.map { ", as \($0.label)" } ?? "")
        case .rejected(.credential):
            // Of another status than 401 nobody would guess it.
            let name = token.provider.name
            let known = answer.status == 401 || !words.isEmpty ? "" : ", as \(name) answers a token that does not work"
            return head + words + known + otherScheme(in: answer)
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
        case .misconfigured(.asker):
            return "\(head)\(words): the credential that asks is refused, not the token; check ask_as"
        case .misconfigured(.endpoint):
            return "\(head)\(words): this URL is not the API's, check base_url, the path and its parameters"
        case .limited, .indeterminate, .misconfigured:
            return head + words
        }
    }

    /// A hint that the token may have been sent in a way this API does not take: it is then not the token that is wrong.
    private func otherScheme(in answer: Answer) -> String {
        let words = token.provider.authorization.value.split(separator: " ")
        let asked = answer.challenges.map(\.scheme)
        guard words.count == 2, !asked.isEmpty, !asked.contains(words[0].lowercased()) else { return "" }
        return ", and asks for a login by \(asked.joined(separator: ", ")) where \(words[0]) was sent"
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
    fileprivate var challenges: [Challenge] { values(of: "www-authenticate").flatMap(Challenge.list(in:)) }

    /// The `error` parameter of a Bearer challenge (RFC 6750 section 3).
    fileprivate var challengeError: String? {
        challenges.lazy.filter { $0.scheme == "bearer" }.compactMap { $0.parameters["error"] }.first
    }

    /// A challenge for a login this API does not use, from a body that is not the API's.
    fileprivate func isForeignChallenge(ours: AuthorizationTemplate) -> Bool {
        let schemes = challenges.map(\.scheme)
        let own = ours.value.split(separator: " ").first?.lowercased()
        let foreign = schemes.contains { ["basic", "negotiate", "ntlm"].contains($0) && $0 != own }
        return foreign && !schemes.contains("bearer") && document == nil
    }

    fileprivate var hasRateLimitSigns: Bool {
        first("retry-after") != nil
            || first("x-ratelimit-remaining") == "0" || first("ratelimit-remaining") == "0"
    }
}
