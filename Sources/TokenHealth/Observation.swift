package import FoundationEssentials

/// One finding with everything known when it was made.
package struct Observation: Sendable, Hashable {
    package var finding: Finding
    /// What the same request without the token gave, where it was asked.
    package var control: ControlResult?
    package var httpStatus: Int?
    package var latency: Duration?
    package var fingerprint: Fingerprint?
    package var claims: TokenClaims?
    /// What came back, for the reasoning that goes with an alert.
    package var answer: AnswerEvidence?
    package var controlAnswer: AnswerEvidence?
    /// What the refusal of the request without the token looked like.
    package var controlShape: AnswerShape?
    /// What the answer looked like.
    package var answerShape: AnswerShape?
    /// What an accepted answer told besides the identity.
    package var facts: StatedFacts
    /// What a page of the memberships said, where one was read.
    package var membership: MembershipReading?
    package var at: Moment

    package init(
        _ finding: Finding,
        control: ControlResult? = nil,
        httpStatus: Int? = nil,
        latency: Duration? = nil,
        fingerprint: Fingerprint? = nil,
        claims: TokenClaims? = nil,
        answer: AnswerEvidence? = nil,
        controlAnswer: AnswerEvidence? = nil,
        facts: StatedFacts = StatedFacts(),
        membership: MembershipReading? = nil,
        at: Moment
    ) {
        self.finding = finding
        self.control = control
        self.httpStatus = httpStatus
        self.latency = latency
        self.fingerprint = fingerprint
        self.claims = claims
        self.answer = answer
        self.controlAnswer = controlAnswer
        self.facts = facts
        self.membership = membership
        self.at = at
    }
}

/// A change of belief.
package struct Transition: Sendable, Hashable, Codable {
    package let at: Date
    package let from: StateName
    package let to: StateName
    package let reason: String?
    /// The evidence, in one sentence.
    package let explanation: String
    package let fingerprint: Fingerprint?

    package init(
        at: Date,
        from: StateName,
        to: StateName,
        reason: String?,
        explanation: String,
        fingerprint: Fingerprint?
    ) {
        self.at = at
        self.from = from
        self.to = to
        self.reason = reason
        self.explanation = explanation
        self.fingerprint = fingerprint
    }

    private enum CodingKeys: CodingKey { case at, from, to, reason, explanation, fingerprint }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(at, forKey: .at)
        try container.encode(from, forKey: .from)
        try container.encode(to, forKey: .to)
        try container.encode(reason, forKey: .reason)
        try container.encode(explanation, forKey: .explanation)
        try container.encode(fingerprint, forKey: .fingerprint)
    }
}

/// Something to tell, before it is put into words.
package struct Notice: Sendable, Hashable, Codable {
    package let kind: AlertKind
    /// The incident it belongs to, also when it has just ended.
    package let incident: Incident?
    /// Whether it goes to those who are told when nobody else has acted.
    package let isEscalation: Bool
    /// At the end of an incident: how many incidents, this one included, were over before anybody was told of them.
    package var untold = 0
    /// Whether it has waited for the end of a silence.
    package var isLate = false
    /// How the incident ends; `nil` where all is well again, or nothing ends.
    package let ending: IncidentEnding?

    package init(_ kind: AlertKind, incident: Incident?, isEscalation: Bool = false, ending: IncidentEnding? = nil) {
        self.kind = kind
        self.ending = ending
        self.incident = incident
        self.isEscalation = isEscalation
    }

    /// Whether it warns of an expiry: that has an id of its own, beside that of an incident.
    package var warnsOfExpiry: Bool { kind == .expiring && ending == nil }

    /// Whether it says that something is over.
    package var endsIncident: Bool { kind.endsIncident || ending != nil }

    /// Whether it is the end, for its token, of the incident that people know by `id`.
    package func ends(_ id: String) -> Bool { endsIncident && untold == 0 && incident?.sharedID == id }

    /// The same notice about the incident as it has become.
    package func about(_ incident: Incident?) -> Notice {
        var notice = Notice(kind, incident: incident, isEscalation: isEscalation, ending: ending)
        notice.untold = untold
        notice.isLate = isLate
        return notice
    }
}

/// What follows from one look at a token.
package struct Decision: Sendable, Hashable {
    package let belief: Belief
    package let transition: Transition?
    package let notices: [Notice]
    /// Until the next look at the secret.
    package let pause: Duration
    /// Until the next use of the network, unless the secret changes.
    package let rest: Duration

    /// Whether anything but times has changed, so that it must be stored now.
    package func isWorthStoring(after previous: Belief) -> Bool {
        if transition != nil || !notices.isEmpty { return true }
        var settled = belief
        settled.lastProbe = previous.lastProbe
        settled.lastAcceptedAt = previous.lastAcceptedAt
        settled.repetitions = previous.repetitions
        settled.answers = previous.answers
        settled.controlAnswer = previous.controlAnswer
        if previous.state.isLike(belief.state) { settled.state = previous.state }
        return settled != previous
    }
}
