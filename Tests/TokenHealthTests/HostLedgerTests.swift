import Testing

@testable import TokenHealth

@Suite struct HostLedgerTests {
    /// Twenty failed logins in a hundred seconds: two for trials, two for new secrets, and sixteen for all else, of which
    /// five for what decides nothing.
    private static let limits = ProviderLimits(failedLogins: Rate(count: 20, per: .seconds(100)))
    private var ledger = HostLedger(limits: HostLedgerTests.limits)
    private var suspects = Suspects()

    private mutating func refuse(_ standing: HostLedger.Standing, times: Int = 1, at now: Duration = .zero) {
        for _ in 0..<times { look(standing, refused: 1, at: now) }
    }

    private mutating func look(_ standing: HostLedger.Standing, refused: Int, at now: Duration) {
        ledger.begin(at: now)
        ledger.end(standing, suspects: suspects, requests: 1, failedLogins: refused, at: now)
    }

    private func wait(for standing: HostLedger.Standing, at now: Duration) -> Duration? {
        ledger.wait(for: standing, suspects: suspects, at: now)
    }

    @Test mutating func `what decides nothing leaves the most for the others`() {
        refuse(.refused, times: 5)
        #expect(wait(for: .refused, at: .seconds(1)) == .seconds(105))
        #expect(wait(for: .good, at: .seconds(1)) == nil)
        refuse(.doubted, times: 9, at: .seconds(10))
        #expect(!ledger.hasSpentLogins(at: .seconds(11)))
        #expect(wait(for: .suspected, at: .seconds(11)) == nil)
        refuse(.doubted, times: 2, at: .seconds(11))
        #expect(ledger.hasSpentLogins(at: .seconds(12)))
        #expect(wait(for: .doubted, at: .seconds(12)) == .seconds(105))
        #expect(wait(for: .doubted, at: .seconds(105)) == nil)
    }

    @Test mutating func `with a first refusal its confirmation is put by`() {
        for suspect in 1...5 {
            #expect(wait(for: .good, at: .seconds(1)) == nil)
            ledger.begin(at: .seconds(1))
            // A sixth could not be confirmed.
            #expect((wait(for: .good, at: .seconds(1)) == nil) == (suspect < 5))
            ledger.end(.good, suspects: suspects, requests: 1, failedLogins: 1, at: .seconds(1))
            suspects.fresh = suspect
        }
        // Each of the five is confirmed now.
        for _ in 0..<5 {
            #expect(wait(for: .suspected, at: .seconds(20)) == nil)
            refuse(.suspected, at: .seconds(20))
            suspects = Suspects(fresh: suspects.fresh - 1, doubted: suspects.doubted + 1)
        }
        for _ in 0..<5 {
            #expect(wait(for: .suspected, at: .seconds(30)) == .seconds(35))
            #expect(wait(for: .doubted, at: .seconds(30)) == nil)
            refuse(.doubted, at: .seconds(30))
            suspects.doubted -= 1
        }
    }

    @Test mutating func `with all put by, good tokens go on one at a time until two are refused`() {
        refuse(.good, times: 5)
        suspects.fresh = 6
        for second in 1...50 {
            #expect(wait(for: .good, at: .seconds(second)) == nil)
            ledger.begin(at: .seconds(second))
            #expect(wait(for: .good, at: .seconds(second)) == .seconds(second) + .milliseconds(100))
            ledger.end(.good, suspects: suspects, requests: 1, failedLogins: 0, at: .seconds(second))
        }
        refuse(.good, at: .seconds(51))
        // One whose owner has lost another token is tried once alone.
        #expect(wait(for: .implicated, at: .seconds(52)) != nil)
        #expect(wait(for: .good, at: .seconds(52)) == nil)
        refuse(.good, at: .seconds(52))
        #expect(wait(for: .good, at: .seconds(53)) != nil)
        // Cleared, and the budget is free again.
        suspects.fresh = 0
        #expect(wait(for: .good, at: .seconds(53)) == nil)
        #expect(wait(for: .implicated, at: .seconds(53)) == nil)
    }

    @Test mutating func `a new secret is tried though everything else is spent`() {
        refuse(.doubted, times: 16)
        refuse(.good, times: 2)
        for standing in [HostLedger.Standing.good, .implicated, .suspected, .doubted, .refused] {
            #expect(wait(for: standing, at: .seconds(1)) == .seconds(105))
        }
        #expect(wait(for: .renewed, at: .seconds(1)) == nil)
        refuse(.renewed, times: 2, at: .seconds(2))
        #expect(wait(for: .renewed, at: .seconds(3)) == .seconds(105))
    }

