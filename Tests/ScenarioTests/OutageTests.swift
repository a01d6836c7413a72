import FoundationEssentials
import TallyfySimulator
import Testing
import TokenHealth

/// What is wrong elsewhere is never told as the death of a token.
@Suite struct OutageTests {
    /// Something in the way for ten minutes, and what it is called.
    struct Trouble: Sendable, CustomTestStringConvertible {
        let fault: Fault.Kind
        let belief: String

        init(_ fault: Fault.Kind, _ belief: String) {
            self.fault = fault
            self.belief = belief
        }

        var testDescription: String { "\(fault)" }
    }

    static let troubles = [
        Trouble(.maintenance(html: false), "unknown server_error"),
        Trouble(.maintenance(html: true), "unknown server_error"),
        Trouble(.waf(status: 403), "unknown blocked"),
        Trouble(.waf(status: 503), "unknown server_error"),
        Trouble(.status(401, html: true), "unknown blocked"),
        Trouble(.status(407), "unknown captive"),
        Trouble(.status(500), "unknown server_error"),
        Trouble(.status(502, html: true), "unknown server_error"),
        Trouble(.status(502), "unknown server_error"),
        Trouble(.status(511, html: true), "unknown captive"),
        Trouble(.status(522), "unknown server_error"),
        Trouble(.redirect(), "unknown redirected"),
        Trouble(.reset, "unknown network"),
        Trouble(.refuse, "unknown network"),
        Trouble(.body(.htmlLogin), "unknown unexpected"),
        Trouble(.body(.truncated), "unknown network"),
        Trouble(.body(.nullData), "unknown unexpected"),
        Trouble(.body(.array), "unknown unexpected"),
        Trouble(.nonCredential401(.unauthorized), "unknown unexpected"),
        Trouble(.nonCredential401(.unauthorizedAction), "unknown unexpected"),
        Trouble(.nonCredential401(.unauthorizedFullStop), "unknown unexpected"),
        Trouble(.nonCredential401(.samlNotEnabled), "unknown unexpected"),
        Trouble(.rateLimit(.absent), "unknown rate_limited"),
    ]

