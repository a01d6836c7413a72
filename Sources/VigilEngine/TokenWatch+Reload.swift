import OrderedCollections
package import TokenHealth

/// What a reload changes.
///
/// Only what changes is touched: a token whose settings are the same goes on as if there had been none.
extension TokenWatch {
    /// Watches these tokens from now on: new ones are probed at once, the others go on as they are under their new settings.
    ///
    /// Those that are gone are forgotten here and keep their history; their incidents end, and whoever was told of them is told.
    ///
    /// - Throws: what the store throws, and nothing has changed.
    package func adopt(_ tokens: [WatchedToken]) throws {
        let now = timekeeper.now()
        let added = tokens.contains { entries[$0.name] == nil }
        let stored = added ? try store.load() : [:]
        let names = Set(tokens.map(\.name))
        let gone = Set(entries.keys.filter { !names.contains($0) })
        generation += 1
        // Nothing that waits to be told gets lost over a change of settings.
        var news = correlation.everything(
            in: entries,
            forgetting: gone,
            keeping: Set(tokens.lazy.map(\.realm)),
            at: now
        )
        let followed = entriesFollowing(tokens, after: &news, at: now)
        do {
            try store.commit(news)
            regroup(news)
            log(news.interventions)
        } catch {
            correlation.takeBack(news, in: entries, at: now)
            throw error
        }
        forget(gone)
        for token in tokens {
            take(followed[token.name] ?? newEntry(of: token, stored: stored[token.name], at: now), at: now)
        }
        agenda.recallAll()
        places.keep(Set(entries.values.lazy.map(\.realm)))
        pace = Pace(of: tokens)
        followLimits(of: tokens, at: now)
        changed()
    }

    /// The entries of tokens whose settings have changed, as they are from now on.
    ///
    /// - `news`: what is stored of them is added to it.
    private func entriesFollowing(
        _ tokens: [WatchedToken],
        after news: inout News,
        at now: Moment
    ) -> [TokenName: WatchEntry] {
        var followed: [TokenName: WatchEntry] = [:]
        for token in tokens {
            guard var entry = entries[token.name], entry.token != token else { continue }
            let before = news.regrouped[token.name] ?? entry.belief
            entry.belief = before
            entry.follow(token, at: now, as: generation)
            if entry.belief != before { news.regrouped[token.name] = entry.belief }
            if entry.realm != entries[token.name]?.realm { quiet.note(token.name, wait: .zero, at: now.wall) }
            followed[token.name] = entry
        }
        return followed
    }

    private func forget(_ gone: Set<TokenName>) {
        names = []
        models = EntryModels()
        for name in gone {
            if let entry = entries[name] { correlation.remove(entry) }
            entries[name] = nil
            dirty.remove(name)
            agenda.remove(name)
        }
    }

    private func newEntry(of token: WatchedToken, stored: StoredToken?, at now: Moment) -> WatchEntry {
        // One that was watched before under the same name may still be probed under its old settings.
        if let entry = entries[token.name] { return entry }
        var entry = WatchEntry(
            token: token,
            stored: stored,
            now: now.wall,
            uptime: now.uptime,
            generation: generation
        )
        models.align(&entry)
        return entry
    }

    /// Goes on with `entry`, and has it probed: an interval or a secret may have changed.
    ///
    /// A dead token is not asked again, unless it is asked otherwise now.
    private func take(_ entry: WatchEntry, at now: Moment) {
        if let old = entries[entry.name] {
            correlation.follow(entry, insteadOf: old, at: now.uptime)
        } else {
            correlation.add(entry, at: now.uptime)
        }
        entries[entry.name] = entry
        guard !places.contains(entry.name) else { return }
        agenda.schedule(entry.name, at: now.uptime, patience: entry.patience)
    }

    /// Keeps to the limits there are now; of those that were lifted it is remembered what was spent.
    ///
    /// A host without a token keeps its limits: a probe of one that is gone may still be under way.
    private func followLimits(of tokens: [WatchedToken], at now: Moment) {
        let limited = TokenWatch.ledgers(of: tokens)
        for realm in Set(tokens.lazy.map(\.realm)) where limited[realm] == nil {
            guard var lifted = ledgers.removeValue(forKey: realm) else { continue }
            liftedLimits[realm] = lifted.lastRecord(at: now)
        }
        for (realm, ledger) in limited {
            if ledgers[realm]?.limits != ledger.limits {
                let lifted = liftedLimits.removeValue(forKey: realm)
                ledgers[realm] =
                    ledgers[realm]?.following(ledger.limits, at: now)
                    ?? lifted.map { HostLedger(limits: ledger.limits, record: $0, at: now) } ?? ledger
            }
            ledgers[realm]?.isScarce = ledger.isScarce
        }
    }
}

// MARK: - What was watched before

extension TokenWatch {
    /// Ends what was told before a restart of tokens that are configured no more.
    func partWithStrangers(at now: Moment) {
        guard !strangers.isEmpty || hasDesertedProviders else { return }
        var known = entries
        for (name, stranger) in strangers { known[name] = stranger }
        let news = correlation.parting(
            with: Set(strangers.keys),
            keeping: Set(entries.values.lazy.map(\.realm)),
            in: known,
            at: now
        )
        do {
            try store.commit(news)
            (strangers, hasDesertedProviders) = ([:], false)
            log(news.interventions)
            changed()
        } catch {
            correlation.takeBack(news, in: known, at: now)
            note(problem: "alerts cannot be written: \(error)", on: "store")
        }
    }

    /// What is remembered of tokens that are configured no more, and that people know to be in trouble.
    static func strangers(
        among stored: [TokenName: StoredToken],
        holding held: [HeldNotice],
        beside entries: Correlation.Entries,
        at now: Moment
    ) -> [TokenName: WatchEntry] {
        var strangers: [TokenName: WatchEntry] = [:]
        for (name, token) in stored where entries[name] == nil {
            let untold = held.first { $0.token == name }?.notice.incident
            guard let incident = token.belief.incident ?? token.belief.expiryWarning ?? untold else { continue }
            let remembered = WatchedToken(name: name, labels: incident.labels)
            strangers[name] = WatchEntry(token: remembered, stored: token, now: now.wall, uptime: now.uptime)
        }
        return strangers
    }
}
