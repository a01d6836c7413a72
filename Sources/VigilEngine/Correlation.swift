import FoundationEssentials
import OrderedCollections
import TokenHealth

/// Brings together what single tokens come to: what siblings say of each other, when a provider rather than its tokens
/// is in trouble, and what is told in one alert.
struct Correlation {
    struct Community {
        var realm: Realm
        var members: Set<TokenName> = []
        var owners = OwnerIndex()
        /// Uptime of the first rejection of the present episode.
        var episodeBegan: Duration?
        /// Owners all of whose tokens are being looked at in the present episode: once is enough.
        var ralliedOwners: Set<Ownership> = []
        /// Uptime at which the siblings of one that came back were last looked at.
        var ralliedAt: Duration?
    }

    /// Entries side by side: a hash table would leave room for as many again, and they are not small.
    typealias Entries = OrderedDictionary<TokenName, WatchEntry>

    private let composer: AlertComposer
    var communities: [RealmName: Community] = [:]
    var desk = NewsDesk()
    var hushed = HushedNews()

    /// Beyond so many owners, the tokens of a provider that have died together are told in one alert.
    private static let mostOwnersToldApart = 10
    /// How many tokens of other owners are asked when one is rejected, to learn whether it is alone.
    private static let witnesses = 6
    /// What is older was held for a silence, not for siblings.
    private static let longestWait = Duration.seconds(1800)

    /// - Parameters:
    ///   - composer: puts news into words.
    ///   - entries: the tokens.
    ///   - untold: what was not told before a restart.
    ///   - now: the time.
    init(composer: AlertComposer, entries: Entries, untold: UntoldNews, at now: Moment) {
        self.composer = composer
        for (realm, incident) in untold.providerIncidents {
            communities[realm] = Community(realm: Realm(incident: incident))
        }
        for entry in entries.values { add(entry, at: now.uptime) }
        restoreAcceptances(of: entries, at: now.uptime)
        for (name, silence) in untold.silences where entries[name] != nil {
            hushed.begin(silence, of: name, deadline: now.uptime(at: silence.until))
        }
        let fromQuiet = Correlation.fromQuiet(untold.held, at: now.wall)
        for held in untold.held {
            guard let entry = entries[held.token] else {
                // It is configured no more; what people are still to hear of it is told with its end.
                _ = hushed.take(held, deadline: now.uptime)
                continue
            }
            if let until = hushEnd(of: entry, at: now.wall) {
                _ = hushed.take(held, deadline: now.uptime(at: until))
                continue
            }
            if hushed.silence(of: held.token) != nil || fromQuiet.contains(held.token) {
                // The silence ended while nobody was here: all that happened in it is told as one.
                _ = hushed.take(held, deadline: now.uptime)
                continue
            }
            desk.take(
                held,
                on: topic(of: held.notice, entry: entry),
                waiting: entry.token.groupWait,
                for: communities[entry.realm]?.members ?? [],
                at: now.uptime
            )
        }
    }
}

extension Correlation {
    /// The tokens of which something was held through a silence that ended while nobody was here: it is older than anything
    /// that waits for its siblings, or tells two beginnings of one incident.
    private static func fromQuiet(_ held: [HeldNotice], at now: Date) -> Set<TokenName> {
        let old = held.filter { now.timeIntervalSince($0.at) > longestWait.inSeconds }
        let beginnings = held.filter { $0.notice.kind.beginsIncident }
        let twice = Dictionary(grouping: beginnings) { "\($0.token) \($0.notice.incident?.id ?? "")" }.values
            .filter { $0.count > 1 }
        return Set((old + twice.joined()).map(\.token))
    }
}

// MARK: - Who is there

extension Correlation {
    /// Takes up `entry` among its siblings.
    mutating func add(_ entry: WatchEntry, at now: Duration) {
        // Its maintenance windows may be others now.
        if hushed.isHolding(entry.name) { hushed.reconsider(entry.name, at: now) }
        communities[entry.realm, default: Community(realm: Realm())].members.insert(entry.name)
        noteOwner(of: entry)
        let owner = owner(of: entry)
        communities[entry.realm]?.realm.note(
            entry.name,
            owner: owner,
            state: entry.belief.state,
            verdict: nil,
            at: now
        )
        if case .invalid = entry.belief.state {
            communities[entry.realm]?.realm.restore(entry.name, owner: owner, diedAt: entry.belief.since, now: now)
        }
    }

