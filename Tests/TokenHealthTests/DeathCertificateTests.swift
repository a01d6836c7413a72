import FoundationEssentials
import TokenHealth
import Testing

@Suite struct `The death certificate` {
    private func dead(_ change: (inout WatchedToken) -> Void = { _ in }) -> History {
        var history = History()
        change(&history.token)
        history.claims = TokenClaims(expiresAt: Sample.moment(1_000_000).wall)
        history.observe(.acceptedOwner, at: 0)
        history.die(at: 86_400)
        return history
    }

    @Test func `says when, why and for how long`() throws {
        let history = dead { $0.usedBy = [Dependant(name: "payroll", owner: nil, url: nil)] }
        let certificate = try #require(DeathCertificate(token: history.token, belief: history.belief))
        #expect(certificate.lastAcceptedAt == Sample.start)
        #expect(certificate.firstRejectedAt == Sample.moment(86_400).wall)
        #expect(certificate.confirmedAt == Sample.moment(86_430).wall)
        #expect(certificate.reason == .revoked)
        #expect(certificate.cause == "its owner logged out")
        #expect(certificate.lived == .seconds(86_400))
        #expect(certificate.usedBy.map(\.name) == ["payroll"])
        #expect(certificate.owner == "api-bot@example.test")
        #expect(try certificate.reread() == certificate)
    }

    @Test func `names no cause of a death that was to be expected`() throws {
        var history = History()
        history.claims = TokenClaims(expiresAt: Sample.moment(50).wall)
        history.observe(.acceptedOwner, at: 0)
        history.die(at: 60)
        let certificate = try #require(DeathCertificate(token: history.token, belief: history.belief))
        #expect(certificate.reason == .expired)
        #expect(certificate.cause == nil)
    }

    @Test func `is written for the dead alone`() {
        var history = History()
        history.observe(.acceptedOwner, at: 0)
        #expect(DeathCertificate(token: history.token, belief: history.belief) == nil)
        history.observe(.rejected(.credential), at: 60)
        #expect(DeathCertificate(token: history.token, belief: history.belief) == nil)
        let revived = dead()
        var alive = revived
        alive.observe(.acceptedOwner, at: 90_000)
        #expect(DeathCertificate(token: alive.token, belief: alive.belief) == nil)
    }

    @Test func `knows no life that began after its end`() throws {
        var history = dead()
        history.belief.fingerprintSeenAt = Sample.moment(100_000).wall
        #expect(try #require(DeathCertificate(token: history.token, belief: history.belief)).lived == nil)
    }
}
