import FoundationEssentials
import OrderedCollections
import TokenHealth

/// A look that has ended: what is to be decided on.
struct EndedLook {
    /// What it gave.
    enum Findings {
        /// Nothing where the network was left alone.
        case seen(Observation?, Exchange?)
        /// The decision itself, which follows without a look.
        case concluded(Decision)
    }

    let name: TokenName
    /// Whom was asked, and under which settings.
    let realm: RealmName
    let generation: Int
    let findings: Findings
    let at: Moment
    /// How long ago the token's own question was answered.
    let lag: Duration

    /// A look at `entry`, as it was when it was asked.
    init(_ entry: WatchEntry, findings: Findings, at now: Moment, lag: Duration = .zero) {
        name = entry.name
        realm = entry.realm
        generation = entry.generation
        self.findings = findings
        at = now
        self.lag = lag
    }
}

/// A decision that counts once it is stored.
private struct Draft {
    let decision: Decision
    let observation: Observation?
    /// As it is from now on, and as it was.
    let entry: WatchEntry
    let previous: WatchEntry
    let news: News
    /// Beliefs of tokens that the news tell together with this one, as they were.
    let regrouped: [TokenName: Belief]
    /// What must be stored at once; `nil` where that has time.
    let change: HealthChange?
    let at: Moment
}

/// From the end of a look to what is believed.
extension TokenWatch {
    /// Decides on a look together with those that have ended meanwhile, and returns when it is done.
    ///
    /// In a storm of deaths every transaction of its own would wait for the disk, and everybody for it.
    func settle(_ look: EndedLook) async {
        ended.append(look)
        guard ended.count == 1 else { return await withCheckedContinuation { waiters.append($0) } }
        await Task.yield()
        let (looks, done) = (ended, waiters)
        (ended, waiters) = ([], [])
        settle(looks)
        for waiter in done { waiter.resume() }
    }

    /// Believes what follows from these looks once it is stored: all of it in one transaction.
    func settle(_ looks: [EndedLook]) {
        for look in looks { leavePlace(of: look.name) }
        let drafts = looks.compactMap { draft(of: $0) }
        let memory = memory(of: looks)
        do {
            var writes = drafts.compactMap { draft in draft.change.map { StoreWrite.change($0) } }
            if !memory.isEmpty { writes.append(.hosts(memory)) }
            if !writes.isEmpty {
                try store.write(writes)
                problems["store"] = nil
            }
        } catch {
            quiet.takeBack(memory.quiet)
            for realm in memory.records.keys { ledgers[realm]?.takeBack() }
            for draft in drafts.reversed() { undo(draft) }
            // One of them may be at fault: each for itself then.
            if looks.count > 1 { return looks.forEach { settle([$0]) } }
            note(problem: "history cannot be written: \(error)", on: "store")
            return drafts.forEach { postpone($0) }
        }
        for draft in drafts { conclude(draft) }
        if drafts.contains(where: { $0.decision.transition != nil || !$0.news.isEmpty }) { changed() }
    }

    /// Decides, and lets what follows count for the decisions after it.
    private func draft(of look: EndedLook) -> Draft? {
        guard let previous = entries[look.name] else { return nil }
        let now = look.at
        guard look.generation == previous.generation else {
            setAside(look)
            return nil
        }
        let (decision, observation) = decision(on: look, of: previous)
        var next = previous
        if case .seen(let observation?, let exchange) = look.findings { next.remember(exchange, after: observation) }
        next.belief = decision.belief
        let ended = next.extendHistory(with: decision.belief.state, at: now.wall)
        next.isContinuing = true
        let hasJustDied = decision.transition?.to == .invalid
        // A wait that the provider asks for counts from now already.
        let lag = observation?.finding.retryAfter == nil ? look.lag : .zero
        if observation != nil || hasJustDied { next.rest(for: decision, at: now, after: lag) }
        if let observation {
            next.note(observation, at: now.uptime)
            quiet.note(look.name, wait: next.quietUntil - now.uptime, at: now.wall)
            noteHost(observation, of: look.name)
        }
        let verdict = observation?.finding.verdict.name
        let news = correlation.note(decision, of: next, verdict: verdict, in: entries, at: now)
        let isNew = ended != nil || previous.intervals.last?.start != next.intervals.last?.start
        let isUrgent = decision.isWorthStoring(after: previous.belief) || isNew || !news.isEmpty
        let draft = Draft(
            decision: decision,
            observation: observation,
            entry: next,
            previous: previous,
            news: news,
            regrouped: news.regrouped.keys.reduce(into: [:]) { $0[$1] = entries[$1]?.belief },
            change: isUrgent ? change(decision, news, entry: next, ended: ended, previous: previous, at: now) : nil,
            at: now
        )
        models.align(&next)
        entries[look.name] = next
        regroup(news)
        return draft
    }

