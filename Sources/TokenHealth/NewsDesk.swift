package import FoundationEssentials

/// A notice that waits for its siblings, as it is stored.
package struct HeldNotice: Sendable, Hashable, Codable {
    package let token: TokenName
    package let notice: Notice
    package let at: Date

    package init(token: TokenName, notice: Notice, at: Date) {
        self.token = token
        self.notice = notice
        self.at = at
    }

    /// Unlike every other: a token has one notice of a kind at a time, and perhaps an escalation beside a reminder.
    package var id: String {
        let part = notice.ending.map { "\(notice.kind.idPart)-\($0.rawValue)" } ?? notice.kind.idPart
        return "\(token)-\(at.compactUTC)-\(notice.isEscalation ? "escalation" : part)"
    }
}

/// What notices must have in common to be told in one alert.
package struct NewsTopic: Sendable, Hashable {
    package let kind: AlertKind
    package let realm: RealmName
    /// The people who are told.
    package let notify: [String]
    /// Whose tokens; `nil` where it does not matter.
    package var owner: Ownership?
    /// The incident that people know already, and what they know it by; `nil` where they have heard of none.
    package var incident: String?
    package var told: AlertKind?
    /// How it ends; `nil` where all is well again, or nothing ends.
    package var ending: IncidentEnding?

    /// Whether it is about the end of something.
    package var endsIncident: Bool { kind.endsIncident || ending != nil }

    package init(
        kind: AlertKind,
        realm: RealmName,
        notify: [String],
        owner: Ownership? = nil,
        incident: String? = nil
    ) {
        self.kind = kind
        self.realm = realm
        self.notify = notify
        self.owner = owner
        self.incident = incident
    }
}

/// Holds notices back until everything that belongs into the same alert is known, and no longer.
package struct NewsDesk: Sendable {
    private struct Issue: Sendable {
        var notices: [HeldNotice]
        /// Siblings that may still have to be told in the same alert.
        var awaited: Set<TokenName>
        /// Uptime at which it leaves in any case.
        let deadline: Duration
    }

    private var issues: [NewsTopic: Issue] = [:]

    package init() {}

    /// Takes a notice in.
    ///
    /// - Parameters:
    ///   - held: the notice.
    ///   - topic: what it shares with those it is told with.
    ///   - wait: longest time it may wait.
    ///   - awaited: siblings to wait for; it counts for the first notice of a topic alone.
    ///   - now: uptime.
    package mutating func take(
        _ held: HeldNotice,
        on topic: NewsTopic,
        waiting wait: Duration,
        for awaited: Set<TokenName>,
        at now: Duration
    ) {
        if issues[topic] == nil {
            issues[topic] = Issue(notices: [], awaited: awaited, deadline: now + wait)
        }
        issues[topic]?.notices.append(held)
        issues[topic]?.awaited.remove(held.token)
    }

    /// Whether something on this topic waits already.
    package func isHolding(_ topic: NewsTopic) -> Bool { issues[topic] != nil }

    /// Withdraws what was held about an incident that has ended before it was told; its end is told alone.
    ///
    /// - Returns: what was withdrawn.
    package mutating func withdraw(_ token: TokenName, incident: String) -> [HeldNotice] {
        withdraw { $0.token == token && $0.notice.incident?.id == incident }
    }

    /// Withdraws what was held about what an incident was at first, for it has become something else.
    ///
    /// - Returns: what was withdrawn.
    package mutating func withdrawBeginnings(of token: TokenName, incident: String) -> [HeldNotice] {
        withdraw { $0.token == token && $0.notice.incident?.id == incident && $0.notice.kind.beginsIncident }
    }

    /// Tokens of which the end of an incident is held that people know by `id`.
    package func ends(of id: String) -> [TokenName] {
        issues.values.flatMap(\.notices).filter { $0.notice.ends(id) }.map(\.token)
    }

    /// Withdraws what was held to remind people of `token`, escalations too.
    ///
    /// - Returns: what was withdrawn.
    package mutating func withdrawReminders(of token: TokenName) -> [HeldNotice] {
        withdraw { $0.token == token && $0.notice.kind == .reminder }
    }

    private mutating func withdraw(where isNeedless: (HeldNotice) -> Bool) -> [HeldNotice] {
        var withdrawn: [HeldNotice] = []
        for (topic, issue) in issues {
            let overtaken = issue.notices.filter(isNeedless)
            guard !overtaken.isEmpty else { continue }
            withdrawn += overtaken
            let left = issue.notices.filter { !overtaken.contains($0) }
            issues[topic]?.notices = left
            if left.isEmpty { issues[topic] = nil }
        }
        return withdrawn
    }

    /// Withdraws everything that was held about a token.
    ///
    /// - Returns: what was withdrawn.
    package mutating func forget(_ token: TokenName) -> [HeldNotice] {
        let forgotten = issues.values.flatMap { $0.notices.filter { $0.token == token } }
        for held in forgotten { drop(held) }
        for topic in issues.keys { issues[topic]?.awaited.remove(token) }
        return forgotten
    }

    /// Lets go of a notice that was not to be taken.
    package mutating func drop(_ held: HeldNotice) {
        for topic in issues.keys {
            issues[topic]?.notices.removeAll { $0 == held }
            if issues[topic]?.notices.isEmpty == true { issues[topic] = nil }
        }
    }

    /// `token` was looked at and has come to `state`: nobody waits for it in vain.
    package mutating func note(_ token: TokenName, is state: StateName, hasIncident: Bool) {
        for (topic, issue) in issues where issue.awaited.contains(token) {
            if topic.kind.isDecided(by: state, hasIncident: hasIncident) { issues[topic]?.awaited.remove(token) }
        }
    }

    /// Waits for nobody any longer.
    package mutating func hurry() {
        for topic in issues.keys { issues[topic]?.awaited = [] }
    }

    /// Takes out what need not wait any longer, oldest first.
    package mutating func release(at now: Duration) -> [(topic: NewsTopic, notices: [HeldNotice])] {
        let ready = issues.filter { $0.value.awaited.isEmpty || $0.value.deadline <= now }
        for topic in ready.keys { issues[topic] = nil }
        return ready.map { ($0.key, $0.value.notices.sorted { ($0.at, $0.token) < ($1.at, $1.token) }) }
            .sorted { ($0.notices[0].at, $0.notices[0].token) < ($1.notices[0].at, $1.notices[0].token) }
    }

    /// Uptime at which something leaves whether or not all is known.
    package var nextDeadline: Duration? { issues.values.map(\.deadline).min() }

    package var isEmpty: Bool { issues.isEmpty }
}

extension AlertKind {
    /// Whether a token in `state` can no longer join an alert of this kind.
    fileprivate func isDecided(by state: StateName, hasIncident: Bool) -> Bool {
        switch self {
        case .invalidated: state != .suspect
        case .blind: state != .unknown
        case .sighted: state != .blind
        case .limited: state != .limited || hasIncident
        case .misconfigured: state != .misconfigured || hasIncident
        case .recovered, .reminder, .expiring, .identityChanged, .replaced, .providerIncident, .providerRecovered,
            .notifierFailing, .notifierRecovered, .test:
            true
        }
    }
}
