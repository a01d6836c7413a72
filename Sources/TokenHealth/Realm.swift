package import FoundationEssentials

/// One API at one address: the tokens in it are siblings, and what befalls them tells about each other.
package struct RealmName: Sendable, Hashable, Codable, Comparable, CustomStringConvertible {
    /// Name of the provider.
    package let provider: String
    /// Scheme, host and port.
    package let origin: String

    package init(provider: String, origin: String) {
        self.provider = provider
        self.origin = origin
    }

    package var description: String { "\(provider) at \(origin)" }

    package static func < (left: RealmName, right: RealmName) -> Bool {
        (left.provider, left.origin) < (right.provider, right.origin)
    }
}

extension WatchedToken {
    /// The API this token is for.
    ///
    /// OAuth clients are among themselves: a log-out that ends users' tokens does not end them.
    package var realm: RealmName {
        guard case .clientCredentials(let client)? = grant else {
            return RealmName(provider: provider.name, origin: WatchedToken.origin(of: baseURL))
        }
        return RealmName(provider: "\(provider.name) (OAuth)", origin: WatchedToken.origin(of: client.tokenURL))
    }

    private static func origin(of url: String) -> String {
        let separator = url.firstRange(of: "://")?.upperBound ?? url.startIndex
        let end = url[separator...].firstIndex { $0 == "/" || $0 == "?" } ?? url.endIndex
        return url[..<end].lowercased()
    }
}

