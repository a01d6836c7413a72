import FoundationEssentials
import TokenHealth
import Testing

struct ProviderRuleTests {
    private func verdict(_ probe: ProbeTemplate, on exchange: Exchange, control: Exchange? = nil) -> Verdict {
        Judge(token: Sample.token(Sample.provider(probe))).finding(on: exchange, control: control).verdict
    }

    /// A provider that takes every answer for a death.
    private let trigger = ProbeTemplate(
        path: "/me",
        rejected: [Matcher(status: StatusPattern(codes: Set(100...599))), Matcher()]
    )

    @Test(arguments: [301, 302, 407, 408, 425, 429, 500, 502, 503, 511, 522, 599])
    func `a redirect, a proxy, a limit or trouble is seen before any rule`(status: Int) {
        #expect(verdict(trigger, on: Reply.json(status, "{}")).name == .indeterminate)
    }

    @Test(arguments: [200, 400, 401, 402, 403, 404, 405, 410, 418, 422])
    func `a page, a compressed or a cut body is seen before any rule`(status: Int) {
        let gzip = [HeaderField("Content-Encoding", "gzip")]
        for exchange in [Reply.html(status), Reply.text(status, "x", gzip), Reply.text(status, "x", isCut: true)] {
            #expect(verdict(trigger, on: exchange).name != .rejected)
        }
    }

    @Test(arguments: [("Retry-After", "1"), ("X-RateLimit-Remaining", "0"), ("RateLimit-Remaining", "0")])
    func `the signs of a rate limit are seen before the rules for 403`(header: String, value: String) {
        #expect(
            verdict(trigger, on: Reply.json(403, "{}", [HeaderField(header, value)])) == .indeterminate(.rateLimited)
        )
    }

    @Test(arguments: [200, 400, 401, 402, 403, 404, 418])
    func `what is about something else is seen before a rejection`(status: Int) {
        var probe = trigger
        probe.unrelated = [Matcher(json: [Sample.pointer("/message"): .equals(.string("saml is off"))])]
        #expect(verdict(probe, on: Reply.json(status, #"{"message":"saml is off"}"#)) == .indeterminate(.unexpected))
        #expect(verdict(probe, on: Reply.json(status, #"{"message":"other"}"#)) == .rejected(.credential))
    }

    @Test func `a limitation is seen before a rejection`() {
        var probe = trigger
        probe.limited = [
            Matcher(status: .exactly(403), json: [Sample.pointer("/errcode"): .equals(.string("M_FORBIDDEN"))])
        ]
        #expect(verdict(probe, on: Reply.json(403, #"{"errcode":"M_FORBIDDEN"}"#)) == .limited(.forbidden))
    }

    @Test func `a death in an answer 200 is believed where the provider lists it`() {
        let probe = ProbeTemplate(
            path: "/auth.test",
            accepted: [Matcher(status: .success)],
            rejected: [Matcher(status: .exactly(200), json: [Sample.pointer("/ok"): .equals(.bool(false))])]
        )
        #expect(verdict(probe, on: Reply.json(200, #"{"ok":false,"error":"token_revoked"}"#)) == .rejected(.credential))
        #expect(verdict(probe, on: Reply.json(200, #"{"ok":true}"#)) == .accepted(nil))
    }

    @Test func `a 401 that no rule lists is not a death`() {
        var probe = Sample.probe
        probe.rejected = [
            Matcher(status: .exactly(401), json: [Sample.pointer("/errcode"): .equals(.string("M_UNKNOWN_TOKEN"))])
        ]
        #expect(verdict(probe, on: Reply.unauthenticated) == .indeterminate(.unexpected))
        #expect(verdict(probe, on: Reply.json(401, #"{"errcode":"M_UNKNOWN_TOKEN"}"#)) == .rejected(.credential))
    }

    @Test(arguments: [402, 404, 410, 418])
    func `a provider may say what other statuses mean`(status: Int) {
        #expect(verdict(trigger, on: Reply.json(status, "{}")) == .rejected(.credential))
    }

    @Test func `a 401 to a request that lacks a required header is our own mistake`() {
        for headers in [[], [HeaderField("x-client", "")]] {
            var probe = Sample.probe
            probe.headers = headers
            #expect(verdict(probe, on: Reply.unauthenticated) == .misconfigured(.missingHeader("X-Client")))
            #expect(verdict(probe, on: Reply.html(401)) == .misconfigured(.missingHeader("X-Client")))
            #expect(verdict(probe, on: Reply.accepted) == .acceptedOwner)
        }
    }

    @Test(arguments: [404, 405, 410])
    func `an edge that answers 404 for want of a header is our own mistake as well`(status: Int) {
        var probe = Sample.probe
        probe.headers = []
        let edge = Reply.json(status, #"{"message":"Not found. Error Code: apsh546."}"#)
        #expect(verdict(probe, on: edge) == .misconfigured(.missingHeader("X-Client")))
        #expect(verdict(Sample.probe, on: edge) == .misconfigured(.endpoint))
    }

    @Test func `a rule may say why a token is rejected`() {
        var probe = Sample.probe
        let expired = Matcher(json: [Sample.pointer("/soft"): .equals(.bool(true))], meaning: .rejection(.expired))
        probe.rejected = [expired, Matcher(status: .exactly(401))]
        func finding(_ exchange: Exchange) -> Finding {
            Judge(token: Sample.token(Sample.provider(probe))).finding(on: exchange)
        }
        #expect(finding(Reply.json(401, #"{"soft":true}"#)).verdict == .rejected(.credential))
        #expect(finding(Reply.json(401, #"{"soft":true}"#)).statedReason == .expired)
        #expect(finding(Reply.json(401, #"{"soft":false}"#)).statedReason == nil)
        #expect(finding(Reply.json(418, "{}")).statedReason == nil)
    }

    @Test func `what the provider says of the reason outweighs what a token says of itself`() {
        var history = History()
        history.claims = TokenClaims(expiresAt: Sample.start.addingTimeInterval(1_000_000))
        for moment in [0.0, 15, 30] {
            history.observe(Finding(.rejected(.credential), "HTTP 401", statedReason: .expired), at: moment)
        }
        #expect(history.belief.state == .invalid(.expired))
    }

    @Test func `a rule may say what limits a token`() {
        var probe = Sample.probe
        probe.limited = [
            Matcher(json: [Sample.pointer("/errcode"): .equals(.string("LOCKED"))], meaning: .limitation(.locked)),
            Matcher(status: .exactly(401), json: [Sample.pointer("/errcode"): .equals(.string("OTHER"))]),
        ]
        #expect(verdict(probe, on: Reply.json(401, #"{"errcode":"LOCKED"}"#)) == .limited(.locked))
        #expect(verdict(probe, on: Reply.json(401, #"{"errcode":"OTHER"}"#)) == .limited(.forbidden))
        #expect(verdict(probe, on: Reply.json(401, #"{"errcode":"DEAD"}"#)) == .rejected(.credential))
    }

    @Test(arguments: [401, 403])
    func `where another credential asks, a refusal is about that one`(status: Int) {
        var provider = Sample.provider(ProbeTemplate(path: "", body: .form([HeaderField("token", "{token}")])))
        provider.authorization.value = "Basic {asker:base64}"
        provider.probe.rejected = [Matcher(status: .exactly(401, 403)), Matcher(status: .exactly(200))]
        let judge = Judge(token: Sample.token(provider))
        let challenges = [#"Basic realm="x""#, #"Bearer error="insufficient_scope""#].map {
            HeaderField("WWW-Authenticate", $0)
        }
        for answer in [Reply.json(status, "{}"), Reply.text(status)] + challenges.map({ Reply.text(status, "", [$0]) })
        {
            #expect(judge.finding(on: answer).verdict == .misconfigured(.asker))
        }
        #expect(judge.finding(on: Reply.html(status)).verdict == .indeterminate(.blocked))
        #expect(judge.finding(on: Reply.json(200, "{}")).verdict == .rejected(.credential))
    }

    @Test func `a header is required whatever its case`() {
        var probe = Sample.probe
        probe.headers = [HeaderField("x-CLIENT", "APIClient")]
        #expect(probe.missingRequiredHeader == nil)
    }
}

