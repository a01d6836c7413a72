import TokenHealth
import Testing

struct IdentityTests {
    private static let owner = Identity(id: "12345", name: "api-bot@example.test")

    private func verdict(_ exchange: Exchange, expecting: String? = nil, known: Identity? = nil) -> Verdict {
        Judge(token: Sample.token(expecting: expecting), knownIdentity: known).finding(on: exchange).verdict
    }

    @Test(arguments: ["someone@example.test", "12346", "1234", "", "Bot"])
    func `another identity than the configured one is a rejection`(expected: String) {
        #expect(verdict(Reply.accepted, expecting: expected) == .rejected(.wrongIdentity(IdentityTests.owner)))
    }

    @Test func `another identity than the first one seen is a rejection`() {
        let known = Identity(id: "1", name: "api-bot@example.test")
        #expect(verdict(Reply.accepted, known: known) == .rejected(.wrongIdentity(IdentityTests.owner)))
    }

    @Test(arguments: ["12345", "api-bot@example.test", "API-Bot@Example.Test"])
    func `the configured identity is an id or a name in any case`(expected: String) {
        #expect(verdict(Reply.accepted, expecting: expected) == .acceptedOwner)
    }

    @Test func `the configuration outweighs the first sight`() {
        let known = Identity(id: "1", name: nil)
        #expect(verdict(Reply.accepted, expecting: "12345", known: known) == .acceptedOwner)
    }

