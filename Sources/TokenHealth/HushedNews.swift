import FoundationEssentials

/// What is not told yet because its token is silenced, and until when.
package struct HushedNews: Sendable {
    private struct Hush: Sendable {
        /// What a person has ordered; `nil` where a maintenance window alone keeps it quiet.
        var silence: Silence?
        /// Oldest first.
        var held: [HeldNotice] = []
        /// Uptime at which to see whether it is over.
        var deadline: Duration
    }

    private var hushes: [TokenName: Hush] = [:]

    package init() {}

    package func silence(of token: TokenName) -> Silence? { hushes[token]?.silence }

    /// Every silence a person has ordered.
    package var silences: [TokenName: Silence] { hushes.compactMapValues(\.silence) }

    package func isHolding(_ token: TokenName) -> Bool { hushes[token]?.held.isEmpty == false }

    /// Whether the beginning of an incident is held that is still open.
    package func holdsBeginning(of token: TokenName) -> Bool {
        hushes[token]?.held.contains { $0.notice.kind.beginsIncident } ?? false
    }

    /// A person has ordered a silence; it takes the place of one before.
    ///
    /// - `deadline`: uptime of its end.
    package mutating func begin(_ silence: Silence, of token: TokenName, deadline: Duration) {
        hushes[token, default: Hush(deadline: deadline)].silence = silence
        hushes[token]?.deadline = deadline
    }

    /// The silence that a person had ordered is over; what was held is held still.
    package mutating func endSilence(of token: TokenName) -> Silence? {
        guard let silence = hushes[token]?.silence else { return nil }
        hushes[token]?.silence = nil
        if hushes[token]?.held.isEmpty == true { hushes[token] = nil }
        return silence
    }

    /// Takes a notice in.
    ///
    /// - Returns: what it makes needless: of all reminders one is told at the end.
    package mutating func take(_ held: HeldNotice, deadline: Duration) -> [HeldNotice] {
        var hush = hushes[held.token] ?? Hush(deadline: deadline)
        if hush.silence == nil { hush.deadline = deadline }
        let needless = hush.held.filter {
            $0.notice.kind == .reminder && held.notice.kind == .reminder && $0.id != held.id
        }
        hush.held.removeAll { needless.contains($0) || $0.id == held.id }
        hush.held.append(held)
        hushes[held.token] = hush
        return needless
    }

    /// Withdraws what was held about an incident that has ended.
    package mutating func withdraw(_ token: TokenName, incident: String) -> [HeldNotice] {
        withdraw(of: token) { $0.notice.incident?.id == incident }
    }

    /// Withdraws what was held about what an incident was at first, for it has become something else after the silence.
    package mutating func withdrawBeginnings(of token: TokenName, incident: String) -> [HeldNotice] {
        withdraw(of: token) { $0.notice.incident?.id == incident && $0.notice.kind.beginsIncident }
    }

    private mutating func withdraw(of token: TokenName, where isNeedless: (HeldNotice) -> Bool) -> [HeldNotice] {
        let withdrawn = hushes[token]?.held.filter(isNeedless) ?? []
        hushes[token]?.held.removeAll { withdrawn.contains($0) }
        return withdrawn
    }

    /// Tokens of which the end of an incident is held that people know by `id`.
    package func ends(of id: String) -> [TokenName] {
        hushes.values.flatMap(\.held).filter { $0.notice.ends(id) }.map(\.token)
    }

    /// Lets go of a notice that was not to be taken.
    package mutating func drop(_ held: HeldNotice) {
        hushes[held.token]?.held.removeAll { $0 == held }
    }

    /// Lets go of everything about `token`.
    ///
    /// - Returns: what was held.
    package mutating func forget(_ token: TokenName) -> [HeldNotice] {
        hushes.removeValue(forKey: token)?.held ?? []
    }

    /// Sees again at this uptime whether it is over.
    package mutating func reconsider(_ token: TokenName, at deadline: Duration) {
        hushes[token]?.deadline = deadline
    }

    /// Tokens for which it may be over, in the order of their names; what is over at about the same time goes together.
    package func due(at now: Duration) -> [TokenName] {
        guard let next = nextDeadline, next <= now else { return [] }
        return hushes.filter { $0.value.deadline <= now + .seconds(1) }.keys.sorted()
    }

    /// Uptime at which something may be over.
    package var nextDeadline: Duration? { hushes.values.map(\.deadline).min() }
}

extension [HeldNotice] {
    /// What is left to tell of one token after a silence: what is true now, and the end of what people were told before.
    ///
    /// - `incident`: the one that is open now.
    package func summarised(open incident: Incident?) -> [HeldNotice] {
        let told = filter { $0.notice.endsIncident && $0.notice.untold == 0 }
        let untold = filter { $0.notice.endsIncident && $0.notice.untold > 0 }
        let about = filter { $0.notice.incident != nil && $0.notice.incident?.id == incident?.id }
        let beginning = about.last { $0.notice.kind.beginsIncident }?.told(insteadOf: about.firstBeginning)
        let present = beginning ?? about.last { $0.notice.kind == .reminder }
        var others: [AlertKind: HeldNotice] = [:]
        for held in self where held.notice.incident == nil || held.notice.warnsOfExpiry {
            others[held.notice.kind] = held
        }
        let past = incident == nil ? untold.merged : nil
        return (told + [past, present].compactMap(\.self) + others.values).sorted { ($0.at, $0.id) < ($1.at, $1.id) }
    }

    /// The oldest of those that say that an incident is there.
    package var firstBeginning: HeldNotice? { filter { $0.notice.kind.beginsIncident }.min { $0.at < $1.at } }

    /// The last of several ends, speaking for all of them.
    private var merged: HeldNotice? {
        guard let last else { return nil }
        var notice = last.notice
        notice.untold = reduce(0) { $0 + $1.notice.untold }
        return HeldNotice(token: last.token, notice: notice, at: last.at)
    }
}

extension HeldNotice {
    /// The same as people hear of it who were not told of `first`.
    fileprivate func told(insteadOf first: HeldNotice?) -> HeldNotice {
        let incident = notice.incident?.told(insteadOf: first?.notice.incident)
        return HeldNotice(token: token, notice: notice.about(incident), at: at)
    }
}
