import FoundationEssentials
import TokenHealth
import Testing

struct ConfirmationTests {
    private func history(_ rejections: Int = 3, over: Duration = .seconds(30)) -> History {
        History(Sample.token(confirmation: Confirmation(rejections: rejections, over: over)))
    }

    @Test func `one rejection too few is a suspicion, however long it lasts`() {
        var history = history()
        history.observe(.rejected(.credential), at: 0)
        history.observe(.rejected(.credential), at: 3000)
        #expect(history.belief.state.name == .suspect)
        #expect(history.told == [])
    }

    @Test func `a millisecond too short is a suspicion, however many there are`() {
        var history = history()
        for second in [0, 5, 10, 15, 20, 29.999] { history.observe(.rejected(.credential), at: second) }
        #expect(history.belief.state.name == .suspect)
        history.observe(.rejected(.credential), at: 30)
        #expect(history.belief.state.name == .invalid)
        #expect(history.told == [.invalidated])
    }

    @Test func `exactly enough in exactly the time is a death`() {
        var history = history()
        history.die()
        #expect(history.belief.state == .invalid(.rejected))
        #expect(history.told == [.invalidated])
        #expect(history.belief.firstRejectedAt == Sample.start)
        #expect(history.belief.incident?.openedAt == Sample.moment(30).wall)
    }

    @Test func `one rejection over no time is enough where it is so configured`() {
        var history = history(1, over: .zero)
        #expect(history.observe(.rejected(.credential), at: 0).notices.kinds == [.invalidated])
    }

    @Test func `an answer that says nothing neither counts nor resets`() {
        var history = history()
        history.observe(.rejected(.credential), at: 0)
        for second in [5, 10, 15, 20, 40] { history.observe(.indeterminate(.serverError), at: Double(second)) }
        history.observe(.rejected(.credential), at: 45)
        #expect(history.belief.state.name == .suspect)
        history.observe(.indeterminate(.timeout), at: 46)
        history.observe(.rejected(.credential), at: 47)
        #expect(history.belief.state.name == .invalid)
    }

    @Test func `an acceptance ends a suspicion without a word`() {
        var history = history()
        history.observe(.rejected(.credential), at: 0)
        history.observe(.rejected(.credential), at: 20)
        history.observe(.acceptedOwner, at: 25)
        #expect(history.belief.firstRejectedAt == nil)
        for second in [30, 45] { history.observe(.rejected(.credential), at: Double(second)) }
        #expect(history.belief.state.name == .suspect)
        #expect(history.told == [])
    }

    @Test(arguments: [Verdict.limited(.scope), .misconfigured(.endpoint)])
    func `an answer that knows the token or not this URL ends a suspicion`(verdict: Verdict) {
        var history = history()
        history.observe(.rejected(.credential), at: 0)
        history.observe(.rejected(.credential), at: 20)
        history.observe(verdict, at: 25)
        history.observe(.rejected(.credential), at: 40)
        history.observe(.rejected(.credential), at: 60)
        #expect(history.belief.state.name == .suspect)
    }

    @Test(arguments: [
        (ControlResult.refused, StateName.invalid), (.other, .invalid), (.unreachable, .suspect), (.open, .invalid),
    ])
    func `the control confirms or postpones`(control: ControlResult, expected: StateName) {
        var history = history()
        for second in [0, 15] { history.observe(.rejected(.credential), at: Double(second), control: .refused) }
        history.observe(.rejected(.credential), at: 30, control: control)
        #expect(history.belief.state.name == expected)
    }

    @Test func `a control that cannot be reached postpones until twice the rejections are in`() {
        var history = history()
        for count in 1...5 {
            history.observe(.rejected(.credential), at: Double(count * 15), control: .unreachable)
            #expect(history.belief.state.name == .suspect)
        }
        history.observe(.rejected(.credential), at: 90, control: .unreachable)
        #expect(history.belief.state.name == .invalid)
        #expect(history.belief.explanation.contains("the same request without a token got no useful answer"))
    }

    @Test func `the gap of a restart is not part of the span`() throws {
        var history = history()
        history.observe(.rejected(.credential), at: 0)
        history.observe(.rejected(.credential), at: 20)
        try history.restart()
        history.observe(.rejected(.credential), at: 5000)
        #expect(history.belief.state.name == .suspect)
        #expect(history.told == [])
        history.observe(.rejected(.credential), at: 5009)
        #expect(history.belief.state.name == .suspect)
        history.observe(.rejected(.credential), at: 5010)
        #expect(history.belief.state.name == .invalid)
    }

    @Test func `a restart keeps the count`() throws {
        var history = history(3, over: .zero)
        history.observe(.rejected(.credential), at: 0)
        try history.restart()
        history.observe(.rejected(.credential), at: 10)
        try history.restart()
        history.observe(.rejected(.credential), at: 20)
        #expect(history.told == [.invalidated])
    }

    @Test func `a restart of the dead says nothing again`() throws {
        var history = history()
        history.die()
        try history.restart()
        history.observe(.rejected(.credential), at: 100)
        history.observe(.indeterminate(.dns), at: 200)
        #expect(history.told == [.invalidated])
    }
}

