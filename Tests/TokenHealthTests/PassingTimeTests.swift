import FoundationEssentials
import TokenHealth
import Testing

struct ReminderTests {
    /// Dead since second 0.
    private func dead(remind: [Duration] = [.seconds(3600), .seconds(4 * 3600), .seconds(86_400)]) -> History {
        var history = History(Sample.token(confirmation: Confirmation(rejections: 1, over: .zero)))
        history.token.remind = remind
        history.observe(.rejected(.credential), at: 0)
        return history
    }

    @Test func `each step follows the one before, and the last repeats`() {
        var history = dead()
        let hour = 3600.0
        let due = [1, 5, 29, 53, 77, 101].map { $0 * hour }
        for moment in due {
            #expect(history.age(to: moment - 0.001).notices.kinds == [])
            #expect(history.age(to: moment).notices.kinds == [.reminder])
            #expect(history.age(to: moment + 1).notices.kinds == [])
        }
    }

    @Test func `those missed meanwhile are said as one`() throws {
        var history = dead()
        try history.restart()
        #expect(history.age(to: 60 * 3600).notices.kinds == [.reminder])
        #expect(history.age(to: 61 * 3600).notices.kinds == [])
        #expect(history.age(to: 77 * 3600).notices.kinds == [.reminder])
    }

    @Test func `they stop at recovery`() {
        var history = dead()
        #expect(history.observe(.acceptedOwner, at: 100).notices.kinds == [.recovered])
        #expect(history.age(to: 1_000_000).notices.kinds == [])
    }

    @Test(arguments: [[], [Duration.zero]])
    func `without steps nothing is said again`(steps: [Duration]) {
        var history = dead(remind: steps)
        #expect(history.age(to: 1_000_000).notices.kinds == [])
    }

    @Test func `a clock set back says nothing`() {
        var history = dead()
        history.age(to: 3600)
        #expect(history.age(to: -1_000_000).notices.kinds == [])
        #expect(history.age(to: 3601).notices.kinds == [])
    }

    @Test func `a probe and the mere passing of time are the same`() {
        var history = dead()
        #expect(history.observe(.rejected(.credential), at: 3600).notices.kinds == [.reminder])
        #expect(history.age(to: 3601).notices.kinds == [])
    }
}

struct ExpiryTests {
    private static let day = 86_400.0

    private func healthy(expiringAfter days: Double) -> History {
        var history = History()
        history.claims = TokenClaims(expiresAt: Sample.moment(days * ExpiryTests.day).wall)
        history.observe(.acceptedOwner, at: 0)
        return history
    }

    @Test func `each step is said once, at its time`() {
        var history = healthy(expiringAfter: 40)
        #expect(history.told == [])
        for left in [30, 14, 7, 3, 1] {
            let moment = (40 - Double(left)) * ExpiryTests.day
            #expect(history.age(to: moment - 1).notices.kinds == [])
            #expect(history.age(to: moment).notices.kinds == [.expiring])
            #expect(history.age(to: moment + 1).notices.kinds == [])
        }
        #expect(history.age(to: 41 * ExpiryTests.day).notices.kinds == [])
    }

    @Test func `several steps missed are said as one, also across restarts`() throws {
        var history = healthy(expiringAfter: 40)
        try history.restart()
        #expect(history.age(to: 35 * ExpiryTests.day).notices.kinds == [.expiring])
        try history.restart()
        #expect(history.age(to: 36 * ExpiryTests.day).notices.kinds == [])
        #expect(history.age(to: 37 * ExpiryTests.day).notices.kinds == [.expiring])
    }

    @Test func `a token about to expire is said at first sight`() {
        var history = History()
        history.claims = TokenClaims(expiresAt: Sample.moment(ExpiryTests.day / 2).wall)
        #expect(history.observe(.acceptedOwner, at: 0).notices.kinds == [.expiring])
    }

    @Test func `a new secret starts over`() {
        var history = healthy(expiringAfter: 40)
        history.age(to: 39.5 * ExpiryTests.day)
        history.fingerprint = Sample.fingerprint(2)
        history.claims = TokenClaims(expiresAt: Sample.moment(80 * ExpiryTests.day).wall)
        let decision = history.observe(.acceptedOwner, at: 39.6 * ExpiryTests.day)
        #expect(decision.notices.kinds == [.replaced, .expiring])
        #expect(decision.notices.map(\.ending) == [nil, .renewed])
        #expect(decision.belief.expiryStepsSaid == [])
        #expect(history.age(to: 50 * ExpiryTests.day).notices.kinds == [.expiring])
    }