    @Test(arguments: [
        ("9007199254740993", "9007199254740992"), ("18446744073709551617", "18446744073709551616"),
        ("123456789012345678901234567890", "123456789012345678901234567891"),
    ]) func `ids with more digits than a Double has are told apart`(id: String, other: String) {
        let answer = Reply.json(200, "{\"data\":{\"id\":\(id)}}")
        #expect(verdict(answer, known: Identity(id: id, name: nil)) == .accepted(Identity(id: id, name: nil)))
        #expect(
            verdict(answer, known: Identity(id: other, name: nil))
                == .rejected(.wrongIdentity(Identity(id: id, name: nil)))
        )
    }

    @Test func `a new name under the same id is the same identity`() {
        #expect(verdict(Reply.accepted, known: Identity(id: "12345", name: "old@example.test")) == .acceptedOwner)
    }

    @Test(arguments: [#"{"data":{"id":""}}"#, #"{"data":{"id":{}}}"#, #"{"data":{"id":[12345]}}"#])
    func `an answer without an identity proves nothing`(body: String) {
        #expect(verdict(Reply.json(200, body), expecting: "12345") == .indeterminate(.unexpected))
        #expect(verdict(Reply.json(200, body)) == .indeterminate(.unexpected))
    }

    @Test(arguments: [("12345", "12345"), (#""12345""#, "12345"), ("true", "true"), ("1.5", "1.5"), ("-7", "-7")])
    func `an id is compared as text, whatever its JSON type`(json: String, id: String) {
        #expect(verdict(Reply.json(200, "{\"data\":{\"id\":\(json)}}")) == .accepted(Identity(id: id, name: nil)))
    }

    @Test func `a name of control characters cannot break a line`() {
        let body = #"{"data":{"id":"1\r\n2","email":"a\r\nBcc: everyone\u0000\u001b[2J\u2028b"}}"#
        let finding = Judge(token: Sample.token()).finding(on: Reply.json(200, body))
        #expect(finding.verdict == .accepted(Identity(id: "12", name: "aBcc: everyone[2Jb")))
        #expect(finding.observation.allSatisfy { !$0.isNewline })
    }

    @Test func `an endless name is cut`() {
        let long = String(repeating: "a", count: 10_000)
        let verdict = verdict(Reply.json(200, "{\"data\":{\"id\":\"\(long)\",\"email\":\"\(long)\"}}"))
        guard case .accepted(let identity?) = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(identity.id.count == 200 && identity.name?.count == 200)
    }
}

struct ControlTests {
    private let judge = Judge(token: Sample.token())

    @Test(arguments: [
        (Reply.failed(.dns), ControlResult.unreachable), (Reply.failed(.timeout), .unreachable),
        (Reply.text(408), .unreachable),
        (Reply.text(425), .unreachable), (Reply.text(429), .unreachable), (Reply.text(500), .unreachable),
        (Reply.html(503), .unreachable), (Reply.text(599), .unreachable), (Reply.unauthenticated, .refused),
        (Reply.text(403), .refused), (Reply.html(401), .refused), (Reply.accepted, .open), (Reply.html(200), .other),
        (Reply.json(200, "{}"), .other), (Reply.text(302), .other), (Reply.text(404), .other),
        (Reply.text(418), .other),
        (Exchange(.withheld(.empty(source: ""))), .unreachable),
    ])
    func `the request without the token is refused, open, unreachable or something else`(
        exchange: Exchange,
        expected: ControlResult
    ) {
        #expect(judge.controlResult(of: exchange) == expected)
    }

    @Test func `an answer 200 that the provider lists as a rejection is a refusal`() {
        let ok = Sample.pointer("/ok")
        let probe = ProbeTemplate(
            path: "/auth.test",
            accepted: [Matcher(status: .exactly(200))],
            rejected: [Matcher(status: .exactly(200), json: [ok: .equals(.bool(false))])]
        )
        let judge = Judge(token: Sample.token(Sample.provider(probe)))
        #expect(judge.controlResult(of: Reply.json(200, #"{"ok":false}"#)) == .refused)
        #expect(judge.controlResult(of: Reply.json(200, #"{"ok":true}"#)) == .open)
    }

    @Test(arguments: [
        (Reply.json(403, #"{"message":"You cannot perform this action."}"#), true), (Reply.json(403, "{}"), true),
        (Reply.text(403), false), (Reply.html(403), false),
        (Reply.json(403, "{}", [HeaderField("Retry-After", "1")]), false),
        (Reply.unauthenticated, false), (Reply.accepted, false), (Reply.failed(.dns), false),
    ])
    func `the control decides only what a 403 leaves open`(exchange: Exchange, isNeeded: Bool) {
        #expect(judge.needsControl(for: exchange) == isNeeded)
    }

    @Test func `it is asked until the endpoint is known to check tokens`() {
        var history = History()
        let finding = Finding(.acceptedOwner, "")
        #expect(history.wantsControl(beside: finding, at: 0))
        history.observe(.acceptedOwner, at: 0, control: .unreachable)
        #expect(history.wantsControl(beside: finding, at: 60))
        history.observe(.acceptedOwner, at: 60, control: .refused)
        #expect(!history.wantsControl(beside: finding, at: 120))
    }

    @Test func `it is asked when a suspicion begins and when it is about to be confirmed, and not of the dead`() {
        var history = History()
        let finding = Finding(.rejected(.credential), "")
        func isWanted(at seconds: Double) -> Bool {
            history.wantsControl(beside: finding, at: seconds)
        }
        #expect(isWanted(at: 0))
        history.observe(finding, at: 0, control: .refused)
        #expect(!isWanted(at: 15))
        history.observe(finding, at: 15)
        #expect(!isWanted(at: 29))
        #expect(isWanted(at: 30))
        history.observe(finding, at: 30, control: .refused)
        #expect(history.belief.state == .invalid(.rejected))
        #expect(!isWanted(at: 90))
    }

    @Test(arguments: [
        Verdict.limited(.plan), .indeterminate(.dns), .misconfigured(.endpoint),
        .rejected(.wrongIdentity(Identity(id: "1", name: nil))),
    ])
    func `it is not asked where it could say nothing`(verdict: Verdict) {
        #expect(!History().wantsControl(beside: Finding(verdict, ""), at: 0))
    }
}
