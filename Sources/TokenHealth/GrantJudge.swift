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
        judged(exchange) { answer in
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

    private func judged(_ exchange: Exchange, by rule: (Answer) -> Verdict) -> Finding {
        switch exchange.outcome {
        case .withheld(let problem):
            return Finding(problem)
        case .failed(let failure):
            return Finding(.indeterminate(Uncertainty(failure.kind)), "no answer: \(failure.detail)")
        case .answered(let answer):
            let verdict = guarded(answer) ?? rule(answer)
            let retryAfter = answer.first("retry-after").flatMap { RetryAfter($0) }
            return Finding(verdict, words(for: answer, verdict), retryAfter: retryAfter)
        }
    }

    /// What comes before any rule: answers that are not the endpoint's own.
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
        case "invalid_client", "invalid_grant", "unauthorized_client": return .rejected(.credential)
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
