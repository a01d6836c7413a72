package import TokenHealth

/// Makes one observation of one token: reads the secret, asks the provider, and the control where it is wanted.
package struct TokenObserver: Sendable {
    private let prober: any Prober
    private let secrets: any SecretReader
    private let fingerprinter: any Fingerprinter
    let timekeeper: any Timekeeper
    private let tally: Tally
    private let controls = ControlMemory()
    /// Tokens that were granted to this process.
    let purses = PurseBoard()

    package init(
        prober: any Prober,
        secrets: any SecretReader,
        fingerprinter: any Fingerprinter,
        timekeeper: any Timekeeper,
        tally: Tally = Tally()
    ) {
        self.prober = prober
        self.secrets = secrets
        self.fingerprinter = fingerprinter
        self.timekeeper = timekeeper
        self.tally = tally
    }

    /// What one look gave.
    package struct Sight: Sendable {
        /// `nil` where the provider is to be left alone and the secret is the same as before.
        package let observation: Observation?
        /// The exchange with the token, and the one without, for a person who asks.
        package let exchange: Exchange?
        package let control: Exchange?
        /// What was asked in ``exchange``; `nil` where nothing was.
        package let question: Question?
        /// How many requests were sent, and how many of them the host may have counted as a failed login.
        package var requests = 0
        package var failedLogins = 0

        init(
            observation: Observation?,
            exchange: Exchange? = nil,
            control: Exchange? = nil,
            question: Question? = nil
        ) {
            self.observation = observation
            self.exchange = exchange
            self.control = control
            self.question = question
        }

        static let nothing = Sight(observation: nil)
    }

    /// What the token's own question was answered, when it was asked with others.
    package struct Glimpse: Sendable {
        let request: ProbeRequest
        let exchange: Exchange
        /// Uptime at which the answer came.
        let answeredAt: Duration
    }

    /// A question for ``glances(at:)``.
    ///
    /// - Parameters:
    ///   - token: what to look at.
    ///   - fingerprint: of the secret that got the known answer.
    ///   - known: that answer; `nil` where any is to be read.
    /// - Returns: `nil` where the secret is another one, or cannot be had at once.
    func glanceRequest(
        for token: WatchedToken,
        fingerprint: Fingerprint?,
        known: KnownAnswer?
    ) async -> GlanceRequest? {
        // A command may take its time, and others would wait for it.
        guard token.secret.isReadAtOnce, token.asker?.isReadAtOnce ?? true,
            let (secret, asker) = try? await credentials(of: token),
            known == nil || fingerprinter.fingerprint(of: secret) == fingerprint
        else { return nil }
        let request = ProbeRequest(token: token, question: known?.question, secret: secret, asker: asker)
        return GlanceRequest(request, expecting: known?.mark)
    }

    /// Asks all of these at once.
    func glances(at requests: [GlanceRequest]) -> AsyncStream<[GlanceResult]> { prober.glances(at: requests) }

    /// One more acceptance, by the answer that was expected.
    func reaffirmation(of token: TokenName, status: Int, latency: Duration, at now: Moment) -> Reaffirmation {
        tally.note(.accepted, latency: latency, of: token)
        return Reaffirmation(status: status, latency: latency, at: now)
    }

    /// The name of the secret that `token` has now; `nil` where it cannot be read.
    package func fingerprint(of token: WatchedToken) async -> Fingerprint? {
        guard let secret = try? await secrets.secret(from: token.secret) else { return nil }
        return fingerprinter.fingerprint(of: secret)
    }

    /// Looks at `token`.
    ///
    /// - Parameters:
    ///   - token: what to look at.
    ///   - belief: what is known of it.
    ///   - siblingsPass: whether another token of the same API was accepted since this one's trouble began.
    ///   - isResting: whether the network is to be left alone unless the secret has changed.
    ///   - glimpse: what the token's own question was answered already; `nil` where it is to be asked.
    /// - Returns: what was seen.
    package func sight(
        of token: WatchedToken,
        belief: Belief,
        siblingsPass: Bool = false,
        isResting: Bool = false,
        glimpse: Glimpse? = nil
    ) async -> Sight {
        let secret: Secret
        let asker: Secret?
        if let request = glimpse?.request, let sent = request.secret {
            (secret, asker) = (sent, request.asker)
        } else {
            do throws(SecretProblem) {
                (secret, asker) = try await credentials(of: token)
            } catch {
                return withheld(error, token: token, belief: belief, isResting: isResting)
            }
        }
        let fingerprint = fingerprinter.fingerprint(of: secret)
        let isKnown = fingerprint == belief.fingerprint
        if isResting, isKnown, glimpse == nil { return .nothing }
        let prober = MeteredProber(prober)
        if let glimpse { prober.count(glimpse.exchange, of: glimpse.request) }
        let look = Look(
            token: token,
            fingerprint: fingerprint,
            belief: belief,
            siblingsPass: siblingsPass && belief.isProven && isKnown,
            asker: asker,
            prober: prober,
            glimpsed: glimpse?.exchange
        )
        var sight: Sight
        switch token.grant {
        case .clientCredentials(let client)?: sight = await self.sight(of: look, asking: client, secret: secret)
        case .refreshToken?, nil: sight = await self.sight(of: look, wearing: secret)
        }
        (sight.requests, sight.failedLogins) = look.prober.spent
        if let observation = sight.observation {
            // The API knows the token and forbids it something, as before: that is no failed login. The first time it is
            // taken for one, for a host that bans may answer like that as well.
            let isLimitedStill = observation.finding.verdict.name == .limited && belief.state.name == .limited
            if isLimitedStill, isKnown, sight.failedLogins > 0 { sight.failedLogins -= 1 }
            tally.note(observation, of: token.name)
        }
        return sight
    }

    /// Tries `secret` with the token's probe, then the control or a page of the memberships, where one is wanted.
    ///
    /// - Parameters:
    ///   - look: what is looked at.
    ///   - secret: the token.
    ///   - minted: the same, where it was granted rather than read.
    /// - Returns: what was seen.
    func sight(of look: Look, wearing secret: Secret, minted: Purse.Coin? = nil) async -> Sight {
        let token = look.token
        let judge = Judge(
            token: token,
            knownIdentity: look.belief.identity,
            siblingsPass: look.siblingsPass,
            usualRefusal: look.belief.usualRefusal ?? controls.usualRefusal(of: token),
            endpointChecksTokens: look.belief.endpointChecksTokens
        )
        var (exchange, finding) = await look.answer(to: token.question, secret) { judge.finding(on: $0) }
        let answerShape = AnswerShape(of: exchange)
        let asked = await control(for: exchange, finding, judge: judge, look: look)
        // A server may remember the token, and send it back to whoever asks without one.
        let control = asked?.exchange.striking(secret)
        if let control { finding = judge.finding(on: exchange, control: control) }
        let membership = await membership(after: finding, look, secret)
        if let wait = membership?.retryAfter {
            finding = Finding(finding.verdict, finding.observation, retryAfter: wait)
        }
        let now = timekeeper.now()
        var observation = Observation(
            finding,
            control: control.map { judge.controlResult(of: $0) },
            httpStatus: exchange.status,
            latency: exchange.latency,
            fingerprint: look.fingerprint,
            claims: minted != nil || look.fingerprint == look.belief.fingerprint ? nil : TokenClaims(of: secret),
            answer: AnswerEvidence(of: exchange, verdict: finding.verdict.name, rules: token.probe, at: now.wall),
            controlAnswer: control.map {
                AnswerEvidence(of: $0, verdict: nil, rules: token.probe, at: asked?.at.wall ?? now.wall)
            },
            membership: membership,
            at: now
        )
        observation.controlShape = control.flatMap { AnswerShape(refusal: $0) }
        observation.answerShape = answerShape
        if finding.verdict.name == .accepted {
            if let usual = look.belief.usualRefusal ?? observation.controlShape {
                controls.note(usualRefusal: usual, of: token)
            }
            observation.facts = token.probe.facts(in: exchange, at: now.wall)
            let isNew = look.belief.scopes == nil || look.fingerprint != look.belief.fingerprint
            if observation.facts.scopes == nil, minted == nil, isNew {
                observation.facts.scopes = TokenClaims.allScopes(of: secret)
            }
            if let minted {
                // A token that is got anew all the time expires without consequence.
                observation.facts.expiresAt = nil
                observation.facts.scopes = observation.facts.scopes ?? minted.scopes
            }
        }
        return Sight(observation: observation, exchange: exchange, control: control, question: token.question)
    }

    /// The token itself, and the credential that asks about it, where one is configured.
    private func credentials(of token: WatchedToken) async throws(SecretProblem) -> (secret: Secret, asker: Secret?) {
        let secret = try await secrets.secret(from: token.secret)
        guard let source = token.asker else { return (secret, nil) }
        return (secret, try await secrets.secret(from: source))
    }

    private func withheld(
        _ problem: SecretProblem,
        token: WatchedToken,
        belief: Belief,
        isResting: Bool
    ) -> Sight {
        if isResting, belief.state.name == .invalid { return .nothing }
        let exchange = Exchange(.withheld(problem))
        let finding = Judge(token: token).finding(on: exchange)
        let now = timekeeper.now()
        let answer = AnswerEvidence(of: exchange, verdict: finding.verdict.name, rules: token.probe, at: now.wall)
        let observation = Observation(finding, answer: answer, at: now)
        tally.note(observation, of: token.name)
        return Sight(observation: observation, exchange: exchange)
    }

    /// The answer to the request without the token, where `finding`, made without it, wants it.
    private func control(for exchange: Exchange, _ finding: Finding, judge: Judge, look: Look) async -> Control? {
        let token = look.token
        let now = timekeeper.now()
        let demand = look.belief.controlDemand(
            beside: exchange,
            finding,
            isDecisive: judge.needsControl(for: exchange),
            token: token,
            at: now
        )
        guard let demand else { return nil }
        let key = ControlMemory.Key(token, occasion: demand.occasion)
        switch controls.need(of: key, mostAge: demand.mostAge, at: now.uptime) {
        case .known(let control): return control
        // An accepted token can do without until the next look.
        case .underWay where demand.occasion == .calm: return nil
        case .underWay: if let control = await controls.answer(to: key) { return control }
        case .ask: break
        }
        let control = Control(
            exchange: await look.prober.exchange(
                ProbeRequest(token: token, secret: nil, asker: look.asker, onFreshConnection: true)
            ),
            at: now
        )
        controls.note(control, of: key)
        return control
    }

    /// One page of the memberships, where one is due and this look has not asked twice already.
    private func membership(after finding: Finding, _ look: Look, _ secret: Secret) async -> MembershipReading? {
        let page = look.belief.membershipPage(
            for: finding,
            token: look.token,
            fingerprint: look.fingerprint,
            at: timekeeper.now()
        )
        guard let page, look.prober.spent.requests < 2, let question = look.token.membershipQuestion(page: page) else {
            return nil
        }
        let request = ProbeRequest(token: look.token, question: question, secret: secret, asker: look.asker)
        return look.token.membershipReading(of: await look.prober.exchange(request), page: page)
    }
}

extension SecretSource {
    /// Whether it takes no more than the time to read a file.
    fileprivate var isReadAtOnce: Bool {
        switch self {
        case .file, .credential, .environment: true
        case .command: false
        }
    }
}