    /// Forgets `entry` and what it tells about others.
    mutating func remove(_ entry: WatchEntry) {
        guard communities[entry.realm]?.members.remove(entry.name) != nil else { return }
        communities[entry.realm]?.realm.remove(entry.name)
        let moved = communities[entry.realm]?.owners.remove(entry.name) ?? []
        move(moved, in: entry.realm)
    }

    /// Takes note of whose `entry` is by what is known now, and of the others that are another's by that.
    mutating func noteOwner(of entry: WatchEntry) {
        let clues = entry.token.ownerClues(entry.belief)
        let moved = communities[entry.realm]?.owners.note(entry.name, clues) ?? []
        move(moved, in: entry.realm)
    }

    private mutating func move(_ tokens: Set<TokenName>, in realm: RealmName) {
        guard communities[realm]?.realm.isDoubted == true else { return }
        for token in tokens {
            guard let owner = communities[realm]?.owners.owner(of: token) else { continue }
            communities[realm]?.realm.move(token, to: owner)
        }
    }

    /// What the siblings of `entry` say about it.
    func siblings(of entry: WatchEntry) -> Siblings {
        communities[entry.realm]?.realm
            .siblings(of: entry.name, owner: owner(of: entry), troubleSince: entry.troubleSince)
            ?? .none
    }

    /// Whose it is, by what is known of it and its siblings.
    func owner(of entry: WatchEntry) -> Ownership {
        communities[entry.realm]?.owners.owner(of: entry.name) ?? .token(entry.name)
    }

    /// Whether nothing is going on that one more acceptance could change: nothing doubted, nothing to be told.
    func isCalm(in realm: RealmName) -> Bool {
        guard desk.isEmpty, let realm = communities[realm]?.realm else { return false }
        return !realm.isDoubted && realm.incident == nil
    }

    /// Whether other tokens of the same owner are being rejected.
    func isImplicated(_ entry: WatchEntry) -> Bool {
        guard let realm = communities[entry.realm]?.realm, realm.isDoubted else { return false }
        return realm.isRejected(owner(of: entry))
    }

    /// How many tokens of an API are being confirmed.
    func suspects(in realm: RealmName) -> Suspects { communities[realm]?.realm.suspects ?? Suspects() }

    /// Takes note of one more acceptance while all is calm.
    mutating func noteAcceptance(of name: TokenName, in realm: RealmName, at now: Duration) {
        communities[realm]?.realm.noteCalmAcceptance(of: name, at: now)
    }

    /// Siblings to look at now, because `entry` has just become doubtful or has come back.
    ///
    /// One log-out is seen by all tokens of its owner, and a few tokens of others tell whether it is the provider.
    mutating func kin(
        of entry: WatchEntry,
        after before: TokenState,
        in entries: Entries,
        at now: Duration
    ) -> [TokenName] {
        guard let community = communities[entry.realm], community.members.count > 1 else { return [] }
        let state = entry.belief.state
        if state == .valid, before.name == .invalid || before.name == .blind {
            if let last = community.ralliedAt, now - last < entry.token.groupWait { return [] }
            communities[entry.realm]?.ralliedAt = now
            return community.members.filter { entries[$0]?.belief.state.name == before.name }
        }
        guard state.name == .suspect, before.name != .suspect, let began = community.episodeBegan else { return [] }
        let owner = owner(of: entry)
        func isFresh(_ name: TokenName) -> Bool {
            guard name != entry.name, let other = entries[name] else { return false }
            switch other.belief.state.name {
            case .invalid, .suspect, .misconfigured: return false
            case .valid, .limited, .unknown, .blind, .pending: return other.lookedAt.map { $0 < began } ?? true
            }
        }
        let isFirst = communities[entry.realm]?.ralliedOwners.insert(owner).inserted ?? false
        let own = isFirst ? community.owners.tokens(of: owner).filter(isFresh) : []
        var asked: Set<Ownership> = [owner]
        var others: [TokenName] = []
        for name in community.members.lazy.prefix(500) where others.count < Correlation.witnesses {
            guard asked.insert(community.owners.owner(of: name)).inserted, isFresh(name) else { continue }
            others.append(name)
        }
        return own + others
    }
}

// MARK: - What is told

