import FoundationEssentials
import TokenHealth
import Testing

/// Whose word counts about the end of a token, and what is said of it.
struct StatedExpiryTests {
    private static let day = 86_400.0

    private func date(day: Double) -> Date { Sample.moment(day * StatedExpiryTests.day).wall }

    private func stated(day: Double) -> StatedFacts { StatedFacts(expiresAt: date(day: day)) }

    @Test func `the API's word outweighs the token's, and that outweighs the estimate`() {
        var history = History(Sample.token(Sample.provider(lifetime: .seconds(200 * 86_400))))
        history.observe(.acceptedOwner, at: 0)
        #expect(history.belief.expirySource == .estimate)
        history.fingerprint = Sample.fingerprint(2)
        history.claims = TokenClaims(expiresAt: date(day: 100))
        history.observe(.acceptedOwner, at: 60)
        #expect(history.belief.expirySource == .token)
        #expect(history.belief.expiresAt == date(day: 100))
        history.observe(.acceptedOwner, at: 120, facts: stated(day: 90))
        #expect(history.belief.expirySource == .provider)
        #expect(history.belief.expiresAt == date(day: 90))
        history.observe(.acceptedOwner, at: 180)
        #expect(history.belief.expiresAt == date(day: 90), "an answer that says nothing takes nothing back")
    }

    @Test func `the API's word is for one secret`() {
        var history = History(Sample.token(Sample.provider(lifetime: .seconds(200 * 86_400))))
        history.observe(.acceptedOwner, at: 0, facts: stated(day: 40))
        history.fingerprint = Sample.fingerprint(2)
        history.observe(.acceptedOwner, at: 60)
        #expect(history.belief.expirySource == .estimate)
        #expect(history.belief.expiresAt == Sample.moment(60 + 200 * StatedExpiryTests.day).wall)
    }

    @Test func `each step is said once, also across restarts`() throws {
        var history = History()
        for left in [30, 14, 7, 3, 1] {
            let moment = (40 - Double(left)) * StatedExpiryTests.day
            #expect(history.observe(.acceptedOwner, at: moment - 60, facts: stated(day: 40)).notices.kinds == [])
            #expect(history.observe(.acceptedOwner, at: moment, facts: stated(day: 40)).notices.kinds == [.expiring])
            try history.restart()
            #expect(history.observe(.acceptedOwner, at: moment + 60, facts: stated(day: 40)).notices.kinds == [])
        }
    }

    @Test func `of several steps passed at once one is said`() {
        var history = History()
        #expect(history.observe(.acceptedOwner, at: 0, facts: stated(day: 2)).notices.kinds == [.expiring])
        #expect(history.observe(.acceptedOwner, at: 60, facts: stated(day: 2)).notices.kinds == [])
    }

    @Test func `a life made longer is warned of again at its new end`() {
        var history = History()
        history.observe(.acceptedOwner, at: 0, facts: stated(day: 2))
        #expect(history.observe(.acceptedOwner, at: 60, facts: stated(day: 20)).notices.kinds == [])
        let moment = 6.5 * StatedExpiryTests.day
        #expect(history.observe(.acceptedOwner, at: moment, facts: stated(day: 20)).notices.kinds == [.expiring])
    }

    @Test func `an expiry that flaps is warned of once`() throws {
        var history = History()
        history.observe(.acceptedOwner, at: 0, facts: stated(day: 40))
        var told: [AlertKind] = []
        for minute in 1...500 {
            let facts = stated(day: minute.isMultiple(of: 2) ? 300 : 2)
            told += history.observe(.acceptedOwner, at: Double(minute) * 60, facts: facts).notices.kinds
            if minute == 250 { try history.restart() }
        }
        #expect(told == [.expiring])
    }

    @Test func `a token that is renewed every hour is not warned of by the day`() {
        var history = History()
        for hour in 0..<50 {
            let now = Double(hour) * 3600
            history.fingerprint = Sample.fingerprint(hour)
            let issued = Sample.moment(now).wall
            history.claims = TokenClaims(expiresAt: issued.addingTimeInterval(3600), issuedAt: issued)
            history.observe(.acceptedOwner, at: now)
            history.age(to: now + 3000)
        }
        #expect(!history.told.contains(.expiring))
    }