struct MatcherTests {
    private func isAccepted(_ matcher: Matcher, _ exchange: Exchange) -> Bool {
        let probe = ProbeTemplate(path: "/", accepted: [matcher], rejected: [])
        return Judge(token: Sample.token(Sample.provider(probe))).finding(on: exchange).verdict == .accepted(nil)
    }

    @Test func `all the parts that are given must hold`() {
        let matcher = Matcher(
            status: .exactly(200, 203),
            headers: ["X-Kind": Sample.pattern("^api")],
            body: Sample.pattern("ok"),
            json: [Sample.pointer("/state"): .equals(.string("ok")), Sample.pointer("/id"): .present]
        )
        let good = #"{"state":"ok","id":1}"#
        #expect(isAccepted(matcher, Reply.json(203, good, [HeaderField("x-kind", "api-2")])))
        #expect(!isAccepted(matcher, Reply.json(201, good, [HeaderField("x-kind", "api-2")])))
        #expect(!isAccepted(matcher, Reply.json(200, good, [HeaderField("x-kind", "web")])))
        #expect(!isAccepted(matcher, Reply.json(200, good)))
        #expect(
            !isAccepted(matcher, Reply.json(200, #"{"state":"no","id":1,"x":"ok"}"#, [HeaderField("x-kind", "api")]))
        )
        #expect(!isAccepted(matcher, Reply.json(200, #"{"state":"ok","id":null}"#, [HeaderField("x-kind", "api")])))
    }

    @Test(arguments: [
        (JSONValue.number(1), "1"), (.number(1.5), "1.5"), (.bool(true), "true"), (.string("1"), #""1""#),
        (.null, "null"),
    ])
    func `a literal is equal only to its own type`(expected: JSONValue, text: String) {
        let matcher = Matcher(json: [Sample.pointer("/v"): .equals(expected)])
        #expect(isAccepted(matcher, Reply.json(200, "{\"v\":\(text)}")))
        for other in ["1", "1.5", "true", #""1""#, "null", "[1]", "{}"] where other != text {
            #expect(!isAccepted(matcher, Reply.json(200, "{\"v\":\(other)}")), "\(other) is not \(text)")
        }
    }

    @Test func `a pattern that is no regular expression is refused`() {
        #expect(TextPattern("(") == nil)
        #expect(TextPattern("a+") != nil)
    }

    @Test func `a class of statuses is its hundred`() {
        #expect(StatusPattern.hundreds(4).codes == Set(400...499))
        #expect(StatusPattern.success.codes == Set(200...299))
    }
}
