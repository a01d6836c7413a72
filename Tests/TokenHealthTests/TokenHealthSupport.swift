import FoundationEssentials
import TokenHealth

/// Values that the tests of the core begin with.
enum Sample {
    /// A whole number of milliseconds: the resolution of everything that is written.
    static let start = Date(timeIntervalSince1970: 1_795_428_000)

    static func name(_ text: String = "hr-onboarding") -> TokenName {
        guard let name = TokenName(text) else { preconditionFailure("\(text) is no token name") }
        return name
    }

    static func pointer(_ text: String) -> JSONPointer {
        guard let pointer = JSONPointer(text) else { preconditionFailure("\(text) is no pointer") }
        return pointer
    }

    static func pattern(_ text: String) -> TextPattern {
        guard let pattern = TextPattern(text) else { preconditionFailure("\(text) is no pattern") }
        return pattern
    }

    /// Asks for the owner of the token, and knows a token of half a year.
    static let probe = ProbeTemplate(
        path: "/me",
        headers: [HeaderField("Accept", "application/json"), HeaderField("X-Client", "APIClient")],
        requiredHeaders: ["X-Client"],
        accepted: [Matcher(status: .exactly(200), json: [pointer("/data/id"): .present])],
        rejected: [
            Matcher(status: .exactly(401)),
            Matcher(status: .exactly(403), body: pattern("(?i)token is invalid")),
            Matcher(status: .exactly(403), body: pattern("^$")),
        ],
        unrelated: [
            Matcher(status: .exactly(401), json: [pointer("/message"): .equals(.string("unauthorized action"))])
        ],
        identity: IdentityPointers(id: pointer("/data/id"), name: pointer("/data/email"))
    )

    static func provider(_ probe: ProbeTemplate = Sample.probe, lifetime: Duration? = nil) -> Provider {
        Provider(
            name: "example",
            baseURL: "https://api.example.test",
            probe: probe,
            lifetime: lifetime,
            remedy: Remedy(
                url: "https://app.example.test/tokens",
                steps: ["Log in again", "Copy the new token"],
                causes: ["its owner logged out"]
            )
        )
    }

    static func token(
        _ provider: Provider = Sample.provider(),
        expecting identity: String? = nil,
        interval: Duration = .seconds(60),
        confirmation: Confirmation = Confirmation()
    ) -> WatchedToken {
        WatchedToken(
            name: name(),
            provider: provider,
            secret: .file(path: "/etc/tokenvigil/secrets/hr-onboarding"),
            owner: "api-bot@example.test",
            expectedIdentity: identity,
            interval: interval,
            confirmation: confirmation,
            notify: ["oncall"]
        )
    }

    static func secret(_ text: String) -> Secret {
        do {
            return try SecretLint.secret(in: Array(text.utf8), source: "a test")
        } catch {
            preconditionFailure("\(text) is no secret: \(error)")
        }
    }

    static func fingerprint(_ number: Int = 1) -> Fingerprint { Fingerprint(text: "k1:\(number)") }

    static func moment(_ seconds: Double) -> Moment {
        Moment(wall: start.addingTimeInterval(seconds), uptime: .milliseconds(Int64(seconds * 1000)))
    }
}

