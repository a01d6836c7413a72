import FoundationEssentials
import TokenHealth
import Testing

@Suite struct `The evidence` {
    private let now = Sample.start

    private func evidence(of exchange: Exchange, rules: ProbeTemplate = Sample.probe) -> AnswerEvidence {
        AnswerEvidence(of: exchange, verdict: .rejected, rules: rules, at: now)
    }

    private func observe(_ history: inout History, _ exchange: Exchange, at seconds: Double, control: Exchange? = nil) {
        let judge = Judge(token: history.token)
        let wall = Sample.moment(seconds).wall
        let finding = judge.finding(on: exchange, control: control)
        let observation = Observation(
            finding,
            control: control.map(judge.controlResult),
            httpStatus: exchange.status,
            fingerprint: history.fingerprint,
            claims: history.claims,
            answer: AnswerEvidence(of: exchange, verdict: finding.verdict.name, rules: Sample.probe, at: wall),
            controlAnswer: control.map { AnswerEvidence(of: $0, verdict: nil, rules: Sample.probe, at: wall) },
            at: Sample.moment(seconds)
        )
        history.belief = history.belief.considering(observation, of: history.token, chance: 0).belief
    }

    @Test func `holds status, message and the headers that matter, and no others`() {
        let answer = evidence(
            of: Reply.json(
                401,
                #"{"message":"Unauthenticated."}"#,
                [
                    HeaderField("WWW-Authenticate", #"Bearer error="insufficient_user_authentication""#),
                    HeaderField("Set-Cookie", "session=abc"), HeaderField("Date", "today"),
                    HeaderField("Retry-After", "30"),
                ]
            )
        )
        #expect(answer.httpStatus == 401)
        #expect(answer.message == "Unauthenticated.")
        #expect(
            answer.headers == [
                "content-type": "application/json", "retry-after": "30",
                "www-authenticate": #"Bearer error="insufficient_user_authentication""#,
            ]
        )
    }

    @Test func `holds a header that a rule asks for, unless its name is that of a credential`() {
        var rules = Sample.probe
        rules.limited = [
            Matcher(headers: ["X-Error-Code": Sample.pattern("."), "X-Auth-Token": Sample.pattern(".")])
        ]
        let reply = Reply.text(403, "", [HeaderField("x-error-code", "7"), HeaderField("x-auth-token", "8")])
        #expect(evidence(of: reply, rules: rules).headers == ["x-error-code": "7"])
    }

    @Test(arguments: [
        ("https://a.example/login?code=1", "https://a.example/login"), ("/login#id_token=1", "/login"),
        ("https://user:word@a.example/", nil),
    ])
    func `holds of a redirect where it leads, and nothing that logs in`(location: String, kept: String?) {
        #expect(evidence(of: Reply.text(302, "", [HeaderField("Location", location)])).headers["location"] == kept)
    }

    @Test func `leaves out what looks like a credential, and every control character`() {
        let run = String(repeating: "aB3-", count: 20)
        let value = "Bearer realm=\"\(run)\"\u{1B}[2J\r\nX: y\u{202E}"
        let told = evidence(of: Reply.text(401, "", [HeaderField("WWW-Authenticate", value)])).headers[
            "www-authenticate"
        ]
        #expect(told == "Bearer realm=\"[…]\" [2J X: y")
    }

    @Test func `is short, however long a header is, and however often it comes`() {
        let headers = (1...50).map { HeaderField("Via", "1.1 proxy-\($0) " + String(repeating: "x ", count: 3000)) }
        let told = evidence(of: Reply.text(502, "", headers)).headers["via"] ?? ""
        #expect(told.hasPrefix("1.1 proxy-1 x"))
        #expect(told.count == 200)
    }

    @Test func `says why there was no answer`() {
        let failed = evidence(of: Reply.failed(.timeout))
        #expect(failed.failure == "timeout: it broke")
        #expect(failed.httpStatus == nil)
        #expect(failed.sentence == "no answer: timeout: it broke, at 2026-11-23 10:00:00 UTC")
        #expect(evidence(of: Exchange(.withheld(.empty(source: "file /x")))).failure?.contains("file /x") == true)
    }

    @Test func `counts answers alike in a row as one, and keeps the last four kinds`() {
        var history = History()
        for second in 0..<5 { observe(&history, Reply.accepted, at: Double(second)) }
        for second in 5..<8 { observe(&history, Reply.unauthenticated, at: Double(second)) }
        let answers = history.belief.answers ?? []
        #expect(answers.map(\.times) == [5, 3])
        #expect(answers.map(\.at) == [now, now.addingTimeInterval(5)])
        #expect(answers.last?.until == now.addingTimeInterval(7))
        for status in [500, 502, 503, 504] { observe(&history, Reply.text(status), at: 9) }
        #expect(history.belief.answers?.map(\.httpStatus) == [500, 502, 503, 504])
    }

    @Test func `of another secret begins anew`() {
        var history = History()
        observe(&history, Reply.unauthenticated, at: 0)
        history.fingerprint = Sample.fingerprint(2)
        history.claims = TokenClaims(expiresAt: nil, subject: "7")
        observe(&history, Reply.accepted, at: 1)
        #expect(history.belief.answers?.map(\.httpStatus) == [200])
        #expect(history.belief.claims?.subject == "7")
    }