/// What the tokens of one API say together.
///
/// An *episode* begins with the first rejection of a sibling and ends when none is doubted any more. Rejections that
/// come together point at the provider, one among acceptances points at the token.
package struct Realm: Sendable {
    private struct Doubt: Sendable {
        var owner: Ownership
        /// What it counts for among ``unconfirmed``.
        var counted = Suspects()
        /// Uptime of the confirmation; `nil` while it is still being confirmed.
        var confirmedAt: Duration?
    }

    private var doubts: [TokenName: Doubt] = [:]
    /// Those that are being confirmed: not one whose newest answer was something else than a rejection.
    private var unconfirmed = Suspects()
    private var doubtedOwners: [Ownership: Int] = [:]
    /// How many of those are confirmed, of each owner, and when the newest was.
    private var deadOwners: [Ownership: (count: Int, latest: Duration)] = [:]
    private var accepted: [TokenName: Ownership] = [:]
    private var acceptedOwners: [Ownership: Int] = [:]
    private var latest: (token: TokenName, at: Duration)?
    private var latestOther: (token: TokenName, at: Duration)?
    /// Deaths confirmed in this episode, oldest first, and the newest of each owner.
    private var confirmations: [(token: TokenName, at: Duration)] = []
    private var speakers: [Ownership: TokenName] = [:]

    /// The provider's own incident, while it lasts.
    package var incident: ProviderIncident?

    /// How long a confirmed death speaks for others: one log-out is seen by all its tokens within this time.
    private static let memory = Duration.seconds(300)
    /// Of more owners than these it is not asked who died before whom: every look would go through all of them.
    private static let mostOwnersCompared = 100

    package init(incident: ProviderIncident? = nil) {
        self.incident = incident
    }

    /// Takes note of what `token` has come to.
    ///
    /// - `verdict`: of the look; `nil` where there was none, as at a start.
    package mutating func note(
        _ token: TokenName,
        owner: Ownership,
        state: TokenState,
        verdict: VerdictName?,
        at now: Duration
    ) {
        forget(before: now - Realm.memory)
        if verdict == .accepted || verdict == .limited { noteAcceptance(of: token, owner: owner, at: now) }
        switch state {
        case .suspect(let suspicion) where suspicion.reason != .wrongIdentity:
            doubt(token, owner: owner)
            let isRejected = verdict == nil || verdict == .rejected
            let isFresh = suspicion.rejections == 1
            count(token, as: isRejected ? Suspects(fresh: isFresh ? 1 : 0, doubted: isFresh ? 0 : 1) : Suspects())
        case .invalid(let reason) where reason != .wrongIdentity:
            if doubts[token] != nil, doubts[token]?.confirmedAt == nil {
                confirm(token, at: now)
                confirmations.append((token, now))
                speakers[owner] = token
            }
        case .blind(_, .some):
            count(token, as: Suspects())
        case .valid, .limited, .suspect, .invalid, .unknown, .blind, .pending, .misconfigured:
            clear(token)
        }
        if doubts.isEmpty { endEpisode() }
    }

    /// Takes note that `token` was accepted once more, while no rejection is remembered.
    ///
    /// One that is heard of late does not take the place of one that came after it.
    package mutating func noteCalmAcceptance(of token: TokenName, at time: Duration) {
        guard let latest, latest.token != token else { return latest = (token, max(time, latest?.at ?? time)) }
        if latest.at <= time {
            (latestOther, self.latest) = (latest, (token, time))
        } else if latestOther.map({ $0.at <= time }) ?? true {
            latestOther = (token, time)
        }
    }

    /// Takes up that `token` was accepted in the present episode, before a restart.
    package mutating func restoreAcceptance(of token: TokenName, owner: Ownership, at now: Duration) {
        noteAcceptance(of: token, owner: owner, at: now)
    }

    /// `token` is no longer watched, and speaks for no other.
    package mutating func remove(_ token: TokenName) {
        clear(token)
        confirmations.removeAll { $0.token == token }
        speakers = speakers.filter { $0.value != token }
        if let owner = accepted.removeValue(forKey: token) { acceptedOwners.drop(owner) }
        if doubts.isEmpty { endEpisode() }
    }

    /// Takes note that `token` has turned out to be another owner's.
    package mutating func move(_ token: TokenName, to owner: Ownership) {
        if let was = accepted[token], was != owner {
            accepted[token] = owner
            acceptedOwners.drop(was)
            acceptedOwners[owner, default: 0] += 1
        }
        guard let was = doubts[token]?.owner, was != owner else { return }
        doubts[token]?.owner = owner
        doubtedOwners.drop(was)
        doubtedOwners[owner, default: 0] += 1
        if let confirmedAt = doubts[token]?.confirmedAt {
            noteDead(was, -1, at: .zero)
            noteDead(owner, 1, at: confirmedAt)
        }
        guard speakers[was] == token else { return }
        speakers[was] = nil
        speakers[owner] = token
    }

    /// What the siblings of `token` have to say about it.
    package func siblings(of token: TokenName, owner: Ownership, troubleSince: Duration?) -> Siblings {
        let isKnown = doubts[token] != nil
        let past = pastDeaths(before: troubleSince, besides: owner)
        let owners = doubtedOwners.count - past.owners + (doubtedOwners[owner] == nil ? 1 : 0)
        let other = latest?.token == token ? latestOther : latest
        return Siblings(
            rejected: doubts.count - past.tokens - (isKnown ? 1 : 0),
            rejectedOwners: owners,
            acceptedOwners: acceptedOwners.count - (acceptedOwners[owner] == 1 && accepted[token] != nil ? 1 : 0),
            speaker: speaker(for: token, of: owner),
            pass: other.map { other in troubleSince.map { other.at > $0 } ?? false } ?? false,
            incident: incident
        )
    }

    /// The tokens of other owners that were all dead for certain before a trouble began: what came one after the other is not
    /// a provider that rejects everybody at once.
    private func pastDeaths(before time: Duration?, besides owner: Ownership) -> (tokens: Int, owners: Int) {
        guard let time, deadOwners.count <= Realm.mostOwnersCompared else { return (0, 0) }
        let past = deadOwners.filter {
            $0.key != owner && $0.value.latest < time && doubtedOwners[$0.key] == $0.value.count
        }
        return (past.values.reduce(0) { $0 + $1.count }, past.count)
    }

    /// A dead token whose death stands for that of `token`: of the same owner, or of anybody once the provider's incident
    /// has become deaths.
    private func speaker(for token: TokenName, of owner: Ownership) -> TokenName? {
        if let speaker = speakers[owner], speaker != token { return speaker }
        guard incident?.hasBecomeDeaths == true else { return nil }
        return confirmations.last { $0.token != token }?.token
    }

    /// Whether any rejection of this episode is still remembered.
    package var isDoubted: Bool { !doubts.isEmpty }

    /// How many tokens are being confirmed; none while the provider's incident explains them.
    package var suspects: Suspects { incident == nil ? unconfirmed : Suspects() }

    /// Whether this owner's tokens are being rejected, and none was accepted since.
    package func isRejected(_ owner: Ownership) -> Bool {
        doubtedOwners[owner] != nil && acceptedOwners[owner] == nil
    }

    /// Tokens whose rejection is not explained yet.
    package var doubted: [TokenName] { doubts.filter { $0.value.confirmedAt == nil }.keys.sorted() }

    /// How many people or accounts own them.
    package var doubtedOwnerCount: Int { doubtedOwners.count }
}

// MARK: - The provider's incident

extension Realm {
    /// Ends the incident if more owners have a token accepted again than have none but rejected ones.
    ///
    /// - Returns: the incident that has ended.
    package mutating func closeIfOver() -> ProviderIncident? {
        let refused = doubtedOwners.keys.count { acceptedOwners[$0] == nil }
        guard let current = incident, doubts.isEmpty || acceptedOwners.count > refused else { return nil }
        incident = nil
        return current
    }

    /// Takes up a token that had died in the open incident before a restart.
    package mutating func restore(_ token: TokenName, owner: Ownership, diedAt: Date, now: Duration) {
        guard let incident, diedAt >= incident.incident.openedAt else { return }
        doubt(token, owner: owner)
        confirm(token, at: now)
    }
}

