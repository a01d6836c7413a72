package import FoundationEssentials

/// Everything that is known about one token: what the database keeps and the status file shows.
package struct Belief: Sendable, Hashable, Codable {
    package var state: TokenState
    /// Since when the state has its name.
    package var since: Date
    /// The evidence for the state, in one sentence.
    package var explanation: String
    /// Observations in a row that led to this same state name.
    package var repetitions: Int
    package var fingerprint: Fingerprint?
    /// When this fingerprint was first seen.
    package var fingerprintSeenAt: Date?
    /// Whether this secret has ever been accepted.
    package var isProven: Bool
    /// Whether the endpoint is known to refuse requests without a token.
    package var endpointChecksTokens: Bool
    package var identity: Identity?
    package var lastProbe: LastProbe?
    package var lastAcceptedAt: Date?
    /// First rejection since the last acceptance.
    package var firstRejectedAt: Date?
    package var expiresAt: Date?
    /// Whether ``expiresAt`` is counted from the first sight of the secret, for want of something better.
    package var expiryIsEstimated: Bool
    /// Whether ``expiresAt`` is what the provider said, which outweighs the token's own word; `nil` for no.
    package var expiryIsStated: Bool?
    /// Since when the API has told a later expiry than the one that steps were said for; `nil` for not.
    var expiryLongerSince: Date?
    /// Steps of the expiry ladder already said for this secret.
    package var expiryStepsSaid: Set<Duration>
    @Rare package var incident: Incident?
    /// The warning of its expiry that people know; it has an id of its own.
    @Rare package var expiryWarning: Incident?
    /// Rejections since the death was confirmed; they space out the probes of a dead token.
    package var deadProbes: Int
    /// The accepted secret that this one took the place of, until the new one is accepted too.
    package var replacedFingerprint: Fingerprint?
    /// The secret before this one, accepted or not.
    package var previousFingerprint: Fingerprint?
    /// What this secret was answered lately, oldest first; answers alike in a row are one entry.
    package var answers: [AnswerEvidence]?
    /// What the request without the token was answered last.
    package var controlAnswer: AnswerEvidence?
    /// What the request without the token is answered while this one is accepted.
    @Rare package var usualRefusal: AnswerShape?
    /// Another answer to it than ``usualRefusal``, seen once: it may be that of a wall which rose between two requests.
    @Rare var newRefusal: AnswerShape?
    /// What this token was answered when it was last accepted or limited.
    @Rare var usualAnswer: AnswerShape?
    /// What this secret says of itself.
    @Rare package var claims: TokenClaims?
    /// The scopes this secret has been said to have; `nil` where nothing has been said.
    @Rare package var scopes: ScopeRecord?
    /// Whether its account still is where it must be; `nil` where that was never asked.
    @Rare package var membership: MembershipRecord?
    /// When people were last told of what is less than a death, in the last hour.
    var alarms: [Date]?

    /// The belief about a token never looked at.
    package init(at now: Date) {
        state = .pending
        since = now
        explanation = "not probed yet"
        repetitions = 0
        isProven = false
        endpointChecksTokens = false
        expiryIsEstimated = false
        expiryStepsSaid = []
        deadProbes = 0
    }

    /// Keeps what is equal in both once.
    package mutating func share(with other: Belief) {
        if explanation == other.explanation { explanation = other.explanation }
        if let last = answers?.indices.last, let model = other.answers?.last { answers?[last].share(with: model) }
        if let model = other.controlAnswer { controlAnswer?.share(with: model) }
        if usualRefusal == other.usualRefusal { _usualRefusal = other._usualRefusal }
        if usualAnswer == other.usualAnswer { _usualAnswer = other._usualAnswer }
    }
}

