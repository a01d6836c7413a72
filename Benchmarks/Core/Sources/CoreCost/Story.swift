import FoundationEssentials
import TokenHealth

/// One token at Tallyfy, and what the core does with each answer: from the bytes that came to the next schedule.
struct Story {
    private let token: WatchedToken
    private var belief: Belief
    private var now = Moment(wall: Date(timeIntervalSince1970: 1_795_428_000), uptime: .zero)
    private(set) var pause = Duration.zero
    /// How many answers were known.
    private(set) var known = 0
    private var mark: AnswerMark?

    init(token: WatchedToken) {
        self.token = token
        belief = Belief(at: now.wall)
    }

    var state: TokenState { belief.state }

    /// A look that is answered so; `isControlled`: the request without the token is asked as well, and refused.
    mutating func look(_ status: Int, _ body: [UInt8], isControlled: Bool = false) {
        now = Moment(wall: now.wall.addingTimeInterval(30), uptime: now.uptime + .seconds(30))
        guard let secret = try? SecretLint.secret(in: Story.file[...], source: "file /x") else {
            preconditionFailure("the secret is one")
        }
        let exchange = answered(status, body, to: secret)
        let control = isControlled ? answered(401, Story.refusal, to: nil) : nil
        let judge = Judge(token: token, knownIdentity: belief.identity)
        let finding = judge.finding(on: exchange, control: control)
        _ = belief.controlDemand(beside: exchange, finding, token: token, at: now)
        var observation = Observation(
            finding,
            control: control.map { judge.controlResult(of: $0) },
            httpStatus: exchange.status,
            latency: exchange.latency,
            fingerprint: Fingerprint(text: "k1:9f2c41d0a7be"),
            claims: belief.fingerprint == nil ? TokenClaims(of: secret) : nil,
            answer: AnswerEvidence(of: exchange, verdict: finding.verdict.name, rules: token.probe, at: now.wall),
            controlAnswer: control.map { AnswerEvidence(of: $0, verdict: nil, rules: token.probe, at: now.wall) },
            at: now
        )
        if finding.verdict.name == .accepted { observation.facts = token.probe.facts(in: exchange, at: now.wall) }
        let decision = belief.considering(observation, of: token, chance: 0.5)
        _ = decision.isWorthStoring(after: belief)
        belief = decision.belief
        pause = min(decision.pause, decision.rest)
    }

    /// A look whose answer need not be read if it is the one before.
    mutating func lookAgain(_ status: Int, _ body: [UInt8]) {
        // Once an hour the request without the token is asked again, and then the answer is read.
        now = Moment(wall: now.wall.addingTimeInterval(0.1), uptime: now.uptime + .milliseconds(100))
        guard (try? SecretLint.secret(in: Story.file[...], source: "file /x")) != nil else {
            preconditionFailure("the secret is one")
        }
        let seen = body.withUnsafeBytes { bytes in
            AnswerMark(status: status, under: token.probe, body: bytes) { name in
                Story.headers.filter { $0.0 == name }.map { $0.1 }
            }
        }
        let expected = mark ?? seen
        mark = seen
        guard seen == expected, belief.isSettled(for: token, at: now) else { return look(status, body) }
        belief.note(Reaffirmation(status: status, latency: .milliseconds(12), at: now))
        pause = token.calm(chance: 0.5).pause
        known += 1
    }

    /// The belief as the database keeps it.
    var storedBelief: String { (try? Wire.stored(belief)) ?? "" }

    /// How many bytes so many lines of the status file take, put together and written `portion` at a time.
    func writtenLines(_ count: Int, portion: Int) -> Int {
        let monitor = MonitorReport(
            version: "0",
            pid: 1,
            host: "host",
            startedAt: now.wall,
            healthy: true,
            problems: []
        )
        var text = StatusText(
            StatusHead(generatedAt: now.wall, validUntil: now.wall, monitor: monitor, notifiers: [:])
        )
        let intervals = [
            ValidityInterval(start: now.wall.addingTimeInterval(-86_400), end: now.wall, state: .valid, reason: nil)
        ]
        var length = 0
        for _ in 0..<(count / portion) {
            let lines = (0..<portion).map { _ in
                let uptime = Uptime(of: intervals, at: now.wall)
                let report = TokenReport(token: token, belief: belief, uptime: uptime, nextProbeAt: now.wall)
                return (name: token.name, report: report)
            }
            length += text.tokens(lines[...]).count
        }
        return length
    }

    private func answered(_ status: Int, _ body: [UInt8], to secret: Secret?) -> Exchange {
        let headers = Story.headers.map { HeaderField($0.0, $0.1) } + [HeaderField("content-length", "\(body.count)")]
        let answer = Answer(status: status, headers: headers, body: body)
        let sent = secret?.sentForms(in: token.question) ?? []
        return Exchange(.answered(sent.reduce(answer) { $0.striking($1) }), latency: .milliseconds(12))
    }

    private static let file = Array("token-number-00000001\n".utf8)
    private static let headers = [
        ("server", "nginx/1.22.1"), ("date", "Fri, 27 Nov 2026 10:00:00 GMT"), ("content-type", "application/json"),
    ]
    static let acceptance = Array(
        """
        {"data":{"id":12345,"email":"svc@example.test","username":"svc","full_name":"Svc Account","timezone":"UTC",\
        "locale":"en","active":true,"is_suspended":false,"status":"active","role":"standard",\
        "last_login_at":"2026-01-01T00:00:00.000Z","created_at":"2025-01-01T00:00:00.000Z"}}
        """.utf8
    )
    static let refusal = Array(#"{"message":"Unauthenticated."}"#.utf8)
}