/// Answers as servers give them.
enum Reply {
    static let accepted = json(200, #"{"data":{"id":12345,"email":"api-bot@example.test"}}"#)
    static let unauthenticated = json(401, #"{"message":"Unauthenticated."}"#)
    static let loginPage = "<!DOCTYPE html>\n<html><head><title>Log in</title></head><body>Log in</body></html>"

    static func json(_ status: Int, _ body: String, _ headers: [HeaderField] = []) -> Exchange {
        text(status, body, [HeaderField("Content-Type", "application/json")] + headers)
    }

    static func html(_ status: Int, _ headers: [HeaderField] = []) -> Exchange {
        text(status, loginPage, [HeaderField("Content-Type", "text/html; charset=UTF-8")] + headers)
    }

    static func text(_ status: Int, _ body: String = "", _ headers: [HeaderField] = [], isCut: Bool = false) -> Exchange
    {
        Exchange(.answered(Answer(status: status, headers: headers, body: Array(body.utf8), isCut: isCut)))
    }

    static func failed(_ kind: TransportFailure.Kind) -> Exchange {
        Exchange(.failed(TransportFailure(kind, "it broke")))
    }
}

extension Verdict {
    /// An acceptance of the sample's owner.
    static let acceptedOwner = Verdict.accepted(Identity(id: "12345", name: "api-bot@example.test"))
}

/// A token with its belief: what is observed goes in, what follows comes out.
struct History {
    var token: WatchedToken
    var belief: Belief
    /// Everything decided so far.
    private(set) var decisions: [Decision] = []
    var fingerprint: Fingerprint? = Sample.fingerprint()
    var claims: TokenClaims?
    /// The monotonic clock of a new process has another origin.
    var uptimeOffset = Duration.zero

    init(_ token: WatchedToken = Sample.token()) {
        self.token = token
        belief = Belief(at: Sample.start)
    }

    /// All notices so far.
    var told: [AlertKind] { decisions.flatMap(\.notices).map(\.kind) }

    @discardableResult
    mutating func observe(
        _ verdict: Verdict,
        at seconds: Double,
        control: ControlResult? = nil,
        facts: StatedFacts = StatedFacts()
    ) -> Decision {
        observe(Finding(verdict, "HTTP 999"), at: seconds, control: control, facts: facts)
    }

    @discardableResult
    mutating func observe(
        _ finding: Finding,
        at seconds: Double,
        control: ControlResult? = nil,
        facts: StatedFacts = StatedFacts(),
        membership: MembershipReading? = nil
    ) -> Decision {
        let moment = Sample.moment(seconds)
        let observation = Observation(
            finding,
            control: control,
            httpStatus: 999,
            latency: .milliseconds(84),
            fingerprint: fingerprint,
            claims: claims,
            controlAnswer: control.map { $0.evidence(at: moment.wall) },
            facts: facts,
            membership: membership,
            at: Moment(wall: moment.wall, uptime: moment.uptime + uptimeOffset)
        )
        let decision = belief.considering(observation, of: token, chance: 0)
        return take(decision)
    }

    /// Whether a control is wanted beside this finding.
    func wantsControl(beside finding: Finding, at seconds: Double) -> Bool {
        let exchange = Reply.text(finding.verdict.name == .accepted ? 200 : 401)
        return belief.controlDemand(beside: exchange, finding, token: token, at: Sample.moment(seconds)) != nil
    }

    /// Lets time pass while the network is left alone.
    @discardableResult
    mutating func age(to seconds: Double) -> Decision {
        take(belief.ageing(at: Sample.moment(seconds), of: token, chance: 0))
    }

    private mutating func take(_ decision: Decision) -> Decision {
        belief = decision.belief
        decisions.append(decision)
        return decision
    }

    /// Writes the belief and reads it again in a new process, whose monotonic clock begins elsewhere.
    mutating func restart() throws {
        belief = try belief.reread()
        uptimeOffset += .seconds(1_000_000)
    }

    /// The alert that tells a notice.
    func alert(telling notice: Notice?) -> Alert? {
        guard let notice else { return nil }
        let report = TokenReport(token: token, belief: belief, uptime: Uptime(), nextProbeAt: nil)
        let subject = AlertComposer.Subject(
            token: token,
            belief: belief,
            report: report,
            notice: notice,
            noticedAt: Sample.start
        )
        return AlertComposer(host: "srv1").alert(telling: [subject], openTokens: 0, at: Sample.start)
    }

    /// Three rejections over 30 seconds.
    mutating func die(at seconds: Double = 0, _ rejection: Rejection = .credential) {
        for moment in [seconds, seconds + 15, seconds + 30] { observe(.rejected(rejection), at: moment) }
    }
}

extension ControlResult {
    /// An answer that has this result.
    func evidence(at now: Date) -> AnswerEvidence {
        let exchange =
            switch self {
            case .refused: Reply.unauthenticated
            case .open: Reply.accepted
            case .unreachable: Reply.failed(.timeout)
            case .other: Reply.text(404)
            }
        return AnswerEvidence(of: exchange, verdict: nil, rules: Sample.probe, at: now)
    }
}

extension [Notice] {
    var kinds: [AlertKind] { map(\.kind) }
}