extension Correlation {
    /// Takes note of a decision, and says what is told now and what waits.
    ///
    /// - Parameters:
    ///   - decision: what one look has led to.
    ///   - entry: the token after it.
    ///   - verdict: of the look; `nil` where the network was not used.
    ///   - entries: all the tokens as they were before.
    ///   - now: the time.
    /// - Returns: what must be stored with the decision.
    mutating func note(
        _ decision: Decision,
        of entry: WatchEntry,
        verdict: VerdictName?,
        in entries: Entries,
        at now: Moment
    ) -> News {
        noteOwner(of: entry)
        let (state, owner) = (entry.belief.state, owner(of: entry))
        communities[entry.realm]?.realm.note(
            entry.name,
            owner: owner,
            state: state,
            verdict: verdict,
            at: now.uptime
        )
        noteEpisode(of: entry.realm, at: now.uptime)
        var news = News()
        announceProvider(entry, in: entries, at: now, into: &news)
        for notice in decision.notices { take(notice, of: entry, in: entries, at: now, into: &news) }
        if !desk.isEmpty {
            desk.note(entry.name, is: state.name, hasIncident: entry.belief.incident != nil)
            release(into: &news, including: entry, in: entries, at: now)
        }
        return news
    }

    /// What has waited long enough.
    mutating func overdue(in entries: Entries, at now: Moment) -> News {
        var news = News()
        tellHushed(hushed.due(at: now.uptime), in: entries, at: now, into: &news)
        if let due = desk.nextDeadline, due <= now.uptime {
            release(into: &news, including: nil, in: entries, at: now)
        }
        return news
    }

    /// Uptime at which ``overdue(in:at:)`` has something to say.
    var nextDeadline: Duration? {
        guard let news = desk.nextDeadline, let hush = hushed.nextDeadline else {
            return desk.nextDeadline ?? hushed.nextDeadline
        }
        return min(news, hush)
    }

    /// Lets go of what was to remind people of the incidents of `names`, which somebody has taken on.
    ///
    /// - Returns: what is to be forgotten.
    mutating func withdrawReminders(of names: [TokenName]) -> [HeldNotice] {
        names.flatMap { desk.withdrawReminders(of: $0) }
    }

    /// Holds everything again that could not be stored; it is tried anew soon.
    mutating func takeBack(_ news: News, in entries: Entries, at now: Moment) {
        for (name, change) in news.silences {
            switch change {
            case .began: _ = hushed.endSilence(of: name)
            case .ended(let silence): hushed.begin(silence, of: name, deadline: now.uptime + .seconds(5))
            }
        }
        for held in news.held {
            desk.drop(held)
            hushed.drop(held)
        }
        for held in news.released {
            guard let entry = entries[held.token] else { continue }
            if hushEnd(of: entry, at: now.wall) != nil || hushed.silence(of: held.token) != nil {
                _ = hushed.take(held, deadline: now.uptime + .seconds(5))
                continue
            }
            let topic = topic(of: held.notice, entry: entry)
            desk.take(held, on: topic, waiting: .seconds(5), for: [held.token], at: now.uptime)
        }
        for (realm, change) in news.providers {
            switch change {
            case .opened: communities[realm]?.realm.incident = nil
            case .becameDeaths: communities[realm]?.realm.incident?.hasBecomeDeaths = false
            case .ended(let incident): communities[realm]?.realm.incident = incident
            }
        }
    }

    private mutating func noteEpisode(of realm: RealmName, at now: Duration) {
        let isDoubted = communities[realm]?.realm.isDoubted ?? false
        if !isDoubted {
            communities[realm]?.episodeBegan = nil
            communities[realm]?.ralliedOwners = []
        } else if communities[realm]?.episodeBegan == nil {
            communities[realm]?.episodeBegan = now
        }
    }

