import TokenHealth

/// How many requests the tokens of one host need, beside what its provider allows.
struct HostDemand {
    let realm: RealmName
    /// What is allowed.
    let rate: Rate
    private var tokens = 0
    /// Requests in the time of ``rate``.
    private var requests = 0.0

    private init(realm: RealmName, rate: Rate) {
        self.realm = realm
        self.rate = rate
    }

    /// One for each host whose provider sets a ceiling, in no order; OAuth clients, which ask rarely, are left out.
    static func demands(of tokens: [WatchedToken]) -> some Collection<HostDemand> {
        var demands: [RealmName: HostDemand] = [:]
        for token in tokens where token.grant == nil {
            guard let rate = token.provider.limits.rate else { continue }
            let realm = token.realm
            demands[realm, default: HostDemand(realm: realm, rate: rate)].add(token)
        }
        return demands.values
    }

    private mutating func add(_ token: WatchedToken) {
        tokens += 1
        requests += rate.per / token.interval
    }

    /// What a person should know, where the ceiling makes the intervals longer than they are written.
    var warning: String? {
        let needed = Int(requests.rounded())
        guard needed > rate.count else { return nil }
        let factor = (requests / Double(rate.count) * 10).rounded(.up) / 10
        return "\(tokens) tokens of \(realm) need \(needed) requests in \(DurationText.format(rate.per)), and the "
            + "provider allows \(rate.count): each is probed \(factor) times less often than its interval says; "
            + "set a longer interval"
    }
}
