import FoundationEssentials
import TallyfySimulator
import Testing

@Suite struct TokenLifeTests {
    @Test func `logging out deletes the token`() throws {
        var world = try SmallWorld()
        let made = try world.tallyfy.logout(user: world.user, at: world.now)
        #expect(made == nil)
        #expect(world.get("/me").status == 401)
        #expect(world.get("/me").text == Known.dead)
        let next = try world.tallyfy.login(user: world.user, organization: nil, at: world.now)
        #expect(world.get("/me", next).status == 200)
    }

    @Test func `logging out may make a new token at once, which goes with the next logout`() throws {
        var world = try SmallWorld { $0.logoutMode = .regenerate }
        let second = try #require(try world.tallyfy.logout(user: world.user, at: world.now))
        #expect(second != world.token)
        #expect(world.get("/me").status == 401)
        #expect(world.get("/me", second).status == 200)
        let third = try #require(try world.tallyfy.logout(user: world.user, at: world.now))
        #expect(world.get("/me", second).status == 401)
        #expect(world.get("/me", third).status == 200)
    }

    @Test func `logging out ends the latest session, logging out everywhere all of them`() throws {
        var world = try SmallWorld()
        let second = try world.tallyfy.login(user: world.user, organization: nil, at: world.now)
        let third = try world.tallyfy.login(user: world.user, organization: nil, at: world.now)
        _ = try world.tallyfy.logout(user: world.user, at: world.now)
        #expect([world.token, second, third].map { world.get("/me", $0).status } == [200, 200, 401])
        _ = try world.tallyfy.logout(user: world.user, all: true, at: world.now)
        #expect([world.token, second, third].map { world.get("/me", $0).status } == [401, 401, 401])
    }

    @Test func `another user's logout changes nothing`() throws {
        var world = try SmallWorld(.seed)
        let other = try world.tallyfy.addUser(email: "other@example.test", at: world.now)
        _ = try world.tallyfy.logout(user: other, at: world.now)
        #expect(world.get("/me").status == 200)
    }

    @Test func `application and on-behalf tokens outlive a logout`() throws {
        var world = try SmallWorld()
        let application = try world.tallyfy.issueApplicationToken(organization: world.organization, at: world.now)
        let path = "/applications/\(world.organization)/users/svc%40example.test/token"
        let headers = [SmallWorld.json, SmallWorld.client, SmallWorld.bearer(application)]
        let granted = world.ask("POST", path, headers)
        let onBehalf = try #require(granted.json["access_token"]?.string)
        _ = try world.tallyfy.logout(user: world.user, at: world.now)
        #expect(world.get("/organizations/\(world.organization)", application).status == 200)
        #expect(world.get("/me", onBehalf).status == 200)
    }

    @Test(arguments: [Profile.current, .seed])
    func `an idle session takes its token along, and using the token does not keep it awake`(profile: Profile) throws {
        var world = try SmallWorld(profile)
        world.now += 7200
        #expect(world.get("/me").status == 200)
        world.now += 1
        #expect(world.get("/me").status == 401)
    }

    @Test func `a session can be made older`() throws {
        var world = try SmallWorld()
        try world.tallyfy.idle(user: world.user, seconds: 7201)
        #expect(world.get("/me").status == 401)
    }

    @Test func `sessions may never time out`() throws {
        var world = try SmallWorld { $0.timeoutKills = false }
        try world.tallyfy.idle(user: world.user, seconds: 1e6)
        #expect(world.get("/me").status == 200)
    }

    @Test func `tokens expire by the clock after six months`() throws {
        var world = try SmallWorld { $0.timeoutKills = false }
        try world.tallyfy.advanceClock(by: 15_778_799, at: world.now)
        #expect(world.get("/me").status == 200)
        try world.tallyfy.advanceClock(by: 1, at: world.now)
        #expect(world.get("/me").status == 401)
    }

    @Test func `switching organization leaves the token alone`() throws {
        var world = try SmallWorld()
        let other = world.tallyfy.addOrganization(name: "Other", at: world.now)
        try world.tallyfy.addMember(user: world.user, organization: other)
        let made = try world.tallyfy.switchOrganization(user: world.user, to: other, at: world.now)
        #expect(made == nil)
        #expect(world.get("/organizations/\(other)/me").status == 200)
        #expect(world.get("/organizations/\(world.organization)/me").status == 200)
    }

    @Test func `switching organization may replace the token`() throws {
        var world = try SmallWorld(.seed)
        let other = world.tallyfy.addOrganization(name: "Other", at: world.now)
        try world.tallyfy.addMember(user: world.user, organization: other)
        let made = try #require(try world.tallyfy.switchOrganization(user: world.user, to: other, at: world.now))
        #expect(world.get("/me").status == 401)
        #expect(world.get("/me", made).status == 200)
    }