    @Test func `the life the provider gives is an estimate from the first sight`() {
        var history = History(Sample.token(Sample.provider(lifetime: .seconds(40 * 86_400))))
        history.observe(.acceptedOwner, at: 100)
        #expect(history.belief.expiresAt == Sample.moment(100 + 40 * ExpiryTests.day).wall)
        #expect(history.belief.expiryIsEstimated)
        #expect(history.age(to: 100 + 10 * ExpiryTests.day).notices.kinds == [.expiring])
    }

    @Test func `what the token says outweighs the estimate`() {
        var history = History(Sample.token(Sample.provider(lifetime: .seconds(40 * 86_400))))
        history.claims = TokenClaims(expiresAt: Sample.moment(5).wall)
        history.observe(.acceptedOwner, at: 0)
        #expect(history.belief.expiresAt == Sample.moment(5).wall)
        #expect(!history.belief.expiryIsEstimated)
    }

    @Test func `the expiry of a dead token is no news`() {
        var history = healthy(expiringAfter: 40)
        history.die(at: 60)
        history.token.remind = []
        #expect(history.age(to: 39 * ExpiryTests.day).notices.kinds == [])
    }
}

struct CadenceTests {
    private func rest(_ history: History, chance: Double, at seconds: Double) -> Decision {
        history.belief.ageing(at: Sample.moment(seconds), of: history.token, chance: chance)
    }

    @Test(arguments: [0, 0.25, 0.5, 0.999_999], [1, 60, 86_400])
    func `a healthy token is looked at never later than its interval, and at most a twentieth sooner`(
        chance: Double,
        seconds: Int
    ) {
        var history = History(Sample.token(interval: .seconds(seconds)))
        history.observe(.acceptedOwner, at: 0)
        let pause = rest(history, chance: chance, at: 0).pause
        #expect(pause <= .seconds(seconds))
        #expect(pause >= .seconds(seconds) * 0.95)
        #expect((chance == 0) == (pause == .seconds(seconds)))
    }

    @Test func `a suspicion is looked into so that its confirmation takes no longer than it must`() {
        var history = History()
        let decision = history.observe(.rejected(.credential), at: 0)
        #expect(decision.rest == .seconds(15))
        #expect(decision.pause == .seconds(15))
    }

    @Test func `a suspicion is never looked into later than the interval`() {
        var history = History(Sample.token(interval: .seconds(5)))
        #expect(history.observe(.rejected(.credential), at: 0).rest == .seconds(5))
    }

    @Test(arguments: [
        (1, Duration.zero, Duration.milliseconds(100)), (1, .seconds(20), .seconds(20)), (5, .zero, .milliseconds(100)),
    ])
    func `a confirmation that asks for no time still leaves a breath`(count: Int, over: Duration, pause: Duration) {
        #expect(Confirmation(rejections: count, over: over).pause == pause)
    }

    @Test func `the dead are asked after one, five and fifteen minutes, then hourly`() {
        var history = History()
        history.die()
        var rests = [history.decisions.last?.rest]
        for minute in 1...6 { rests.append(history.observe(.rejected(.credential), at: Double(minute * 4000)).rest) }
        #expect(rests == [60, 300, 900, 3600, 3600, 3600, 3600].map { Duration.seconds($0) })
    }

    @Test func `the secret of the dead is looked at every interval`() {
        var history = History(Sample.token(interval: .seconds(10)))
        history.die()
        history.observe(.rejected(.credential), at: 100)
        #expect(history.decisions.last?.pause == .seconds(10))
    }

    @Test func `an answer that says nothing does not bring the dead forward`() {
        var history = History()
        history.die()
        for minute in 1...3 { history.observe(.rejected(.credential), at: Double(minute * 4000)) }
        #expect(history.observe(.indeterminate(.dns), at: 20_000).rest == .seconds(3600))
    }

    @Test func `a new secret is asked at the pace of the living`() {
        var history = History()
        history.die()
        history.fingerprint = Sample.fingerprint(2)
        #expect(history.observe(.indeterminate(.dns), at: 100).rest == .seconds(60))
    }

