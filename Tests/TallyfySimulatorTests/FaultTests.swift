import FoundationEssentials
import TallyfySimulator
import Testing

@Suite struct FaultTests {
    /// Starts a fault and asks for the user.
    private func answer(_ kind: Fault.Kind) throws -> SimulatedAnswer {
        var world = try SmallWorld()
        try world.tallyfy.inject(Fault(kind), at: world.now)
        return world.get("/me")
    }

    @Test(arguments: [
        (Fault.RetryAfter.seconds(7), "7" as String?), (.date(inSeconds: 60), "Fri, 15 Jan 2027 08:01:00 GMT"),
        (.absent, nil),
        (.garbage, "soon, perhaps"), (.huge, "86400"), (.literal("-1"), "-1"),
    ])
    func `a rate limit tells the wait in every form`(form: Fault.RetryAfter, expected: String?) throws {
        let answer = try answer(.rateLimit(form))
        #expect(answer.status == 429)
        #expect(answer.json["code"]?.string == "RATE_LIMIT_EXCEEDED")
        #expect(answer.header("Retry-After") == expected)
        #expect(answer.header("X-RateLimit-Remaining") == "0")
    }

    @Test func `maintenance comes as JSON or HTML`() throws {
        let plain = try answer(.maintenance())
        #expect(plain.status == 503)
        #expect(plain.text == #"{"message":"Service Unavailable"}"#)
        #expect(plain.header("Retry-After") == nil)
        let page = try answer(.maintenance(html: true, retryAfterSeconds: 60))
        #expect(page.header("Content-Type") == "text/html; charset=UTF-8")
        #expect(page.header("Retry-After") == "60")
    }

    @Test func `the maintenance switch decides where the fault does not`() throws {
        var world = try SmallWorld { $0.maintenanceBody = .html }
        try world.tallyfy.inject(Fault(.maintenance()), at: world.now)
        #expect(world.get("/me").text.contains("<html>"))
    }

    @Test(arguments: [403, 503])
    func `the firewall shows a challenge`(status: Int) throws {
        let answer = try answer(.waf(status: status))
        #expect(answer.status == status)
        #expect(answer.header("CF-Mitigated") == "challenge")
        #expect(answer.header("Content-Type") == "text/html; charset=UTF-8")
    }