    @Test(arguments: [(true, 401), (false, 200)])
    func `a password reset kills tokens where the switch says so`(kills: Bool, status: Int) throws {
        var world = try SmallWorld { $0.passwordResetKills = kills }
        try world.tallyfy.resetPassword(user: world.user, at: world.now)
        #expect(world.get("/me").status == status)
    }

    @Test(arguments: [(Profile.current, 200), (.seed, 401)])
    func `clearing cookies is a logout in the seed profile`(profile: Profile, status: Int) throws {
        var world = try SmallWorld(profile)
        let made = try world.tallyfy.clearCookies(user: world.user, at: world.now)
        #expect(world.get("/me").status == status)
        #expect((made != nil) == (profile == .seed))
    }

    @Test func `deleting all tokens spares only the application's`() throws {
        var world = try SmallWorld()
        let application = try world.tallyfy.issueApplicationToken(organization: world.organization, at: world.now)
        try world.tallyfy.deleteAllTokens(user: world.user, at: world.now)
        #expect(world.get("/me").status == 401)
        #expect(world.get("/organizations/\(world.organization)", application).status == 200)
    }

    @Test func `the seed profile refuses a dead token with 401 and 403 in turn`() throws {
        var world = try SmallWorld(.seed)
        _ = try world.tallyfy.logout(user: world.user, at: world.now)
        #expect((0..<4).map { _ in world.get("/me").status } == [401, 403, 401, 403])
    }

    @Test func `a dead token may always be 403`() throws {
        var world = try SmallWorld { $0.deadStatus = .forbidden }
        _ = try world.tallyfy.logout(user: world.user, at: world.now)
        #expect(world.get("/me").text == Known.deadForbidden)
    }

    @Test func `the envelope may be the full one`() throws {
        var world = try SmallWorld { $0.envelope = .full }
        _ = try world.tallyfy.logout(user: world.user, at: world.now)
        #expect(world.get("/me").text == Known.deadFull)
    }

    @Test func `after a reset nothing is known`() throws {
        var world = try SmallWorld()
        world.tallyfy.switches.deadStatus = .forbidden
        world.tallyfy.reset()
        #expect(world.get("/me").text == Known.edgeDenied)
        #expect(world.tallyfy.switches == Switches())
        #expect(world.tallyfy.log.count == 1)
    }
}

@Suite struct TokenFormTests {
    private struct Claims: Decodable {
        let aud: String
        let jti: String
        let iat: Double
        let nbf: Double
        let exp: Double
        let sub: String
        let scopes: [String]
    }

    private func part(_ index: Int, of token: String) throws -> Data {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        try #require(parts.count == 3)
        var text = parts[index].replacing("-", with: "+").replacing("_", with: "/")
        while !text.count.isMultiple(of: 4) { text += "=" }
        return try #require(Data(base64Encoded: String(text)))
    }

    @Test func `a token is a web token with the claims of the real one`() throws {
        let world = try SmallWorld()
        let header = String(decoding: try part(0, of: world.token), as: UTF8.self)
        #expect(header == #"{"typ":"JWT","alg":"RS256","kid":"sim"}"#)
        let claims = try JSONDecoder().decode(Claims.self, from: part(1, of: world.token))
        #expect(claims.aud == "1")
        #expect(claims.sub == String(world.user))
        #expect(claims.jti.count == 80)
        #expect(claims.jti.allSatisfy { $0.isHexDigit })
        #expect(claims.exp - claims.iat == 15_778_800)
        #expect(claims.nbf == claims.iat)
        #expect(claims.scopes.isEmpty)
        #expect(try part(2, of: world.token).count == 256)
    }

    @Test(arguments: [(true, #""iat":1800000000.25,"#), (false, #""iat":1800000000,"#)])
    func `claims may have fractions`(fractional: Bool, expected: String) throws {
        var world = try SmallWorld { $0.fractionalClaims = fractional }
        world.now += 0.25
        let token = try world.tallyfy.login(user: world.user, organization: nil, at: world.now)
        #expect(String(decoding: try part(1, of: token), as: UTF8.self).contains(expected))
    }

    @Test func `an opaque token is 64 hexadecimal digits`() throws {
        var world = try SmallWorld { $0.opaqueTokens = true }
        #expect(world.token.count == 64)
        #expect(world.token.allSatisfy { $0.isHexDigit })
        #expect(world.get("/me").status == 200)
        #expect(world.get("/me", "0123").text == Known.edgeDenied)
    }

    @Test func `an application token has no subject`() throws {
        var world = try SmallWorld()
        let token = try world.tallyfy.issueApplicationToken(organization: world.organization, at: world.now)
        let claims = try JSONDecoder().decode(Claims.self, from: part(1, of: token))
        #expect(claims.sub.isEmpty)
        #expect(claims.aud == "100")
        #expect(claims.exp - claims.iat == 604_800)
    }
}
