import FoundationEssentials
import TallyfySimulator
import Testing
import TokenHealth

/// What people do about an incident, and what planned quiet does.
@Suite struct SilenceTests {
    private static let trusting = Plan(defaults: ["remind: [10m]"])

    @Test func `an acknowledgement stops the reminders, survives a restart, and ends with the incident`() async throws {
        try await withRig(Self.trusting) { rig in
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(95 + 700))
            #expect(rig.alerts == ["token.invalidated", "token.reminder"])
            #expect(try await rig.acknowledge("rotating it now") == ["bot-0"])
            try await rig.advance(by: .seconds(1))
            let text = try #require(try rig.report().incident?.acknowledged)
            #expect(text.hasPrefix("oncall: rotating it now (2027-01-15T"))
            try await rig.advance(by: .seconds(3600))
            try await rig.restart()
            try await rig.advance(by: .seconds(3600))
            #expect(try rig.report().incident?.acknowledged == text)
            #expect(rig.alerts == ["token.invalidated", "token.reminder"])
            try rig.repair()
            try await rig.advance(by: .seconds(90))
            #expect(rig.alerts.last == "token.recovered")
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(150 + 700))
            #expect(rig.alerts.suffix(2) == ["token.invalidated", "token.reminder"], "a new incident is nobody's yet")
        }
    }

    @Test func `an acknowledgement holds for all tokens that were told together`() async throws {
        let plan = Plan(tokens: 3, defaults: ["remind: [10m]"], owner: { _ in "svc@example.test" })
        try await withRig(plan) { rig in
            for user in rig.users { rig.tallyfy.logout(user: user) }
            try await rig.advance(by: .seconds(150))
            #expect(rig.alerts == ["token.invalidated"])
            #expect(try await rig.acknowledge("on it") == ["bot-0", "bot-1", "bot-2"])
            try await rig.advance(by: .seconds(3600))
            #expect(rig.alerts == ["token.invalidated"])
        }
    }

    @Test func `nothing can be acknowledged where nothing is wrong`() async throws {
        try await withRig { rig in
            await #expect(throws: (any Error).self) { try await rig.acknowledge("why not") }
        }
    }

    @Test func `a death in a silence is told at its end, once, with its time`() async throws {
        try await withRig(Self.trusting) { rig in
            try await rig.silence(for: .seconds(7200))
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(7000))
            #expect(rig.alerts == [])
            #expect(try rig.report().incident?.silencedUntil != nil)
            try await rig.advance(by: .seconds(300))
            #expect(rig.alerts == ["token.invalidated"])
            #expect(rig.body(0).text("/data/summary") == "INVALID bot-0 (revoked) since 2027-01-15 08:01 UTC on srv1")
            #expect(try rig.report().incident?.silencedUntil == nil)
            try await rig.advance(by: .seconds(700))
            #expect(rig.alerts == ["token.invalidated", "token.reminder"])
        }
    }

    @Test func `a death and a recovery in a silence are one message, and the silence is over`() async throws {
        try await withRig(Self.trusting) { rig in
            try await rig.silence(for: .seconds(7200))
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(1500))
            try rig.repair()
            try await rig.advance(by: .seconds(90))
            #expect(rig.alerts == ["token.recovered"])
            let summary = rig.body(0).text("/data/summary")
            #expect(summary.hasPrefix("RECOVERED bot-0 after 2"), "\(summary)")
            #expect(
                summary.contains(", was invalid from 2027-01-15 08:01 UTC to 2027-01-15 08:2"),
                "\(summary)"
            )
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(150))
            #expect(rig.alerts == ["token.recovered", "token.invalidated"])
        }
    }

    @Test func `an incident known before a silence is recalled at its end, and its reminders are not`() async throws {
        try await withRig(Self.trusting) { rig in
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(100))
            try await rig.silence(for: .seconds(4000))
            try await rig.advance(by: .seconds(3990))
            #expect(rig.alerts == ["token.invalidated"])
            try await rig.advance(by: .seconds(60))
            #expect(rig.alerts == ["token.invalidated", "token.reminder"])
        }
    }

    @Test func `a silence survives restarts, and one that ends meanwhile is told at the next start`() async throws {
        try await withRig(Self.trusting) { rig in
            try await rig.silence(for: .seconds(3600))
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(1800))
            try await rig.restart()
            try await rig.advance(by: .seconds(1200))
            #expect(rig.alerts == [])
            rig.timekeeper.move(to: rig.timekeeper.now().uptime + .seconds(1800))
            try await rig.restart()
            try await rig.advance(by: .seconds(5))
            #expect(rig.alerts == ["token.invalidated"])
            try await rig.restart()
            try await rig.advance(by: .seconds(60))
            #expect(rig.alerts == ["token.invalidated"])
        }
    }

    @Test func `the end of a silence by hand tells what happened in it`() async throws {
        try await withRig { rig in
            try await rig.silence(for: .seconds(86_400))
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(600))
            #expect(rig.alerts == [])
            try await rig.endSilence()
            try await rig.advance(by: .seconds(1))
            #expect(rig.alerts == ["token.invalidated"])
            await #expect(throws: (any Error).self) { try await rig.endSilence() }
        }
    }

    @Test func `others speak while one is silenced`() async throws {
        try await withRig(Plan(tokens: 2)) { rig in
            try await rig.silence(for: .seconds(7200))
            for user in rig.users { rig.tallyfy.logout(user: user) }
            try await rig.advance(by: .seconds(200))
            #expect(rig.alerts == ["token.invalidated"])
            #expect(rig.body(0).text("/data/tokens/0/name") == "bot-1")
        }
    }

    private static func nightly(_ tokens: Int) -> Plan {
        Plan(
            tokens: tokens,
            defaults: ["remind: [10m]"],
            // A scenario begins at 08:00 UTC, which is 23:00 in this zone.
            sections: """
                maintenance:
                  nightly:
                    tokens: all
                    from: "23:30"
                    to: "01:00"
                    zone: Pacific/Gambier
                    reason: the import runs
                """
        )
    }

    @Test func `maintenance across midnight holds everything, and tells the state of all in one message`() async throws
    {
        try await withRig(Self.nightly(3)) { rig in
            try await rig.advance(by: .seconds(1800))
            for user in rig.users.prefix(2) { rig.tallyfy.logout(user: user) }
            try await rig.advance(by: .seconds(3600))
            #expect(try rig.status().summary["invalid"] == 2)
            #expect(rig.alerts == [])
            try await rig.restart()
            try await rig.advance(by: .seconds(1600))
            #expect(rig.alerts == [])
            try await rig.advance(by: .seconds(400))
            #expect(rig.alerts == ["token.invalidated"])
            #expect(rig.body(0).text("/data/summary").hasPrefix("INVALID 2 tokens of tallyfy (revoked) since "))
        }
    }

    @Test func `tokens that die and recover in maintenance are one message at its end`() async throws {
        try await withRig(Self.nightly(3)) { rig in
            try await rig.advance(by: .seconds(1800))
            for _ in 0..<2 {
                for user in rig.users { rig.tallyfy.logout(user: user) }
                try await rig.advance(by: .seconds(900))
                for index in 0..<3 { try rig.repair(at: index) }
                try await rig.advance(by: .seconds(900))
            }
            #expect(try rig.status().summary["valid"] == 3)
            #expect(rig.alerts == [])
            try await rig.advance(by: .seconds(2400))
            #expect(rig.alerts == ["token.recovered"])
            #expect(rig.body(0).text("/data/summary").hasPrefix("RECOVERED 3 tokens of tallyfy"))
        }
    }
}
