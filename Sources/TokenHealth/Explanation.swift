import FoundationEssentials

extension Belief {
    /// The evidence for the state this belief has come to, in one sentence.
    func explanation(for observation: Observation, token: WatchedToken, siblings: Siblings) -> String {
        let seen = observation.finding.observation
        switch state {
        case .pending:
            return "not probed yet"
        case .valid:
            return "accepted: \(seen)"
        case .limited(let limitation):
            let sentence = limitation.sentence(showsLife: observation.finding.showsLife)
            return "\(seen): \(shortfallSentence(of: token) ?? sentence)"
        case .suspect where isHeldBack(by: siblings, at: observation.at.wall, token: token):
            return
                "\(seen); so are \(siblings.rejected) more tokens of \(token.provider.name), all at once: more likely a "
                + "fault at the provider than so many deaths"
        case .suspect(let suspicion):
            let times = "\(suspicion.rejections) of \(token.confirmation.rejections) rejections"
            return "\(seen); \(times) needed for certainty, asking again"
        case .invalid:
            guard observation.finding.verdict.name == .rejected else { return explanation }
            return certificate(seen: seen, observation: observation, token: token)
        case .unknown, .blind:
            return "\(seen); this says nothing about the token"
        case .misconfigured(.publicEndpoint):
            return "\(seen), and the same without a token: as described, this endpoint checks nothing; choose another "
                + "probe path, or say under accepted what only a working token is answered"
        case .misconfigured:
            return seen
        }
    }

    private func certificate(seen: String, observation: Observation, token: WatchedToken) -> String {
        if deadProbes > 1 { return explanation }
        var parts = [seen]
        if let firstRejectedAt {
            let span = Duration.seconds(observation.at.wall.timeIntervalSince(firstRejectedAt))
            parts[0] += ", confirmed over \(span.short)"
        }
        switch observation.control {
        case .refused where state == .invalid(.refused):
            parts.append("no longer accepted: it is dead or has lost its rights; this API answers both alike")
        case .refused: parts.append("the same request without a token is refused alike")
        case .other: parts.append("the same request without a token is answered differently")
        case .unreachable: parts.append("the same request without a token got no useful answer")
        case .open, nil: break
        }
        if let expiresAt {
            if case .invalid(.expired) = state {
                let doubt = expiryIsEstimated ? ", by an estimate" : ""
                parts.append("its life ended on \(expiresAt.dayUTC)\(doubt)")
            } else if !expiryIsEstimated {
                let witness = expiryIsStated == true ? "the API said that it is" : "the token says of itself to be"
                parts.append("\(witness) good until \(expiresAt.dayUTC)")
            }
        }
        if case .invalid(.revoked) = state, let cause = token.provider.remedy.causes.first {
            parts.append("most likely: \(cause)")
        }
        return parts.joined(separator: "; ")
    }
}

extension Limitation {
    /// - `showsLife`: whether the answer proves that the token is alive.
    fileprivate func sentence(showsLife: Bool) -> String {
        switch self {
        case .plan where !showsLife: "the account's plan does not cover this"
        case .locked where !showsLife: "the account is said to be locked"
        case .forbidden where !showsLife:
            "this request is forbidden to it; the answer does not say whether the token has lost the right or its life"
        case .stepUp: "the token is alive, the API asks for a stronger login"
        case .scope: "the token is alive and lacks a scope"
        case .plan: "the token is alive, the account's plan does not cover this"
        case .forbidden: "the token is alive, and this request is forbidden to it"
        case .locked: "the token is alive, its account is locked"
        case .scopesShrunk: "the token is alive and has lost scopes"
        case .organizationLost: "the token is alive, and its account is no longer in the organization"
        case .delegationRefused: "the application is accepted, and may not act for this user"
        }
    }
}