    @Test(arguments: [
        (401, Known.dead), (402, #"{"error":true,"message":"Trial limit reached."}"#), (403, Known.deadForbidden),
        (404, Known.notFound), (500, #"{"error":true,"message":"Internal error"}"#),
        (502, #"{"error":true,"message":"Internal error"}"#), (526, #"{"error":true,"message":"Internal error"}"#),
        (503, #"{"message":"Service Unavailable"}"#),
    ])
    func `any status comes with its usual body`(status: Int, body: String) throws {
        let answer = try answer(.status(status))
        #expect(answer.status == status)
        #expect(answer.text == body)
    }

    @Test func `a status can come with any body and headers`() throws {
        let headers = [HeaderField("Content-Encoding", "gzip"), HeaderField("content-type", "text/csv")]
        let answer = try answer(.status(200, body: [0x1f, 0x8b], headers: headers))
        #expect(answer.body == [0x1f, 0x8b])
        #expect(answer.header("Content-Encoding") == "gzip")
        #expect(answer.headers.filter { $0.name.lowercased() == "content-type" }.map(\.value) == ["text/csv"])
        #expect(try self.answer(.status(520, html: true)).text.contains("<html>"))
    }

    @Test func `a good status can come with a strange body`() throws {
        #expect(try answer(.body(.htmlLogin)).text.contains("<html>"))
        #expect(try answer(.body(.nullData)).text == #"{"data":null}"#)
        #expect(try answer(.body(.array)).text == "[]")
        #expect(try answer(.body(.huge)).body.count > 5_000_000)
        #expect(try answer(.body(.huge)).json["data"]?["id"]?.integer == 1)
        #expect(try answer(.body(.wrongUser)).json["data"]?["id"]?.integer == 999_999)
        let truncated = try answer(.body(.truncated))
        #expect(truncated.json == .null)
        guard case .truncated(let missing) = truncated.delivery else {
            Issue.record("delivered as \(truncated.delivery)")
            return
        }
        #expect(abs(missing - truncated.body.count) <= 1)
        #expect(try Fault.BodyVariant.allCases.allSatisfy { try answer(.body($0)).status == 200 })
    }

    @Test(arguments: [
        (Fault.NonCredentialText.unauthorizedAction, #"{"error":true,"message":"Unauthorized action"}"#),
        (.unauthorized, #"{"error":true,"message":"Unauthorized","code":"UNAUTHORIZED"}"#),
        (.unauthorizedFullStop, "Unauthorized."),
        (.samlNotEnabled, #"{"error":true,"message":"SAML is not enabled in this organization"}"#),
    ])
    func `some 401s do not speak of the token`(text: Fault.NonCredentialText, body: String) throws {
        let answer = try answer(.nonCredential401(text))
        #expect(answer.status == 401)
        #expect(answer.text == body)
        #expect(answer.header("Content-Type")?.hasPrefix("text/plain") == (text == .unauthorizedFullStop))
    }

    @Test func `a business rule is a 403 of its own`() throws {
        let answer = try answer(.business403)
        #expect(answer.status == 403)
        #expect(answer.text == #"{"error":true,"message":"You cannot perform this action."}"#)
    }

    @Test func `delivery faults leave the answer as it is`() throws {
        let delayed = try answer(.delay(.seconds(3)))
        #expect(delayed.status == 200)
        #expect(delayed.delay == .seconds(3))
        #expect(try answer(.reset).delivery == .reset)
        let slow = try answer(.slowBody(bytes: 5, pause: .milliseconds(1)))
        #expect(slow.status == 200)
        #expect(slow.delivery == .slowBody(bytes: 5, pause: .milliseconds(1)))
    }

    @Test(arguments: [(Fault.Kind.refuse, SimulatedAnswer.Delivery.refuse), (.stall, .stall)])
    func `a request that gets no answer never reached the application`(
        kind: Fault.Kind,
        delivery: SimulatedAnswer.Delivery
    ) throws {
        var world = try SmallWorld()
        try world.tallyfy.inject(Fault(kind, count: 1), at: world.now)
        #expect(world.get("/me").delivery == delivery)
        #expect(world.tallyfy.log.map(\.status) == [nil])
        #expect(world.get("/me").header("X-RateLimit-Remaining") == "599")
    }

    @Test func `an answer and a delivery combine`() throws {
        var world = try SmallWorld()
        try world.tallyfy.inject(Fault(.status(502)), at: world.now)
        try world.tallyfy.inject(Fault(.delay(.seconds(2))), at: world.now)
        try world.tallyfy.inject(Fault(.reset), at: world.now)
        let answer = world.get("/me")
        #expect(answer.status == 502)
        #expect(answer.delay == .seconds(2))
        #expect(answer.delivery == .reset)
    }

    @Test func `the wrong user is a chosen one or nobody known`() throws {
        var world = try SmallWorld()
        let other = try world.tallyfy.addUser(email: "other@example.test", at: world.now)
        try world.tallyfy.inject(Fault(.wrongUser(other), count: 1), at: world.now)
        #expect(world.get("/me").json["data"]?["email"]?.string == "other@example.test")
        try world.tallyfy.inject(Fault(.wrongUser(), count: 1), at: world.now)
        #expect(world.get("/me").json["data"]?["email"]?.string == "stranger@example.test")
        #expect(world.get("/me").json["data"]?["id"]?.integer == world.user)
    }

    @Test func `flapping follows its pattern`() throws {
        var world = try SmallWorld()
        let fault = Fault(.flap(status: 401, pattern: [true, false, false]), count: 5)
        try world.tallyfy.inject(fault, at: world.now)
        #expect((0..<7).map { _ in world.get("/me").status } == [401, 200, 200, 401, 200, 200, 200])
    }

    @Test func `a redirect names its place`() throws {
        let answer = try answer(.redirect(to: "https://elsewhere.test/me", status: 307))
        #expect(answer.status == 307)
        #expect(answer.header("Location") == "https://elsewhere.test/me")
    }

    @Test func `a fault stands before every other check`() throws {
        var world = try SmallWorld()
        try world.tallyfy.inject(Fault(.status(502)), at: world.now)
        #expect(world.ask("GET", "/anything", []).status == 502)
        #expect(world.ask("GET", "/health", []).status == 502)
    }

    @Test func `a fault can be limited by count, start and duration`() throws {
        var world = try SmallWorld()
        try world.tallyfy.inject(Fault(.status(502), count: 2, after: 1), at: world.now)
        #expect((0..<4).map { _ in world.get("/me").status } == [200, 502, 502, 200])
        try world.tallyfy.inject(Fault(.maintenance(), forSeconds: 600), at: world.now)
        world.now += 599
        #expect(world.get("/me").status == 503)
        world.now += 1
        #expect(world.get("/me").status == 200)
    }

    @Test(arguments: [
        ("/me", true), ("/api/me", true), ("/*", true), ("*", true), ("/me/*", true), ("/{anything}", true),
        ("/me/organizations", false), ("/organizations/*", false), ("/*/*/me", false), ("/m", false),
    ])
    func `a fault covers its route`(route: String, covered: Bool) throws {
        var world = try SmallWorld()
        try world.tallyfy.inject(Fault(.status(502), route: route), at: world.now)
        #expect(world.get("/api/me").status == (covered ? 502 : 200))
    }

    @Test func `a route may leave a segment open`() throws {
        var world = try SmallWorld()
        try world.tallyfy.inject(Fault(.status(502), route: "/organizations/{org}/me"), at: world.now)
        #expect(world.get("/organizations/\(world.organization)/me").status == 502)
        #expect(world.get("/organizations/\(world.organization)").status == 200)
    }

    @Test func `a fault covers its token`() throws {
        var world = try SmallWorld()
        let other = try world.tallyfy.login(user: world.user, organization: nil, at: world.now)
        try world.tallyfy.inject(Fault(.status(502), token: other), at: world.now)
        #expect(world.get("/me").status == 200)
        #expect(world.get("/me", other).status == 502)
        world.tallyfy.clearFaults()
        #expect(world.get("/me", other).status == 200)
    }

    @Test(arguments: [
        Fault(.status(99)), Fault(.status(600)), Fault(.waf(status: 0)), Fault(.flap(pattern: [])),
        Fault(.slowBody(bytes: 0)), Fault(.delay(.seconds(-1))), Fault(.delay(.seconds(1e15))),
        Fault(.business403, count: 0), Fault(.business403, forSeconds: .nan), Fault(.business403, after: -1),
        Fault(.status(200, headers: [HeaderField("X: Y", "")])), Fault(.status(200, headers: [HeaderField("", "")])),
        Fault(.redirect(to: "x\r\nSet-Cookie: a")), Fault(.rateLimit(.literal("\n"))),
    ])
    func `what cannot be played is refused`(fault: Fault) throws {
        var world = try SmallWorld()
        #expect(throws: ControlError.self) { try world.tallyfy.inject(fault, at: world.now) }
    }
}
