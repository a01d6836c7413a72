import FoundationEssentials
import OrderedCollections
import TokenHealth

/// Silences and maintenance: what is not told now, and what is told of it at the end.
extension Correlation {
    /// When `entry` may be spoken of again; `nil` where it may be now.
    func hushEnd(of entry: WatchEntry, at now: Date) -> Date? {
        let ordered = hushed.silence(of: entry.name).flatMap { $0.until > now ? $0.until : nil }
        let planned = entry.token.maintenance.end(at: now)
        guard let ordered, let planned else { return ordered ?? planned }
        return max(ordered, planned)
    }

    /// Every silence a person has ordered that is not over.
    var silences: [TokenName: Silence] { hushed.silences }

    /// Takes up a silence that has been stored.
    mutating func begin(_ silence: Silence, of name: TokenName, at now: Moment) {
        hushed.begin(silence, of: name, deadline: now.uptime(at: silence.until))
    }

    /// Ends a silence that a person had ordered, and tells what was held, unless maintenance goes on.
    ///
    /// - Returns: what must be stored; nothing where there was no silence.
    mutating func endSilence(of entry: WatchEntry, by person: String, in entries: Entries, at now: Moment) -> News {
        var news = News()
        guard hushed.silence(of: entry.name) != nil else { return news }
        endSilence(of: entry, because: "", by: person, at: now, into: &news, deed: .unsilenced)
        tellHushed([entry.name], in: entries, at: now, into: &news)
        return news
    }

    mutating func endSilence(
        of entry: WatchEntry,
        because reason: String,
        by person: String,
        at now: Moment,
        into news: inout News,
        deed: Intervention.Deed = .silenceEnded
    ) {
        guard let silence = hushed.endSilence(of: entry.name) else { return }
        news.silences[entry.name] = .ended(silence)
        // What else was held, an expiry warning perhaps, is told when time is next looked at.
        if hushed.isHolding(entry.name) { hushed.reconsider(entry.name, at: now.uptime) }
        news.interventions.append(
            Intervention(
                at: now.wall,
                token: entry.name,
                deed: deed,
                by: person,
                reason: reason,
                incident: entry.belief.incident?.sharedID
            )
        )
    }

    /// Tells what was held about those of `names` that may be spoken of again: what belongs together, in one alert.
    mutating func tellHushed(_ names: [TokenName], in entries: Entries, at now: Moment, into news: inout News) {
        var topics: [NewsTopic: [HeldNotice]] = [:]
        for name in names {
            guard let entry = entries[name] else {
                news.released += hushed.forget(name)
                continue
            }
            if let until = hushEnd(of: entry, at: now.wall) {
                hushed.reconsider(name, at: now.uptime(at: until))
                continue
            }
            endSilence(of: entry, because: "its time is over", by: "tokenvigil", at: now, into: &news)
            let held = hushed.forget(name)
            news.released += held
            for past in held.summarised(open: entry.belief.incident) {
                if past.notice.kind.beginsIncident, let incident = entry.belief.incident {
                    var belief = entry.belief
                    belief.incident = incident.toldLate(at: now.wall)
                    news.regrouped[name] = belief
                }
                let now = past.updated(for: entry.belief.incident)
                var topic = topic(of: now.notice, entry: entry)
                // Whatever happened in the same quiet is told together, whoever owns it.
                topic.owner = nil
                topics[topic, default: []].append(now)
            }
        }
        let oldestFirst = topics.sorted { ($0.value[0].at, $0.value[0].token) < ($1.value[0].at, $1.value[0].token) }
        for (index, (topic, notices)) in oldestFirst.enumerated() {
            let later = oldestFirst[(index + 1)...].flatMap(\.value)
            tell(notices, on: topic, before: later, including: nil, in: entries, at: now, into: &news)
        }
    }
}

extension HeldNotice {
    /// The same about its incident as it is now, for everybody who is told of that.
    fileprivate func updated(for incident: Incident?) -> HeldNotice {
        guard let incident, notice.incident?.id == incident.id else { return self }
        var notice = Notice(notice.kind, incident: incident.told(insteadOf: notice.incident))
        notice.isLate = true
        return HeldNotice(token: token, notice: notice, at: at)
    }
}

extension Moment {
    /// Uptime at a moment of wall time, as far as is known now.
    ///
    /// A millisecond after it: fractions of a second are not exact, and what ends together is told together.
    func uptime(at date: Date) -> Duration { uptime + .seconds(date.timeIntervalSince(wall)) + .milliseconds(1) }
}
