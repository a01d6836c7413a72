"""The mutants of table 5.1 of the design: (row of the table, file, line, what stands there instead).

A line is given without its indentation and must stand in its file exactly once. The function or property around it is
built once more with the replacement, which may be any Swift. Where there is none, as in an initializer, the replacement
holds MUTANT1, MUTANT2 and so on, each of which is true in the run of one mutant alone. A line that is changed or moved in
the source is changed here too: the run fails when it finds none.

Several lines that follow each other are given with line breaks between them.
"""

import re

JUDGE = "Judge.swift"
RULES = "JudgeRules.swift"
WALLS = "JudgeWalls.swift"
LINT = "SecretLint.swift"
STATES = "StateMachine.swift"
VERDICT = "Verdict.swift"


def judge(row, line, *replacements):
    return [(row, JUDGE, line, replacement) for replacement in replacements]


def rules(row, line, *replacements):
    return [(row, RULES, line, replacement) for replacement in replacements]


def walls(row, line, *replacements):
    return [(row, WALLS, line, replacement) for replacement in replacements]


def elsewhere(file, row, line, replacement):
    return [(row, file, line, replacement)] * len(set(re.findall(r"\bMUTANT\d+\b", replacement)))


MUTANTS = [
    # secret missing, unreadable, empty or of impossible shape
    *elsewhere(
        VERDICT,
        "a secret that cannot be used is misconfigured",
        "self.init(.misconfigured(.secret(problem)), problem.sentence)",
        "self.init(MUTANT1 ? .rejected(.credential) : MUTANT2 ? .indeterminate(.unexpected) "
        ": .misconfigured(.secret(problem)), problem.sentence)",
    ),
    *elsewhere(
        VERDICT,
        "a secret that the host cannot read is indeterminate",
        "case .unavailable: self.init(.indeterminate(.hostFailure), problem.sentence)",
        "case .unavailable: self.init(MUTANT1 ? .misconfigured(.secret(problem)) : MUTANT2 ? .rejected(.credential) "
        ": .indeterminate(.hostFailure), problem.sentence)",
    ),
    *elsewhere(
        LINT,
        "empty",
        "guard !trimmed.isEmpty else { throw .empty(source: source) }",
        "guard !trimmed.isEmpty || MUTANT1 else { throw .empty(source: source) }",
    ),
    *elsewhere(
        LINT,
        "too long",
        "guard trimmed.count <= maximumLength else { throw .tooLong(source: source) }",
        "guard trimmed.count <= maximumLength - (MUTANT1 ? 1 : 0) || MUTANT2 else { throw .tooLong(source: source) }",
    ),
    *elsewhere(
        LINT,
        "Bearer prefix",
        'guard !beginning.hasPrefix("bearer ") else { throw .bearerPrefix(source: source) }',
        'guard !beginning.hasPrefix("bearer ") || MUTANT1 else { throw .bearerPrefix(source: source) }',
    ),
    *elsewhere(
        LINT,
        "placeholder",
        "guard trimmed.count > longestPlaceholder || !isPlaceholder(beginning) else {",
        "guard trimmed.count > longestPlaceholder || !isPlaceholder(beginning) || MUTANT1 else {",
    ),
    *elsewhere(
        LINT,
        "spaces or a line break inside",
        "guard !trimmed.contains(where: isSpace) else { throw .containsWhitespace(source: source) }",
        "guard !trimmed.contains(where: isSpace) || MUTANT1 else { throw .containsWhitespace(source: source) }",
    ),
    *elsewhere(
        LINT,
        "not printable",
        "guard trimmed.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw .notPrintable(source: source) }",
        "guard trimmed.allSatisfy({ (0x21...0x7E).contains($0) }) || MUTANT1 else { throw .notPrintable(source: source) }",
    ),
    *elsewhere(
        LINT,
        "quotes",
        "guard !quotes.contains(trimmed[0]), !quotes.contains(trimmed[trimmed.count - 1]) else {",
        "guard MUTANT1 || !quotes.contains(trimmed[0]), MUTANT2 || !quotes.contains(trimmed[trimmed.count - 1]) else {",
    ),
    # DNS, connect, reset, timeout, truncated answer; TLS
    *judge(
        "no answer is indeterminate",
        'return Finding(.indeterminate(Uncertainty(failure.kind)), "no answer: \\(failure.detail)")',
        'return Finding(.rejected(.credential), "no answer: \\(failure.detail)")',
        'return Finding(.indeterminate(.unexpected), "no answer: \\(failure.detail)")',
    ),
    *elsewhere(VERDICT, "dns", "case .dns: self = .dns", "case .dns: self = MUTANT1 ? .network : .dns"),
    *elsewhere(VERDICT, "network", "case .network: self = .network", "case .network: self = MUTANT1 ? .dns : .network"),
    *elsewhere(VERDICT, "timeout", "case .timeout: self = .timeout", "case .timeout: self = MUTANT1 ? .network : .timeout"),
    *elsewhere(VERDICT, "tls", "case .tls: self = .tls", "case .tls: self = MUTANT1 ? .network : .tls"),
    # 2xx
    *judge(
        "2xx is judged by what it holds",
        "case 200..<300: success(answer)",
        "case 200..<300: .accepted(nil)",
        "case 200..<300: .indeterminate(.unexpected)",
        "case 200..<299: success(answer)",
        "case 201..<300: success(answer)",
    ),
    *judge(
        "2xx that is cut, compressed or HTML is unexpected",
        "private func isAccepted(_ answer: Answer) -> Bool {\n" "guard !answer.isCut, !answer.isEncoded, !answer.isHTML else { return false }",
        "private func isAccepted(_ answer: Answer) -> Bool {\n" "guard !answer.isEncoded, !answer.isHTML else { return false }",
        "private func isAccepted(_ answer: Answer) -> Bool {\n" "guard !answer.isCut, !answer.isHTML else { return false }",
        "private func isAccepted(_ answer: Answer) -> Bool {\n" "guard !answer.isCut, !answer.isEncoded else { return false }",
    ),
    *judge(
        "2xx that the provider lists as a rejection or a limit",
        "if let listed = listed(answer) { return listed }",
        "",
    ),
    *judge(
        "2xx without the required fields is unexpected",
        "guard isAccepted(answer) else { return .indeterminate(.unexpected) }",
        "",
        "guard isAccepted(answer) else { return .rejected(.credential) }",
    ),
    *judge(
        "2xx of a provider without an identity is accepted",
        "guard let pointers = rules.identity else { return .accepted(nil) }",
        "guard let pointers = rules.identity else { return .indeterminate(.unexpected) }",
    ),
    *judge(
        "2xx with another identity than the one expected",
        "return identity.answers(to: expected) ? .accepted(identity) : .rejected(.wrongIdentity(identity))",
        "_ = expected; return .accepted(identity)",
        "return identity.answers(to: expected) ? .accepted(identity) : .rejected(.credential)",
    ),
    *judge(
        "2xx with an identity that holds some of the secret, where one is expected",
        "if isStruck, !identity.answers(to: expected) { return .indeterminate(.unexpected) }",
        "",
        "if isStruck, !identity.answers(to: expected) { return .accepted(nil) }",
    ),
    *judge(
        "2xx with an identity that holds some of the secret",
        "if isStruck { return .accepted(nil) }",
        "",
        "if isStruck { return .indeterminate(.unexpected) }",
    ),
    *judge(
        "2xx with another identity than the one first seen",
        "if let knownIdentity, knownIdentity.id != identity.id { return .rejected(.wrongIdentity(identity)) }",
        "",
        "if let knownIdentity, knownIdentity != identity { return .rejected(.wrongIdentity(identity)) }",
    ),
    *judge(
        "a required field that only the status proves",
        "return hasShape && rule.matches(answer)",
        "return rule.matches(answer)",
        "return hasShape",
    ),
    # 3xx
    *judge(
        "3xx is redirected",
        "case 300..<400: .indeterminate(.redirected)",
        "case 300..<400: .rejected(.credential)",
        "case 300..<400: .indeterminate(.unexpected)",
        "case 301..<400: .indeterminate(.redirected)",
        "case 300..<399: .indeterminate(.redirected)",
    ),
    # 401
    *judge(
        "401 is judged by its rows",
        "case 401: unauthorized(answer)",
        "case 401: .rejected(.credential)",
        "case 401: .indeterminate(.unexpected)",
    ),
    *judge(
        "401 asking for a stronger login is step-up",
        'if answer.challengeError == "insufficient_user_authentication", !isAsked(by: .asker) {',
        "if false {",
        'if answer.challengeError == "insufficient_user_authentication" {',
    ),
    *judge(
        "401 asking for a stronger login is told as that",
        "return .limited(.stepUp)",
        "return .limited(.forbidden)",
    ),
    *walls(
        "401 from something that is not the API is blocked",
        "answer.isHTML || isForeignChallenge(in: answer)",
        "answer.isHTML",
        "isForeignChallenge(in: answer)",
    ),
    *judge(
        "401 from something that is not the API is no rejection",
        "if isFromElsewhere(answer) { return .indeterminate(.blocked) }",
        "",
    ),
    *judge(
        "401 to a request that carries another credential is the fault of that one",
        "if isAsked(by: .asker) { return .misconfigured(.asker) }\n"
        "return byRules(answer) ?? .indeterminate(.unexpected)",
        "return byRules(answer) ?? .indeterminate(.unexpected)",
    ),
    *judge(
        "401 otherwise is as the provider says",
        "return byRules(answer) ?? .indeterminate(.unexpected)",
        "return .rejected(.credential)",
        "return byRules(answer) ?? .rejected(.credential)",
    ),
    # 403
    *judge(
        "403 is judged by its rows",
        "case 403: forbidden(answer) ?? forbidden(answer, against: control)",
        "case 403: forbidden(answer) ?? .indeterminate(.unexpected)",
        "case 403: forbidden(answer, against: control)",
        "case 403: .rejected(.credential)",
    ),
    *judge(
        "403 for want of a scope is limited",
        'if answer.challengeError == "insufficient_scope", !isAsked(by: .asker) { return .limited(.scope) }',
        "",
        'if answer.challengeError == "insufficient_scope" { return .limited(.scope) }',
        'if answer.challengeError == "insufficient_scope", !isAsked(by: .asker) { return .limited(.forbidden) }',
    ),
    *judge(
        "403 to a request that carries another credential is the fault of that one",
        "if isAsked(by: .asker) { return .misconfigured(.asker) }\n" "return byRules(answer)",
        "return byRules(answer)",
    ),
    *judge(
        "403 with signs of a rate limit is rate limited",
        "if answer.hasRateLimitSigns { return .indeterminate(.rateLimited) }",
        "",
        "if answer.hasRateLimitSigns { return .indeterminate(.blocked) }",
    ),
    *judge(
        "403 with Retry-After",
        'first("retry-after") != nil',
        "false",
    ),
    *judge(
        "403 with X-RateLimit-Remaining: 0",
        '|| first("x-ratelimit-remaining") == "0" || first("ratelimit-remaining") == "0"',
        '|| first("ratelimit-remaining") == "0"',
        '|| first("x-ratelimit-remaining") == "0"',
        '|| first("x-ratelimit-remaining") != nil || first("ratelimit-remaining") == "0"',
    ),
    *judge(
        "403 of a page or a challenge is blocked",
        'if answer.first("cf-mitigated") != nil { return .indeterminate(.blocked) }',
        "",
    ),
    *judge(
        "403 of a page is blocked, unless siblings pass",
        "if answer.isHTML { return siblingsPass && !isAsked(by: .asker) ? nil : .indeterminate(.blocked) }",
        "if answer.isHTML { return siblingsPass ? nil : .indeterminate(.blocked) }",
        "if answer.isHTML { return .indeterminate(.blocked) }",
        "if answer.isHTML { return nil }",
        "",
    ),
    *judge(
        "403 that the control explains: 401 without the token",
        "case 401: return answer.isHTML || isFromElsewhere(bare) ? .indeterminate(.blocked) : .limited(.forbidden)",
        "case 401: return answer.isHTML ? .indeterminate(.blocked) : .limited(.forbidden)",
        "case 401: return isFromElsewhere(bare) ? .indeterminate(.blocked) : .limited(.forbidden)",
        "case 401: return .indeterminate(.blocked)",
        "case 401: return .rejected(.credential)",
    ),
    *judge(
        "403 that the control explains: the same without the token",
        "return isRefusedAlike(answer, bare) ? .rejected(.credential) : .indeterminate(.blocked)",
        "return siblingsPass ? .rejected(.credential) : .indeterminate(.blocked)",
        "return .indeterminate(.blocked)",
        "return .limited(.forbidden)",
    ),
    *judge(
        "403 that the control does not explain",
        "default: return .indeterminate(.unexpected)",
        "default: return .limited(.forbidden)",
    ),
    *judge(
        "403 without a control",
        "return .indeterminate(answer.isHTML ? .blocked : .unexpected)",
        "return .rejected(.credential)",
        "return .indeterminate(.blocked)",
        "return .indeterminate(.unexpected)",
    ),
    *judge(
        "only a 403 that explains nothing needs the control",
        "return forbidden(answer) == nil",
        "return false",
        "return true",
    ),
    # 402
    *judge(
        "402 is the plan",
        "case 402: listed(answer) ?? .limited(.plan)",
        "case 402: .limited(.plan)",
        "case 402: listed(answer) ?? .limited(.forbidden)",
        "case 402: listed(answer) ?? .rejected(.credential)",
    ),
    # 404, 405, 410
    *judge(
        "404, 405 and 410 are the endpoint, or as the provider says",
        "case 404, 405, 410: notFound(answer)",
        "case 405, 410: notFound(answer)",
        "case 404, 410: notFound(answer)",
        "case 404, 405: notFound(answer)",
    ),
    *judge(
        "404 is as the provider says, else the endpoint",
        "return listed(answer) ?? .misconfigured(.endpoint)",
        "return .misconfigured(.endpoint)",
        "return listed(answer) ?? .rejected(.credential)",
    ),
    # 407, 511
    *judge(
        "407 and 511 are captive",
        "case 407, 511: .indeterminate(.captive)",
        "case 407: .indeterminate(.captive)",
        "case 511: .indeterminate(.captive)",
        "case 407, 511: .rejected(.credential)",
    ),
    # 408, 425, 429, 5xx
    *judge(
        "408, 425 and 5xx are the server's fault",
        "case 408, 425, 500...599: .indeterminate(.serverError)",
        "case 425, 500...599: .indeterminate(.serverError)",
        "case 408, 500...599: .indeterminate(.serverError)",
        "case 408, 425, 501...599: .indeterminate(.serverError)",
        "case 408, 425, 500...598: .indeterminate(.serverError)",
        "case 408, 425, 500...599: .rejected(.credential)",
    ),
    *judge(
        "429 is rate limited",
        "case 429: .indeterminate(.rateLimited)",
        "",
        "case 429: .rejected(.credential)",
    ),
    *judge(
        "Retry-After is read",
        "retryAfter: answer.retryAfter,",
        "retryAfter: nil,",
    ),
    # anything else
    *judge(
        "anything else is unexpected, or as the provider says",
        "default: listed(answer) ?? .indeterminate(.unexpected)",
        "default: .indeterminate(.unexpected)",
        "default: listed(answer) ?? .rejected(.credential)",
        "default: listed(answer) ?? .misconfigured(.endpoint)",
    ),
    # The provider's lists
    *rules(
        "rules read no part of a body, no compressed body, no page",
        "func byRules(_ answer: Answer) -> Verdict? {\n" "guard !answer.isCut, !answer.isEncoded, !answer.isHTML else { return nil }",
        "func byRules(_ answer: Answer) -> Verdict? {\n" "guard !answer.isEncoded, !answer.isHTML else { return nil }",
        "func byRules(_ answer: Answer) -> Verdict? {\n" "guard !answer.isCut, !answer.isHTML else { return nil }",
        "func byRules(_ answer: Answer) -> Verdict? {\n" "guard !answer.isCut, !answer.isEncoded else { return nil }",
    ),
    *rules(
        "listed as about something else than the token",
        "if rules.unrelated.first(for: answer, isUsed) != nil { return .indeterminate(.unexpected) }",
        "",
        "if rules.unrelated.first(for: answer, isUsed) != nil { return .rejected(.credential) }",
    ),
    *rules(
        "listed as a limit",
        "if let rule = rules.limited.first(for: answer, isUsed), rejection == nil || !isSaidToBeDead(answer) {",
        "if let rule = rules.limited.first(for: answer, isUsed), rejection == nil {",
        "if let rule = rules.limited.first(for: answer, isUsed) {",
        "if let rule = rules.limited.filter({ _ in false }).first(for: answer, isUsed) {",
    ),
    *rules(
        "listed as a limit without saying which",
        "guard case .limitation(let limitation)? = rule.meaning else { return .limited(.forbidden) }",
        "guard case .limitation(let limitation)? = rule.meaning else { return .limited(.plan) }",
        "guard case .limitation(let limitation)? = rule.meaning else { return .rejected(.credential) }",
    ),
    *rules(
        "listed as a limit of a kind",
        "return .limited(limitation)",
        "_ = limitation; return .limited(.forbidden)",
    ),
    *rules(
        "a reason that the provider states",
        "if case .rejection(let reason)? = rule?.meaning { return reason }",
        "",
    ),
    *rules(
        "a rejection that states no reason",
        "return .refused",
        "return nil",
        "return .expired",
    ),
    *rules(
        "listed as a rejection",
        "if rejection != nil { return .rejected(.credential) }",
        "",
        "if rejection != nil { return .limited(.forbidden) }",
    ),
    # Reason of a rejection
    *elsewhere(
        STATES,
        "a wrong identity is its own reason",
        "if case .wrongIdentity = rejection { return .wrongIdentity }",
        "if case .wrongIdentity = rejection, !MUTANT1 { return .wrongIdentity }",
    ),
    *elsewhere(
        STATES,
        "rejected: the token tells nothing",
        "guard let expiresAt else { return .rejected }",
        "guard let expiresAt else { return MUTANT1 ? .revoked : .rejected }",
    ),
    *elsewhere(
        STATES,
        "expired: its end has passed, clock skew tolerated",
        "if expiresAt.timeIntervalSince(now) <= Belief.clockSkew { return .expired }",
        "if !MUTANT1, expiresAt.timeIntervalSince(now) <= (MUTANT2 ? 0 : Belief.clockSkew) { return .expired }",
    ),
    *elsewhere(
        STATES,
        "revoked: its end is ahead; not where that is an estimate",
        "return expiryIsEstimated ? .rejected : .revoked",
        "return (expiryIsEstimated || MUTANT1) && !MUTANT2 ? .rejected : .revoked",
    ),
    *elsewhere(
        STATES,
        "a reason that the provider states comes first",
        "observation.finding.statedReason",
        "(MUTANT1 ? nil : observation.finding.statedReason)",
    ),
    # Control
    *elsewhere(
        STATES,
        "200 with the token and 200 without it: the endpoint checks nothing",
        "if observation.control == .open { return .misconfigured(.publicEndpoint) }",
        "if observation.control == .open, !MUTANT1 { return .misconfigured(.publicEndpoint) }",
    ),
    *judge(
        "the control is refused",
        "case 401, 403: return .refused",
        "case 403: return .refused",
        "case 401: return .refused",
        "case 401, 403: return .open",
    ),
    *judge(
        "the control finds a server in trouble",
        "case 408, 425, 429, 500...599: return .unreachable",
        "case 425, 429, 500...599: return .unreachable",
        "case 408, 429, 500...599: return .unreachable",
        "case 408, 425, 500...599: return .unreachable",
        "case 408, 425, 429: return .unreachable",
    ),
    *judge(
        "the control gets no answer",
        "guard case .answered(let answer) = exchange.outcome else { return .unreachable }",
        "guard case .answered(let answer) = exchange.outcome else { return .open }",
        "guard case .answered(let answer) = exchange.outcome else { return .refused }",
    ),
    *judge(
        "the control is refused with 200",
        "if case .rejected? = byRules(answer) { return .refused }",
        "",
    ),
    *judge(
        "the control is open",
        "guard byRules(answer) == nil, isAccepted(answer) else { return .other }",
        "guard byRules(answer) == nil else { return .other }",
        "guard isAccepted(answer) else { return .other }",
    ),
    *judge(
        "the control is refused by 200 in words",
        "return refusalInSuccess(answer) == nil ? .open : .other",
        "return .open",
        "return .other",
    ),
    *judge(
        "401 for want of a header that the provider requires",
        "private func unauthorized(_ answer: Answer) -> Verdict {\n"
        "if let missing = rules.missingRequiredHeader { return .misconfigured(.missingHeader(missing)) }",
        "private func unauthorized(_ answer: Answer) -> Verdict {\n",
    ),
    *judge(
        "404 for want of a header that the provider requires",
        "private func notFound(_ answer: Answer) -> Verdict {\n"
        "if let missing = rules.missingRequiredHeader { return .misconfigured(.missingHeader(missing)) }",
        "private func notFound(_ answer: Answer) -> Verdict {\n",
    ),
    *judge(
        "only a 403 needs the control",
        "guard case .answered(let answer) = exchange.outcome, answer.status == 403 else { return false }",
        "guard case .answered(let answer) = exchange.outcome else { return false }",
    ),
    *judge(
        "a control of 2xx is judged by what it holds",
        "case 200..<300:",
        "case 201..<300:",
        "case 200..<299:",
    ),
    *judge(
        "a control with another answer",
        "default: return .other",
        "default: return .refused",
        "default: return .open",
        "default: return .unreachable",
    ),
    *judge(
        "2xx without the identity that the provider promises is unexpected",
        "guard let document = answer.document, let identity = pointers.identity(in: document) else {\n"
        "return .indeterminate(.unexpected)",
        "guard let document = answer.document, let identity = pointers.identity(in: document) else {\n"
        "return .accepted(nil)",
    ),
    *judge(
        "2xx with the identity that is expected is accepted",
        "return .accepted(identity)",
        "return .accepted(nil)",
        "return .indeterminate(.unexpected)",
    ),
    *judge(
        "403 that is cut or compressed is unexpected",
        "if answer.isHTML { return siblingsPass && !isAsked(by: .asker) ? nil : .indeterminate(.blocked) }\n"
        "guard !answer.isCut, !answer.isEncoded else { return .indeterminate(.unexpected) }",
        "if answer.isHTML { return siblingsPass && !isAsked(by: .asker) ? nil : .indeterminate(.blocked) }\n"
        "guard !answer.isEncoded else { return .indeterminate(.unexpected) }",
        "if answer.isHTML { return siblingsPass && !isAsked(by: .asker) ? nil : .indeterminate(.blocked) }\n"
        "guard !answer.isCut else { return .indeterminate(.unexpected) }",
    ),
    *judge(
        "403 is first as the provider says",
        "return byRules(answer)",
        "return nil",
        "return .rejected(.credential)",
    ),
    *rules(
        "what no rule lists is not decided by the rules",
        "if rejection != nil { return .rejected(.credential) }\n" "return nil",
        "if rejection != nil { return .rejected(.credential) }\n" "return .rejected(.credential)",
    ),
    *walls(
        "401 with a challenge for a login that is not the API's",
        'guard let first = foreign.first, !schemes.contains("bearer") else { return false }',
        "guard let first = foreign.first else { return false }",
        'guard let first = schemes.first, !schemes.contains("bearer") else { return false }',
    ),
    *walls(
        "401 with such a challenge beside a document",
        "case .builtIn: return answer.document == nil",
        "case .builtIn: return true",
        "case .builtIn: return false",
    ),
    *walls(
        "401 with a challenge that the API is known to give",
        "case .general: return usualRefusal?.asks(for: first) != true",
        "case .general: return true",
        "case .general: return false",
    ),
    *walls(
        "401 with a challenge, where the administrator lists 401",
        "case .own: return false",
        "case .own: return true",
    ),
    # Walls, words, caches
    *judge(
        "a refusal that is a wall's is blocked",
        "if verdict == .rejected(.credential), isWall(answer, control: control) { return .indeterminate(.blocked) }",
        "",
    ),
    *walls(
        "a wall does not stand where siblings pass",
        "guard !siblingsPass, case .answered(let bare)? = control?.outcome,",
        "guard case .answered(let bare)? = control?.outcome,",
    ),
    *walls(
        "an exact rule outweighs a wall, unless it takes the request without the token for one with a dead one",
        "return ruling == nil && !rules.withoutToken.isEmpty && !rules.withoutToken.contains { $0.matches(bare) }",
        "return !rules.withoutToken.isEmpty && !rules.withoutToken.contains { $0.matches(bare) }",
    ),
    *walls(
        "where neither refusal is the API's, something else has answered",
        "guard shape == AnswerShape(answer) else { return isNewInFront(answer, without: bare) }",
        "guard shape == AnswerShape(answer) else { return false }",
    ),
    *walls(
        "but a rule that looks inside, and a code, are believed",
        "return !isListed && !AnswerWords(of: answer).saysDeadByCode",
        "return !isListed",
        "return !AnswerWords(of: answer).saysDeadByCode",
    ),
    *judge(
        "the code of RFC 6750 is believed, whatever page stands beside it",
        "return .rejected(.credential)",
        "return .indeterminate(.blocked)",
    ),
    *judge(
        "the code of RFC 6750 is believed, and that alone, where no built-in description knows better",
        'if answer.isHTML, rules.origin != .builtIn, answer.challengeError == "invalid_token", !isAsked(by: .asker) {',
        'if answer.isHTML, answer.challengeError == "invalid_token", !isAsked(by: .asker) {',
        "if answer.isHTML, rules.origin != .builtIn, !isAsked(by: .asker) {",
    ),
    *walls(
        "a wall's refusal is another than the usual one",
        "if let usualRefusal { return !usualRefusal.isLike(shape) }",
        "if usualRefusal != nil { return true }",
        "if let usualRefusal { return usualRefusal != shape }",
        "if usualRefusal != nil { return false }",
    ),
    *walls(
        "a wall's refusal is another than the one the API is known to give",
        "return ruling == nil && !rules.withoutToken.isEmpty && !rules.withoutToken.contains { $0.matches(bare) }",
        "return ruling == nil && !rules.withoutToken.contains { $0.matches(bare) }",
        "return false",
    ),
    *walls(
        "the same refusal with and without the token, while others pass",
        "siblingsPass && AnswerShape(bare) == AnswerShape(answer)",
        "siblingsPass",
        "AnswerShape(bare) == AnswerShape(answer)",
    ),
    *judge(
        "success for everybody is a front's, where the API was seen to refuse",
        "if verdict.isOfKnownAccount, isFront(control) { return .indeterminate(.blocked) }",
        "",
    ),
    *walls(
        "it is no front where requests without a token were never refused, nor where they are refused",
        "endpointChecksTokens && control.map { controlResult(of: $0) } == .open",
        "control.map { controlResult(of: $0) } == .open",
        "endpointChecksTokens",
    ),
    *judge(
        "a copy that a cache has kept shows nothing",
        "if verdict.isAboutToken, isStale(answer) { return .indeterminate(.unexpected) }",
        "",
    ),
    *rules(
        "what is said of the token counts where the API is not known",
        "if rules.origin == .builtIn { return nil }",
        "",
        "return nil",
    ),
    *rules(
        "a token that is said to be dead is rejected",
        "if words.saysDead { return .rejected(.credential) }",
        "",
        "if words.saysDead { return .limited(.forbidden) }",
    ),
    *rules(
        "by 400 only a code counts",
        "if answer.status == 400 { return words.saysDeadByCode ? .rejected(.credential) : nil }",
        "",
        "if answer.status == 400 { return nil }",
    ),
    *rules(
        "too many requests are rate limited",
        "if words.saysTooMany, !words.saysDead { return .indeterminate(.rateLimited) }",
        "",
    ),
    *rules(
        "a rule that looks inside comes first",
        "return byRules(answer) { $0.looksInside } ?? byWords(answer) ?? byRules(answer) { !$0.looksInside }",
        "return byRules(answer) { !$0.looksInside } ?? byWords(answer) ?? byRules(answer) { $0.looksInside }",
        "return byRules(answer) { $0.looksInside } ?? byRules(answer) { !$0.looksInside } ?? byWords(answer)",
    ),
]

# Lines of Judge.swift that decide nothing by themselves, or that lead to one that is changed.
UNCHANGED = {
    "case .withheld(let problem):",
    "return Finding(problem)",
    "case .failed(let failure):",
    "case .answered(let answer):",
    "guard case .answered(let bare)? = control?.outcome else {",
    "case 403:",
    "if let expected = token.expectedIdentity {",
    "return rules.accepted.contains { rule in",
    "return .indeterminate(.blocked)",
    "return nil",
    "case refused",
    "case open",
    "case unreachable",
    "case other",
    "return Finding(",
    "return verdict",
    "if let listed = byOwnRules(answer) { return listed }",
    "if let refusal = refusalInSuccess(answer) { return refusal }",
    "if let name = recognisedAccount(in: answer), name != bare.namedAccount { return .limited(.forbidden) }",
}
