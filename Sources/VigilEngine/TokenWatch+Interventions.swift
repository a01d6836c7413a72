package import FoundationEssentials
import OrderedCollections
package import TokenHealth

/// Why what a person has asked for is not done.
package enum InterventionRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    case unknownToken(String)
    case noIncident(TokenName)
    case notSilenced(TokenName)
    /// The provider must not be asked before then.
    case resting(TokenName, until: Date)
    /// The database does not take it.
    case notStored(String)

    package var description: String {
        switch self {
        case .unknownToken(let name): "no token is called '\(name.prefix(100))'"
        case .noIncident(let name): "\(name) has no incident: there is nothing to acknowledge"
        case .notSilenced(let name): "\(name) is not silenced"
        case .resting(let name, let until):
            "\(name) must not be probed before \(until.rfc3339): its host has asked for rest, or its limits are used up"
        case .notStored(let cause): "it cannot be stored, so it is not done: \(cause)"
        }
    }
}

/// What people do about tokens.
extension TokenWatch {
    /// Notes that a person has taken on the incident of a token, and of all tokens that were told with it.
    ///
    /// - Parameters:
    ///   - token: one of them.
    ///   - person: who says so.
    ///   - reason: in their words.
    /// - Returns: the tokens concerned, by name.
    /// - Throws: ``InterventionRefusal``, and nothing has changed.
    package func acknowledge(
        _ token: String,
        by person: String,
        reason: String
    ) throws(InterventionRefusal) -> [TokenName] {
        let entry = try entry(called: token)
        guard let incident = entry.belief.incident else { throw .noIncident(entry.name) }
        let now = timekeeper.now()
        var news = News()
        for (name, var belief) in entries.mapValues(\.belief)
        where belief.incident?.sharedID == incident.sharedID {
            belief.incident?.acknowledged = Acknowledgement(at: now.wall, by: person, reason: reason)
            news.regrouped[name] = belief
        }
        let names = news.regrouped.keys.sorted()
        news.interventions = names.map {
            Intervention(
                at: now.wall,
                token: $0,
                deed: .acknowledged,
                by: person,
                reason: reason,
                incident: incident.sharedID
            )
        }
        news.released = correlation.withdrawReminders(of: names)
        do {
            try keep(news)
        } catch {
            correlation.takeBack(news, in: entries, at: now)
            throw error
        }
        return names
    }

    /// Keeps quiet about tokens until a time, or their recovery; an earlier silence of theirs is replaced.
    ///
    /// - Parameters:
    ///   - tokens: at least one.
    ///   - length: from now on.
    ///   - person: who says so.
    ///   - reason: in their words.
    /// - Returns: the silence.
    /// - Throws: ``InterventionRefusal``, and nothing has changed.
    package func silence(
        _ tokens: [String],
        for length: Duration,
        by person: String,
        reason: String
    ) throws(InterventionRefusal) -> (names: [TokenName], silence: Silence) {
        var named: [WatchEntry] = []
        for token in tokens { named.append(try entry(called: token)) }
        let now = timekeeper.now()
        let silence = Silence(until: now.wall.advanced(by: length), reason: reason, by: person, at: now.wall)
        var news = News()
        for entry in named where news.silences[entry.name] == nil {
            news.silences[entry.name] = .began(silence)
            news.interventions.append(
                Intervention(
                    at: now.wall,
                    token: entry.name,
                    deed: .silenced,
                    by: person,
                    reason: reason,
                    incident: entry.belief.incident?.sharedID,
                    until: silence.until
                )
            )
        }
        try keep(news)
        let names = news.silences.keys.sorted()
        for name in names { correlation.begin(silence, of: name, at: now) }
        return (names, silence)
    }

    /// Ends a silence before its time, and tells what happened in it.
    ///
    /// - Throws: ``InterventionRefusal``, and nothing has changed.
    package func endSilence(of token: String, by person: String) throws(InterventionRefusal) {
        let entry = try entry(called: token)
        let now = timekeeper.now()
        let news = correlation.endSilence(of: entry, by: person, in: entries, at: now)
        guard !news.isEmpty else { throw .notSilenced(entry.name) }
        do {
            try keep(news)
        } catch {
            correlation.takeBack(news, in: entries, at: now)
            throw error
        }
    }

    /// What is silenced, by people or by maintenance, with its end.
    package func quiet(at now: Date) -> [QuietToken] {
        entries.values.compactMap { entry in
            guard let until = correlation.hushEnd(of: entry, at: now) else { return nil }
            let silence = correlation.silences[entry.name]
            let window = entry.token.maintenance.first { $0.end(at: now) != nil }
            return QuietToken(
                token: entry.name,
                until: until,
                reason: silence?.reason ?? window?.reason ?? "",
                by: silence?.by ?? window.map { "maintenance \($0.name)" } ?? ""
            )
        }.sorted { $0.token < $1.token }
    }

    /// The names of the tokens of a provider.
    package func tokens(of provider: String) -> [String] {
        entries.values.filter { $0.token.provider.name == provider }.map(\.name.text).sorted()
    }

    /// Asks the provider about a token now, unless its host must be left alone, and returns what is known then.
    ///
    /// - Throws: ``InterventionRefusal``, and nothing was sent.
    package func probe(_ token: String) async throws(InterventionRefusal) -> TokenReport {
        let entry = try entry(called: token)
        if let until = await restEnd(of: entry) { throw .resting(entry.name, until: until) }
        await lookNow(at: entry.name)
        let after = try self.entry(called: token)
        return report(on: after, at: timekeeper.now().wall)
    }

    /// When the host of `entry` may be asked again; `nil` where it may be now.
    func restEnd(of entry: WatchEntry) async -> Date? {
        let standing = await standing(of: entry.name)
        let now = timekeeper.now()
        let wait = hostWait(for: standing, in: entry.realm) ?? .zero
        let until = max(wait, entry.quietUntil)
        return until > now.uptime ? now.wall.advanced(by: until - now.uptime) : nil
    }

    func entry(called text: String) throws(InterventionRefusal) -> WatchEntry {
        guard let name = TokenName(text), let entry = entries[name] else { throw .unknownToken(text) }
        return entry
    }

    func keep(_ news: News) throws(InterventionRefusal) {
        do {
            try store.commit(news)
            problems["store"] = nil
        } catch {
            note(problem: "what people do cannot be written: \(error)", on: "store")
            throw .notStored("\(error)")
        }
        regroup(news)
        log(news.interventions)
        changed()
    }
}

/// A token that is not spoken of now.
package struct QuietToken: Sendable, Hashable, Codable {
    package let token: TokenName
    package let until: Date
    package let reason: String
    package let by: String
}