    /// Asks again: a reload came in between, and what was answered says nothing under the new settings.
    ///
    /// The same host is given the rest that it asks for all the same.
    private func setAside(_ look: EndedLook) {
        if case .seen(let observation?, _) = look.findings, entries[look.name]?.realm == look.realm {
            heed(observation, of: look.name, at: look.at)
        }
        agenda.schedule(look.name, at: look.at.uptime)
    }

    /// Gives the host the rest that it asks for in an answer that is not believed.
    ///
    /// - Returns: whether it asks for any.
    @discardableResult
    private func heed(_ observation: Observation, of name: TokenName, at now: Moment) -> Bool {
        guard let wait = observation.finding.retryAfter?.wait(at: now.wall) else { return false }
        entries[name]?.rest(until: now.wall.advanced(by: wait), at: now)
        quiet.note(name, wait: wait, at: now.wall)
        return true
    }

    private func decision(on look: EndedLook, of entry: WatchEntry) -> (Decision, Observation?) {
        switch look.findings {
        case .concluded(let decision):
            return (decision, nil)
        case .seen(nil, _):
            return (entry.belief.ageing(at: look.at, of: entry.token, chance: chance()), nil)
        case .seen(let observation?, _):
            let siblings = correlation.siblings(of: entry)
            let decision = entry.belief.considering(
                observation,
                of: entry.token,
                siblings: siblings,
                chance: chance()
            )
            return (decision, observation)
        }
    }

    private func change(
        _ decision: Decision,
        _ news: News,
        entry: WatchEntry,
        ended: ValidityInterval?,
        previous: WatchEntry,
        at now: Moment
    ) -> HealthChange? {
        guard let interval = entry.intervals.last else { return nil }
        return HealthChange(
            token: entry.name,
            belief: decision.belief,
            transition: decision.transition,
            interval: interval,
            endedInterval: ended,
            endedIncident: decision.belief.incident == nil ? previous.belief.incident : nil,
            certificate: DeathCertificate(token: entry.token, belief: decision.belief),
            news: news,
            at: now.wall
        )
    }

    /// It is stored, and counts.
    private func conclude(_ draft: Draft) {
        let (entry, now) = (draft.entry, draft.at)
        if draft.change == nil { dirty.insert(entry.name) } else { dirty.remove(entry.name) }
        if draft.change != nil { log(draft.decision, token: entry.token) }
        let remaining = max(entry.networkDue - now.uptime, .milliseconds(1))
        agenda.schedule(
            entry.name,
            at: now.uptime + min(draft.decision.pause, remaining),
            patience: entry.patience
        )
        let before = draft.previous.belief.state
        for sibling in correlation.kin(of: entry, after: before, in: entries, at: now.uptime) {
            hurry(sibling, at: now.uptime)
        }
    }

    /// It is not stored, and so it has not happened.
    private func undo(_ draft: Draft) {
        for (name, belief) in draft.regrouped { entries[name]?.belief = belief }
        entries[draft.entry.name] = draft.previous
        correlation.takeBack(draft.news, in: entries, at: draft.at)
    }

    /// The next look decides again, no sooner than the provider may be asked again.
    private func postpone(_ draft: Draft) {
        let (name, interval) = (draft.entry.name, draft.entry.token.interval)
        let soon = min(interval, .seconds(5))
        var pause = soon
        if let observation = draft.observation {
            // While the host is left alone, time passes and secrets are replaced.
            let isAskedToWait = heed(observation, of: name, at: draft.at)
            pause = max(soon, isAskedToWait ? min(draft.decision.rest, interval) : draft.decision.rest)
        }
        agenda.schedule(name, at: draft.at.uptime + pause)
    }
}