    @Test(arguments: troubles)
    func `ten minutes of trouble with a token alive throughout wake nobody`(_ trouble: Trouble) async throws {
        try await withRig { rig in
            rig.tallyfy.inject(Fault(trouble.fault, forSeconds: 600))
            for _ in 1...9 {
                try await rig.advance(by: .seconds(60))
                #expect(try rig.belief() == trouble.belief)
            }
            try await rig.advance(by: .seconds(180))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == [])
        }
    }

    @Test func `a body of five million bytes is no verdict`() async throws {
        try await withRig { rig in
            rig.tallyfy.inject(Fault(.body(.huge), count: 2))
            try await rig.advance(by: .seconds(60))
            #expect(try rig.belief() == "unknown unexpected")
            try await rig.advance(by: .seconds(120))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == [])
        }
    }

    @Test func `an API that does not answer is unknown by its time limit`() async throws {
        try await withRig(Plan(defaults: ["timeout: 700ms"])) { rig in
            rig.tallyfy.inject(Fault(.stall))
            try await rig.advance(by: .seconds(60))
            #expect(try rig.belief() == "unknown timeout")
            rig.tallyfy.clearFaults()
            rig.tallyfy.inject(Fault(.slowBody(bytes: 1, pause: .milliseconds(200))))
            try await rig.advance(by: .seconds(60))
            #expect(try rig.belief() == "unknown timeout")
            #expect(rig.alerts == [])
        }
    }

    @Test func `a port where nobody listens is unknown`() async throws {
        try await withRig { rig in
            await rig.tallyfy.stop()
            try await rig.advance(by: .seconds(600))
            #expect(try rig.belief() == "unknown network")
            #expect(try rig.report().explanation.contains("Connection refused"))
            #expect(rig.alerts == [])
        }
    }

    @Test func `TLS that fails is unknown, and the secret is not sent`() async throws {
        let plan = Plan(baseURL: { $0.apiURL.replacing("http:", with: "https:") })
        try await withRig(plan) { rig in
            try await rig.advance(by: .seconds(600))
            #expect(try rig.belief() == "unknown tls")
            #expect(rig.tallyfy.acceptedConnections > 0)
            #expect(rig.tallyfy.requests() == [])
            #expect(rig.alerts == [])
        }
    }

    @Test func `a name without an address is unknown`() async throws {
        let plan = Plan(defaults: ["timeout: 1s"], baseURL: { _ in "https://tallyfy.invalid/api" })
        try await withRig(plan) { rig in
            try await rig.advance(by: .seconds(60))
            // A name server that is slow to say no is a time-out.
            #expect(["unknown dns", "unknown timeout"].contains(try rig.belief()))
            #expect(rig.alerts == [])
        }
    }

    @Test func `one stray 401 between acceptances wakes nobody`() async throws {
        try await withRig { rig in
            rig.tallyfy.inject(Fault(.status(401), count: 1))
            try await rig.advance(by: .seconds(60))
            #expect(try rig.belief() == "suspect revoked")
            try await rig.advance(by: .seconds(15))
            #expect(try rig.belief() == "valid")
            try await rig.advance(by: .seconds(600))
            #expect(rig.alerts == [])
        }
    }

    @Test func `two stray 401s wake nobody either`() async throws {
        try await withRig { rig in
            rig.tallyfy.inject(Fault(.status(401), token: rig.secrets[0], count: 2))
            try await rig.advance(by: .seconds(300))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == [])
        }
    }

    @Test func `fifty tokens and an API in trouble for ten minutes wake nobody`() async throws {
        try await withRig(Plan(tokens: 50)) { rig in
            #expect(try rig.status().summary["valid"] == 50)
            rig.tallyfy.inject(Fault(.status(503), forSeconds: 600))
            try await rig.advance(by: .seconds(300))
            #expect(try rig.status().summary["unknown"] == 50)
            try await rig.advance(by: .seconds(420))
            #expect(try rig.status().summary["valid"] == 50)
            #expect(rig.alerts == [])
        }
    }

    @Test func `an outage longer than blind_after is told once at each end`() async throws {
        try await withRig { rig in
            rig.tallyfy.inject(Fault(.maintenance(), forSeconds: 1800))
            try await rig.advance(by: .seconds(950))
            #expect(rig.alerts == [])
            try await rig.advance(by: .seconds(60))
            #expect(try rig.belief() == "blind server_error")
            #expect(try rig.status().worst == .blind)
            try await rig.advance(by: .seconds(3600))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == ["token.blind", "token.sighted"])
        }
    }

    @Test func `a blind_after of its own is followed`() async throws {
        try await withRig(Plan(defaults: ["blind_after: 5m"])) { rig in
            rig.tallyfy.inject(Fault(.waf(), forSeconds: 600))
            try await rig.advance(by: .seconds(1200))
            #expect(rig.alerts == ["token.blind", "token.sighted"])
        }
    }

    @Test func `acceptances and stray 401s in turn wake nobody`() async throws {
        try await withRig { rig in
            rig.tallyfy.inject(Fault(.flap(status: 401, pattern: [true, false]), token: rig.secrets[0]))
            try await rig.advance(by: .seconds(1200))
            #expect(rig.alerts == [])
        }
    }

    @Test func `an outage at the first look is no death either`() async throws {
        try await withRig { rig in
            rig.tallyfy.inject(Fault(.maintenance(html: true), forSeconds: 600))
            try rig.repair()
            try await rig.restart()
            #expect(try rig.belief() == "unknown server_error")
            try await rig.advance(by: .seconds(660))
            #expect(try rig.belief() == "valid")
            #expect(rig.alerts == ["token.replaced"])
        }
    }
}