/// The newest exchange, as the status file shows it.
package struct LastProbe: Sendable, Hashable, Codable {
    package var at: Date
    package var verdict: VerdictName
    package var httpStatus: Int?
    package var latencyMilliseconds: Int?

    private enum CodingKeys: String, CodingKey {
        case at, verdict
        case httpStatus = "http_status"
        case latencyMilliseconds = "latency_ms"
    }

    package init(at: Date, verdict: VerdictName, httpStatus: Int?, latencyMilliseconds: Int?) {
        self.at = at
        self.verdict = verdict
        self.httpStatus = httpStatus
        self.latencyMilliseconds = latencyMilliseconds
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(at, forKey: .at)
        try container.encode(verdict, forKey: .verdict)
        try container.encode(httpStatus, forKey: .httpStatus)
        try container.encode(latencyMilliseconds, forKey: .latencyMilliseconds)
    }
}

/// From the transition into a bad state until recovery.
package struct Incident: Sendable, Hashable, Codable {
    /// Token name and opening time: stable across restarts and readable in a log.
    package let id: String
    package let openedAt: Date
    /// What it is about now.
    package var kind: AlertKind {
        didSet { isMereBlindness = isMereBlindness && kind == .blind }
    }
    /// What people were last told it is about; `nil` for ``kind``.
    private var told: AlertKind?
    /// What they were told before that; `nil` where they were told of one kind alone.
    package private(set) var formerKind: AlertKind?
    /// Everything that they were ever told it is about, where that is more than one kind; `nil` else.
    private var kindsTold: [AlertKind]?
    /// Whether they knew of it when they were last told; `nil` for no.
    package private(set) var isToldAnew: Bool?
    /// Whether they were ever told of a death; `nil` for no.
    private var toldOfDeath: Bool?
    /// The secret that was dead when they were last told; `nil` where that is not known.
    private var toldFingerprint: Fingerprint?
    /// How many further secrets of the same token people were told are dead, too; `nil` for none.
    private var newSecretsTold: Int?
    /// Whether that is what they were told last; `nil` for no.
    package private(set) var isOfNewSecret: Bool?
    /// The notifiers by which people were told of it; `nil` where they were not, or where an older version has told them.
    package private(set) var recipients: [String]?
    /// By what else programs know it until it ends; `nil` likewise.
    package private(set) var labels: IncidentLabels?
    /// The incident of the token that was told first, where several are told as one.
    package var group: String?
    /// Whether nothing was ever known to be wrong but that nothing was known.
    package private(set) var isMereBlindness: Bool
    package var remindersSent: Int
    /// Whether those have been told who are told when nobody else has acted.
    package var hasEscalated: Bool
    /// How many times it had been so within an hour when people were told; `nil` for once.
    package internal(set) var occurrence: Int?
    /// Since when all is well, where that is not believed yet because it comes and goes.
    var calmSince: Date?
    /// How many times it has come back since people were told; `nil` for never.
    package internal(set) var relapses: Int?
    /// From when reminders and escalation count, where people were told late; `nil` for ``openedAt``.
    package private(set) var toldLateAt: Date?
    /// Who has taken it on; nobody is reminded of it then.
    package var acknowledged: Acknowledgement?

    /// The id that people and programs see: the same for all the tokens that are told as one.
    package var sharedID: String { group ?? id }

    /// - `subject`: the name of the token, or of whatever else has the incident.
    package init(subject: String, openedAt: Date, kind: AlertKind) {
        id = "\(subject)-\(openedAt.compactUTC)"
        self.openedAt = openedAt
        self.kind = kind
        isMereBlindness = kind == .blind
        remindersSent = 0
        hasEscalated = false
    }

    /// What people were last told it is about: programs know it by this until it ends.
    package var toldKind: AlertKind { told ?? kind }

    /// What else they were told it is about than what it ends as: programs may still know it by these.
    package var otherKindsTold: [AlertKind] { (kindsTold ?? []).filter { $0 != toldKind } }

    /// Whether people were ever told of a death, whatever it is about now.
    var hasBeenDeath: Bool { toldOfDeath ?? !kind.mayFlap }

    /// Beyond so many, further dead secrets of a token are no news: a program may make a new one every minute.
    private static let mostNewSecrets = 3

    /// Whether people are to be told of the death of `fingerprint`: not where they were told of it already.
    func isNewDeath(of fingerprint: Fingerprint?) -> Bool {
        kind == .invalidated && toldFingerprint != nil && fingerprint != nil && toldFingerprint != fingerprint
            && newSecretsTold ?? 0 < Incident.mostNewSecrets
    }

    /// Takes note that people are told what it is about now.
    ///
    /// - Parameters:
    ///   - fingerprint: of the secret that it is about.
    ///   - previous: what it was before; `nil` at its beginning.
    mutating func noteTold(of fingerprint: Fingerprint?, after previous: Incident?) {
        isOfNewSecret = previous?.isNewDeath(of: fingerprint) ?? false ? true : nil
        if isOfNewSecret != nil { newSecretsTold = (newSecretsTold ?? 0) + 1 }
        isToldAnew = previous == nil ? nil : true
        formerKind = previous.flatMap { $0.toldKind == kind ? nil : $0.toldKind }
        if let previous, previous.toldKind != kind {
            let known = previous.kindsTold ?? [previous.toldKind]
            kindsTold = known.contains(kind) ? known : known + [kind]
        }
        told = kind
        toldOfDeath = hasBeenDeath || !kind.mayFlap
        toldFingerprint = fingerprint
    }

    /// Notes who is told that it is there, and as whose.
    ///
    /// The labels of the first time stay: by others, programs would take its end for that of something else.
    ///
    /// - Returns: whether that is new.
    package mutating func noteRecipients(_ names: [String], knowing labels: IncidentLabels? = nil) -> Bool {
        let known = recipients ?? []
        let others = names.filter { !known.contains($0) }
        let isLabelled = labels == nil || self.labels != nil
        guard recipients == nil || !others.isEmpty || !isLabelled else { return false }
        recipients = known + others
        self.labels = self.labels ?? labels
        return true
    }

    /// The same as people hear of it who were not told of `first`, which it was in between.
    package func told(insteadOf first: Incident?) -> Incident {
        guard let first, first.id == id else { return self }
        var incident = self
        incident.isToldAnew = first.isToldAnew
        incident.formerKind = first.formerKind == toldKind ? nil : first.formerKind
        return incident
    }

    /// The same as people know it who were not told of `first`, which it was in between.
    package func known(without first: Incident?) -> Incident {
        guard let first, first.id == id, let known = first.formerKind else { return self }
        var incident = self
        incident.told = known
        return incident
    }

    /// The same under the id under which its token is told now.
    package func sharing(idOf other: Incident?) -> Incident {
        guard let other, other.id == id else { return self }
        var incident = self
        incident.group = other.group
        return incident
    }

    /// From when reminders and escalation count.
    var awaitedSince: Date { toldLateAt ?? openedAt }

    /// The same, told to people only now: nobody is reminded of what they have just heard.
    package func toldLate(at now: Date) -> Incident {
        var incident = self
        incident.toldLateAt = now
        incident.remindersSent = 0
        incident.hasEscalated = false
        return incident
    }
}

/// Whose an incident was when people were first told of it: what programs know it by, beside its id.
package struct IncidentLabels: Sendable, Hashable, Codable {
    package let provider: String
    package let owner: String?

    package init(provider: String, owner: String?) {
        self.provider = provider
        self.owner = owner
    }
}

/// How an incident ends, where its token is not well again.
package enum IncidentEnding: String, Sendable, Hashable, Codable, CaseIterable {
    /// It is no longer watched.
    case removed
    /// A warning of its expiry is over: it lives longer, or has been replaced by one that does.
    case renewed
    /// A warning of its expiry is over: it is dead.
    case outlived
}

extension Date {
    /// For ids: `20261123T100507120Z`.
    package var compactUTC: String { rfc3339.filter { !"-:.".contains($0) } }
}