    private mutating func take(
        _ notice: Notice,
        of entry: WatchEntry,
        in entries: Entries,
        at now: Moment,
        into news: inout News
    ) {
        var notice = notice
        if notice.endsIncident, let incident = notice.incident {
            let withdrawn =
                desk.withdraw(entry.name, incident: incident.id) + hushed.withdraw(entry.name, incident: incident.id)
            news.released += withdrawn
            notice = notice.about(incident.known(without: withdrawn.firstBeginning?.notice.incident))
            notice.untold = withdrawn.contains { $0.at == incident.openedAt } ? 1 : 0
            // Nobody was warned, and nobody need hear that the danger is over.
            if notice.kind == .expiring, notice.untold > 0 { return }
            if notice.kind != .expiring {
                endSilence(of: entry, because: "recovered", by: "tokenvigil", at: now, into: &news)
            }
        }
        if notice.kind.beginsIncident, let incident = notice.incident {
            // It has become something else before anybody was told what it was at first.
            var withdrawn = desk.withdrawBeginnings(of: entry.name, incident: incident.id)
            if hushEnd(of: entry, at: now.wall) == nil {
                withdrawn += hushed.withdrawBeginnings(of: entry.name, incident: incident.id)
            }
            news.released += withdrawn
            notice = notice.about(incident.told(insteadOf: withdrawn.firstBeginning?.notice.incident))
        }
        let held = HeldNotice(token: entry.name, notice: notice, at: now.wall)
        if let until = hushEnd(of: entry, at: now.wall) {
            news.released += hushed.take(held, deadline: now.uptime(at: until))
            news.held.append(held)
            return
        }
        if notice.kind == .reminder, hushed.holdsBeginning(of: entry.name) {
            // The quiet has just ended, and what began in it is still to be told: nobody can be reminded of it.
            news.released += hushed.take(held, deadline: now.uptime)
            news.held.append(held)
            return
        }
        let topic = topic(of: notice, entry: entry)
        let wait = wait(on: topic, with: entry)
        let end = now.uptime + wait
        let awaited = desk.isHolding(topic) ? [] : awaited(on: topic, with: entry, in: entries, until: end)
        desk.take(held, on: topic, waiting: wait, for: awaited, at: now.uptime)
        news.held.append(held)
    }

    mutating func release(
        into news: inout News,
        including current: WatchEntry?,
        in entries: Entries,
        at now: Moment
    ) {
        let ready = desk.release(at: now.uptime)
        for (index, (topic, notices)) in ready.enumerated() {
            let fresh = Set(news.held.map(\.id))
            news.held.removeAll { notices.contains($0) }
            news.released += notices.filter { !fresh.contains($0.id) }
            let later = ready[(index + 1)...].flatMap(\.notices)
            tell(notices, on: topic, before: later, including: current, in: entries, at: now, into: &news)
        }
    }

    /// Tells `notices` in one alert.
    ///
    /// - `later`: what is told after it at the same time.
    func tell(
        _ notices: [HeldNotice],
        on topic: NewsTopic,
        before later: [HeldNotice],
        including current: WatchEntry?,
        in entries: Entries,
        at now: Moment,
        into news: inout News
    ) {
        func entry(_ name: TokenName) -> WatchEntry? { name == current?.name ? current : entries[name] }
        let lead = notices.compactMap { $0.notice.incident?.sharedID }.first
        var subjects: [AlertComposer.Subject] = []
        for held in notices {
            guard var entry = entry(held.token) else { continue }
            var notice = held.notice
            entry.belief = news.regrouped[held.token] ?? entry.belief
            if notice.kind == .reminder, let now = entry.belief.incident, now.id == notice.incident?.id,
                now.toldKind != notice.incident?.toldKind
            {
                // Meanwhile people were told that it is something else; of what it was nobody need be reminded.
                guard notice.isEscalation else { continue }
                notice = notice.about(now)
            }
            // What people know already by an id of its own keeps it.
            let isBeginning = notice.kind.beginsIncident || notice.warnsOfExpiry
            if let lead, let incident = notice.incident, notices.count > 1, isBeginning, topic.incident == nil {
                if let opened = entry.belief.opened(incident.id), opened.sharedID != lead {
                    entry.belief.change(incident.id) { $0.group = lead }
                    news.regrouped[held.token] = entry.belief
                }
                notice = notice.about(incident.sharing(idOf: entry.belief.opened(incident.id)))
            }
            subjects.append(
                AlertComposer.Subject(
                    token: entry.token,
                    belief: entry.belief,
                    report: entry.report(at: now.wall),
                    notice: notice,
                    noticedAt: held.at,
                    siblings: subjects.count < Alert.mostEvidence
                        ? evidence(beside: entry, in: entries, at: now.wall) : [],
                    lastDays: subjects.count < Alert.mostDayBars ? entry.lastDays(until: now.wall) : nil
                )
            )
        }
        guard !subjects.isEmpty else { return }
        let open = lead.map { openTokens(of: $0, in: entries, current, besides: notices, before: later) } ?? 0
        let still = topic.endsIncident ? open : open + subjects.count { $0.notice.incident != nil }
        guard let alert = composer.alert(telling: subjects, openTokens: still, at: now.wall) else { return }
        let known = subjects.first?.notice.incident?.recipients ?? []
        // That one of several is well again opens nothing where nobody knows of the others.
        let isPartialEnd = topic.endsIncident && still > 0 && !known.isEmpty
        let audience = isPartialEnd ? topic.notify.filter(known.contains) : topic.notify
        news.alerts.append(OutgoingAlert(alert, to: audience))
        if let lead, topic.kind.opens, !topic.endsIncident {
            remember(audience, know: lead, including: current, in: entries, into: &news)
        }
    }