    @Test func `nor is one whose end the API tells, from the second on`() {
        var history = History()
        for hour in 0..<50 {
            let now = Double(hour) * 3600
            history.fingerprint = Sample.fingerprint(hour)
            let end = StatedFacts(expiresAt: Sample.moment(now + 3600).wall)
            history.observe(.acceptedOwner, at: now + 5, facts: end)
            history.observe(.acceptedOwner, at: now + 1800, facts: end)
        }
        #expect(history.decisions.flatMap(\.notices).count { $0.warnsOfExpiry } == 1)
    }

    @Test func `a step as long as the whole life of a renewed token is none, a shorter one is`() {
        var history = History()
        history.claims = TokenClaims(expiresAt: date(day: 30), issuedAt: Sample.start)
        history.observe(.acceptedOwner, at: 0)
        #expect(history.told == [.expiring], "of the first one people hear all the same")
        let renewal = 20 * StatedExpiryTests.day
        history.fingerprint = Sample.fingerprint(2)
        history.claims = TokenClaims(expiresAt: date(day: 50), issuedAt: date(day: 20))
        #expect(!history.observe(.acceptedOwner, at: renewal).notices.contains { $0.warnsOfExpiry })
        #expect(history.age(to: renewal + 16 * StatedExpiryTests.day).notices.kinds == [.expiring])
    }

    @Test func `of a token that lives for hours nobody is warned by the day`() {
        var history = History()
        history.claims = TokenClaims(expiresAt: Sample.start.addingTimeInterval(7200), issuedAt: Sample.start)
        history.observe(.acceptedOwner, at: 0)
        #expect(history.told == [])
    }

    @Test func `an end that trembles by seconds is one end, said once and stored once`() {
        var history = History()
        let step = 10 * StatedExpiryTests.day
        history.observe(.acceptedOwner, at: step, control: .refused, facts: stated(day: 40))
        var told: [AlertKind] = []
        for second in 1...50 {
            let wobble = StatedFacts(expiresAt: date(day: 40).addingTimeInterval(Double(second % 7) * 5))
            let before = history.belief
            let decision = history.observe(.acceptedOwner, at: step + Double(second) * 60, facts: wobble)
            told += decision.notices.kinds
            #expect(!decision.isWorthStoring(after: before))
        }
        #expect(told == [])
    }

    @Test func `an estimate is called one, and makes no death a revocation`() throws {
        var history = History(Sample.token(Sample.provider(lifetime: .seconds(20 * 86_400))))
        history.observe(.acceptedOwner, at: 0)
        let told = try #require(history.alert(telling: history.decisions.last?.notices.first))
        #expect(told.summary == "EXPIRING hr-onboarding in 20 d (estimated) on srv1")
        #expect(told.tokens.first?.expirySource == .estimate)
        history.die(at: 60)
        #expect(history.belief.state == .invalid(.rejected))
        #expect(!history.belief.explanation.contains("good until"))
    }

    @Test func `a death past an estimated end says that the end was estimated`() {
        var history = History(Sample.token(Sample.provider(lifetime: .seconds(1000))))
        history.observe(.acceptedOwner, at: 0)
        history.die(at: 2000)
        #expect(history.belief.state == .invalid(.expired))
        #expect(history.belief.explanation.contains("its life ended on 2026-11-23, by an estimate"))
    }

    @Test func `a death before the end that the API said names its witness`() {
        var history = History()
        history.observe(.acceptedOwner, at: 0, facts: stated(day: 100))
        history.die(at: 60)
        #expect(history.belief.state == .invalid(.revoked))
        #expect(history.belief.explanation.contains("the API said that it is good until 2027-03-03"))
    }

    @Test func `a belief of an older version says where its expiry is from`() throws {
        var history = History()
        history.claims = TokenClaims(expiresAt: date(day: 100))
        history.observe(.acceptedOwner, at: 0)
        let text = String(decoding: try Wire.encoder().encode(history.belief), as: UTF8.self)
        #expect(!text.contains("expiryIsStated"))
        #expect(try history.belief.reread().expirySource == .token)
    }
}
