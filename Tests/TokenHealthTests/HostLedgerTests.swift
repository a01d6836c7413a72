import Testing

@testable import TokenHealth

@Suite struct HostLedgerTests {
    /// Nine failed logins in a hundred seconds: three for first refusals, six for asking again.
    private static let limits = ProviderLimits(failedLogins: Rate(count: 9, per: .seconds(100)))
    private var ledger = HostLedger(limits: HostLedgerTests.limits)

    /// Looks at a token, which is refused.
    private mutating func refuse(_ standing: HostLedger.Standing, times: Int = 1, at now: Duration = .zero) {
        for _ in 0..<times {
            ledger.begin()
            ledger.end(standing, requests: 1, failedLogins: 1, at: now)
        }
    }

    @Test mutating func `tokens that are refused anyway leave room for a confirmation`() {
        refuse(.refused, times: 3)
        #expect(ledger.wait(for: .refused, at: .seconds(1)) == .seconds(105))
        #expect(ledger.wait(for: .doubted, at: .seconds(1)) == nil)
        refuse(.doubted, times: 3, at: .seconds(10))
        #expect(ledger.wait(for: .doubted, at: .seconds(11)) == .seconds(105))
        // The three first ones make room for confirmations before they make any for themselves.
        #expect(ledger.wait(for: .doubted, at: .seconds(105)) == nil)
        #expect(ledger.wait(for: .refused, at: .seconds(105)) == .seconds(115))
    }

    @Test mutating func `tokens that are refused anyway cost those in good standing nothing`() {
        refuse(.refused, times: 3)
        #expect(ledger.wait(for: .good, at: .seconds(1)) == nil)
        refuse(.good, times: 2, at: .seconds(1))
        #expect(ledger.wait(for: .good, at: .seconds(2)) == nil)
    }

    @Test mutating func `where good tokens are refused as well, all wait, until one is accepted`() {
        refuse(.good, times: 3)
        #expect(ledger.wait(for: .good, at: .seconds(1)) == .seconds(105))
        ledger.begin()
        ledger.end(.refused, requests: 1, failedLogins: 0, at: .seconds(2))
        #expect(ledger.wait(for: .good, at: .seconds(3)) == nil)
        // One at a time.
        ledger.begin()
        #expect(ledger.wait(for: .good, at: .seconds(3)) == .milliseconds(3100))
    }

    @Test mutating func `a look that asked nothing tells nothing`() {
        refuse(.good, times: 3)
        for standing in [HostLedger.Standing.good, .doubted, .refused] {
            ledger.begin()
            ledger.end(standing, requests: 0, failedLogins: 0, at: .seconds(1))
        }
        #expect(ledger.wait(for: .good, at: .seconds(1)) == .seconds(105))
    }

    @Test mutating func `a budget of one is spent by whoever comes first`() {
        ledger = HostLedger(limits: ProviderLimits(failedLogins: Rate(count: 1, per: .seconds(100))))
        #expect(ledger.wait(for: .refused, at: .zero) == nil)
        refuse(.refused)
        #expect(ledger.wait(for: .doubted, at: .seconds(1)) == .seconds(105))
        #expect(ledger.wait(for: .good, at: .seconds(1)) == nil)
    }
}