/// Why a token was rejected.
struct ReasonTests {
    private func reason(_ claims: TokenClaims?, lifetime: Duration? = nil, diesAt: Double) -> RejectionReason? {
        var history = History(Sample.token(Sample.provider(lifetime: lifetime)))
        history.claims = claims
        history.observe(.acceptedOwner, at: 0)
        history.die(at: diesAt)
        guard case .invalid(let reason) = history.belief.state else { return nil }
        return reason
    }

    private func claims(expiringAt seconds: Double) -> TokenClaims {
        TokenClaims(expiresAt: Sample.moment(seconds).wall)
    }

    @Test func `it is expired where its own date has passed`() {
        #expect(reason(claims(expiringAt: 1000), diesAt: 1000) == .expired)
        #expect(reason(claims(expiringAt: 1000.5), diesAt: 100_000) == .expired)
    }

    @Test func `it is expired where the clocks may differ by the minute that is left`() {
        #expect(reason(claims(expiringAt: 1090), diesAt: 1000) == .expired)
        #expect(reason(claims(expiringAt: 1090.001), diesAt: 1000) == .revoked)
    }

    @Test func `it is revoked where its own date is ahead`() {
        #expect(reason(claims(expiringAt: 1_000_000), diesAt: 1000) == .revoked)
    }

    @Test func `it is just rejected where it says nothing`() {
        #expect(reason(nil, diesAt: 1000) == .rejected)
        #expect(reason(TokenClaims(expiresAt: nil), diesAt: 1000) == .rejected)
    }

    @Test func `the life the provider gives tells an expiry, and no revocation`() {
        #expect(reason(nil, lifetime: .seconds(500), diesAt: 1000) == .expired)
        #expect(reason(nil, lifetime: .seconds(50_000), diesAt: 1000) == .rejected)
    }

    @Test func `a wrong identity is an alert of its own`() {
        var history = History()
        history.die(.wrongIdentity(Identity(id: "2", name: nil)))
        #expect(history.belief.state == .invalid(.wrongIdentity))
        #expect(history.told == [.identityChanged])
    }

    @Test func `the certificate names the evidence and the likely cause`() {
        var history = History()
        history.claims = claims(expiringAt: 1_000_000)
        history.observe(.acceptedOwner, at: 0)
        for second in [60, 75, 91] {
            history.observe(Finding(.rejected(.credential), "HTTP 401"), at: Double(second), control: .refused)
        }
        #expect(
            history.belief.explanation == """
                HTTP 401, confirmed over 31 s; the same request without a token is refused alike; \
                the token says of itself to be good until \(Sample.moment(1_000_000).wall.dayUTC); \
                most likely: its owner logged out
                """
        )
        let certificate = history.belief.explanation
        history.observe(.rejected(.credential), at: 300)
        history.observe(.indeterminate(.dns), at: 600)
        history.observe(.misconfigured(.endpoint), at: 900)
        #expect(history.belief.explanation == certificate)
    }
}

struct BlindnessTests {
    @Test func `nothing known is blind only after the whole time`() {
        var history = History()
        history.observe(.acceptedOwner, at: 0)
        history.observe(.indeterminate(.dns), at: 60)
        history.observe(.indeterminate(.timeout), at: 959.999)
        #expect(history.belief.state.name == .unknown)
        #expect(history.observe(.indeterminate(.timeout), at: 960).notices.kinds == [.blind])
        #expect(history.belief.state.reason == "timeout")
    }

    @Test func `blindness is said once, whatever its cause becomes`() {
        var (history, last) = History.leading(to: .blind)
        for cause in Uncertainty.allCases {
            last += 60
            history.observe(.indeterminate(cause), at: last)
        }
        #expect(history.told == [.blind])
    }

    @Test func `a suspicion goes blind and keeps its count`() {
        var history = History()
        history.observe(.rejected(.credential), at: 0)
        history.observe(.rejected(.credential), at: 15)
        history.observe(.indeterminate(.dns), at: 30)
        history.observe(.indeterminate(.dns), at: 929)
        #expect(history.belief.state.name == .suspect)
        #expect(history.observe(.indeterminate(.dns), at: 930).notices.kinds == [.blind])
        #expect(history.observe(.rejected(.credential), at: 1000).notices.kinds == [.invalidated])
        #expect(history.belief.state.name == .invalid)
    }

    @Test func `a rejection ends the darkness of a suspicion`() {
        var history = History()
        history.observe(.rejected(.credential), at: 0)
        history.observe(.indeterminate(.dns), at: 10)
        history.observe(.rejected(.credential), at: 800)
        history.observe(.indeterminate(.dns), at: 810)
        history.observe(.indeterminate(.dns), at: 1709)
        #expect(history.belief.state.name == .suspect)
    }

    @Test func `the gap of a restart is not dark`() throws {
        var history = History()
        history.observe(.indeterminate(.dns), at: 0)
        history.observe(.indeterminate(.dns), at: 899)
        try history.restart()
        history.observe(.indeterminate(.dns), at: 5000)
        #expect(history.belief.state.name == .unknown)
        history.observe(.indeterminate(.dns), at: 5001)
        #expect(history.belief.state.name == .blind)
    }

    @Test func `the dead do not go blind`() {
        var (history, _) = History.leading(to: .invalid)
        for minute in 1...100 { history.observe(.indeterminate(.dns), at: Double(30 + minute * 60)) }
        #expect(history.belief.state.name == .invalid)
        #expect(!history.told.contains(.blind))
    }
}
