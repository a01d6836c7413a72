import TallyfySimulator
import Testing

@Suite struct GrantTests {
    /// A world with the credentials of its application.
    private func prepared() throws -> (world: SmallWorld, client: String) {
        var world = try SmallWorld()
        let made = world.control("POST", "/_sim/orgs", #"{"name":"Applied"}"#).json
        let id = try #require(made["client_id"]?.string)
        let secret = try #require(made["client_secret"]?.string)
        return (world, "client_id=\(id)&client_secret=\(secret)")
    }

    @Test func `client credentials buy an application token for seven days`() throws {
        var (world, client) = try prepared()
        let answer = world.form("grant_type=client_credentials&scope=*&\(client)")
        #expect(answer.status == 200)
        #expect(answer.json["token_type"]?.string == "Bearer")
        #expect(answer.json["expires_in"]?.integer == 604_800)
        #expect(answer.json["refresh_token"] == nil)
        let token = try #require(answer.json["access_token"]?.string)
        #expect(world.get("/me", token).text == Known.dead)
        #expect(world.get("/organizations/\(world.organization)", token).status == 403)
        #expect(world.get("/organizations/\(world.organization)", token).text == Known.otherApplication)
        #expect(world.get("/organizations/nowhere", token).status == 404)
        world.tallyfy.switches.applicationTokenOnMe = .allow
        #expect(world.get("/me", token).status == 200)
    }

    @Test func `a password buys two tokens, and refreshing replaces the refresh token`() throws {
        var (world, client) = try prepared()
        let credentials = "username=svc%40example.test&password=simulated-password-1"
        let first = world.form("grant_type=password&\(credentials)&\(client)")
        #expect(first.json["expires_in"]?.integer == 15_778_800)
        let refresh = try #require(first.json["refresh_token"]?.string)
        let second = world.form("grant_type=refresh_token&refresh_token=\(refresh)&\(client)")
        #expect(second.status == 200)
        #expect(world.get("/me", try #require(second.json["access_token"]?.string)).status == 200)
        #expect(second.json["refresh_token"]?.string != refresh)
        let again = world.form("grant_type=refresh_token&refresh_token=\(refresh)&\(client)")
        #expect(again.status == 401)
        #expect(again.text == #"{"error":"invalid_grant"}"#)
    }

    @Test func `refresh tokens may stay the same`() throws {
        var (world, client) = try prepared()
        world.tallyfy.switches.rotatesRefreshTokens = false
        let credentials = "username=svc%40example.test&password=simulated-password-1"
        let first = world.form("grant_type=password&\(credentials)&\(client)")
        let refresh = try #require(first.json["refresh_token"]?.string)
        for _ in 1...2 {
            #expect(world.form("grant_type=refresh_token&refresh_token=\(refresh)&\(client)").status == 200)
        }
    }

    @Test func `a reset changes the password`() throws {
        var (world, client) = try prepared()
        try world.tallyfy.resetPassword(user: world.user, at: world.now)
        let form = "grant_type=password&username=svc%40example.test&\(client)&password=simulated-password-"
        #expect(world.form(form + "1").status == 401)
        #expect(world.form(form + "2").status == 200)
    }

    @Test(arguments: [
        ("grant_type=client_credentials", 400, #"{"error":"invalid_request"}"#),
        ("client_id=100&client_secret=x", 400, #"{"error":"invalid_request"}"#),
        ("grant_type=client_credentials&client_id=abc&client_secret=x", 401, #"{"error":"invalid_client"}"#),
        ("grant_type=client_credentials&client_id=100&client_secret=x", 401, #"{"error":"invalid_client"}"#),
        ("", 400, #"{"error":"invalid_request"}"#),
        ("%%%&=&&==", 400, #"{"error":"invalid_request"}"#),
    ])
    func `a bad form is refused`(form: String, status: Int, body: String) throws {
        var world = try SmallWorld()
        let answer = world.form(form)
        #expect(answer.status == status)
        #expect(answer.text == body)
    }

    @Test func `an unknown grant is a validation error`() throws {
        var (world, client) = try prepared()
        let answer = world.form("grant_type=magic&\(client)")
        #expect(answer.status == 422)
        #expect(answer.json["errors"]?["grant_type"]?.elements?.count == 1)
    }

    @Test func `only forms are read`() throws {
        var world = try SmallWorld()
        let headers = [SmallWorld.json, HeaderField("Content-Type", "application/json")]
        #expect(world.ask("POST", "/api/oauth/token", headers, body: "{}").status == 400)
    }

    @Test(arguments: [("nobody@example.test", 404), ("other@example.test", 422), ("SVC@example.test", 200)])
    func `an application gets tokens for members only`(email: String, status: Int) throws {
        var world = try SmallWorld()
        _ = try world.tallyfy.addUser(email: "other@example.test", at: world.now)
        let token = try world.tallyfy.issueApplicationToken(organization: world.organization, at: world.now)
        let headers = [SmallWorld.json, SmallWorld.client, SmallWorld.bearer(token)]
        let answer = world.ask("POST", "/applications/\(world.organization)/users/\(email)/token", headers)
        #expect(answer.status == status)
        if status == 200 { #expect(answer.json["expires_in"]?.integer == 7_776_000) }
    }

    @Test func `a user is no application`() throws {
        var world = try SmallWorld()
        let headers = [SmallWorld.json, SmallWorld.client, SmallWorld.bearer(world.token)]
        let path = "/applications/\(world.organization)/users/svc@example.test/token"
        #expect(world.ask("POST", path, headers).status == 401)
    }
}
