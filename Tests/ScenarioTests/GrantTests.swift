import FoundationEssentials
import TallyfySimulator
import Testing
import TokenHealth

/// Credentials that are no tokens themselves.
@Suite struct GrantTests {
    /// An application of the organization, with its client secret in the file.
    private func plan(_ lines: String...) -> Plan {
        let grant = ["grant:", "  type: client_credentials", "  client_id: $CLIENT", "  token_url: $API/oauth/token"]
        return Plan(
            token: ["organization: $ORGANIZATION"] + grant + lines,
            secret: { tallyfy, organization in tallyfy.application(of: organization).clientSecret }
        )
    }

    private let onBehalf = "  on_behalf_of: bot-0@example.test"

    // MARK: - Scenario 21: an application token and /me

    @Test func `an application token taken for a user's is rejected by me, though it is well`() async throws {
        try await withRig(Plan(secret: { $0.issueApplicationToken(organization: $1) })) { rig in
            try await rig.advance(by: .seconds(90))
            #expect(Set(rig.requests(with: rig.secrets[0]).map(\.status)) == [401])
            #expect(try rig.belief() == "invalid revoked")
        }
    }

    @Test func `an application is asked for a token instead, and me is left alone`() async throws {
        try await withRig(plan()) { rig in
            try await rig.advance(by: .seconds(3 * 3600))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == [])
            #expect(Set(rig.paths()) == ["/api/oauth/token"])
            #expect(rig.tallyfy.requests().map(\.grantType) == Array(repeating: "client_credentials", count: 4))
        }
    }

    // MARK: - The client

    @Test func `a client secret that was changed is a death, and the new one is noticed within an interval`()
        async throws
    {
        try await withRig(plan()) { rig in
            let secret = rig.tallyfy.changeApplicationSecret(organization: rig.organization)
            try await rig.advance(by: .seconds(3600 + 30))
            #expect(try rig.belief() == "invalid rejected")
            #expect(rig.alerts == ["token.invalidated"])
            #expect(rig.bodies.last?.text("/data/remedy/steps/0").hasPrefix("Ask Tallyfy's support") == true)
            try rig.put(secret)
            try await rig.advance(by: .seconds(60))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == ["token.invalidated", "token.recovered"])
        }
    }

    @Test func `maintenance at the token endpoint is no death`() async throws {
        try await withRig(plan("  every: 5m")) { rig in
            rig.tallyfy.inject(Fault(.maintenance(), route: "/oauth/token", forSeconds: 600))
            try await rig.advance(by: .seconds(3600))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == [])
        }
    }

    @Test func `a dead client is asked after 1, 5 and 15 minutes, then hourly`() async throws {
        try await withRig(plan()) { rig in
            _ = rig.tallyfy.changeApplicationSecret(organization: rig.organization)
            try await rig.advance(by: .seconds(8 * 3600))
            let times = rig.tallyfy.requests().map(\.at)
            let gaps = zip(times.dropFirst(), times).map { Int($0.timeIntervalSince($1).rounded()) }
            #expect(gaps.prefix(8) == [3600, 15, 15, 60, 300, 900, 3600, 3600])
        }
    }

    // MARK: - On behalf of a user

    @Test func `a user's token is got with the application's, and watched like any other`() async throws {
        try await withRig(plan(onBehalf)) { rig in
            try await rig.advance(by: .seconds(1800))
            #expect(try rig.belief() == "valid")
            #expect(try rig.report().identity?.name == "bot-0@example.test")
            let paths = rig.paths()
            #expect(paths.count { $0 == "/api/oauth/token" } == 1)
            #expect(paths.count { $0.hasSuffix("/token") && $0.contains("/users/") } == 1)
            #expect(paths.count { $0 == "/api/me" } >= 30)
            #expect(try rig.report().expiresAt == nil)
        }
    }

    @Test func `tokens that are deleted are got anew, and nobody is told`() async throws {
        try await withRig(plan(onBehalf)) { rig in
            rig.tallyfy.deleteAllTokens(user: rig.users[0])
            try await rig.advance(by: .seconds(600))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == [])
        }
    }

    @Test func `a user who is suspended is told`() async throws {
        try await withRig(plan(onBehalf)) { rig in
            rig.tallyfy.suspend(user: rig.users[0])
            try await rig.advance(by: .seconds(300))
            #expect(try rig.belief() == "invalid rejected")
            #expect(rig.alerts == ["token.invalidated"])
        }
    }

    @Test func `a user who is no member is a limit of the application`() async throws {
        try await withRig(plan(onBehalf)) { rig in
            rig.tallyfy.deactivateMember(user: rig.users[0], organization: rig.organization)
            try await rig.restart()
            try await rig.advance(by: .seconds(300))
            #expect(try rig.belief() == "limited delegation_refused")
            #expect(rig.alerts == ["token.limited"])
        }
    }

    @Test func `no secret that was granted is kept or shown`() async throws {
        try await withRig(plan(onBehalf)) { rig in
            try await rig.advance(by: .seconds(600))
            rig.tallyfy.suspend(user: rig.users[0])
            try await rig.advance(by: .seconds(600))
            let left = try rig.everythingWritten() + rig.bodies.map { "\($0)" }.joined()
            #expect(left.contains("invalid") && left.contains("bot-0"))
            #expect(!left.contains("eyJ"), "a JSON Web Token is in what was written")
            #expect(!left.contains(rig.secrets[0]))
        }
    }

    // MARK: - A token that others renew

    /// A user's token that lives for an hour.
    private static let renewed = Plan(token: ["grant: {type: refresh_token}"])

    @Test func `renewing is no news, and no refresh token is ever spent`() async throws {
        try await withRig(GrantTests.renewed) { rig in
            rig.tallyfy.configure { $0.personalTokenSeconds = 3600 }
            for _ in 1...8 {
                try rig.repair()
                try await rig.advance(by: .seconds(3000))
            }
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == [])
            #expect(rig.tallyfy.requests().allSatisfy { $0.grantType == nil })
            #expect(Set(rig.paths()) == ["/api/me"])
        }
    }

    @Test func `one that is not renewed is told when it has expired`() async throws {
        try await withRig(GrantTests.renewed) { rig in
            rig.tallyfy.configure { $0.personalTokenSeconds = 3600 }
            try rig.repair()
            try await rig.advance(by: .seconds(3500))
            #expect(rig.alerts == [])
            try await rig.advance(by: .seconds(300))
            #expect(try rig.belief() == "invalid expired")
            #expect(rig.alerts == ["token.invalidated"])
            let step = rig.bodies.last?.text("/data/remedy/steps/0") ?? ""
            #expect(step.hasPrefix("Find out why the program that renews this access token does not"))
            try rig.repair()
            try await rig.advance(by: .seconds(60))
            #expect(rig.alerts == ["token.invalidated", "token.recovered"])
            #expect(rig.tallyfy.requests().allSatisfy { $0.grantType == nil })
        }
    }
}
