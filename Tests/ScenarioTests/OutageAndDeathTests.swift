import TallyfySimulator
import Testing
import TokenHealth

/// A token that dies while nobody can see it.
@Suite struct OutageAndDeathTests {
    @Test func `a token that dies in an outage is unreachable first, and dead when the API is back`() async throws {
        try await withRig { rig in
            rig.tallyfy.inject(Fault(.maintenance(), forSeconds: 600))
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(590))
            #expect(try rig.belief() == "unknown server_error")
            #expect(rig.alerts == [])
            try await rig.advance(by: .seconds(100))
            #expect(try rig.belief() == "invalid revoked")
            #expect(rig.alerts == ["token.invalidated"])
        }
    }

    @Test func `a token that dies in a long outage is told as blind first, then as dead`() async throws {
        try await withRig { rig in
            rig.tallyfy.inject(Fault(.waf(), forSeconds: 1800))
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(1790))
            #expect(try rig.belief() == "blind blocked")
            #expect(rig.alerts == ["token.blind"])
            try await rig.advance(by: .seconds(100))
            #expect(try rig.belief() == "invalid revoked")
            try await rig.advance(by: .seconds(600))
            #expect(rig.alerts == ["token.blind", "token.invalidated"])
        }
    }

    @Test func `an outage in the middle of a suspicion neither confirms nor clears it`() async throws {
        try await withRig { rig in
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(60))
            #expect(try rig.belief() == "suspect revoked")
            rig.tallyfy.inject(Fault(.status(502), forSeconds: 300))
            try await rig.advance(by: .seconds(290))
            #expect(try rig.belief() == "suspect revoked")
            #expect(rig.alerts == [])
            try await rig.advance(by: .seconds(60))
            #expect(try rig.belief() == "invalid revoked")
            #expect(rig.alerts == ["token.invalidated"])
        }
    }

    @Test func `an outage after a death changes nothing`() async throws {
        try await withRig { rig in
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(90))
            rig.tallyfy.inject(Fault(.maintenance(), forSeconds: 3000))
            try await rig.advance(by: .seconds(3000))
            #expect(try rig.belief() == "invalid revoked")
            try rig.repair()
            try await rig.advance(by: .seconds(60))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == ["token.invalidated", "token.recovered"])
        }
    }

    @Test func `a repair in an outage is believed only when it is seen`() async throws {
        try await withRig { rig in
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(90))
            #expect(rig.alerts == ["token.invalidated"])
            rig.tallyfy.inject(Fault(.status(503), forSeconds: 600))
            try rig.repair()
            try await rig.advance(by: .seconds(540))
            #expect(try rig.belief() != "valid")
            #expect(rig.alerts == ["token.invalidated"])
            try await rig.advance(by: .seconds(180))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == ["token.invalidated", "token.recovered"])
        }
    }

    /// What `Retry-After` says, and how long the API is left alone.
    static let pauses: [(Fault.RetryAfter, Int)] = [
        (.seconds(300), 300), (.date(inSeconds: 300), 300), (.absent, 60), (.garbage, 60), (.huge, 3600),
        (.seconds(0), 60), (.literal("-5"), 60), (.literal("99999999999999999999"), 3600), (.literal("3599"), 3599),
    ]

    @Test(arguments: pauses)
    func `Retry-After is obeyed, up to an hour`(_ form: Fault.RetryAfter, pause: Int) async throws {
        try await withRig { rig in
            rig.tallyfy.inject(Fault(.rateLimit(form), count: 1))
            try await rig.advance(by: .seconds(60))
            #expect(try rig.belief() == "unknown rate_limited")
            try await rig.advance(by: .seconds(pause - 2))
            #expect(rig.requests(with: rig.secrets[0]).count == 2)
            try await rig.advance(by: .seconds(2))
            #expect(rig.gaps(with: rig.secrets[0]) == [60, pause])
            #expect(try rig.belief() == "valid")
            // Whoever is in the dark for a quarter of an hour is told, whoever has asked for it.
            #expect(rig.alerts == (pause > 900 ? ["token.blind", "token.sighted"] : []))
        }
    }

    @Test func `Retry-After does not hide a new secret`() async throws {
        try await withRig { rig in
            rig.tallyfy.inject(Fault(.rateLimit(.huge), count: 1))
            try await rig.advance(by: .seconds(60))
            try rig.repair()
            try await rig.advance(by: .seconds(60))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == ["token.replaced"])
        }
    }
}
