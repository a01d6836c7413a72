// What the lists of a provider and the words of an answer say: the part of table 5.1 that descriptions decide.

extension Judge {
    /// What the lists and the words say, whatever the answer looks like.
    func listed(_ answer: Answer) -> Verdict? { byOwnRules(answer) ?? byRules(answer) }

    /// The provider's own rules and what the answer says in words.
    ///
    /// Rules that look inside the answer come before those that look at the status alone, and the ones that clear a token
    /// come first. They read no page and no part of a body.
    func byRules(_ answer: Answer) -> Verdict? {
        guard !answer.isCut, !answer.isEncoded, !answer.isHTML else { return nil }
        return byRules(answer) { $0.looksInside } ?? byWords(answer) ?? byRules(answer) { !$0.looksInside }
    }

    /// The rules of the administrator that are too exact to be meant for anything else than this answer: no page and no
    /// challenge speaks against them.
    func byOwnRules(_ answer: Answer) -> Verdict? {
        guard rules.origin == .own, !isAsked(by: .asker) else { return nil }
        let isWhole = !answer.isCut && !answer.isEncoded
        return byRules(answer) { rule in
            // A wall answers 401 and 403, too, and everybody lists these.
            let isExact = rule.looksInside || (rule.status?.isOneOfFew == true && ![401, 403].contains(answer.status))
            return isExact && (isWhole || !rule.readsBody)
        }
    }

    func byRules(_ answer: Answer, _ isUsed: (Matcher) -> Bool) -> Verdict? {
        if rules.unrelated.first(for: answer, isUsed) != nil { return .indeterminate(.unexpected) }
        let rejection = rules.rejected.first(for: answer, isUsed)
        if let rule = rules.limited.first(for: answer, isUsed), rejection == nil || !isSaidToBeDead(answer) {
            guard case .limitation(let limitation)? = rule.meaning else { return .limited(.forbidden) }
            return .limited(limitation)
        }
        if rejection != nil { return .rejected(.credential) }
        return nil
    }

    /// What the answer says of the token in words, where the provider's description does not know the API.
    func byWords(_ answer: Answer) -> Verdict? {
        guard [400, 401, 403].contains(answer.status) else { return nil }
        let words = AnswerWords(of: answer)
        if words.saysTooMany, !words.saysDead { return .indeterminate(.rateLimited) }
        if rules.origin == .builtIn { return nil }
        if answer.status == 400 { return words.saysDeadByCode ? .rejected(.credential) : nil }
        if words.saysDead { return .rejected(.credential) }
        if words.saysScope { return .limited(.scope) }
        if words.saysLocked { return .limited(.locked) }
        return words.saysMissing && answer.status == 401 ? .indeterminate(.blocked) : nil
    }

    /// Two lists of the administrator match: what the answer says in words decides between them.
    func isSaidToBeDead(_ answer: Answer) -> Bool {
        rules.origin == .own && AnswerWords(of: answer).saysDead
    }

    /// Why the token is rejected: in the provider's own words, or in those of the answer.
    func statedReason(in answer: Answer, control: Exchange?) -> RejectionReason? {
        let rule =
            rules.rejected.first { $0.looksInside && $0.matches(answer) } ?? rules.rejected.first { $0.matches(answer) }
        if case .rejection(let reason)? = rule?.meaning { return reason }
        if rules.origin != .builtIn, let reason = AnswerWords(of: answer).reason { return reason }
        guard rule == nil, case .answered(let bare)? = control?.outcome, answer.status == 403, bare.status == 403,
            !(rules.origin != .builtIn && AnswerWords(of: answer).saysDead)
        else { return nil }
        return .refused
    }
}

extension [Matcher] {
    /// The first that is used and holds for `answer`.
    fileprivate func first(for answer: Answer, _ isUsed: (Matcher) -> Bool) -> Matcher? {
        first { isUsed($0) && $0.matches(answer) }
    }
}
