import FoundationEssentials
import TallyfySimulator
import TokenHealth
import Testing

/// One cause, one message: what the tokens of one API say together.
struct CorrelationTests {
    @Test func `one log-out that kills three tokens of an owner is one alert with three tokens`() async throws {
        try await withRig(Plan(tokens: 5, owner: { $0 < 3 ? "svc@example.test" : "other-\($0)@example.test" })) { rig in
            for user in rig.users.prefix(3) { rig.tallyfy.logout(user: user) }
            try await rig.advance(by: .seconds(150))
            #expect(try rig.status().summary["invalid"] == 3)
            #expect(try rig.status().summary["valid"] == 2)
            #expect(rig.alerts == ["token.invalidated"])
            #expect(
                rig.bodies.map { $0.text("/data/summary") } == [
                    "INVALID 3 tokens of svc@example.test (revoked) on srv1"
                ]
            )
            let names = (0..<3).map { rig.body(0).text("/data/tokens/\($0)/name") }
            #expect(Set(names) == ["bot-0", "bot-1", "bot-2"])
            let incidents = try (0..<3).map { try rig.report(at: $0).incident?.id }
            #expect(Set(incidents).count == 1, "one incident, and every token shows it")
            #expect(rig.body(0).text("/data/incident_id") == incidents[0])
        }
    }

    @Test func `the three recover together, in one message of the same incident`() async throws {
        try await withRig(Plan(tokens: 3, owner: { _ in "svc@example.test" })) { rig in
            for user in rig.users { rig.tallyfy.logout(user: user) }
            try await rig.advance(by: .seconds(150))
            for index in 0..<3 { try rig.repair(at: index) }
            try await rig.advance(by: .seconds(90))
            #expect(try rig.status().summary["valid"] == 3)
            #expect(rig.alerts == ["token.invalidated", "token.recovered"])
            #expect(rig.body(1).text("/data/tokens/2/name") != "")
            #expect(rig.body(0).text("/data/incident_id") == rig.body(1).text("/data/incident_id"))
        }
    }

    @Test func `a restart between the first death and the alert forgets nothing and repeats nothing`() async throws {
        try await withRig(Plan(tokens: 4, defaults: ["group_wait: 40s"], owner: { _ in "svc@example.test" })) { rig in
            for user in rig.users.prefix(2) { rig.tallyfy.logout(user: user) }
            rig.tallyfy.inject(Fault(.status(503), token: rig.secrets[0]))
            rig.tallyfy.inject(Fault(.flap(status: 401, pattern: [true, false, false]), token: rig.secrets[1]))
            try await rig.advance(by: .seconds(95))
            try await rig.restart()
            try await rig.advance(by: .seconds(200))
            #expect(rig.alerts == ["token.invalidated"])
            #expect(rig.body(0).text("/data/tokens/1/name") != "")
            try await rig.restart()
            try await rig.advance(by: .seconds(200))
            #expect(rig.alerts == ["token.invalidated"])
        }
    }

    @Test func `an authentication outage of a hundred tokens is one provider incident, and nobody dies`() async throws {
        try await withRig(Plan(tokens: 100)) { rig in
            try await rig.advance(by: .seconds(120))
            rig.tallyfy.inject(Fault(.status(401), forSeconds: 400))
            try await rig.advance(by: .seconds(300))
            #expect(rig.alerts == ["provider.incident"])
            #expect(rig.body(0).text("/data/severity") == "critical")
            #expect(try rig.status().summary["invalid"] == 0)
            try await rig.advance(by: .seconds(900))
            #expect(try rig.status().summary["valid"] == 100)
            #expect(rig.alerts == ["provider.incident", "provider.recovered"])
            #expect(rig.body(0).text("/data/incident_id") == rig.body(1).text("/data/incident_id"))
        }
    }

    @Test func `an outage longer than the grace is told as deaths, one list where there are many owners`() async throws
    {
        let plan = Plan(tokens: 12, defaults: ["provider_grace: 3m"], owner: { "owner-\($0)@example.test" })
        try await withRig(plan) { rig in
            rig.tallyfy.inject(Fault(.status(401), forSeconds: 3000))
            try await rig.advance(by: .seconds(200))
            #expect(rig.alerts == ["provider.incident"])
            #expect(try rig.status().summary["invalid"] == 0)
            try await rig.advance(by: .seconds(1300))
            #expect(try rig.status().summary["invalid"] == 12)
            let kinds = rig.alerts
            #expect(kinds.first == "provider.incident")
            #expect(!kinds.contains("provider.recovered"))
            #expect(kinds.count { $0 == "token.invalidated" } <= 3, "\(kinds)")
        }
    }

    @Test func `per owner, once the grace is over and owners are few`() async throws {
        let plan = Plan(
            tokens: 4,
            defaults: ["provider_grace: 3m"],
            owner: { $0 < 2 ? "a@example.test" : "b@example.test" }
        )
        try await withRig(plan) { rig in
            for user in rig.users { rig.tallyfy.logout(user: user) }
            try await rig.advance(by: .seconds(120))
            #expect(rig.alerts == ["provider.incident"])
            try await rig.advance(by: .seconds(180))
            #expect(rig.alerts == ["provider.incident", "token.invalidated", "token.invalidated"])
            let summaries = Set(rig.bodies.dropFirst().map { $0.text("/data/summary") })
            #expect(
                summaries == [
                    "INVALID 2 tokens of a@example.test (revoked) on srv1",
                    "INVALID 2 tokens of b@example.test (revoked) on srv1",
                ]
            )
        }
    }

    @Test func `a hundred tokens without an answer are one blind alert, and one when sight is regained`() async throws {
        try await withRig(Plan(tokens: 100, defaults: ["interval: 3m"])) { rig in
            try await rig.advance(by: .seconds(120))
            rig.tallyfy.inject(Fault(.status(503), forSeconds: 2400))
            try await rig.advance(by: .seconds(2000))
            #expect(try rig.status().summary["blind"] == 100)
            #expect(rig.alerts == ["token.blind"])
            #expect(rig.body(0).text("/data/summary") == "BLIND 100 tokens of tallyfy (server_error) on srv1")
            try await rig.advance(by: .seconds(900))
            #expect(try rig.status().summary["valid"] == 100)
            #expect(rig.alerts.first == "token.blind")
            #expect(rig.alerts.dropFirst().allSatisfy { $0 == "token.sighted" })
            #expect(rig.alerts.count <= 3, "\(rig.alerts)")
        }
    }

    @Test func `one death while others are accepted is told without any delay by the others`() async throws {
        try await withRig(Plan(tokens: 20)) { rig in
            rig.tallyfy.deleteAllTokens(user: rig.users[7])
            try await rig.advance(by: .seconds(95))
            #expect(rig.alerts == ["token.invalidated"])
        }
    }

    @Test func `failed logins never exceed the budget of the host`() async throws {
        try await withRig(Plan(tokens: 60, defaults: ["provider_grace: 1m"])) { rig in
            try await rig.advance(by: .seconds(120))
            for user in rig.users { rig.tallyfy.logout(user: user) }
            try await rig.advance(by: .seconds(3600))
            let refused = rig.tallyfy.requests().filter { $0.status == 401 && $0.tokenFingerprint != nil }
            #expect(refused.count > 30)
            #expect(refused.most(within: 300) <= 30)
            #expect(try rig.status().summary["valid"] != 60)
        }
    }

    @Test func `requests never exceed the ceiling of the host`() async throws {
        try await withRig(Plan(tokens: 50, defaults: ["interval: 10s"])) { rig in
            try await rig.advance(by: .seconds(300))
            #expect(rig.tallyfy.requests().most(within: 60) <= 100)
            #expect(try rig.status().summary["valid"] == 50)
            #expect(rig.alerts == [])
        }
    }
}
