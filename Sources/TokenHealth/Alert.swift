package import FoundationEssentials

/// How urgent an alert is.
package enum Severity: String, Sendable, Hashable, Codable, CaseIterable {
    case critical, warning, info

    func isWorse(than other: Severity) -> Bool {
        switch (self, other) {
        case (.critical, .warning), (.critical, .info), (.warning, .info): true
        case (.critical, .critical), (.warning, .critical), (.warning, .warning), (.info, _): false
        }
    }
}

/// Something a person should know.
///
/// Written with the transition that caused it, delivered until it has arrived.
package struct Alert: Sendable, Hashable, Codable {
    /// Most tokens named in one alert; the others are counted.
    package static let mostTokens = 50
    /// Most tokens whose evidence goes with one alert: one log-out has one reason.
    package static let mostEvidence = 10
    /// Most tokens whose last days go with one alert.
    package static let mostDayBars = 5
    /// How many days are shown of each, today included: as many as the watch remembers.
    package static let shownDays = 30

    /// The same for every attempt to deliver: an idempotency key.
    package private(set) var id: String
    package let kind: AlertKind
    package let severity: Severity
    package let createdAt: Date
    package let incidentID: String?
    /// What the incident is about: a recovery names what it ends.
    package let incidentKind: AlertKind?
    /// What people were told the incident is about until now, where this tells that it is something else.
    package let formerKind: AlertKind?
    /// At an end, what else people were told the incident was about in between; `nil` for nothing.
    package let otherKinds: [AlertKind]?
    /// How the incident ends where its tokens are not well again; `nil` else.
    package let ending: IncidentEnding?
    /// By name, whose a token was when people were first told of its incident, where that has changed; `nil` for none.
    private let formerLabels: [String: IncidentLabels]?
    /// One line: `INVALID hr-onboarding (revoked) on srv1`.
    package internal(set) var summary: String
    /// What must be added where it is told too late to stand alone; not stored, because it is known only then.
    package internal(set) var lateness: String?
    package let host: String
    /// The tokens it is about: the first ``mostTokens`` of them.
    package let tokens: [TokenReport]
    /// How many more tokens it is about.
    package let omittedTokens: Int
    /// How many tokens of the same incident are still in a bad state; an incident is over when there are none.
    package internal(set) var openTokens: Int
    package let remedy: AlertRemedy
    /// What usually ends the life of such a token, most likely first.
    package let causes: [String]
    /// How long the incident had lasted when this was said, in seconds; `nil` at its beginning.
    package let lastedSeconds: Int?
    /// `nil` in an alert that an older version has written.
    private let reasoning: [Evidence]?
    /// The reasoning for the first tokens of which there is any, at most ``mostEvidence``.
    package var evidence: [Evidence] { reasoning ?? [] }
    /// By name; `nil` in an alert that an older version has written.
    private let dayBars: [String: DayBar]?
    /// What the first tokens were on each of the last days.
    package var lastDays: [TokenName: DayBar] {
        let bars = (dayBars ?? [:]).compactMap { name, bar in TokenName(name).map { ($0, bar) } }
        return Dictionary(uniqueKeysWithValues: bars)
    }

    package init(
        id: String,
        kind: AlertKind,
        severity: Severity,
        createdAt: Date,
        incidentID: String? = nil,
        incidentKind: AlertKind? = nil,
        formerKind: AlertKind? = nil,
        otherKinds: [AlertKind]? = nil,
        ending: IncidentEnding? = nil,
        labels: [String: IncidentLabels] = [:],
        summary: String,
        host: String,
        tokens: [TokenReport] = [],
        omittedTokens: Int = 0,
        openTokens: Int = 0,
        remedy: AlertRemedy = AlertRemedy(),
        causes: [String] = [],
        lastedSeconds: Int? = nil,
        evidence: [Evidence] = [],
        lastDays: [TokenName: DayBar] = [:]
    ) {
        self.id = id
        self.kind = kind
        self.severity = severity
        self.createdAt = createdAt
        self.incidentID = incidentID
        self.incidentKind = incidentKind
        self.formerKind = formerKind
        self.otherKinds = otherKinds
        self.ending = ending
        formerLabels = labels.isEmpty ? nil : labels
        self.summary = summary
        self.host = host
        self.tokens = tokens
        self.omittedTokens = omittedTokens
        self.openTokens = openTokens
        self.remedy = remedy
        self.causes = causes
        self.lastedSeconds = lastedSeconds
        reasoning = evidence
        dayBars = Dictionary(uniqueKeysWithValues: lastDays.map { ($0.text, $1) })
    }

    /// Whose tokens were when people were first told of their incidents, by name, where that has changed.
    package var labels: [String: IncidentLabels] { formerLabels ?? [:] }

    /// The same alert, telling also what could not be told before it: a beginning that its end has overtaken.
    package func telling(also earlier: [Alert]) -> Alert {
        guard let first = earlier.first else { return self }
        let what = first.summaryWithoutHost
        let span = "from \(first.createdAt.minuteUTC) to \(createdAt.minuteUTC)"
        var alert = self
        alert.summary = "\(summary), was \(what) \(span)"
        return alert
    }

    /// The same alert under another id.
    package func renamed(_ id: String) -> Alert {
        var alert = self
        alert.id = id
        return alert
    }

    /// Whether telling this one makes it needless to tell `earlier`, which waits still.
    package func overtakes(_ earlier: Alert) -> Bool {
        guard let incidentID, earlier.incidentID == incidentID, earlier.id != id, earlier.createdAt <= createdAt,
            !earlier.endsIncident
        else { return false }
        if kind == .reminder { return earlier.kind == .reminder }
        // It names no tokens: it is the end for all of them.
        if kind == .providerRecovered { return openTokens == 0 }
        let names = Set(tokens.map(\.name))
        return endsIncident && openTokens == 0 && omittedTokens >= earlier.omittedTokens
            && earlier.tokens.allSatisfy { names.contains($0.name) }
    }

    /// Whether it says that something is over, for the tokens it names.
    package var endsIncident: Bool { kind.endsIncident || ending != nil }

    /// Whether it says that the warning of an expiry is over.
    package var endsWarning: Bool { kind == .expiring && ending != nil }

    /// The incident whose end everybody is told; `nil` for a warning of an expiry, which few receivers keep.
    package var lastingIncidentID: String? { kind == .expiring ? nil : incidentID }

    /// How many tokens it is about, named or not.
    package var tokenCount: Int { tokens.count + omittedTokens }

    private enum CodingKeys: String, CodingKey {
        case id, kind, severity, summary, host, tokens, remedy, causes, ending
        case reasoning = "evidence"
        case dayBars = "last_days"
        case createdAt = "created_at"
        case incidentID = "incident_id"
        case incidentKind = "incident_kind"
        case formerKind = "former_kind"
        case formerLabels = "former_labels"
        case otherKinds = "other_kinds"
        case omittedTokens = "omitted_tokens"
        case openTokens = "open_tokens"
        case lastedSeconds = "lasted_s"
    }
}

/// The steps to repair, and one command to do it.
package struct AlertRemedy: Sendable, Hashable, Codable {
    package var url: String?
    package var steps: [String]
    package var command: String?

    package init(url: String? = nil, steps: [String] = [], command: String? = nil) {
        self.url = url
        self.steps = steps
        self.command = command
    }

    private enum CodingKeys: String, CodingKey { case url, steps, command }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(url, forKey: .url)
        try container.encode(steps, forKey: .steps)
        try container.encode(command, forKey: .command)
    }
}
