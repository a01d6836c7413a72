import FoundationEssentials
import TallyfySimulator
import Testing

@Suite struct PipelineTests {
    @Test func `a polite request gets the user`() throws {
        var world = try SmallWorld()
        let answer = world.get("/api/me")
        #expect(answer.status == 200)
        #expect(answer.json["data"]?["id"]?.integer == world.user)
        #expect(answer.json["data"]?["email"]?.string == "svc@example.test")
        #expect(answer.json["data"]?["role"]?.string == "standard")
        #expect(answer.header("Content-Type") == "application/json")
        #expect(answer.header("Server") == "cloudflare")
        #expect(answer.header("CF-Ray") != nil)
        #expect(answer.header("X-Request-Id") != nil)
        #expect(answer.header("X-RateLimit-Limit") == "600")
        #expect(answer.header("X-RateLimit-Remaining") == "599")
    }

    @Test(arguments: ["/api/me", "/me", "/api/me/", "/me?x=1"])
    func `routes live under the prefix and at the root`(path: String) throws {
        var world = try SmallWorld()
        #expect(world.get(path).status == 200)
    }

    @Test(arguments: ["/health", "/api/health"])
    func `health asks for nothing`(path: String) throws {
        var world = try SmallWorld()
        let answer = world.ask("GET", path, [])
        #expect(answer.status == 200)
        #expect(answer.text == #"{"status":"ok"}"#)
    }

    @Test func `without a client header the edge answers first`() throws {
        var world = try SmallWorld()
        let answer = world.ask("GET", "/nowhere", [])
        #expect(answer.status == 404)
        #expect(answer.text == Known.edgeNotFound)
        #expect(answer.header("X-Request-Id") == nil)
        #expect(answer.header("Server") == "cloudflare")
    }

    @Test func `without a client header the seed profile answers 401`() throws {
        var world = try SmallWorld(.seed)
        let answer = world.ask("GET", "/me", [SmallWorld.json, SmallWorld.bearer(world.token)])
        #expect(answer.status == 401)
        #expect(answer.text == Known.deadFull)
    }

    @Test func `the client header may be optional`() throws {
        var world = try SmallWorld { $0.missingClientHeader = .allow }
        #expect(world.ask("GET", "/me", [SmallWorld.json, SmallWorld.bearer(world.token)]).status == 200)
    }

    @Test(arguments: [(Profile.current, 200), (.seed, 401)])
    func `another client name passes only where any does`(profile: Profile, status: Int) throws {
        var world = try SmallWorld(profile)
        let headers = [SmallWorld.json, HeaderField("x-tallyfy-client", "n8n"), SmallWorld.bearer(world.token)]
        #expect(world.ask("GET", "/me", headers).status == status)
    }

    @Test(arguments: ["", "Bearer", "Bearer ", "bearer TOKEN", "Bearer  TOKEN", "BearerTOKEN", "Basic TOKEN", "TOKEN"])
    func `bearer syntax is exact`(value: String) throws {
        var world = try SmallWorld()
        let spoken = value.replacing("TOKEN", with: world.token)
        let answer = world.ask(
            "GET",
            "/me",
            [SmallWorld.json, SmallWorld.client, HeaderField("Authorization", spoken)]
        )
        #expect(answer.status == 401)
        #expect(answer.text == Known.dead)
    }

    @Test(arguments: ["garbage", "a.b.c", "e30.e30.e30"])
    func `the edge refuses what was never issued`(token: String) throws {
        var world = try SmallWorld()
        let answer = world.get("/nowhere", token)
        #expect(answer.status == 401)
        #expect(answer.text == Known.edgeDenied)
    }

    @Test func `without the edge check an unknown token is a dead token`() throws {
        var world = try SmallWorld { $0.edgeChecksTokens = false }
        #expect(world.get("/me", "garbage").text == Known.dead)
    }

    @Test(arguments: [nil, "*/*", "text/html"])
    func `without an accept header comes a redirect to the login page`(accept: String?) throws {
        var world = try SmallWorld()
        let accepts = accept.map { [HeaderField("Accept", $0)] } ?? []
        let answer = world.ask("GET", "/me", accepts + [SmallWorld.client, SmallWorld.bearer(world.token)])
        #expect(answer.status == 302)
        #expect(answer.header("Location") == "https://account.example.test/login")
        #expect(answer.text.contains("<html>"))
    }

    @Test func `without an accept header may come the status in HTML`() throws {
        var world = try SmallWorld { $0.missingAccept = .html }
        let answer = world.ask("GET", "/nowhere", [SmallWorld.client, SmallWorld.bearer(world.token)])
        #expect(answer.status == 404)
        #expect(answer.header("Content-Type") == "text/html; charset=UTF-8")
    }

    @Test func `the seed profile does without an accept header`() throws {
        var world = try SmallWorld(.seed)
        #expect(world.ask("GET", "/me", [SmallWorld.client, SmallWorld.bearer(world.token)]).status == 200)
    }

    @Test func `an unknown route is told from a dead token only while the throttle allows`() throws {
        var world = try SmallWorld { $0.ratePerMinute = 2 }
        _ = try world.tallyfy.logout(user: world.user, at: world.now)
        #expect(world.get("/nowhere").text == Known.unknownRoute)
        #expect(world.get("/me").text == Known.dead)
        #expect(world.get("/nowhere").status == 429)
    }

