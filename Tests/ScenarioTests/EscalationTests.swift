import TallyfySimulator
import Testing
import TokenHealth

/// Who else is told when nobody takes an incident on.
@Suite struct EscalationTests {
    private static let plan = Plan(defaults: ["remind: []", "escalate: [oncall]", "escalate_after: 10m"])

    @Test func `an incident that nobody acknowledges is escalated once, whatever is restarted`() async throws {
        try await withRig(Self.plan) { rig in
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(95 + 500))
            try await rig.restart()
            #expect(rig.alerts == ["token.invalidated"])
            try await rig.advance(by: .seconds(160))
            #expect(rig.alerts == ["token.invalidated", "token.reminder"])
            #expect(rig.body(1).text("/data/summary").hasPrefix("ESCALATED, not acknowledged for"))
            try await rig.restart()
            try await rig.advance(by: .seconds(7200))
            #expect(rig.alerts.count == 2)
            try rig.repair()
            try await rig.advance(by: .seconds(90))
            #expect(rig.alerts == ["token.invalidated", "token.reminder", "token.recovered"])
        }
    }

    @Test func `one that was acknowledged never is`() async throws {
        try await withRig(Self.plan) { rig in
            rig.tallyfy.logout(user: rig.users[0])
            try await rig.advance(by: .seconds(95 + 500))
            _ = try await rig.acknowledge("rotating it now")
            try await rig.restart()
            try await rig.advance(by: .seconds(86_400))
            #expect(rig.alerts == ["token.invalidated"])
        }
    }
}