// MARK: - The episode

extension Realm {
    private mutating func noteAcceptance(of token: TokenName, owner: Ownership, at now: Duration) {
        noteCalmAcceptance(of: token, at: now)
        guard !doubts.isEmpty, accepted[token] == nil else { return }
        accepted[token] = owner
        acceptedOwners[owner, default: 0] += 1
    }

    private mutating func doubt(_ token: TokenName, owner: Ownership) {
        if let was = accepted.removeValue(forKey: token) { acceptedOwners.drop(was) }
        guard doubts[token] == nil else { return }
        doubts[token] = Doubt(owner: owner)
        doubtedOwners[owner, default: 0] += 1
    }

    private mutating func confirm(_ token: TokenName, at now: Duration) {
        count(token, as: Suspects())
        guard let doubt = doubts[token] else { return }
        doubts[token]?.confirmedAt = now
        noteDead(doubt.owner, doubt.confirmedAt == nil ? 1 : 0, at: now)
    }

    private mutating func noteDead(_ owner: Ownership, _ change: Int, at time: Duration) {
        let dead = deadOwners[owner] ?? (0, .zero)
        deadOwners[owner] = dead.count + change > 0 ? (dead.count + change, max(dead.latest, time)) : nil
    }

    private mutating func count(_ token: TokenName, as suspects: Suspects) {
        guard let doubt = doubts[token] else { return }
        unconfirmed.fresh += suspects.fresh - doubt.counted.fresh
        unconfirmed.doubted += suspects.doubted - doubt.counted.doubted
        doubts[token]?.counted = suspects
    }

    private mutating func clear(_ token: TokenName) {
        count(token, as: Suspects())
        guard let doubt = doubts.removeValue(forKey: token) else { return }
        doubtedOwners.drop(doubt.owner)
        if doubt.confirmedAt != nil { noteDead(doubt.owner, -1, at: .zero) }
    }

    private mutating func forget(before limit: Duration) {
        guard incident == nil else { return }
        while let first = confirmations.first, first.at < limit {
            confirmations.removeFirst()
            guard let doubt = doubts[first.token], doubt.confirmedAt == first.at else { continue }
            clear(first.token)
            if speakers[doubt.owner] == first.token { speakers[doubt.owner] = nil }
        }
    }

    private mutating func endEpisode() {
        accepted = [:]
        acceptedOwners = [:]
        confirmations = []
        speakers = [:]
    }
}

/// What the other tokens of an API say about one.
package struct Siblings: Sendable, Hashable {
    /// Others that are rejected in this same episode.
    package var rejected: Int
    /// Owners of rejected tokens, the one of this token among them.
    package var rejectedOwners: Int
    /// Owners of whom a token was accepted in this same episode.
    package var acceptedOwners: Int
    /// One of the same owner whose death was confirmed in this same episode.
    package var speaker: TokenName?
    /// Whether another was accepted since this one's trouble began: then no wall stands before the whole API.
    package var pass: Bool
    package var incident: ProviderIncident?

    package init(
        rejected: Int = 0,
        rejectedOwners: Int = 1,
        acceptedOwners: Int = 0,
        speaker: TokenName? = nil,
        pass: Bool = false,
        incident: ProviderIncident? = nil
    ) {
        self.rejected = rejected
        self.rejectedOwners = rejectedOwners
        self.acceptedOwners = acceptedOwners
        self.speaker = speaker
        self.pass = pass
        self.incident = incident
    }

    /// A token that stands alone.
    package static let none = Siblings()

    /// Whether so many are rejected together that the provider is in trouble rather than each of them.
    ///
    /// At least three tokens, of more than one owner, and hardly anybody accepted: one owner's tokens that die together
    /// are a log-out.
    var meanOutage: Bool {
        rejected + 1 >= 3 && rejectedOwners >= 2 && rejectedOwners >= 3 * acceptedOwners
    }

    /// Whether a death must not be believed yet.
    func holdBack(at now: Date, grace: Duration) -> Bool {
        guard let incident else { return meanOutage }
        return !incident.hasBecomeDeaths && now < incident.incident.openedAt.advanced(by: grace)
    }
}

/// An API that rejects its tokens together.
package struct ProviderIncident: Sendable, Hashable, Codable {
    package var incident: Incident
    /// Whether it has lasted so long that the tokens are taken for dead.
    package var hasBecomeDeaths: Bool
    /// Whether nobody was told of it, because all its tokens were silenced; then nobody is told of its end.
    package var isUntold = false

    package init(realm: RealmName, openedAt: Date) {
        incident = Incident(subject: "provider-\(realm.provider)", openedAt: openedAt, kind: .providerIncident)
        hasBecomeDeaths = false
    }

    /// Notes who is told of it.
    package mutating func noteRecipients(_ names: [String]) { _ = incident.noteRecipients(names) }
}
