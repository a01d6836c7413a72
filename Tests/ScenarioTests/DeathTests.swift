import TallyfySimulator
import Testing
import TokenHealth

/// The ways in which a Tallyfy token dies, each told once and for what it is.
@Suite struct DeathTests {
    @Test func `a token that works is watched in silence`() async throws {
        try await withRig { rig in
            try await rig.advance(by: .seconds(3600))
            #expect(rig.alerts == [])
            #expect(try rig.belief() == "valid")
            let status = try rig.status()
            #expect(status.worst == .valid)
            #expect(status.summary["valid"] == 1)
            #expect(status.monitor.healthy)
            #expect(status.notifiers["oncall"]?.state == .ok)
            #expect(try rig.report().identity?.name == "bot-0@example.test")
            #expect(rig.requests(with: rig.secrets[0]).count == 61)
        }
    }

    @Test func `a log-out is suspected within one interval and told once when it is certain`() async throws {
        try await withRig { rig in
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(60))
            #expect(try rig.belief() == "suspect revoked")
            #expect(rig.alerts == [])
            try await rig.advance(by: .seconds(30))
            #expect(try rig.belief() == "invalid revoked")
            #expect(rig.alerts == ["token.invalidated"])
            try await rig.advance(by: .seconds(1800))
            #expect(rig.alerts == ["token.invalidated"])
            let report = try rig.report()
            #expect(
                report.explanation.contains("confirmed over 30 s; the same request without a token is refused alike")
            )
            #expect(report.explanation.contains("most likely: its owner logged out of the Tallyfy web app"))
            #expect(try rig.status().worst == .invalid)
            #expect(report.incident != nil)
        }
    }

    @Test func `a repaired token is found within one interval and told once`() async throws {
        try await withRig { rig in
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(3000))
            try rig.repair()
            try await rig.advance(by: .seconds(60))
            #expect(try rig.belief() == "valid")
            try await rig.advance(by: .seconds(3600))
            #expect(rig.alerts == ["token.invalidated", "token.recovered"])
            #expect(try rig.report().incident == nil)
        }
    }

    @Test func `the token that logging out makes at once does not hide the death of the old one`() async throws {
        try await withRig { rig in
            rig.tallyfy.configure { $0.logoutMode = .regenerate }
            let successor = try #require(rig.tallyfy.logout(user: rig.users[0]))
            try await rig.advance(by: .seconds(90))
            #expect(try rig.belief() == "invalid revoked")
            try rig.put(successor)
            try await rig.advance(by: .seconds(60))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == ["token.invalidated", "token.recovered"])
        }
    }

    @Test func `a secret replaced before anybody noticed is told as a replacement`() async throws {
        try await withRig { rig in
            rig.tallyfy.configure { $0.logoutMode = .regenerate }
            try rig.put(try #require(rig.tallyfy.logout(user: rig.users[0])))
            try await rig.advance(by: .seconds(3600))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == ["token.replaced"])
        }
    }

    @Test func `a web session that times out takes the token along`() async throws {
        try await withRig { rig in
            rig.tallyfy.configure { $0.sessionIdleSeconds = 7200 }
            try await rig.advance(by: .seconds(7190))
            #expect(try rig.belief() == "valid")
            try await rig.advance(by: .seconds(110))
            #expect(try rig.belief() == "invalid revoked")
            #expect(rig.alerts == ["token.invalidated"])
        }
    }

    @Test func `working in another organization is no death where it kills no token`() async throws {
        try await withRig { rig in
            let other = rig.tallyfy.addOrganization(name: "Other")
            rig.tallyfy.addMember(user: rig.users[0], organization: other)
            rig.tallyfy.switchOrganization(user: rig.users[0], to: other)
            try await rig.advance(by: .seconds(600))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == [])
        }
    }

    @Test func `working in another organization is a death where it kills the token`() async throws {
        try await withRig { rig in
            rig.tallyfy.configure { $0.switchOrganizationKills = true }
            let other = rig.tallyfy.addOrganization(name: "Other")
            rig.tallyfy.addMember(user: rig.users[0], organization: other)
            let successor = rig.tallyfy.switchOrganization(user: rig.users[0], to: other)
            try await rig.advance(by: .seconds(90))
            #expect(try rig.belief() == "invalid revoked")
            try rig.put(try #require(successor))
            try await rig.advance(by: .seconds(60))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == ["token.invalidated", "token.recovered"])
        }
    }

    @Test func `a password reset is a death`() async throws {
        try await withRig { rig in
            rig.tallyfy.resetPassword(user: rig.users[0])
            try await rig.advance(by: .seconds(90))
            #expect(try rig.belief() == "invalid revoked")
            #expect(rig.alerts == ["token.invalidated"])
        }
    }

    @Test func `deleting all active tokens is a death`() async throws {
        try await withRig { rig in
            rig.tallyfy.deleteAllTokens(user: rig.users[0])
            try await rig.advance(by: .seconds(90))
            #expect(try rig.belief() == "invalid revoked")
            #expect(rig.alerts == ["token.invalidated"])
        }
    }

    @Test func `a death answered with 401 and 403 in turn is one death`() async throws {
        try await withRig(Plan(profile: .seed)) { rig in
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(90))
            #expect(try rig.belief() == "invalid revoked")
            try await rig.advance(by: .seconds(3000))
            #expect(rig.alerts == ["token.invalidated"])
            #expect(Set(rig.requests(with: rig.secrets[0]).compactMap(\.status)) == [200, 401, 403])
        }
    }

    @Test func `a death answered with 403 alone is a death`() async throws {
        try await withRig { rig in
            rig.tallyfy.configure { $0.deadStatus = .forbidden }
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(90))
            #expect(try rig.belief() == "invalid revoked")
            #expect(rig.alerts == ["token.invalidated"])
        }
    }

    @Test func `an opaque token dies as well, and no cause is made up`() async throws {
        try await withRig(Plan(opaqueTokens: true)) { rig in
            #expect(try rig.belief() == "valid")
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(90))
            #expect(try rig.belief() == "invalid rejected")
            #expect(rig.alerts == ["token.invalidated"])
        }
    }

    @Test func `a dead token is asked again after 1, 5 and 15 minutes, then hourly`() async throws {
        try await withRig { rig in
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(90))
            #expect(try rig.belief() == "invalid revoked")
            try await rig.advance(by: .seconds(5 * 3600))
            #expect(rig.gaps(with: rig.secrets[0]).suffix(8) == [15, 60, 300, 900, 3600, 3600, 3600, 3600])
        }
    }

    @Test func `a death between answers that say nothing is told once`() async throws {
        try await withRig { rig in
            rig.tallyfy.logout(user: rig.users[0])
            rig.tallyfy.inject(Fault(.flap(status: 502, pattern: [true, false, true, true]), token: rig.secrets[0]))
            try await rig.advance(by: .seconds(1800))
            #expect(try rig.belief() == "invalid revoked")
            #expect(rig.alerts == ["token.invalidated"])
        }
    }

    @Test func `one death among fifty tokens is one alert`() async throws {
        try await withRig(Plan(tokens: 50)) { rig in
            rig.tallyfy.deleteAllTokens(user: rig.users[17])
            try await rig.advance(by: .seconds(150))
            #expect(try rig.status().summary["valid"] == 49)
            #expect(rig.bodies.map { $0.text("/data/summary") } == ["INVALID bot-17 (revoked) on srv1"])
        }
    }

    @Test func `a token that was never good is told as rejected`() async throws {
        try await withRig { rig in
            try rig.put(rig.tallyfy.issueApplicationToken(organization: rig.organization))
            try await rig.advance(by: .seconds(300))
            #expect(try rig.report().state == .invalid)
            #expect(rig.alerts == ["token.invalidated"])
        }
    }
}
