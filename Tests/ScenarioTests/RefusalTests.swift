import FoundationEssentials
import TallyfySimulator
import TokenHealth
import Testing
import VigilEngine

/// Tokens that are refused all the time, and what that costs their neighbours at the same host.
@Suite(.timeLimit(.minutes(5))) struct RefusalTests {
    /// Seven tokens, the first four of which are refused from now on.
    private static let plan = Plan(tokens: 7)
    private static let refused = 0..<4
    private static let healthy = 4..<7

    /// Refuses the first tokens in this way, whatever they ask.
    private func refuse(_ kind: Fault.Kind, in rig: Rig) {
        for index in RefusalTests.refused { rig.tallyfy.inject(Fault(kind, token: rig.secrets[index])) }
    }

    @Test(arguments: [Fault.Kind.business403, .waf(status: 403)])
    func `tokens that are refused do not keep the others from being asked`(_ kind: Fault.Kind) async throws {
        try await withRig(RefusalTests.plan) { rig in
            refuse(kind, in: rig)
            try await rig.advance(by: .seconds(3600))
            for index in RefusalTests.healthy {
                #expect(try rig.belief(at: index) == "valid")
                let longest = rig.longestGap(with: rig.secrets[index])
                #expect(longest <= 63, "a healthy token was not asked for \(longest) s")
            }
        }
    }

    @Test(arguments: [Fault.Kind.business403, .waf(status: 403)])
    func `tokens that are refused do not delay the news of a death`(_ kind: Fault.Kind) async throws {
        try await withRig(RefusalTests.plan) { rig in
            refuse(kind, in: rig)
            try await rig.advance(by: .seconds(1800))
            let told = rig.alerts.count
            rig.tallyfy.logout(user: rig.users[RefusalTests.healthy.lowerBound])
            try await rig.advance(by: .seconds(60 + 30 + 15))
            #expect(rig.alerts.dropFirst(told) == ["token.invalidated"])
        }
    }

    @Test func `a token that is alive and forbidden something is asked as often as any`() async throws {
        try await withRig(RefusalTests.plan) { rig in
            refuse(.business403, in: rig)
            try await rig.advance(by: .seconds(3600))
            for index in RefusalTests.refused {
                #expect(try rig.belief(at: index) == "limited forbidden")
                let longest = rig.longestGap(with: rig.secrets[index])
                #expect(longest <= 63, "a token was not asked for \(longest) s")
            }
        }
    }

    @Test func `a wall in front of some tokens is not knocked at more often than the host bears`() async throws {
        try await withRig(RefusalTests.plan) { rig in
            refuse(.waf(status: 403), in: rig)
            try await rig.advance(by: .seconds(7200))
            let refused = rig.tallyfy.requests().filter { $0.status == 403 && $0.tokenFingerprint != nil }
            #expect(refused.count > 30)
            #expect(refused.most(within: 300) <= 30)
        }
    }

    @Test(arguments: [1, 4, 10])
    func `many deaths at once do not keep the others from being asked`(_ owners: Int) async throws {
        let plan = Plan(tokens: 36, owner: { $0 < 10 ? "team-\($0 % owners)@example.test" : "bot-\($0)@example.test" })
        try await withRig(plan) { rig in
            try await rig.advance(by: .seconds(300))
            for index in 0..<10 { rig.tallyfy.logout(user: rig.users[index]) }
            try await rig.advance(by: .seconds(900))
            #expect(try rig.status().summary["invalid"] == 10)
            #expect(try rig.status().summary["valid"] == 26)
            for index in 10..<36 {
                let longest = rig.longestGap(with: rig.secrets[index])
                #expect(longest <= 63, "a healthy token was not asked for \(longest) s")
            }
        }
    }

    @Test func `a token that is repaired is noticed within an interval, however many others are dead`() async throws {
        try await withRig(Plan(tokens: 40)) { rig in
            try await rig.advance(by: .seconds(120))
            for user in rig.users.prefix(30) { rig.tallyfy.logout(user: user) }
            for number in 0..<5 {
                try await rig.advance(by: .seconds(100))
                try rig.repair(at: number)
                try await rig.advance(by: .seconds(62))
                #expect(try rig.belief(at: number) == "valid", "after \(number * 162 + 162) s")
            }
        }
    }

    @Test func `dead tokens that are left alone are not late, and say when they are asked again`() async throws {
        try await withRig(Plan(tokens: 20)) { rig in
            try await rig.advance(by: .seconds(120))
            for user in rig.users.prefix(10) { rig.tallyfy.logout(user: user) }
            for _ in 0..<120 {
                try await rig.advance(by: .seconds(61))
                let now = rig.timekeeper.now()
                #expect(await rig.daemon?.watch.lateTokens(at: now.uptime) == [])
                for (name, report) in try rig.status().tokens {
                    let next = try #require(report.nextProbeAt)
                    #expect(next > now.wall.addingTimeInterval(-1), "\(name) at \(now.uptime)")
                }
            }
        }
    }

    @Test func `one server of several that refuses good tokens costs no token its turn for long`() async throws {
        try await withRig(Plan(tokens: 20)) { rig in
            try await rig.advance(by: .seconds(120))
            for (index, secret) in rig.secrets.enumerated() {
                let pattern = (0..<10).map { $0 == index % 10 }
                rig.tallyfy.inject(Fault(.flap(status: 401, pattern: pattern), token: secret))
            }
            try await rig.advance(by: .seconds(3600))
            #expect(try rig.status().summary["invalid"] == 0)
            for secret in rig.secrets { #expect(rig.longestGap(with: secret) <= 90) }
        }
    }

    @Test func `a wall that comes up while deaths are being confirmed locks nobody out`() async throws {
        try await withRig(Plan(tokens: 16)) { rig in
            try await rig.advance(by: .seconds(120))
            for secret in rig.secrets.prefix(13) {
                rig.tallyfy.inject(Fault(.status(401), token: secret, count: 1))
                rig.tallyfy.inject(Fault(.waf(status: 403), token: secret, forSeconds: 1800))
            }
            try await rig.advance(by: .seconds(1800))
            #expect(try rig.status().summary["invalid"] == 0)
            try await rig.advance(by: .seconds(420))
            #expect(try rig.status().summary["valid"] == 16)
            for secret in rig.secrets.suffix(3) { #expect(rig.longestGap(with: secret) <= 330) }
        }
    }
}