    @Test(arguments: ["POST", "DELETE", "HEAD", "BREW"])
    func `a route answers its method only`(method: String) throws {
        var world = try SmallWorld()
        let headers = [SmallWorld.json, SmallWorld.client, SmallWorld.bearer(world.token)]
        #expect(world.ask(method, "/me", headers).text == Known.unknownRoute)
    }

    @Test func `a suspended user is denied after the token was found good`() throws {
        var world = try SmallWorld()
        try world.tallyfy.suspend(user: world.user)
        let answer = world.get("/organizations/nowhere")
        #expect(answer.status == 403)
        #expect(answer.text == #"{"error":true,"message":"Access denied."}"#)
        try world.tallyfy.suspend(user: world.user, false)
        #expect(world.get("/me").status == 200)
    }

    @Test(arguments: [(Profile.current, 404, Known.notFound), (.seed, 403, Known.forbidden)])
    func `an organization without the user is refused`(profile: Profile, status: Int, body: String) throws {
        var world = try SmallWorld(profile)
        let other = world.tallyfy.addOrganization(name: "Other", at: world.now)
        for organization in [other, "nowhere"] {
            let answer = world.get("/organizations/\(organization)/me")
            #expect(answer.status == status)
            #expect(answer.text == body)
        }
    }

    @Test(arguments: [
        "", "/", "?", "//", "/%", "/%zz/%4", "/api/api/me", "*", "/me/organizations?page=99999999999999999999",
        "/organizations//me", "/organizations/%00%ff",
    ])
    func `odd targets are answered like any other`(target: String) throws {
        var world = try SmallWorld()
        #expect(200..<500 ~= world.get(target).status)
    }
}

@Suite struct OrganizationTests {
    @Test func `an organization shows itself, the member and generated tasks`() throws {
        var world = try SmallWorld { $0.taskCount = 3 }
        let shown = world.get("/organizations/\(world.organization)")
        #expect(shown.json["data"]?["id"]?.string == world.organization)
        #expect(shown.json["data"]?["name"]?.string == "Acme")
        let me = world.get("/organizations/\(world.organization)/me")
        #expect(me.json["data"]?["status"]?.string == "active")
        let tasks = world.get("/organizations/\(world.organization)/me/tasks?per_page=2")
        #expect(tasks.json["data"]?.elements?.count == 2)
        #expect(tasks.json["data"]?[0]?["id"]?.string?.count == 32)
        #expect(tasks.json["meta"]?["pagination"]?["total"]?.integer == 3)
    }

    @Test func `two hundred and one organizations come in three pages`() throws {
        var world = try SmallWorld()
        for number in 2...201 {
            let organization = world.tallyfy.addOrganization(name: "Org \(number)", at: world.now)
            try world.tallyfy.addMember(user: world.user, organization: organization)
        }
        var seen: [String] = []
        for page in 1...3 {
            let answer = world.get("/api/me/organizations?page=\(page)&per_page=1000")
            let pagination = answer.json["meta"]?["pagination"]
            #expect(pagination?["total"]?.integer == 201)
            #expect(pagination?["per_page"]?.integer == 100)
            #expect(pagination?["current_page"]?.integer == page)
            #expect(pagination?["total_pages"]?.integer == 3)
            #expect(pagination?["count"]?.integer == (page == 3 ? 1 : 100))
            #expect((pagination?["links"]?["previous"] != nil) == (page > 1))
            #expect((pagination?["links"]?["next"] != nil) == (page < 3))
            seen += answer.json["data"]?.elements?.compactMap { $0["id"]?.string } ?? []
        }
        #expect(Set(seen).count == 201)
        let beyond = world.get("/me/organizations?page=4&per_page=100")
        #expect(beyond.json["data"] == [])
    }

    @Test func `a single page has an empty list of links and ten elements at most`() throws {
        var world = try SmallWorld()
        let answer = world.get("/me/organizations?page=zero&per_page=-3")
        #expect(answer.json["meta"]?["pagination"]?["links"] == [])
        #expect(world.get("/me/organizations").json["meta"]?["pagination"]?["per_page"]?.integer == 10)
    }

    @Test func `a deactivated member keeps the account and loses the organization`() throws {
        var world = try SmallWorld()
        try world.tallyfy.setMember(user: world.user, organization: world.organization, active: false, at: world.now)
        #expect(world.get("/me").status == 200)
        #expect(world.get("/organizations/\(world.organization)/me").text == Known.notFound)
        #expect(world.get("/me/organizations").json["data"] == [])
        try world.tallyfy.setMember(user: world.user, organization: world.organization, active: true, at: world.now)
        #expect(world.get("/organizations/\(world.organization)/me").status == 200)
    }

    @Test func `deactivation may kill the token`() throws {
        var world = try SmallWorld { $0.deactivateKillsMe = true }
        try world.tallyfy.setMember(user: world.user, organization: world.organization, active: false, at: world.now)
        #expect(world.get("/me").status == 401)
    }

    @Test func `the user may come without a role`() throws {
        var world = try SmallWorld { $0.meHasRole = false }
        #expect(world.get("/me").json["data"]?["role"] == nil)
    }
}