    @Test mutating func `a look that is accepted costs nothing`() {
        for standing in HostLedger.Standing.allCases { for _ in 0..<50 { look(standing, refused: 0, at: .zero) } }
        for standing in HostLedger.Standing.allCases { #expect(wait(for: standing, at: .seconds(1)) == nil) }
    }

    @Test(arguments: [3, 6, 10, 20, 30]) func `suspects that nobody can confirm do not lock the others out`(
        budget: Int
    ) {
        let ledger = HostLedger(limits: ProviderLimits(failedLogins: Rate(count: budget, per: .seconds(600))))
        for suspects in [Suspects(fresh: 40), Suspects(doubted: 40), Suspects(fresh: 20, doubted: 20)] {
            for standing in HostLedger.Standing.allCases {
                #expect(ledger.wait(for: standing, suspects: suspects, at: .seconds(1)) == nil)
            }
        }
    }

    @Test(arguments: [(6, 2), (10, 2), (20, 5), (30, 8)])
    func `of many that begin at once, so many are let in as can be confirmed`(budget: Int, limit: Int) {
        var ledger = HostLedger(limits: ProviderLimits(failedLogins: Rate(count: budget, per: .seconds(600))))
        var begun = 0
        while ledger.wait(for: .good, suspects: Suspects(), at: .seconds(1)) == nil, begun < budget {
            ledger.begin(at: .seconds(1))
            begun += 1
        }
        #expect(begun == limit)
    }

    @Test(arguments: [(3, 1), (6, 2), (10, 2), (20, 5), (30, 8)])
    func `so many deaths at once are confirmed at once`(budget: Int, deaths: Int) {
        var ledger = HostLedger(limits: ProviderLimits(failedLogins: Rate(count: budget, per: .seconds(600))))
        for death in 1...deaths {
            let suspects = Suspects(fresh: death - 1)
            #expect(ledger.wait(for: .good, suspects: suspects, at: .seconds(death)) == nil)
            ledger.begin(at: .seconds(death))
            ledger.end(.good, suspects: suspects, requests: 1, failedLogins: 1, at: .seconds(death))
        }
        for again in 0..<deaths {
            let suspects = Suspects(fresh: deaths - again, doubted: again)
            #expect(ledger.wait(for: .suspected, suspects: suspects, at: .seconds(20)) == nil)
            ledger.begin(at: .seconds(20))
            ledger.end(.suspected, suspects: suspects, requests: 1, failedLogins: 1, at: .seconds(20))
        }
        for dead in 0..<deaths {
            let suspects = Suspects(doubted: deaths - dead)
            #expect(ledger.wait(for: .doubted, suspects: suspects, at: .seconds(40)) == nil)
            ledger.begin(at: .seconds(40))
            ledger.end(.doubted, suspects: suspects, requests: 1, failedLogins: 1, at: .seconds(40))
        }
    }

    @Test func `where the host bears six, one dead token leaves room for its neighbours`() {
        var ledger = HostLedger(limits: ProviderLimits(failedLogins: Rate(count: 6, per: .seconds(600))))
        func refuse(_ standing: HostLedger.Standing, at second: Int) {
            ledger.begin(at: .seconds(second))
            ledger.end(standing, suspects: Suspects(), requests: 1, failedLogins: 1, at: .seconds(second))
        }
        refuse(.good, at: 0)
        refuse(.suspected, at: 15)
        refuse(.doubted, at: 30)
        for second in [90, 390] {
            #expect(ledger.wait(for: .refused, suspects: Suspects(), at: .seconds(second)) == nil)
            refuse(.refused, at: second)
            for standing in [HostLedger.Standing.good, .implicated] {
                #expect(ledger.wait(for: standing, suspects: Suspects(), at: .seconds(second)) == nil)
            }
        }
    }

    @Test(arguments: 1...60) func `however little the host bears, nothing exceeds it, and nobody waits for nothing`(
        budget: Int
    ) {
        var ledger = HostLedger(limits: ProviderLimits(failedLogins: Rate(count: budget, per: .seconds(100))))
        var generator = SeededGenerator(seed: UInt64(budget))
        var underWay: [HostLedger.Standing] = []
        var refusals: [Double] = []
        for step in 0..<6000 {
            let now = Duration.milliseconds(step * 250)
            let suspects = Suspects(
                fresh: Int.random(in: 0...3, using: &generator),
                doubted: Int.random(in: 0...3, using: &generator)
            )
            let standing = HostLedger.Standing.allCases.randomElement(using: &generator)!
            if let until = ledger.wait(for: standing, suspects: suspects, at: now) {
                #expect(until > now)
            } else {
                ledger.begin(at: now)
                underWay.append(standing)
            }
            guard Bool.random(using: &generator), !underWay.isEmpty else { continue }
            let ended = underWay.remove(at: Int.random(in: 0..<underWay.count, using: &generator))
            let isRefused = Bool.random(using: &generator)
            ledger.end(ended, suspects: suspects, requests: 1, failedLogins: isRefused ? 1 : 0, at: now)
            if isRefused { refusals.append(Double(step) / 4) }
        }
        for (index, start) in refusals.enumerated() {
            #expect(refusals[index...].prefix { $0 < start + 100 }.count <= budget)
        }
        #expect(refusals.count > budget)
    }
}