    /// Notes who knows of an incident and as whose, so that they are told of its end whatever is configured then.
    private func remember(
        _ audience: [String],
        know incident: String,
        including current: WatchEntry?,
        in entries: Entries,
        into news: inout News
    ) {
        func remember(_ entry: WatchEntry) {
            var belief = news.regrouped[entry.name] ?? entry.belief
            let labels = IncidentLabels(provider: entry.token.provider.name, owner: entry.token.owner)
            for id in belief.opened(by: incident) {
                var isNews = false
                belief.change(id) { isNews = $0.noteRecipients(audience, knowing: labels) }
                if isNews { news.regrouped[entry.name] = belief }
            }
        }
        for entry in entries.values where entry.name != current?.name { remember(entry) }
        if let current { remember(current) }
    }

    /// How the siblings of `entry` are doing; of an API with very many tokens, some of them.
    private func evidence(beside entry: WatchEntry, in entries: Entries, at now: Date) -> [SiblingEvidence] {
        guard let community = communities[entry.realm] else { return [] }
        let own = community.owners.tokens(of: owner(of: entry))
        let near = Set(own.prefix(Alert.mostTokens)).union(community.members.prefix(Alert.mostTokens))
        return entry.token.siblings(among: near.compactMap { entries[$0]?.token }) { entries[$0]?.report(at: now) }
    }

    /// How many tokens have an incident that people know by `incident`, and will not know to be over after this.
    ///
    /// - Parameters:
    ///   - incident: its shared id.
    ///   - entries: the tokens.
    ///   - current: the one that was looked at, as it is now.
    ///   - told: what is told now.
    ///   - later: what is told next: until then, people take it for open.
    /// - Returns: their number.
    private func openTokens(
        of incident: String,
        in entries: Entries,
        _ current: WatchEntry?,
        besides told: [HeldNotice],
        before later: [HeldNotice]
    ) -> Int {
        var open = Set(entries.values.lazy.filter { $0.belief.isKnown(by: incident) }.map(\.name))
        if let current, !current.belief.isKnown(by: incident) { open.remove(current.name) }
        open.formUnion(desk.ends(of: incident))
        open.formUnion(hushed.ends(of: incident))
        open.subtract(told.map(\.token))
        let ends = later.filter { $0.notice.ends(incident) }.map(\.token)
        return open.union(ends).count
    }
}

// MARK: - The provider itself

extension Correlation {
    private mutating func announceProvider(
        _ entry: WatchEntry,
        in entries: Entries,
        at now: Moment,
        into news: inout News
    ) {
        guard let realm = communities[entry.realm]?.realm else { return }
        let siblings = siblings(of: entry)
        if let incident = realm.incident {
            if entry.belief.state.name == .invalid, !incident.hasBecomeDeaths, entry.belief.since == now.wall {
                communities[entry.realm]?.realm.incident?.hasBecomeDeaths = true
                news.providers[entry.realm] = communities[entry.realm]?.realm.incident.map { .becameDeaths($0) }
            }
            if let ended = communities[entry.realm]?.realm.closeIfOver() {
                news.providers[entry.realm] = .ended(ended)
                guard !ended.isUntold else { return }
                tell(.providerRecovered, ended, of: entry, about: [], in: entries, at: now, into: &news)
            }
        } else if entry.belief.isHeldBack(by: siblings, at: now.wall, token: entry.token) {
            var incident = ProviderIncident(realm: entry.realm, openedAt: now.wall)
            incident.isUntold = realm.doubted.allSatisfy { name in
                (name == entry.name ? entry : entries[name]).map { hushEnd(of: $0, at: now.wall) != nil } ?? true
            }
            if !incident.isUntold {
                let current: (TokenName) -> WatchEntry? = { $0 == entry.name ? entry : entries[$0] }
                incident.noteRecipients(audience(of: entry.realm, in: current))
            }
            communities[entry.realm]?.realm.incident = incident
            news.providers[entry.realm] = .opened(incident)
            guard !incident.isUntold else { return }
            tell(.providerIncident, incident, of: entry, about: realm.doubted, in: entries, at: now, into: &news)
        }
    }

