// What comes from something on the way and not from the API, and what an answer proves of the token's life.

extension Judge {
    /// Whether something in front of the API refuses with a page or a challenge of its own.
    func isFromElsewhere(_ answer: Answer) -> Bool {
        answer.isHTML || isForeignChallenge(in: answer)
    }

    /// A challenge for a login this API does not use.
    ///
    /// Where the API is known to ask for it, it is the API's own. Where nothing is known of the API, a document beside it
    /// proves nothing: gateways write JSON as well.
    func isForeignChallenge(in answer: Answer) -> Bool {
        let schemes = answer.challenges.map(\.scheme)
        let own = token.provider.authorization.value.split(separator: " ").first?.lowercased()
        let foreign = schemes.filter { Judge.foreignSchemes.contains($0) && $0 != own }
        guard let first = foreign.first, !schemes.contains("bearer") else { return false }
        switch rules.origin {
        case .builtIn: return answer.document == nil
        case .general: return usualRefusal?.asks(for: first) != true
        case .own: return false
        }
    }

    static let foreignSchemes: Set = ["basic", "digest", "key", "negotiate", "ntlm"]

    /// Whether the refusal is that of something in front of the API: it is the same without the token, and not the one
    /// that the API gives.
    ///
    /// An exact rule of the administrator knows the API better than any list here, but not than the API itself: where a
    /// request without a token is called one with a dead token, and was not before, something puts a credential of its own
    /// into every request.
    func isWall(_ answer: Answer, control: Exchange?) -> Bool {
        guard !siblingsPass, case .answered(let bare)? = control?.outcome,
            let shape = control.flatMap({ AnswerShape(refusal: $0) })
        else { return false }
        guard shape == AnswerShape(answer) else { return isNewInFront(answer, without: bare) }
        let ruling = byOwnRules(answer)
        guard ruling == nil || ruling == byOwnRules(bare) else { return false }
        if let usualRefusal { return !usualRefusal.isLike(shape) }
        return ruling == nil && !rules.withoutToken.isEmpty && !rules.withoutToken.contains { $0.matches(bare) }
    }

    /// Whether neither the refusal nor the one without the token is the API's, whose refusal is known.
    ///
    /// Something else answers by now, and tells a token from none in its own words. A rule that looks inside and a code that
    /// says that the token is dead are believed all the same.
    private func isNewInFront(_ answer: Answer, without bare: Answer) -> Bool {
        guard let usualRefusal, !usualRefusal.isLike(AnswerShape(bare)), !usualRefusal.isLike(AnswerShape(answer)),
            !bare.hasRateLimitSigns, !AnswerWords(of: bare).saysTooMany
        else { return false }
        let isListed = rules.rejected.contains { $0.looksInside && $0.matches(answer) }
        return !isListed && !AnswerWords(of: answer).saysDeadByCode
    }

    /// Whether something in front of an API that refuses requests without a token answers everybody with success.
    func isFront(_ control: Exchange?) -> Bool {
        endpointChecksTokens && control.map { controlResult(of: $0) } == .open
    }

    func isRefusedAlike(_ answer: Answer, _ bare: Answer) -> Bool {
        siblingsPass && AnswerShape(bare) == AnswerShape(answer)
    }

    /// Whose token a refusal takes this one for.
    func recognisedAccount(in answer: Answer) -> String? {
        if let knownIdentity, let document = answer.document,
            rules.identity?.identity(in: document)?.id == knownIdentity.id
        {
            return knownIdentity.id
        }
        return answer.namedAccount
    }

    /// A refusal that comes as a success, as GraphQL has it: an error, nothing else, and words about the token.
    func refusalInSuccess(_ answer: Answer) -> Verdict? {
        guard rules.origin != .builtIn, !rules.accepted.contains(where: { $0.looksInside && $0.matches(answer) }),
            case .object(let members)? = answer.document, members["data"] ?? .null == .null
        else { return nil }
        let nothing: [JSONValue] = [.null, .bool(false), .array([]), .string("")]
        guard ["error", "errors"].contains(where: { !nothing.contains(members[$0] ?? .null) }) else { return nil }
        let words = AnswerWords(of: answer)
        if words.saysDeadByCode { return .rejected(.credential) }
        return words.saysDead || words.saysMissing ? .indeterminate(.unexpected) : nil
    }

    /// Whether a cache has kept the answer for longer than the token goes unprobed, or says itself that it is stale (RFC
    /// 9111 section 5.5, RFC 7234 section 5.5): it tells how the token was.
    func isStale(_ answer: Answer) -> Bool {
        // Of a list the first counts, and what overflows is a great age (RFC 9111 sections 4.2.1 and 1.2.2).
        let first = answer.first("age")?.split(separator: ",").first.map { $0.filter { !$0.isWhitespace } } ?? ""
        let isNumber = !first.isEmpty && first.utf8.allSatisfy { (0x30...0x39).contains($0) }
        let age = isNumber ? Int64(first) ?? .max : 0
        let warnings = answer.values(of: "warning").flatMap { $0.split(separator: ",") }
        return .seconds(age) > max(token.interval, .seconds(1))
            || warnings.contains { ["110", "111"].contains($0.split(separator: " ").first ?? "") }
    }

    /// Whether a refusal proves that the token is still alive: it is said to lack a scope, its account is named, or it is
    /// known how this API refuses a dead one.
    func showsLife(_ answer: Answer, control: Exchange?) -> Bool {
        if ["insufficient_scope", "insufficient_user_authentication"].contains(answer.challengeError) { return true }
        if rules.limited.contains(where: { $0.looksInside && $0.matches(answer) }) { return true }
        if rules.origin != .builtIn, AnswerWords(of: answer).saysScope { return true }
        if answer.status == 403, rules.rejected.contains(where: { $0.looksInside && $0.status?.contains(403) == true })
        {
            return true
        }
        // Whoever wrote the rules knew how this API refuses a dead token, and this is another refusal, in the API's format.
        if answer.status == 403, rules.origin == .builtIn, answer.document != nil { return true }
        guard case .answered(let bare)? = control?.outcome, let name = recognisedAccount(in: answer) else {
            return false
        }
        return name != bare.namedAccount
    }
}
