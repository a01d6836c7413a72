import TokenHealth
import Testing

/// The refusals of gateways, which come with and without the token alike, and are not the API's own.
struct WallTests {
    private static let own = Reply.json(401, #"{"error":"unauthenticated","trace":"8f2c41"}"#)
    private static let challenge = "WWW-Authenticate"

    private static let walls: [Exchange] = [
        Reply.json(401, #"{"message":"no"}"#, [HeaderField(challenge, #"Basic realm="staging""#)]),
        Reply.text(401, "no", [HeaderField(challenge, #"Digest realm="x", nonce="1""#)]),
        Reply.json(401, #"{"message":"Unauthorized"}"#, [HeaderField(challenge, #"Key realm="kong""#)]),
        Reply.text(401), Reply.text(401, "Unauthorized"), Reply.text(401, "Jwt is missing"),
        Reply.text(401, "Jwt verification fails"), Reply.json(401, #"{"message":"Unauthorized"}"#),
    ]

    private func judge(_ origin: RuleOrigin, before: Exchange?, siblingsPass: Bool = false) -> Judge {
        var probe = ProbeTemplate(path: "/me")
        probe.origin = origin
        return Judge(
            token: Sample.token(Sample.provider(probe)),
            siblingsPass: siblingsPass,
            usualRefusal: before.flatMap { AnswerShape(refusal: $0) }
        )
    }

    @Test(arguments: walls, [RuleOrigin.builtIn, .general, .own])
    func `a refusal without the token, too, and another one than before, is a wall's`(wall: Exchange, by: RuleOrigin) {
        #expect(judge(by, before: WallTests.own).finding(on: wall, control: wall).verdict == .indeterminate(.blocked))
    }

    @Test func `a 403 alike is called a wall's only where it is not the API's own`() {
        let own = Reply.json(403, #"{"code":"DENIED","text":"bye"}"#)
        let other = Reply.json(403, #"{"error":"request rejected by policy"}"#)
        let words = { (before: Exchange, now: Exchange) in
            judge(.general, before: before).finding(on: now, control: now).observation
        }
        #expect(judge(.general, before: own).finding(on: own, control: own).verdict == .indeterminate(.blocked))
        #expect(
            words(own, own).contains("as this API answers without a token: the token is dead or has lost its rights")
        )
        #expect(words(own, other).contains("from a wall in front of the API"))
        #expect(words(other, own).contains("from a wall in front of the API"))
    }

    @Test(arguments: walls)
    func `while others pass there is no wall`(wall: Exchange) {
        let judge = judge(.own, before: WallTests.own, siblingsPass: true)
        guard case .answered(let answer) = wall.outcome,
            !String(decoding: answer.body, as: UTF8.self).contains("missing")
        else { return }
        #expect(judge.finding(on: wall, control: wall).verdict == .rejected(.credential))
    }

    @Test func `the API's own refusal is no wall's, whatever its ids`() {
        let other = Reply.json(401, #"{"error":"unauthenticated","trace":"77aa10"}"#)
        #expect(
            judge(.general, before: WallTests.own).finding(on: other, control: other).verdict == .rejected(.credential)
        )
    }

    @Test(
        arguments: [
            #"{"error":"unauthenticated, log in again","trace":"1"}"#: true,
            #"{"error":"unauthorized","trace":"1"}"#: false,
            #"{"error":"unauthenticatedly","trace":"1"}"#: false, #"{"error":"","trace":"1"}"#: false,
        ]
    )
    func `one that says the same and more is the API's own`(body: String, isOwn: Bool) {
        let refusal = Reply.json(401, body)
        let verdict = judge(.general, before: WallTests.own).finding(on: refusal, control: refusal).verdict
        #expect(verdict == (isOwn ? .rejected(.credential) : .indeterminate(.blocked)))
    }

    @Test func `a token that is refused otherwise than none is looked at by the API`() {
        let refusal = Reply.json(401, #"{"error":"gone"}"#)
        let finding = judge(.general, before: WallTests.own).finding(on: refusal, control: WallTests.own)
        #expect(finding.verdict == .rejected(.credential))
    }

    @Test(arguments: [404, 405, 407, 408, 425, 429, 500])
    func `a control in trouble is nothing to compare with`(status: Int) {
        #expect(AnswerShape(refusal: Reply.text(status)) == nil)
    }

    @Test func `a challenge that the API is known to give is its own`() {
        let refusal = Reply.json(401, #"{"message":"no"}"#, [HeaderField(WallTests.challenge, "Basic realm=\"API\"")])
        #expect(
            judge(.general, before: refusal).finding(on: refusal, control: refusal).verdict == .rejected(.credential)
        )
        #expect(judge(.general, before: nil).finding(on: refusal, control: refusal).verdict == .indeterminate(.blocked))
        #expect(judge(.own, before: nil).finding(on: refusal, control: refusal).verdict == .rejected(.credential))
    }

    @Test func `where it is known what the API answers without a token, a 403 without it is a wall's`() {
        var probe = Sample.probe
        let wall = Reply.json(403, #"{"message":"Token is invalid"}"#)
        func verdict(_ control: Exchange?) -> Verdict {
            Judge(token: Sample.token(Sample.provider(probe))).finding(on: wall, control: control).verdict
        }
        #expect(verdict(wall) == .rejected(.credential))
        probe.withoutToken = [Matcher(status: .exactly(401))]
        #expect(verdict(wall) == .indeterminate(.blocked))
        #expect(verdict(Reply.unauthenticated) == .rejected(.credential))
        #expect(verdict(nil) == .rejected(.credential))
    }

    @Test func `where neither refusal is the API's, something else has answered`() {
        let verification = Reply.text(401, "Jwt verification fails")
        let missing = Reply.text(401, "Jwt is missing")
        func verdict(_ answer: Exchange, _ control: Exchange, _ origin: RuleOrigin = .general) -> Verdict {
            judge(origin, before: WallTests.own).finding(on: answer, control: control).verdict
        }
        for origin in [RuleOrigin.general, .builtIn, .own] {
            #expect(verdict(verification, missing, origin) == .indeterminate(.blocked))
        }
        let security = Reply.json(403, #"{"message":"The security token included in the request is invalid."}"#)
        let none = Reply.json(403, #"{"message":"Missing Authentication Token"}"#)
        #expect(verdict(security, none) == .indeterminate(.blocked))
        var probe = ProbeTemplate(path: "/me")
        probe.origin = .builtIn
        probe.rejected = [Matcher(status: .exactly(401), body: Sample.pattern("verification"))]
        let exact = Judge(
            token: Sample.token(Sample.provider(probe)),
            usualRefusal: AnswerShape(refusal: WallTests.own)
        )
        #expect(exact.finding(on: verification, control: missing).verdict == .rejected(.credential))
        let expired = Reply.json(401, #"{"error":"invalid_token"}"#)
        #expect(verdict(expired, missing) == .rejected(.credential), "it is said exactly")
        let limited = Reply.json(403, #"{"message":"API rate limit exceeded"}"#, [HeaderField("Retry-After", "60")])
        #expect(verdict(Reply.json(401, #"{"error":"gone"}"#), limited) == .rejected(.credential))
    }

    @Test func `the code of RFC 6750 is believed, whatever page stands beside it`() {
        func page(_ challenge: String) -> Exchange {
            let fields = [HeaderField("Content-Type", "text/html"), HeaderField(WallTests.challenge, challenge)]
            return Reply.text(401, "<!DOCTYPE html><html><title>401</title></html>", fields)
        }
        let dead = page(#"Bearer realm="api", error="invalid_token", error_description="The token expired""#)
        let none = page(#"Bearer realm="api""#)
        let finding = judge(.general, before: nil).finding(on: dead, control: none)
        #expect(finding.verdict == .rejected(.credential))
        #expect(finding.statedReason == .expired)
        #expect(judge(.general, before: nil).finding(on: none, control: none).verdict == .indeterminate(.blocked))
        #expect(judge(.builtIn, before: nil).finding(on: dead, control: none).verdict == .indeterminate(.blocked))
    }

    // MARK: - A front that puts a credential of its own into every request

    @Test func `an exact rule is believed, but not of an answer that comes without the token, too, and did not before`()
    {
        let missing = Reply.json(401, #"{"detail":"Authentication credentials were not provided."}"#)
        let dead = Reply.json(401, #"{"detail":"Invalid token."}"#)
        func verdict(before: Exchange?, control: Exchange, knowing withoutToken: [Matcher] = []) -> Verdict {
            var probe = ProbeTemplate(path: "/me")
            probe.origin = .own
            probe.withoutToken = withoutToken
            probe.rejected = [
                Matcher(status: .exactly(401), json: [Sample.pointer("/detail"): .equals(.string("Invalid token."))])
            ]
            let token = Sample.token(Sample.provider(probe))
            return Judge(token: token, usualRefusal: before.flatMap { AnswerShape(refusal: $0) })
                .finding(on: dead, control: control).verdict
        }
        #expect(verdict(before: missing, control: dead) == .indeterminate(.blocked))
        #expect(verdict(before: missing, control: missing) == .rejected(.credential))
        #expect(verdict(before: dead, control: dead) == .rejected(.credential))
        #expect(verdict(before: nil, control: dead) == .rejected(.credential))
        #expect(
            verdict(before: nil, control: dead, knowing: [Matcher(status: .exactly(403))]) == .rejected(.credential)
        )
    }

    // MARK: - Refused alike, while others pass

    @Test func `a 403 alike with and without the token, while others pass, is a death or a loss of rights`() throws {
        let refusal = Reply.json(403, #"{"message":"Forbidden"}"#)
        let judge = judge(.general, before: nil, siblingsPass: true)
        let finding = judge.finding(on: refusal, control: refusal)
        #expect(finding.verdict == .rejected(.credential))
        #expect(finding.statedReason == .refused)
        #expect(finding.observation == #"HTTP 403 "Forbidden""#)
        var history = History()
        for moment in [0.0, 15, 30] { history.observe(finding, at: moment, control: .refused) }
        #expect(history.belief.state == .invalid(.refused))
        #expect(history.told == [.invalidated])
        let words = "no longer accepted: it is dead or has lost its rights; this API answers both alike"
        #expect(history.belief.explanation.contains(words))
        let alert = try #require(history.alert(telling: history.decisions.last?.notices.first))
        #expect(alert.summary == "INVALID hr-onboarding (refused) on srv1")
        #expect(alert.remedy.steps.first?.contains("still has its rights") == true)
        #expect(DeathCertificate(token: history.token, belief: history.belief)?.reason == .refused)
    }

    @Test func `one that says that the token is dead is believed`() {
        let refusal = Reply.json(403, #"{"message":"Token expired"}"#)
        let finding = judge(.general, before: refusal, siblingsPass: true).finding(on: refusal, control: refusal)
        #expect(finding.statedReason == .expired)
    }

    // MARK: - Caches

    @Test(arguments: [
        ([HeaderField("Age", "61")], false), ([HeaderField("Age", "60")], true), ([HeaderField("Age", "soon")], true),
        ([HeaderField("Age", "3600, 0")], false), ([HeaderField("Age", "0, 3600")], true),
        ([HeaderField("Age", "99999999999999999999")], false), ([HeaderField("Age", "-1")], true),
        ([HeaderField("Warning", #"110 - "Response is stale""#)], false),
        ([HeaderField("Warning", "199 - \"x\"")], true),
        ([HeaderField("Warning", #"112 - "x", 111 cache "Revalidation failed""#)], false), ([], true),
    ])
    func `a copy that a cache has kept for too long shows nothing`(headers: [HeaderField], isBelieved: Bool) {
        var probe = ProbeTemplate(path: "/me")
        probe.origin = .general
        let judge = Judge(token: Sample.token(Sample.provider(probe)))
        let alive = judge.finding(on: Reply.json(200, "{}", headers))
        #expect(alive.verdict == (isBelieved ? .accepted(nil) : .indeterminate(.unexpected)))
        let dead = judge.finding(on: Reply.json(401, "{}", headers))
        #expect(dead.verdict == (isBelieved ? .rejected(.credential) : .indeterminate(.unexpected)))
        if !isBelieved { #expect(dead.observation.contains("cache")) }
    }
}

/// The control of before the trouble, as a belief keeps it.
struct UsualRefusalTests {
    private let own = Reply.json(401, #"{"message":"Unauthenticated."}"#)
    private let wall = Reply.text(401, "Unauthorized")

    private func observation(_ verdict: Verdict, control: Exchange, at seconds: Double) -> Observation {
        var observation = Observation(Finding(verdict, "x"), control: .refused, at: Sample.moment(seconds))
        observation.controlShape = AnswerShape(refusal: control)
        return observation
    }

    @Test func `it is the one beside the last acceptance, across a restart`() throws {
        let token = Sample.token()
        let alive = observation(.accepted(nil), control: own, at: 0)
        var belief = Belief(at: Sample.start).considering(alive, of: token, chance: 0).belief
        let dead = observation(.rejected(.credential), control: wall, at: 60)
        belief = belief.considering(dead, of: token, chance: 0).belief
        #expect(belief.usualRefusal == AnswerShape(refusal: own))
        #expect(try belief.reread().usualRefusal == AnswerShape(refusal: own))
    }
}
