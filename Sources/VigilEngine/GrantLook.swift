import TokenHealth

extension TokenObserver {
    /// Asks for a token where it is time, for a user's with it where one is wanted, and tries what was granted.
    func sight(of look: Look, asking client: ClientCredentials, secret: Secret) async -> Sight {
        var purse = purses.purse(of: look.token.name, client: client, fingerprint: look.fingerprint)
        while true {
            let filling = await fill(&purse, for: look, secret: secret)
            purses.put(purse, of: look.token.name)
            guard case .toTry(let coin, let isNew) = filling else { return filling.sight }
            let sight = await sight(of: look, wearing: coin.secret, minted: coin)
            guard sight.observation?.finding.verdict.name == .rejected else { return sight }
            // A token that was kept may have been revoked without harm to the client: what counts is a new one.
            purse = Purse(client: client, fingerprint: look.fingerprint)
            purses.put(purse, of: look.token.name)
            if isNew { return sight }
        }
    }

    /// What became of filling a purse.
    private enum Filling {
        /// An endpoint has said all there is to say.
        case ended(Sight)
        /// `isNew`: whether it was granted just now.
        case toTry(Purse.Coin, isNew: Bool)

        var sight: Sight {
            switch self {
            case .ended(let sight): sight
            case .toTry: .nothing
            }
        }
    }

    /// Puts into `purse` what is missing in it.
    private func fill(_ purse: inout Purse, for look: Look, secret: Secret) async -> Filling {
        var isNew = false
        if purse.application == nil || isCheckDue(purse, for: look) {
            let judge = GrantJudge(purse.client)
            let (sight, coin) = await grant(purse.client.question, look, wearing: secret, judgedBy: judge.finding)
            guard let coin, purse.client.isProbed else { return .ended(sight) }
            purse.application = coin
            isNew = true
        }
        guard let application = purse.application else { preconditionFailure("an application token was not kept") }
        guard let delegation = purse.client.delegation else { return .toTry(application, isNew: isNew) }
        if let delegated = purse.delegated, !delegated.isWorn(at: timekeeper.now().uptime) {
            return .toTry(delegated, isNew: false)
        }
        let judge = GrantJudge(purse.client)
        let question = look.token.question(for: delegation)
        let (sight, coin) = await grant(
            question,
            look,
            wearing: application.secret,
            judgedBy: judge.delegationFinding
        )
        guard let coin else {
            // Only an application token that is not at fault is asked with again.
            if sight.observation?.finding.verdict.name != .limited { purse.application = nil }
            return .ended(sight)
        }
        purse.delegated = coin
        return .toTry(coin, isNew: true)
    }

    /// Whether the client itself is to be tried: always, where nothing else is; else at its own rate.
    private func isCheckDue(_ purse: Purse, for look: Look) -> Bool {
        guard let application = purse.application, purse.client.isProbed else { return true }
        switch look.belief.state {
        case .suspect, .invalid: return true
        case .pending, .valid, .limited, .unknown, .blind, .misconfigured: break
        }
        let uptime = timekeeper.now().uptime
        return uptime - application.grantedAt >= purse.client.every || application.isWorn(at: uptime)
    }

    private func grant(
        _ question: Question,
        _ look: Look,
        wearing secret: Secret,
        judgedBy judge: (Exchange) -> Finding
    ) async -> (Sight, Purse.Coin?) {
        let (exchange, finding) = await look.answer(to: question, secret, judgedBy: judge)
        let now = timekeeper.now()
        let sight = sight(of: look, finding, exchange, question, at: now)
        guard finding.verdict.name == .accepted, let minted = exchange.minted,
            case .answered(let answer) = exchange.outcome
        else { return (sight, nil) }
        let scopes = answer.grantedScopes
        return (sight, Purse.Coin(secret: minted, grantedAt: now.uptime, life: answer.grantedLife, scopes: scopes))
    }

    /// What there is to say without a token to try.
    private func sight(
        of look: Look,
        _ finding: Finding,
        _ exchange: Exchange,
        _ question: Question,
        at now: Moment
    ) -> Sight {
        var observation = Observation(
            finding,
            httpStatus: exchange.status,
            latency: exchange.latency,
            fingerprint: look.fingerprint,
            answer: AnswerEvidence(
                of: exchange,
                verdict: finding.verdict.name,
                rules: look.token.probe,
                at: now.wall
            ),
            at: now
        )
        if finding.verdict.name == .accepted, case .answered(let answer) = exchange.outcome {
            observation.facts.scopes = answer.grantedScopes
        }
        return Sight(observation: observation, exchange: exchange, question: question)
    }
}
