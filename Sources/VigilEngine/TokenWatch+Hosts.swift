import FoundationEssentials
import OrderedCollections
import TokenHealth

/// What the host of a token bears, and what becomes of a look that it does not bear now.
extension TokenWatch {
    /// What each host bears, where its provider sets a limit.
    static func ledgers(
        of tokens: [WatchedToken],
        after records: [RealmName: HostRecord] = [:],
        at now: Moment? = nil
    ) -> [RealmName: HostLedger] {
        var ledgers: [RealmName: HostLedger] = [:]
        var needs: [RealmName: Double] = [:]
        for token in tokens where token.provider.limits.rate != nil || token.provider.limits.failedLogins != nil {
            let (realm, limits) = (token.realm, token.provider.limits)
            // OAuth clients ask rarely.
            if let rate = limits.rate, token.grant == nil { needs[realm, default: 0] += rate.per / token.interval }
            guard ledgers[realm] == nil else { continue }
            if let record = records[realm], let now {
                ledgers[realm] = HostLedger(limits: limits, record: record, at: now)
            } else {
                ledgers[realm] = HostLedger(limits: limits)
            }
        }
        for (realm, need) in needs {
            let allowed = ledgers[realm]?.limits.rate.map { Double($0.count) } ?? .infinity
            ledgers[realm]?.isScarce = need.rounded() > allowed
        }
        return ledgers
    }

    /// What the host of `entry` is to expect of the next look at it, by what is known of it and its siblings.
    func standing(of entry: WatchEntry) -> HostLedger.Standing {
        let standing = entry.standing
        switch standing {
        case .good:
            return correlation.isImplicated(entry) ? .implicated : .good
        case .suspected, .doubted:
            let siblings = correlation.siblings(of: entry)
            // Only time decides, and what it would be asked meanwhile is wanted when that is over.
            let isHeldBack = entry.belief.isHeldBack(by: siblings, at: timekeeper.now().wall, token: entry.token)
            return isHeldBack ? .refused : standing
        case .implicated, .renewed, .refused:
            return standing
        }
    }

    /// The same just before the network is used, with regard to a secret that may have been replaced.
    func standing(of name: TokenName) async -> HostLedger.Standing {
        guard let entry = entries[name] else { return .good }
        let standing = standing(of: entry)
        guard standing != .good, standing != .implicated, let wait = hostWait(for: standing, in: entry.realm),
            standing == .refused || wait > timekeeper.now().uptime + .seconds(1),
            hostWait(for: .renewed, in: entry.realm) == nil,
            let fingerprint = await observer.fingerprint(of: entry.token), fingerprint != entry.belief.fingerprint
        else { return standing }
        return .renewed
    }

    /// What to expect of a look at `name`.
    func standing(of name: TokenName, after glimpse: TokenObserver.Glimpse?) async -> HostLedger.Standing {
        guard let entry = entries[name] else { return .good }
        if glimpse != nil { return standing(of: entry) }
        // One that is left alone is asked for a new secret alone.
        return isResting(entry) ? .renewed : await standing(of: name)
    }

    /// Uptime from which a host may be asked about a token of such standing; `nil` for now.
    func hostWait(for standing: HostLedger.Standing, in realm: RealmName) -> Duration? {
        ledgers[realm]?
            .wait(for: standing, suspects: correlation.suspects(in: realm), at: timekeeper.now().uptime)
    }

    /// Leaves the host alone until it may be asked again; time and siblings may decide meanwhile.
    func postpone(_ entry: WatchEntry, _ standing: HostLedger.Standing, until: Duration) {
        let now = timekeeper.now()
        let isConfirming = standing == .suspected || standing == .doubted
        let isSpent = isConfirming && ledgers[entry.realm]?.hasSpentLogins(at: now.uptime) ?? false
        let siblings = correlation.siblings(of: entry)
        if isSpent, let spoken = entry.belief.following(siblings, at: now.wall, of: entry.token, chance: chance()) {
            return settle([EndedLook(entry, findings: .concluded(spoken), at: now)])
        }
        let aged = entry.belief.ageing(at: now, of: entry.token, chance: chance())
        // The time in which nothing is known counts from here, also after a restart.
        entries[entry.name]?.belief = aged.notices.isEmpty ? aged.belief : entry.belief
        if !aged.notices.isEmpty { settle([EndedLook(entry, findings: .concluded(aged), at: now)]) }
        // Meanwhile its secret may be replaced, or the host turn out to bear more. Who has waited longest goes first.
        let turn = turn(of: entry, standing, until: until, at: now)
        let until = turn ?? until
        let pause = turn == nil ? entry.token.interval / 4 : max(entry.token.interval / 4, TokenWatch.longestInQueue)
        let soonest =
            standing == .refused ? max(until, now.uptime + entry.token.interval / 4) : min(until, now.uptime + pause)
        let next = min(soonest, now.uptime + max(entry.token.interval, pause))
        entries[entry.name]?.wait(until: max(until, next, entry.networkDue), at: now)
        let rank = (entries[entry.name]?.dueSince ?? now.uptime) + entry.patience
        agenda.schedule(entry.name, at: next, patience: rank - next)
    }

    /// How long at most one that has its turn later is left alone.
    private static let longestInQueue = Duration.seconds(15)

    /// When it is its turn to be asked, where a host bears less than its tokens need; one that waits already keeps its turn.
    private func turn(
        of entry: WatchEntry,
        _ standing: HostLedger.Standing,
        until: Duration,
        at now: Moment
    ) -> Duration? {
        guard entry.dueSince != nil, let promised = entry.nextProbeAt else {
            return ledgers[entry.realm]?.queue(standing, until: until)
        }
        guard ledgers[entry.realm]?.queues(standing) ?? false else { return nil }
        return max(until, now.uptime + .seconds(promised.timeIntervalSince(now.wall)))
    }
}
