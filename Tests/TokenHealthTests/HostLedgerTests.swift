import Testing

@testable import TokenHealth

@Suite struct HostLedgerTests {
    /// Twelve failed logins in a hundred seconds: three for first refusals, six for asking again, and three trials, of which
    /// two are for new secrets.
    private static let limits = ProviderLimits(failedLogins: Rate(count: 12, per: .seconds(100)))
    private var ledger = HostLedger(limits: HostLedgerTests.limits)

    /// Looks at a token, which is refused.
    private mutating func refuse(_ standing: HostLedger.Standing, times: Int = 1, at now: Duration = .zero) {
        for _ in 0..<times { look(standing, refused: 1, at: now) }
    }

    /// Looks at a token, which is accepted.
    private mutating func accept(_ standing: HostLedger.Standing, at now: Duration) {
        look(standing, refused: 0, at: now)
    }

    private mutating func look(_ standing: HostLedger.Standing, refused: Int, at now: Duration) {
        ledger.begin()
        ledger.end(standing, requests: 1, failedLogins: refused, at: now)
    }

    @Test mutating func `tokens that are refused anyway leave room for a confirmation`() {
        refuse(.refused, times: 3)
        #expect(ledger.wait(for: .refused, at: .seconds(1)) == .seconds(105))
        #expect(ledger.wait(for: .doubted, at: .seconds(1)) == nil)
        refuse(.doubted, times: 3, at: .seconds(10))
        #expect(ledger.hasSpentLogins(at: .seconds(11)))
        #expect(ledger.wait(for: .doubted, at: .seconds(11)) == .seconds(105))
        // The three first ones make room for confirmations before they make any for themselves.
        #expect(ledger.wait(for: .doubted, at: .seconds(105)) == nil)
        #expect(ledger.wait(for: .refused, at: .seconds(105)) == .seconds(115))
    }

    @Test mutating func `tokens that are refused anyway cost those in good standing nothing`() {
        refuse(.refused, times: 6)
        refuse(.good, times: 2, at: .seconds(1))
        #expect(ledger.wait(for: .good, at: .seconds(2)) == nil)
    }

    @Test mutating func `after the first refusals, good tokens go on one at a time until another is refused`() {
        refuse(.good, times: 3)
        for second in 1...50 {
            #expect(ledger.wait(for: .good, at: .seconds(second)) == nil)
            ledger.begin()
            #expect(ledger.wait(for: .good, at: .seconds(second)) == .seconds(second) + .milliseconds(100))
            ledger.end(.good, requests: 1, failedLogins: 0, at: .seconds(second))
        }
        refuse(.good, at: .seconds(51))
        #expect(ledger.wait(for: .good, at: .seconds(52)) == .seconds(105))
        #expect(ledger.wait(for: .good, at: .seconds(105)) == nil)
    }

    @Test mutating func `no trial is wasted on a token whose owner's others are refused`() {
        refuse(.good)
        #expect(ledger.wait(for: .implicated, at: .seconds(1)) == nil)
        refuse(.implicated, times: 2, at: .seconds(1))
        #expect(ledger.wait(for: .implicated, at: .seconds(2)) == .seconds(105))
        #expect(ledger.wait(for: .good, at: .seconds(2)) == nil)
    }

    @Test mutating func `a new secret is tried though everything else is spent`() {
        refuse(.good, times: 4)
        refuse(.doubted, times: 6)
        for standing in [HostLedger.Standing.good, .implicated, .doubted, .refused] {
            #expect(ledger.wait(for: standing, at: .seconds(1)) == .seconds(105))
        }
        refuse(.renewed, times: 2, at: .seconds(2))
        #expect(ledger.wait(for: .renewed, at: .seconds(3)) == .seconds(105))
        #expect(ledger.wait(for: .renewed, at: .seconds(105)) == nil)
    }

    @Test mutating func `one that is accepted again has the good ones tried again, within the budget`() {
        refuse(.good, times: 4)
        #expect(ledger.wait(for: .good, at: .seconds(1)) == .seconds(105))
        accept(.refused, at: .seconds(2))
        #expect(ledger.wait(for: .good, at: .seconds(3)) == nil)
        // Two more times, and the part that is kept for confirmations would be touched.
        for second in [4, 5] {
            refuse(.good, at: .seconds(second))
            accept(.refused, at: .seconds(second))
            #expect(ledger.wait(for: .good, at: .seconds(second)) == nil)
        }
        refuse(.good, at: .seconds(6))
        accept(.refused, at: .seconds(6))
        #expect(ledger.wait(for: .good, at: .seconds(7)) == .seconds(105))
        #expect(ledger.wait(for: .refused, at: .seconds(7)) == .seconds(105))
        #expect(ledger.wait(for: .doubted, at: .seconds(7)) == nil)
    }

    @Test mutating func `a look that asked nothing tells nothing`() {
        refuse(.good, times: 4)
        for standing in HostLedger.Standing.allCases {
            ledger.begin()
            ledger.end(standing, requests: 0, failedLogins: 0, at: .seconds(1))
        }
        #expect(ledger.wait(for: .good, at: .seconds(1)) == .seconds(105))
    }

    @Test(arguments: 1...40) func `however little the host bears, nothing exceeds it, and nobody waits for nothing`(
        budget: Int
    ) {
        var ledger = HostLedger(limits: ProviderLimits(failedLogins: Rate(count: budget, per: .seconds(100))))
        var generator = SeededGenerator(seed: UInt64(budget))
        var refusals: [Double] = []
        for step in 0..<4000 {
            let now = Duration.milliseconds(step * 250)
            let standing = HostLedger.Standing.allCases.randomElement(using: &generator)!
            if let until = ledger.wait(for: standing, at: now) {
                #expect(until > now)
                continue
            }
            let isRefused = Bool.random(using: &generator)
            ledger.begin()
            ledger.end(standing, requests: 1, failedLogins: isRefused ? 1 : 0, at: now)
            if isRefused { refusals.append(Double(step) / 4) }
        }
        for (index, start) in refusals.enumerated() {
            // One first refusal and one more are what a death needs at least.
            #expect(refusals[index...].prefix { $0 < start + 100 }.count <= max(2, budget))
        }
        #expect(refusals.count > budget)
    }
}
