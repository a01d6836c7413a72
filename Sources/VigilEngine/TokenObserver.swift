import Synchronization
package import TokenHealth

/// Makes one observation of one token: reads the secret, asks the provider, and the control where it is wanted.
package struct TokenObserver: Sendable {
    private let prober: any Prober
    private let secrets: any SecretReader
    private let fingerprinter: any Fingerprinter
    private let timekeeper: any Timekeeper
    private let controls = ControlMemory()

    /// How old the answer to a control may be: at a start and in calm, and where a death depends on it.
    private static let freshness = (calm: Duration.seconds(600), doubt: Duration.seconds(10))

    package init(
        prober: any Prober,
        secrets: any SecretReader,
        fingerprinter: any Fingerprinter,
        timekeeper: any Timekeeper
    ) {
        self.prober = prober
        self.secrets = secrets
        self.fingerprinter = fingerprinter
        self.timekeeper = timekeeper
    }

    /// What one look gave.
    package struct Sight: Sendable {
        /// `nil` where the provider is to be left alone and the secret is the same as before.
        package let observation: Observation?
        /// The exchange with the token, and the one without, for a person who asks.
        package let exchange: Exchange?
        package let control: Exchange?
        /// How many requests were sent, and how many of them the host may have counted as a failed login.
        package var requests = 0
        package var failedLogins = 0

        static let nothing = Sight(observation: nil, exchange: nil, control: nil)
    }

    /// Looks at `token`.
    ///
    /// - Parameters:
    ///   - token: what to look at.
    ///   - belief: what is known of it.
    ///   - siblingsPass: whether another token of the same API was accepted since this one's trouble began.
    ///   - isResting: whether the network is to be left alone unless the secret has changed.
    /// - Returns: what was seen.
    package func sight(
        of token: WatchedToken,
        belief: Belief,
        siblingsPass: Bool = false,
        isResting: Bool = false
    ) async -> Sight {
        let prober = MeteredProber(prober)
        var sight = await sight(
            of: token,
            belief: belief,
            siblingsPass: siblingsPass,
            isResting: isResting,
            asking: prober
        )
        (sight.requests, sight.failedLogins) = prober.spent
        return sight
    }

    private func sight(
        of token: WatchedToken,
        belief: Belief,
        siblingsPass: Bool,
        isResting: Bool,
        asking prober: MeteredProber
    ) async -> Sight {
        let secret: Secret
        let asker: Secret?
        do throws(SecretProblem) {
            secret = try await secrets.secret(from: token.secret)
            asker = try await self.asker(of: token)
        } catch {
            return withheld(error, token: token, belief: belief, isResting: isResting)
        }
        let fingerprint = fingerprinter.fingerprint(of: secret)
        if isResting, fingerprint == belief.fingerprint { return .nothing }
        let request = ProbeRequest(token: token, secret: secret, asker: asker, onFreshConnection: belief.isDoubted)
        var exchange = await prober.exchange(request)
        let judge = Judge(
            token: token,
            knownIdentity: belief.identity,
            siblingsPass: siblingsPass && belief.isProven && fingerprint == belief.fingerprint
        )
        let isRejected = judge.finding(on: exchange).verdict.name == .rejected
        if isRejected, token.confirmation.rejections == 1, !request.onFreshConnection {
            // A single rejection will be believed: it must not come by a kept connection that went wrong.
            exchange = await prober.exchange(
                ProbeRequest(token: token, secret: secret, asker: asker, onFreshConnection: true)
            )
        }
        let control = await control(for: exchange, judge: judge, request: request, belief: belief, asking: prober)
        let finding = judge.finding(on: exchange, control: control)
        let now = timekeeper.now()
        let observation = Observation(
            finding,
            control: control.map { judge.controlResult(of: $0) },
            httpStatus: exchange.status,
            latency: exchange.latency,
            fingerprint: fingerprint,
            claims: fingerprint == belief.fingerprint ? nil : TokenClaims(of: secret),
            answer: AnswerEvidence(of: exchange, verdict: finding.verdict.name, rules: token.probe, at: now.wall),
            controlAnswer: control.map { AnswerEvidence(of: $0, verdict: nil, rules: token.probe, at: now.wall) },
            at: now
        )
        return Sight(observation: observation, exchange: exchange, control: control)
    }

    /// The credential that asks about the token, where one is configured.
    private func asker(of token: WatchedToken) async throws(SecretProblem) -> Secret? {
        guard let source = token.asker else { return nil }
        return try await secrets.secret(from: source)
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
        return Sight(observation: Observation(finding, answer: answer, at: now), exchange: exchange, control: nil)
    }

    private func control(
        for exchange: Exchange,
        judge: Judge,
        request: ProbeRequest,
        belief: Belief,
        asking prober: MeteredProber
    ) async -> Exchange? {
        let token = request.token
        let isWanted =
            judge.needsControl(for: exchange)
            || belief.wantsControl(for: judge.finding(on: exchange), token: token, at: timekeeper.now())
        guard isWanted else { return nil }
        let isCalm = exchange.status.map { (200..<300).contains($0) } ?? false
        let freshness = isCalm ? TokenObserver.freshness.calm : TokenObserver.freshness.doubt
        let url = token.probeURL
        switch controls.need(of: url, freshness: freshness, at: timekeeper.now().uptime) {
        case .known(let exchange): return exchange
        // An accepted token can do without until the next look.
        case .underWay where isCalm: return nil
        case .underWay, .ask: break
        }
        let control = await prober.exchange(
            ProbeRequest(token: token, secret: nil, asker: request.asker, onFreshConnection: true)
        )
        controls.note(control, of: url, at: timekeeper.now().uptime)
        return control
    }
}

extension Belief {
    /// Whether the next answer may confirm a death.
    ///
    /// One that went blind keeps the rejections counted before.
    var isDoubted: Bool {
        switch state {
        case .suspect, .invalid, .blind: true
        case .pending, .valid, .limited, .unknown, .misconfigured: false
        }
    }
}

/// Counts what one look asks.
private final class MeteredProber: Sendable {
    private let prober: any Prober
    private let count = Mutex((requests: 0, failedLogins: 0))

    init(_ prober: any Prober) { self.prober = prober }

    /// Requests sent, and refusals of the secret among them: hosts that ban for failed logins count 401 and 403.
    var spent: (requests: Int, failedLogins: Int) { count.withLock { $0 } }

    func exchange(_ request: ProbeRequest) async -> Exchange {
        let exchange = await prober.exchange(request)
        let isRefused = request.secret != nil && (exchange.status == 401 || exchange.status == 403)
        count.withLock { count in
            count.requests += 1
            if isRefused { count.failedLogins += 1 }
        }
        return exchange
    }
}
