// What was seen, in words.

extension Judge {
    func observation(of answer: Answer, verdict: Verdict, control: Exchange?) -> String {
        let head = "HTTP \(answer.status)"
        var words: String { answer.message.map { " \"\($0)\"" } ?? "" }
        switch verdict {
        case .accepted(let identity):
            return head + (identity.map { ", as \($0.label)" } ?? "")
        case .rejected(.credential):
            // Of another status than 401 nobody would guess it.
            let name = token.provider.name
            let isListed = rules.rejected.contains { $0.matches(answer) }
            let known =
                answer.status == 401 || !words.isEmpty || !isListed
                ? "" : ", as \(name) answers a token that does not work"
            return head + words + known + otherScheme(in: answer)
        case .rejected(.wrongIdentity(let found)):
            let expected = token.expectedIdentity ?? knownIdentity?.label ?? "another"
            return "\(head), as \(found.label) where \(expected) was expected"
        case .indeterminate(.redirected):
            return "\(head), a redirect, which is never followed"
        case .indeterminate(.blocked):
            return "\(head)\(words), \(obstacle(in: answer, control: control))"
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
    func otherScheme(in answer: Answer) -> String {
        let words = token.provider.authorization.value.split(separator: " ")
        let asked = answer.challenges.map(\.scheme)
        guard words.count == 2, !asked.isEmpty, !asked.contains(words[0].lowercased()) else { return "" }
        return ", and asks for a login by \(asked.joined(separator: ", ")) where \(words[0]) was sent"
    }

    func obstacle(in answer: Answer, control: Exchange?) -> String {
        if (200..<300).contains(answer.status) {
            return
                "and so is the same without a token, which this API used to refuse: something in front answers everybody"
        }
        // The API's own refusal: a wall that looks the same is possible, and no more than that.
        if !answer.isHTML, let usualRefusal, usualRefusal.isLike(AnswerShape(answer)),
            let shape = control.flatMap({ AnswerShape(refusal: $0) }), shape == AnswerShape(answer)
        {
            return
                "as this API answers without a token: the token is dead or has lost its rights, or everybody is refused"
        }
        return saysMissing(answer) ?? "from a wall in front of the API rather than from the API"
    }

    private func saysMissing(_ answer: Answer) -> String? {
        guard answer.status == 401, !isFromElsewhere(answer), AnswerWords(of: answer).saysMissing else { return nil }
        return "which says that no token arrived: something on the way has kept it, or the API takes it in another way"
    }

    func strangeness(of answer: Answer) -> String {
        if isStale(answer) { return "a copy that a cache has kept: it says how the token was, not how it is" }
        if answer.isCut { return "a body of more than \(Answer.bodyLimit / 1024) KiB" }
        if answer.isEncoded { return "a compressed body that was not asked for" }
        if answer.isHTML { return "an HTML page where JSON was expected" }
        if (200..<300).contains(answer.status) { return "without the fields that prove a token is accepted" }
        return saysMissing(answer) ?? "which says nothing certain about the token"
    }
}
