/// Turns the answer of a token endpoint into a verdict on the client: RFC 6749 sections 5.1 and 5.2.
///
/// The default is *indeterminate*, here as everywhere: only the codes that say so count against a client.
package struct GrantJudge: Sendable {
    private let client: ClientCredentials

    package init(_ client: ClientCredentials) {
        self.client = client
    }

    /// What an exchange with the token endpoint says about the client secret.
    package func finding(on exchange: Exchange) -> Finding {
        judged(exchange, hasRules: true) { answer in
            switch answer.status {
            case 200..<300: exchange.minted == nil ? refused(answer) : .accepted(nil)
            default: refused(answer)
            }
        }
    }

    /// What an exchange about a user's token says, the application's own having just been granted.
    ///
    /// 403, 404 and 422 are about the user: Tallyfy answers them for an application of another organization, an unknown
    /// user and a user who is not a member (Tallyfy's documentation, "Third-party applications").
    package func delegationFinding(on exchange: Exchange) -> Finding {
        judged(exchange) { answer in
            switch answer.status {
            case 200..<300: exchange.minted == nil ? .indeterminate(.unexpected) : .accepted(nil)
            case 403, 404, 422: answer.document == nil ? .indeterminate(.unexpected) : .limited(.delegationRefused)
            default: .indeterminate(.unexpected)
            }
        }
    }

    /// - `hasRules`: whether the rules of the grant are about this answer.
    private func judged(_ exchange: Exchange, hasRules: Bool = false, by rule: (Answer) -> Verdict) -> Finding {
        switch exchange.outcome {
        case .withheld(let problem):
            return Finding(problem)
        case .failed(let failure):
            return Finding(.indeterminate(Uncertainty(failure.kind)), "no answer: \(failure.detail)")
        case .answered(let answer):
            let listed = exchange.minted == nil && hasRules ? byRules(answer) : nil
            let verdict = listed ?? guarded(answer) ?? rule(answer)
            return Finding(
                verdict,
                words(for: answer, verdict),
                retryAfter: answer.retryAfter,
                statedReason: verdict == .rejected(.credential) ? statedReason(in: answer) : nil
            )
        }
    }

    /// The rules of the grant itself, the ones that clear the client first; they decide over pages and walls, and not over
    /// redirects, rate limits and errors of the server.
    private func byRules(_ answer: Answer) -> Verdict? {
        switch answer.status {
        case 407, 408, 425, 429: return nil
        case 200..<300, 400..<500: break
        default: return nil
        }
        let isWhole = !answer.isCut && !answer.isEncoded
        func first(of list: [Matcher]) -> Matcher? {
            list.first { (isWhole || !$0.readsBody) && (!answer.isHTML || $0.looksInside) && $0.matches(answer) }
        }
        if first(of: client.unrelated) != nil { return .indeterminate(.unexpected) }
        if let rule = first(of: client.limited) {
            guard case .limitation(let limitation)? = rule.meaning else { return .limited(.forbidden) }
            return .limited(limitation)
        }
        return first(of: client.rejected) == nil ? nil : .rejected(.credential)
    }

    /// Why the client is rejected, where a rule or the endpoint says so.
    private func statedReason(in answer: Answer) -> RejectionReason? {
        let rule = client.rejected.first { $0.matches(answer) }
        if case .rejection(let reason)? = rule?.meaning { return reason }
        // Microsoft Entra ID: "The provided client secret keys for app … are expired."
        let isExpired = answer.statements.contains { $0.text.hasPrefix("AADSTS7000222") }
        return isExpired ? .expired : nil
    }

    /// What comes before any other rule: answers that are not the endpoint's own.
    private func guarded(_ answer: Answer) -> Verdict? {
        switch answer.status {
        case 300..<400: return .indeterminate(.redirected)
        case 407, 511: return .indeterminate(.captive)
        case 429: return .indeterminate(.rateLimited)
        case 408, 425, 500...599: return .indeterminate(.serverError)
        default: break
        }
        if answer.isHTML || answer.first("cf-mitigated") != nil {
            return .indeterminate((200..<300).contains(answer.status) ? .unexpected : .blocked)
        }
        return answer.isCut || answer.isEncoded ? .indeterminate(.unexpected) : nil
    }

    /// By the error code, which counts whatever the status: some servers answer 400 and some 401.
    private func refused(_ answer: Answer) -> Verdict {
        switch answer.grantError {
        case let code? where GrantJudge.refusals.contains(code): return .rejected(.credential)
        case let code? where GrantJudge.mistakes.contains(code): return .misconfigured(.grant(code))
        case "slow_down": return .indeterminate(.rateLimited)
        case "temporarily_unavailable", "server_error": return .indeterminate(.serverError)
        default: break
        }
        switch answer.status {
        case 402: return .limited(.plan)
        case 404, 405, 410: return .misconfigured(.endpoint)
        default: return .indeterminate(.unexpected)
        }
    }

    /// The codes of RFC 6749 section 5.2, and what Google, Salesforce, GitHub and Slack write in their stead.
    private static let refusals: Set = [
        "invalid_client", "invalid_grant", "unauthorized_client", "deleted_client", "disabled_client",
        "invalid_client_id",
        "invalid_client_credentials", "incorrect_client_credentials", "bad_client_secret",
    ]

    /// Codes that speak of the request, not of the client.
    private static let mistakes = ["invalid_request", "unsupported_grant_type", "invalid_scope"]

    private func words(for answer: Answer, _ verdict: Verdict) -> String {
        let message = answer.message.map { " \"\($0)\"" } ?? ""
        let head = "HTTP \(answer.status)\(message) from the token endpoint"
        switch verdict {
        case .accepted:
            let life = answer.grantedLife.map { ", good for \($0.short)" } ?? ""
            return "HTTP \(answer.status), a token granted to client \(client.clientID)\(life)"
        case .misconfigured(.endpoint): return "\(head): this URL is no token endpoint, check token_url"
        case .misconfigured(.grant): return "\(head): it does not understand what it is asked for, check grant"
        case .indeterminate(.redirected): return "\(head), a redirect, which is never followed"
        case .indeterminate(.unexpected): return "\(head), which says nothing certain about the client"
        case .limited, .rejected, .indeterminate, .misconfigured: return head
        }
    }
}

extension Answer {
    /// The `error` of RFC 6749 section 5.2; Laravel writes `true` there, which is no code.
    fileprivate var grantError: String? {
        guard case .object(let members)? = document, case .string(let code)? = members["error"] else { return nil }
        return code
    }

    /// `expires_in`, RFC 6749 section 5.1.
    package var grantedLife: Duration? {
        guard case .object(let members)? = document, let text = members["expires_in"]?.scalarText,
            let seconds = Double(text), (1...1e10).contains(seconds)
        else { return nil }
        return .seconds(seconds)
    }

    /// `scope`, RFC 6749 section 5.1: absent where what was asked for was granted.
    package var grantedScopes: [String]? {
        guard case .object(let members)? = document, let scope = members["scope"] else { return nil }
        return ScopeList.scopes(in: scope)
    }
}
