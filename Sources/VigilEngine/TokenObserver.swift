package import TokenHealth

/// Makes one observation of one token: reads the secret, asks the provider, and the control where it is wanted.
package struct TokenObserver: Sendable {
    private let prober: any Prober
    private let secrets: any SecretReader
    private let fingerprinter: any Fingerprinter
    private let timekeeper: any Timekeeper

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
    }

    /// Looks at `token`.
    ///
    /// `isResting`: whether the network is to be left alone unless the secret has changed.
    package func sight(of token: WatchedToken, belief: Belief, isResting: Bool = false) async -> Sight {
        let secret: Secret
        do throws(SecretProblem) {
            secret = try await secrets.secret(from: token.secret)
        } catch {
            return withheld(error, token: token, belief: belief, isResting: isResting)
        }
        let fingerprint = fingerprinter.fingerprint(of: secret)
        if isResting, fingerprint == belief.fingerprint { return Sight(observation: nil, exchange: nil, control: nil) }
        let request = ProbeRequest(token: token, secret: secret, onFreshConnection: belief.isDoubted)
        var exchange = await prober.exchange(request)
        let judge = Judge(token: token, knownIdentity: belief.identity)
        let isRejected = judge.finding(on: exchange).verdict.name == .rejected
        if isRejected, token.confirmation.rejections == 1, !request.onFreshConnection {
            // A single rejection will be believed: it must not come by a kept connection that went wrong.
            exchange = await prober.exchange(ProbeRequest(token: token, secret: secret, onFreshConnection: true))
        }
        let control = await control(for: exchange, judge: judge, token: token, belief: belief)
        let observation = Observation(
            judge.finding(on: exchange, control: control),
            control: control.map { judge.controlResult(of: $0) },
            httpStatus: exchange.status,
            latency: exchange.latency,
            fingerprint: fingerprint,
            claims: fingerprint == belief.fingerprint ? nil : TokenClaims(of: secret),
            at: timekeeper.now()
        )
        return Sight(observation: observation, exchange: exchange, control: control)
    }

    private func withheld(
        _ problem: SecretProblem,
        token: WatchedToken,
        belief: Belief,
        isResting: Bool
    ) -> Sight {
        if isResting, belief.state.name == .invalid { return Sight(observation: nil, exchange: nil, control: nil) }
        let exchange = Exchange(.withheld(problem))
        let finding = Judge(token: token).finding(on: exchange)
        return Sight(observation: Observation(finding, at: timekeeper.now()), exchange: exchange, control: nil)
    }

    private func control(
        for exchange: Exchange,
        judge: Judge,
        token: WatchedToken,
        belief: Belief
    ) async -> Exchange? {
        let isWanted =
            judge.needsControl(for: exchange)
            || belief.wantsControl(for: judge.finding(on: exchange), token: token, at: timekeeper.now())
        guard isWanted else { return nil }
        return await prober.exchange(ProbeRequest(token: token, secret: nil, onFreshConnection: true))
    }
}

extension Belief {
    /// Whether the next answer may confirm a death.
    ///
    /// One that went blind keeps the rejections counted before.
    fileprivate var isDoubted: Bool {
        switch state {
        case .suspect, .invalid, .blind: true
        case .pending, .valid, .limited, .unknown, .misconfigured: false
        }
    }
}
