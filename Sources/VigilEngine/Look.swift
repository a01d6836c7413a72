import Synchronization
import TokenHealth

/// One look at one token, while it lasts.
struct Look {
    let token: WatchedToken
    /// Of the secret that was read.
    let fingerprint: Fingerprint
    let belief: Belief
    /// Whether this secret was accepted before, and a sibling since its trouble began.
    let siblingsPass: Bool
    /// The credential that asks, where the provider wants one beside the token.
    let asker: Secret?
    let prober: MeteredProber
    /// What came of asking the token's own question, where that was done already.
    var glimpsed: Exchange?

    /// The answer to `question`, and what it means; a rejection that would be believed at once is asked for again.
    func answer(
        to question: Question,
        _ secret: Secret,
        judgedBy judge: (Exchange) -> Finding
    ) async -> (Exchange, Finding) {
        let isFresh = belief.isDoubted
        let exchange: Exchange
        if let glimpsed {
            exchange = glimpsed
        } else {
            exchange = await prober.exchange(request(question, secret, onFreshConnection: isFresh))
        }
        let finding = judge(exchange)
        guard finding.verdict.name == .rejected, token.confirmation.rejections == 1, !isFresh else {
            return (exchange, finding)
        }
        // A single rejection will be believed: it must not come by a kept connection that went wrong.
        let second = await prober.exchange(request(question, secret, onFreshConnection: true))
        return (second, judge(second))
    }

    private func request(_ question: Question, _ secret: Secret, onFreshConnection: Bool) -> ProbeRequest {
        ProbeRequest(
            token: token,
            question: question,
            secret: secret,
            asker: asker,
            onFreshConnection: onFreshConnection
        )
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
final class MeteredProber: Sendable {
    private let prober: any Prober
    private let count = Mutex((requests: 0, failedLogins: 0))

    init(_ prober: any Prober) { self.prober = prober }

    /// Requests sent, and refusals of the secret among them: hosts that ban for failed logins count 401 and 403.
    var spent: (requests: Int, failedLogins: Int) { count.withLock { $0 } }

    func exchange(_ request: ProbeRequest) async -> Exchange {
        let exchange = await prober.exchange(request)
        count(exchange, of: request)
        return exchange
    }

    /// Counts what was asked elsewhere for this look.
    func count(_ exchange: Exchange, of request: ProbeRequest) {
        count.withLock { count in
            count.requests += 1
            if request.countsAsFailedLogin(exchange) { count.failedLogins += 1 }
        }
    }
}

extension ProbeRequest {
    /// Whether a host that bans for failed logins counts this answer as one.
    func countsAsFailedLogin(_ exchange: Exchange) -> Bool {
        let isRefused = secret != nil && (exchange.status == 401 || exchange.status == 403)
        // A token endpoint refuses a client with 400 as well (RFC 6749 section 5.2).
        return isRefused || question.isGrantRequest && exchange.status == 400
    }
}