    private func tell(
        _ kind: AlertKind,
        _ incident: ProviderIncident,
        of entry: WatchEntry,
        about names: [TokenName],
        in entries: Entries,
        at now: Moment,
        into news: inout News
    ) {
        let current: (TokenName) -> WatchEntry? = { $0 == entry.name ? entry : entries[$0] }
        let alert = alert(kind, incident, of: entry.realm, about: names, in: current, at: now.wall)
        let known = incident.incident.recipients ?? []
        let others = audience(of: entry.realm, in: current).filter { !known.contains($0) }
        news.alerts.append(OutgoingAlert(alert, to: known + others))
    }

    func alert(
        _ kind: AlertKind,
        _ incident: ProviderIncident,
        _ ending: IncidentEnding? = nil,
        of realm: RealmName,
        about names: [TokenName],
        in entries: (TokenName) -> WatchEntry?,
        at now: Date
    ) -> Alert {
        composer.providerAlert(
            kind,
            incident: incident,
            ending: ending,
            realm: realm,
            reports: names.prefix(Alert.mostTokens).compactMap { name in entries(name)?.report(at: now).named(name) },
            total: names.count,
            grace: (communities[realm]?.members.first).flatMap { entries($0)?.token.providerGrace } ?? .zero,
            at: now
        )
    }

    /// Everybody who is told of any token of `realm`.
    func audience(of realm: RealmName, in entries: (TokenName) -> WatchEntry?) -> [String] {
        var audience: [String] = []
        for member in communities[realm]?.members ?? [] {
            for name in entries(member)?.token.notify ?? [] where !audience.contains(name) { audience.append(name) }
        }
        return audience.sorted()
    }

    /// Every open incident that people were told of, as it would be told now, and to whom.
    func standing(in entries: Entries, at now: Date) -> [OutgoingAlert] {
        let tokens = entries.values.flatMap { entry -> [OutgoingAlert] in
            let incident = hushed.holdsBeginning(of: entry.name) ? nil : entry.belief.incident
            let warning = entry.belief.expiryWarning.flatMap { $0.recipients == nil ? nil : $0 }
            return [incident, warning].compactMap(\.self).compactMap { standing($0, of: entry, at: now) }
        }
        let current: (TokenName) -> WatchEntry? = { entries[$0] }
        let providers = communities.compactMap { name, community -> OutgoingAlert? in
            guard let incident = community.realm.incident, !incident.isUntold else { return nil }
            let names = community.realm.doubted
            let alert = alert(.providerIncident, incident, of: name, about: names, in: current, at: now)
            return OutgoingAlert(alert, to: incident.incident.recipients ?? audience(of: name, in: current))
        }
        return tokens + providers
    }

    /// One of them.
    private func standing(_ incident: Incident, of entry: WatchEntry, at now: Date) -> OutgoingAlert? {
        let subject = AlertComposer.Subject(
            token: entry.token,
            belief: entry.belief,
            report: entry.report(at: now),
            notice: Notice(incident.toldKind, incident: incident),
            noticedAt: incident.openedAt,
            lastDays: entry.lastDays(until: now)
        )
        return composer.alert(telling: [subject], openTokens: 1, at: now)
            .map { OutgoingAlert($0, to: incident.recipients ?? entry.token.notify) }
    }
}

// MARK: - What belongs together

