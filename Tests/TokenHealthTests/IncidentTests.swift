import FoundationEssentials
import TokenHealth
import Testing

struct IncidentTests {
    @Test func `one death is one alert, however often it is seen again`() {
        var history = History()
        history.token.remind = []
        history.die()
        for minute in 1...200 { history.observe(.rejected(.credential), at: Double(30 + minute * 60)) }
        #expect(history.told == [.invalidated])
    }

    @Test func `only a real acceptance closes an incident`() {
        var (history, _) = History.leading(to: .invalid)
        let id = history.belief.incident?.id
        var second = 100.0
        for verdict in [VerdictName.limited, .indeterminate, .misconfigured, .rejected] {
            history.observe(.sample(verdict), at: second)
            second += 10
            #expect(history.belief.incident?.id == id)
        }
        let decision = history.observe(.acceptedOwner, at: second)
        #expect(decision.belief.incident == nil)
        #expect(decision.notices.kinds == [.recovered])
        #expect(decision.notices.first?.incident?.id == id)
    }

    @Test func `an acceptance with an open control closes nothing`() {
        var (history, _) = History.leading(to: .invalid)
        history.observe(.acceptedOwner, at: 100, control: .open)
        #expect(history.belief.state == .misconfigured(.publicEndpoint))
        #expect(history.belief.incident != nil)
        #expect(!history.told.contains(.recovered))
    }

    @Test func `sight is regained after blindness, and a recovery follows everything else`() {
        var (blind, _) = History.leading(to: .blind)
        #expect(blind.observe(.acceptedOwner, at: 1000).notices.kinds == [.sighted])
        for name in [StateName.limited, .misconfigured] {
            var (history, _) = History.leading(to: name)
            for second in [10, 20] { history.observe(history.belief.lastVerdict, at: Double(second)) }
            #expect(history.observe(.acceptedOwner, at: 30).notices.kinds == [.recovered])
        }
    }

    @Test func `a death in which sight was lost later still ends in a recovery`() {
        var (history, _) = History.leading(to: .invalid)
        history.fingerprint = Sample.fingerprint(2)
        history.observe(.indeterminate(.dns), at: 100)
        history.observe(.indeterminate(.dns), at: 1000)
        #expect(history.told == [.invalidated, .blind])
        #expect(history.observe(.acceptedOwner, at: 1060).notices.kinds == [.recovered])
    }

    @Test func `blindness that turned out a death ends in a recovery`() {
        var (history, _) = History.leading(to: .blind)
        history.die(at: 1000)
        #expect(history.told == [.blind, .invalidated])
        #expect(history.observe(.acceptedOwner, at: 2000).notices.kinds == [.recovered])
    }

    @Test(arguments: [VerdictName.limited, .misconfigured])
    func `a stray answer wakes nobody until it has come as often as a rejection must`(name: VerdictName) {
        var history = History()
        history.observe(.acceptedOwner, at: 0)
        history.observe(.sample(name), at: 60)
        history.observe(.sample(name), at: 75)
        #expect(history.told == [])
        history.observe(.acceptedOwner, at: 90)
        history.observe(.sample(name), at: 150)
        history.observe(.sample(name), at: 165)
        #expect(history.told == [])
        let kind: AlertKind = name == .limited ? .limited : .misconfigured
        #expect(history.observe(.sample(name), at: 180).notices.kinds == [kind])
        for second in [240, 300] { history.observe(.sample(name), at: Double(second)) }
        #expect(history.told == [kind])
    }

    @Test func `a death that turns into a limitation is said, under the same incident`() {
        var (history, _) = History.leading(to: .invalid)
        let id = history.belief.incident?.id
        for second in [100, 115, 130] { history.observe(.limited(.plan), at: Double(second)) }
        #expect(history.told == [.invalidated, .limited])
        #expect(history.belief.incident?.id == id)
    }

    @Test func `its id is the token and the time, and survives a restart`() throws {
        var (history, _) = History.leading(to: .invalid)
        let id = history.belief.incident?.id
        #expect(id == "hr-onboarding-20261123T100030000Z")
        try history.restart()
        history.observe(.rejected(.credential), at: 100)
        #expect(history.belief.incident?.id == id)
    }