    @Test(arguments: [VerdictName.limited, .misconfigured])
    func `a stray answer is looked into soon until it is said`(name: VerdictName) {
        var history = History()
        let rests = [0, 15, 30].map { history.observe(.sample(name), at: $0).rest }
        #expect(rests == [.seconds(15), .seconds(15), .seconds(60)])
    }

    @Test(arguments: [
        ("120", Duration.seconds(120)), ("0", .seconds(60)), ("30", .seconds(60)), ("3600", .seconds(3600)),
        ("31536000", .seconds(3600)), ("99999999999999999999999", .seconds(3600)), ("-5", .seconds(60)),
        ("soon", .seconds(60)), ("", .seconds(60)), ("1.5", .seconds(60)),
        ("Mon, 23 Nov 2026 10:02:30 GMT", .seconds(150)),
        ("Mon, 23 Nov 2026 09:00:00 GMT", .seconds(60)), ("Tue, 23 Nov 2027 10:00:00 GMT", .seconds(3600)),
    ])
    func `the wait a server asks for stretches the interval, at most to an hour`(text: String, expected: Duration) {
        for status in [429, 503] {
            let finding = Judge(token: Sample.token()).finding(
                on: Reply.json(status, "{}", [HeaderField("Retry-After", text)])
            )
            var history = History()
            let decision = history.observe(finding, at: 0)
            #expect(decision.rest == expected)
            #expect(decision.pause == .seconds(60))
        }
    }

    @Test func `it stretches the pauses of the suspect and of the dead`() {
        var history = History()
        history.observe(Finding(.rejected(.credential), "", retryAfter: .seconds(600)), at: 0)
        #expect(history.decisions.last?.rest == .seconds(600))
        history.observe(.rejected(.credential), at: 15)
        history.observe(Finding(.rejected(.credential), "", retryAfter: .seconds(600)), at: 30)
        #expect(history.belief.state.name == .invalid)
        #expect(history.decisions.last?.rest == .seconds(600))
    }
}

/// What must reach the disk.
struct StoringTests {
    @Test func `another healthy probe need not be stored at once`() {
        var history = History()
        history.observe(.acceptedOwner, at: 0, control: .refused)
        let before = history.belief
        #expect(!history.observe(.acceptedOwner, at: 60).isWorthStoring(after: before))
    }

    @Test(arguments: [VerdictName.limited, .rejected, .indeterminate, .misconfigured])
    func `anything else is`(name: VerdictName) {
        var history = History()
        history.observe(.acceptedOwner, at: 0, control: .refused)
        let before = history.belief
        #expect(history.observe(.sample(name), at: 60).isWorthStoring(after: before))
    }

    @Test func `every rejection of a suspicion is stored`() {
        var history = History()
        history.observe(.rejected(.credential), at: 0)
        let before = history.belief
        let decision = history.observe(.rejected(.credential), at: 15)
        #expect(decision.transition == nil)
        #expect(decision.isWorthStoring(after: before))
    }

    @Test func `a notice is stored though the state stays`() {
        var history = History()
        history.observe(.acceptedOwner, at: 0)
        history.fingerprint = Sample.fingerprint(2)
        let before = history.belief
        #expect(history.observe(.acceptedOwner, at: 60).isWorthStoring(after: before))
    }

    @Test func `what nobody knows for long enough makes blind by time alone, and is told once`() throws {
        var history = History()
        history.observe(.accepted(nil), at: 0)
        history.observe(.indeterminate(.rateLimited), at: 60)
        for second in stride(from: 120, to: 960, by: 60) { history.age(to: Double(second)) }
        #expect(history.belief.state.name == .unknown)
        for second in stride(from: 960, to: 3600, by: 60) { history.age(to: Double(second)) }
        #expect(history.belief.state == .blind(.rateLimited, suspicion: nil))
        #expect(history.told == [.blind])
        history.observe(.accepted(nil), at: 3660)
        #expect(history.told == [.blind, .sighted])
    }

    @Test func `after a restart the time in the dark counts from the first look on`() throws {
        var history = History()
        history.observe(.accepted(nil), at: 0)
        history.observe(.indeterminate(.rateLimited), at: 60)
        history.age(to: 600)
        try history.restart()
        history.uptimeOffset = .zero
        for second in stride(from: 660, to: 1500, by: 60) { history.age(to: Double(second)) }
        #expect(history.belief.state.name == .unknown)
        for second in stride(from: 1500, to: 1800, by: 60) { history.age(to: Double(second)) }
        #expect(history.told == [.blind])
    }
}
