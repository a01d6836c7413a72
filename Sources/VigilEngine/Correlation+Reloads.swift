import OrderedCollections
import TokenHealth

/// What a reload does to what is told, and to what siblings say of each other.
extension Correlation {
    /// All that has waited for siblings, whether or not its time has come, and the ends of what is watched no more.
    ///
    /// - Parameters:
    ///   - entries: the tokens before the reload.
    ///   - gone: those that are configured no more.
    ///   - realms: where there are tokens after it.
    ///   - now: the time.
    /// - Returns: what must be stored.
    mutating func everything(
        in entries: Entries,
        forgetting gone: Set<TokenName>,
        keeping realms: Set<RealmName>,
        at now: Moment
    ) -> News {
        var news = parting(with: gone, keeping: realms, in: entries, at: now)
        desk.hurry()
        var left = entries
        left.removeAll { gone.contains($0.key) }
        release(into: &news, including: nil, in: left, at: now)
        return news
    }

    /// The ends of what is watched no more.
    ///
    /// Whoever was told that it began is told that it is over; what nobody was told is forgotten.
    mutating func parting(
        with gone: Set<TokenName>,
        keeping realms: Set<RealmName>,
        in entries: Entries,
        at now: Moment
    ) -> News {
        var news = News()
        var topics: OrderedDictionary<NewsTopic, [HeldNotice]> = [:]
        var left = entries
        for name in gone.sorted() {
            if let silence = hushed.endSilence(of: name) { news.silences[name] = .ended(silence) }
            let held = hushed.forget(name) + desk.forget(name)
            news.released += held
            guard let entry = entries[name] else { continue }
            for end in held where end.notice.endsIncident && end.notice.untold == 0 {
                topics[topic(of: end.notice, entry: entry), default: []].append(end)
            }
            part(with: entry, at: now, into: &news)
            left[name]?.belief = news.regrouped[name] ?? entry.belief
            for incident in [entry.belief.incident, entry.belief.expiryWarning].compactMap(\.self) {
                let isUntold = held.contains { $0.at == incident.openedAt && $0.notice.incident?.id == incident.id }
                guard !isUntold else { continue }
                let beginnings = held.filter { $0.notice.incident?.id == incident.id }
                let known = incident.known(without: beginnings.firstBeginning?.notice.incident)
                let topic = NewsTopic(partingWith: known, of: entry)
                let notice = Notice(topic.kind, incident: known, ending: .removed)
                topics[topic, default: []].append(HeldNotice(token: name, notice: notice, at: now.wall))
            }
        }
        for (index, (topic, notices)) in topics.enumerated() {
            let later = topics.values[(index + 1)...].flatMap(\.self)
            tell(notices, on: topic, before: later, including: nil, in: left, at: now, into: &news)
        }
        partWithProviders(keeping: realms, in: entries, at: now, into: &news)
        return news
    }

    /// Forgets what is open of `entry`, and whose it was: under its name another account's may be watched one day.
    private func part(with entry: WatchEntry, at now: Moment, into news: inout News) {
        var belief = entry.belief
        (belief.incident, belief.expiryWarning, belief.identity) = (nil, nil, nil)
        if belief != entry.belief { news.regrouped[entry.name] = belief }
        guard let incident = entry.belief.incident else { return }
        news.abandoned[entry.name] = AbandonedIncident(incident: incident, at: now.wall)
        news.interventions.append(
            Intervention(
                at: now.wall,
                token: entry.name,
                deed: .removed,
                by: "tokenvigil",
                reason: "no longer configured",
                incident: incident.sharedID
            )
        )
    }

    /// Nobody is left to say that these providers are well again.
    private mutating func partWithProviders(
        keeping realms: Set<RealmName>,
        in entries: Entries,
        at now: Moment,
        into news: inout News
    ) {
        for (name, community) in communities.sorted(by: { $0.key < $1.key }) where !realms.contains(name) {
            guard let incident = community.realm.incident else { continue }
            news.providers[name] = .ended(incident)
            communities[name]?.realm.incident = nil
            guard !incident.isUntold else { continue }
            let current: (TokenName) -> WatchEntry? = { entries[$0] }
            let alert = alert(.providerRecovered, incident, .removed, of: name, about: [], in: current, at: now.wall)
            let audience = incident.incident.recipients ?? audience(of: name, in: current)
            news.alerts.append(OutgoingAlert(alert, to: audience))
        }
    }

    /// Whether a provider is known to be in trouble of which no token is watched any more.
    func hasDesertedProviders(beside realms: Set<RealmName>) -> Bool {
        communities.contains { !realms.contains($0.key) && $0.value.realm.incident != nil }
    }

    /// Goes on with `entry`, of which settings have changed; its siblings keep what they know of it.
    mutating func follow(_ entry: WatchEntry, insteadOf old: WatchEntry, at now: Duration) {
        guard entry.realm == old.realm else {
            remove(old)
            add(entry, at: now)
            return
        }
        // Its maintenance windows may be others now.
        if hushed.isHolding(entry.name) { hushed.reconsider(entry.name, at: now) }
        noteOwner(of: entry)
        guard entry.belief.state.name != old.belief.state.name else { return }
        let owner = owner(of: entry)
        communities[entry.realm]?.realm
            .note(entry.name, owner: owner, state: entry.belief.state, verdict: nil, at: now)
    }

    /// Takes up who was accepted since the first rejection of what is doubted, before a restart.
    ///
    /// Without them, what was the end of some tokens would look like the provider's trouble.
    mutating func restoreAcceptances(of entries: Entries, at now: Duration) {
        for (name, community) in communities where community.realm.isDoubted {
            let doubted = community.realm.doubted.compactMap { entries[$0]?.belief.firstRejectedAt }
            guard let began = doubted.min() else { continue }
            for member in community.members {
                guard let entry = entries[member], entry.belief.state == .valid,
                    let accepted = entry.belief.lastAcceptedAt, accepted >= began
                else { continue }
                let owner = owner(of: entry)
                communities[name]?.realm.restoreAcceptance(of: member, owner: owner, at: now)
            }
        }
    }
}

extension NewsTopic {
    /// That `incident` is over because `entry` is watched no more.
    fileprivate init(partingWith incident: Incident, of entry: WatchEntry) {
        self.init(
            kind: incident.kind == .expiring ? .expiring : .recovered,
            realm: entry.realm,
            notify: incident.recipients ?? entry.token.audience(of: incident, isEscalation: false),
            incident: incident.sharedID
        )
        (told, ending) = (incident.toldKind, .removed)
    }
}