    @Test func `an endpoint that answers alike without a token is said`() {
        var history = History()
        for second in [0, 15, 30] { history.observe(.acceptedOwner, at: Double(second), control: .open) }
        #expect(history.belief.state == .misconfigured(.publicEndpoint))
        #expect(history.told == [.misconfigured])
        #expect(history.belief.explanation.contains("checks nothing"))
    }
}

extension Belief {
    fileprivate var lastVerdict: Verdict { .sample(lastProbe?.verdict ?? .accepted) }
}

struct ReplacementTests {
    @Test func `a good secret in the place of a good one is said once`() {
        var history = History()
        history.observe(.acceptedOwner, at: 0)
        history.fingerprint = Sample.fingerprint(2)
        #expect(history.observe(.acceptedOwner, at: 60).notices.kinds == [.replaced])
        #expect(history.observe(.acceptedOwner, at: 120).notices.kinds == [])
    }

    @Test func `the first secret takes the place of none`() {
        var history = History()
        #expect(history.observe(.acceptedOwner, at: 0).notices.kinds == [])
    }

    @Test func `the cure of a death is a recovery alone`() {
        var (history, _) = History.leading(to: .invalid)
        history.fingerprint = Sample.fingerprint(2)
        #expect(history.observe(.acceptedOwner, at: 100).notices.kinds == [.recovered])
        #expect(history.observe(.acceptedOwner, at: 160).notices.kinds == [])
    }

    @Test func `a replacement is said when the new one is accepted at last`() {
        var history = History()
        history.observe(.acceptedOwner, at: 0)
        history.fingerprint = Sample.fingerprint(2)
        history.observe(.indeterminate(.dns), at: 60)
        #expect(history.told == [])
        #expect(history.observe(.acceptedOwner, at: 120).notices.kinds == [.replaced])
    }

    @Test func `the old secret put back is no replacement`() {
        var history = History()
        history.observe(.acceptedOwner, at: 0)
        history.fingerprint = Sample.fingerprint(2)
        history.observe(.rejected(.credential), at: 60)
        history.fingerprint = Sample.fingerprint(1)
        #expect(history.observe(.acceptedOwner, at: 120).notices.kinds == [])
    }

    @Test func `the count of rejections starts over`() {
        var history = History()
        history.observe(.rejected(.credential), at: 0)
        history.observe(.rejected(.credential), at: 29)
        history.fingerprint = Sample.fingerprint(2)
        history.observe(.rejected(.credential), at: 40)
        history.observe(.rejected(.credential), at: 60)
        #expect(history.belief.state.name == .suspect)
        #expect(history.belief.firstRejectedAt == Sample.moment(40).wall)
    }

    @Test func `a dead secret in the place of a dead one is the same incident, and told at once, three times`() {
        var (history, _) = History.leading(to: .invalid)
        let incident = history.belief.incident?.id
        for number in 2...6 {
            history.fingerprint = Sample.fingerprint(number)
            history.die(at: Double(number) * 100)
            #expect(history.belief.state.name == .invalid)
            #expect(history.belief.incident?.id == incident)
            #expect(history.belief.incident?.isOfNewSecret == true)
        }
        #expect(history.told == Array(repeating: .invalidated, count: 4))
    }

    @Test func `the end of an incident that was told as a death is not held back, whatever it has become`() {
        var history = History()
        history.die(at: 0)
        history.fingerprint = Sample.fingerprint(2)
        // A new secret that may not do enough comes and goes.
        for round in 0..<4 {
            for _ in 0..<3 { history.observe(.limited(.forbidden), at: 200 + Double(round) * 100) }
            history.observe(.indeterminate(.serverError), at: 280 + Double(round) * 100)
        }
        history.observe(.accepted(nil), at: 700)
        #expect(history.told.last == .recovered)
        #expect(history.belief.incident == nil)
    }

    @Test func `an incident that becomes another kind keeps the id that people know, and says what it was`() {
        var (history, _) = History.leading(to: .blind)
        history.belief.incident?.group = "first-20261123T100000000Z"
        history.die(at: 5000)
        #expect(history.belief.incident?.sharedID == "first-20261123T100000000Z")
        #expect(history.belief.incident?.formerKind == .blind)
        #expect(history.belief.incident?.toldKind == .invalidated)
    }
}