extension Correlation {
    func topic(of notice: Notice, entry: WatchEntry) -> NewsTopic {
        let audience =
            notice.endsIncident && notice.untold == 0
            ? entry.token.audience(ofEnd: notice.incident)
            : entry.token.audience(of: notice.incident, isEscalation: notice.isEscalation)
        var topic = NewsTopic(kind: notice.kind, realm: entry.realm, notify: audience)
        topic.ending = notice.ending
        if notice.kind.beginsIncident, notice.incident?.isToldAnew ?? false {
            topic.incident = notice.incident?.sharedID
            topic.told = notice.incident?.formerKind
        }
        switch notice.kind {
        case .invalidated:
            let realm = communities[entry.realm]?.realm
            let isCrowd =
                realm?.incident?.hasBecomeDeaths == true
                && (realm?.doubtedOwnerCount ?? 0) > Correlation.mostOwnersToldApart
            topic.owner = isCrowd ? nil : owner(of: entry)
        case .identityChanged, .replaced:
            topic.owner = owner(of: entry)
        case .recovered, .sighted:
            // Whoever was not told of the beginnings need not hear of the ends one by one.
            guard notice.untold == 0 else { break }
            topic.incident = notice.incident?.sharedID
            topic.told = notice.incident?.toldKind
        case .reminder:
            topic.incident = notice.incident?.sharedID
            topic.told = notice.incident?.toldKind
        case .expiring:
            // Who was warned before knows it by its own id.
            topic.incident = notice.incident?.recipients == nil ? nil : notice.incident?.sharedID
        case .limited, .misconfigured, .blind, .providerIncident, .providerRecovered, .notifierFailing,
            .notifierRecovered, .test:
            break
        }
        return topic
    }

    private func wait(on topic: NewsTopic, with entry: WatchEntry) -> Duration {
        let token = entry.token
        let round = min(token.interval, .seconds(60)) + token.groupWait
        switch topic.kind {
        case .invalidated where communities[entry.realm]?.realm.incident != nil:
            return token.groupWait + min(token.interval, token.confirmation.pause)
        case .invalidated, .identityChanged, .replaced, .recovered, .sighted:
            return token.groupWait
        case .blind:
            return min(token.interval * 2 + token.groupWait, token.blindAfter)
        case .limited, .misconfigured, .reminder, .expiring:
            return round
        case .providerIncident, .providerRecovered, .notifierFailing, .notifierRecovered, .test:
            return .zero
        }
    }

    /// Whether what is told of `token` on `topic` is told of `other` to the same people.
    private func isToldLike(_ token: WatchedToken, _ other: WatchedToken, on topic: NewsTopic) -> Bool {
        other.notify == token.notify && (topic.notify == token.notify || other.escalate == token.escalate)
    }

    /// Siblings that may yet have to be told in the same alert as `entry`, before `end`.
    private func awaited(
        on topic: NewsTopic,
        with entry: WatchEntry,
        in entries: Entries,
        until end: Duration
    ) -> Set<TokenName> {
        guard let community = communities[entry.realm] else { return [] }
        let began = community.episodeBegan ?? entry.troubleSince ?? .zero
        let candidates = topic.owner.map { community.owners.tokens(of: $0) } ?? community.members
        return candidates.filter { name in
            guard name != entry.name, let other = entries[name], isToldLike(entry.token, other.token, on: topic) else {
                return false
            }
            if topic.endsIncident, topic.kind != .expiring, topic.incident == nil {
                return hushed.holdsBeginning(of: name)
            }
            guard !hushed.isHolding(name) else { return false }
            let state = other.belief.state.name
            let isUnseen = other.lookedAt.map { $0 < began } ?? true
            switch topic.kind {
            case .invalidated:
                // One whose confirmation takes longer would be waited for in vain.
                if state == .suspect { return other.isConfirmable(by: end) }
                return isUnseen && [.valid, .limited, .unknown].contains(state)
            case .blind: return state == .unknown
            case .sighted: return state == .blind
            case .limited, .misconfigured:
                return state == entry.belief.state.name ? other.belief.incident == nil : isUnseen && state == .valid
            case .recovered, .reminder:
                return other.belief.incident.map { $0.sharedID == topic.incident } ?? false
            case .expiring where topic.ending != nil: return false
            case .expiring: return other.belief.isAboutToExpire(with: entry.belief)
            case .identityChanged, .replaced: return isUnseen
            case .providerIncident, .providerRecovered, .notifierFailing, .notifierRecovered, .test: return false
            }
        }
    }
}

extension Belief {
    /// Whether the lives of both end on about the same day.
    fileprivate func isAboutToExpire(with other: Belief) -> Bool {
        guard let expiresAt, let otherExpiresAt = other.expiresAt, state == .valid else { return false }
        return abs(expiresAt.timeIntervalSince(otherExpiresAt)) < 86_400
    }
}