    @Test func `alone is no reason to write to the disk`() {
        var history = History()
        observe(&history, Reply.accepted, at: 0, control: Reply.unauthenticated)
        let before = history.belief
        let judged = Judge(token: history.token).finding(on: Reply.accepted)
        let answer = evidence(of: Reply.accepted)
        let observation = Observation(judged, fingerprint: history.fingerprint, answer: answer, at: Sample.moment(60))
        let decision = before.considering(observation, of: history.token, chance: 0)
        #expect(decision.belief.answers != before.answers)
        #expect(!decision.isWorthStoring(after: before))
    }

    @Test func `survives the database, and a belief written without any is still read`() throws {
        var history = History()
        history.claims = TokenClaims(
            expiresAt: now,
            issuedAt: now,
            notBefore: now,
            subject: "1",
            audience: ["2"],
            scopes: []
        )
        observe(&history, Reply.unauthenticated, at: 0, control: Reply.unauthenticated)
        observe(&history, Reply.accepted, at: 1)
        #expect(try history.belief.reread() == history.belief)
        var document = try #require(JSONValue(parsing: Array(Wire.encoder().encode(history.belief))))
        guard case .object(var members) = document else { preconditionFailure("a belief is an object") }
        for name in ["answers", "controlAnswer", "claims"] { #expect(members.removeValue(forKey: name) != nil) }
        document = .object(members)
        let old = try Wire.decoder().decode(Belief.self, from: Wire.encoder().encode(document))
        #expect(old.answers == nil)
        #expect(old.state == history.belief.state)
    }

    @Test func `of an alert holds answers, control, claims, times, siblings and the command`() throws {
        var history = History()
        history.claims = TokenClaims(expiresAt: Sample.moment(1_000_000).wall, issuedAt: now, subject: "42")
        observe(&history, Reply.accepted, at: 0)
        for second in [60.0, 75, 90] {
            observe(&history, Reply.unauthenticated, at: second, control: Reply.unauthenticated)
        }
        let sibling = SiblingEvidence(
            name: Sample.name("b"),
            state: .invalid,
            reason: "revoked",
            since: now,
            shares: [.owner]
        )
        let evidence = Evidence(token: history.token, belief: history.belief, siblings: [sibling])
        #expect(evidence.answers.map(\.times) == [1, 3])
        #expect(evidence.answers.map(\.verdict) == [.accepted, .rejected])
        #expect(evidence.control?.httpStatus == 401)
        #expect(evidence.lastAcceptedAt == now)
        #expect(evidence.firstRejectedAt == Sample.moment(60).wall)
        #expect(evidence.siblings == [sibling])
        #expect(evidence.recipe.command?.contains("curl") == true)
        #expect(
            evidence.lines.map { "\($0.subject): \($0.text)" } == [
                #"answer: HTTP 200 (content-type: application/json), at 2026-11-23 10:00:00 UTC"#,
                #"answer: HTTP 401 "Unauthenticated." (content-type: application/json), 3 times from "#
                    + "2026-11-23 10:01:00 UTC to 2026-11-23 10:01:30 UTC",
                #"without token: HTTP 401 "Unauthenticated." (content-type: application/json), "#
                    + "at 2026-11-23 10:01:30 UTC",
                "token says: issued 2026-11-23 10:00 UTC, expires 2026-12-04 23:46 UTC, subject 42 (a hint, not proof)",
                "last accepted: 2026-11-23 10:00:00 UTC", "first rejected: 2026-11-23 10:01:00 UTC",
                "sibling: b (same owner) is invalid (revoked) since 2026-11-23 10:00:00 UTC",
            ]
        )
        #expect(try evidence.reread() == evidence)
    }

    @Test func `of an old alert is empty`() throws {
        let alert = Alert(id: "a", kind: .test, severity: .info, createdAt: now, summary: "s", host: "h")
        guard case .object(var members)? = JSONValue(parsing: Array(try Wire.encoder().encode(alert))) else {
            preconditionFailure("an alert is an object")
        }
        #expect(members.removeValue(forKey: "evidence") == .array([]))
        let old = try Wire.decoder().decode(Alert.self, from: Wire.encoder().encode(JSONValue.object(members)))
        #expect(old == alert || old.evidence == [])
        #expect(old.evidence == [])
    }
}

@Suite struct `The siblings of a token` {
    private func token(_ name: String, owner: String?, host: String = "a.test", provider: String = "example")
        -> WatchedToken
    {
        var description = Sample.provider()
        description.name = provider
        return WatchedToken(
            name: Sample.name(name),
            provider: description,
            secret: .credential(name: name),
            baseURL: "https://\(host)/api",
            owner: owner
        )
    }

    private func report(_ token: WatchedToken) -> TokenReport {
        TokenReport(token: token, belief: Belief(at: Sample.start), uptime: Uptime(), nextProbeAt: nil)
    }

    @Test func `share its owner, its host or its provider, the closest first`() {
        let one = token("one", owner: "bot")
        let others = [
            token("stranger", owner: "bot", host: "b.test", provider: "other"),
            token("far", owner: nil, host: "b.test"),
            token("near", owner: "bot"), token("host", owner: nil, host: "A.test", provider: "other"), one,
        ]
        let found = one.siblings(among: others) { name in others.first { $0.name == name }.map(report) }
        #expect(found.map(\.name.text) == ["near", "far", "host"])
        #expect(found.map(\.shares) == [[.owner, .host, .provider], [.provider], [.host]])
    }

    @Test func `are left out when nothing is known of them, and are at most ten`() {
        let many = (0..<30).map { token("t\($0)", owner: "bot") }
        #expect(many[0].siblings(among: many) { _ in nil } == [])
        #expect(many[0].siblings(among: many) { _ in report(many[1]) }.count == SiblingEvidence.limit)
    }
}
