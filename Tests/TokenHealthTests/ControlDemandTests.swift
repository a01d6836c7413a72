import FoundationEssentials
import TokenHealth
import Testing

/// Which request without the token is wanted, and what is learnt from it.
struct ControlDemandTests {
    private static let finding = Finding(.acceptedOwner, "HTTP 200")
    private static let limited = Reply.json(403, #"{"message":"Forbidden"}"#)
    private static let looks = (before: Reply.json(401, #"{"a":1}"#), after: Reply.json(401, #"{"b":1}"#))

    private func observation(
        _ exchange: Exchange = Reply.accepted,
        _ verdict: Verdict = .acceptedOwner,
        control: Exchange?,
        at seconds: Double,
        askedAt: Double? = nil
    ) -> Observation {
        let moment = Sample.moment(seconds)
        let asked = Sample.moment(askedAt ?? seconds).wall
        var observation = Observation(
            Finding(verdict, "x"),
            control: control.map { _ in .refused },
            fingerprint: Sample.fingerprint(),
            controlAnswer: control.map { AnswerEvidence(of: $0, verdict: nil, rules: Sample.probe, at: asked) },
            at: moment
        )
        observation.controlShape = control.flatMap { AnswerShape(refusal: $0) }
        observation.answerShape = AnswerShape(of: exchange)
        return observation
    }

    private func belief(_ observations: Observation...) -> Belief {
        observations.reduce(Belief(at: Sample.start)) {
            $0.considering($1, of: Sample.token(), chance: 0).belief
        }
    }

    private func demand(
        _ belief: Belief,
        beside exchange: Exchange = Reply.accepted,
        _ verdict: Verdict = .acceptedOwner,
        isDecisive: Bool = false,
        at seconds: Double
    ) -> ControlDemand? {
        belief.controlDemand(
            beside: exchange,
            Finding(verdict, "x"),
            isDecisive: isDecisive,
            token: Sample.token(),
            at: Sample.moment(seconds)
        )
    }

    @Test func `while all is well it is wanted once an hour`() {
        let belief = belief(observation(control: Reply.unauthenticated, at: 0))
        #expect(demand(belief, at: 2699) == nil)
        #expect(demand(belief, at: 3600)?.occasion == .calm)
        // What was asked before the last one is no news.
        #expect(demand(belief, at: 3600)?.mostAge == .seconds(2700))
        #expect(demand(belief, at: -1)?.occasion == .calm, "the clock was set back")
    }

    @Test func `one that got no answer is asked again soon`() {
        let belief = belief(
            observation(control: Reply.unauthenticated, at: 0),
            observation(control: Reply.failed(.timeout), at: 60)
        )
        #expect(demand(belief, at: 600) == nil)
        #expect(demand(belief, at: 660) != nil)
    }

    @Test func `an answer of another shape wants one of its own`() {
        let belief = belief(observation(control: Reply.unauthenticated, at: 0))
        let other = Reply.json(200, #"{"status":"ok"}"#)
        #expect(demand(belief, beside: other, at: 60)?.occasion == AnswerShape(of: other).map { .change($0) })
        #expect(demand(belief, beside: Reply.json(200, #"{"data":{"id":7}}"#), at: 60) == nil)
    }

    @Test(arguments: [
        (Verdict.indeterminate(.blocked), true), (.indeterminate(.unexpected), true), (.indeterminate(.timeout), false),
        (.indeterminate(.serverError), false), (.rejected(.credential), true), (.misconfigured(.endpoint), true),
    ])
    func `after answers that were none of a token that works, one is wanted that is newer than they`(
        verdict: Verdict,
        isWanted: Bool
    ) {
        let belief = belief(
            observation(control: Reply.unauthenticated, at: 0),
            observation(Reply.text(403), verdict, control: nil, at: 60)
        )
        let demand = demand(belief, at: 80)
        #expect((demand != nil) == isWanted)
        if isWanted { #expect(demand?.mostAge == .seconds(20)) }
    }

    @Test func `a control from before the last acceptance tells nothing of the trouble that came after it`() {
        let belief = belief(observation(control: Reply.unauthenticated, at: 60))
        func mostAge(_ verdict: Verdict, isDecisive: Bool = false, at seconds: Double) -> Duration? {
            demand(belief, beside: Reply.text(403), verdict, isDecisive: isDecisive, at: seconds)?.mostAge
        }
        #expect(mostAge(.rejected(.credential), at: 62) == .seconds(2))
        #expect(mostAge(.indeterminate(.unexpected), isDecisive: true, at: 62) == .seconds(2))
        #expect(mostAge(.rejected(.credential), at: 120) == .seconds(10))
        #expect(mostAge(.rejected(.credential), at: 0) == .zero, "the clock was set back")
    }

    @Test func `a refusal of a right wants a new one, and one an hour as long as it lasts`() throws {
        let shape = try #require(AnswerShape(of: ControlDemandTests.limited))
        var belief = belief(observation(control: Reply.unauthenticated, at: 0))
        let unknown = Verdict.indeterminate(.unexpected)
        func demand(_ belief: Belief, at seconds: Double) -> ControlDemand? {
            self.demand(belief, beside: ControlDemandTests.limited, unknown, isDecisive: true, at: seconds)
        }
        #expect(demand(belief, at: 60)?.occasion == .change(shape))
        #expect(demand(belief, at: 60)?.mostAge == .seconds(10))
        let loss = observation(
            ControlDemandTests.limited,
            .limited(.forbidden),
            control: Reply.unauthenticated,
            at: 60
        )
        belief = belief.considering(loss, of: Sample.token(), chance: 0).belief
        #expect(demand(belief, at: 120)?.occasion == .standing(shape))
        #expect(demand(belief, at: 120)?.mostAge == .seconds(2700))
    }

    // MARK: - The usual refusal

    @Test func `another look is believed when two controls in a row show it`() {
        let (before, after) = ControlDemandTests.looks
        var belief = belief(observation(control: before, at: 0), observation(control: after, at: 3600))
        #expect(belief.usualRefusal == AnswerShape(refusal: before))
        #expect(demand(belief, at: 3659) == nil)
        #expect(demand(belief, at: 3660)?.mostAge == .seconds(60))
        // The same request once more is no second one.
        let same = observation(control: after, at: 3660, askedAt: 3600)
        #expect(
            belief.considering(same, of: Sample.token(), chance: 0).belief.usualRefusal != AnswerShape(refusal: after)
        )
        belief = belief.considering(observation(control: after, at: 3660), of: Sample.token(), chance: 0).belief
        #expect(belief.usualRefusal == AnswerShape(refusal: after))
        #expect(demand(belief, at: 3720) == nil)
    }

    @Test func `one that was seen once is forgotten`() {
        let (before, after) = ControlDemandTests.looks
        let belief = belief(
            observation(control: before, at: 0),
            observation(control: after, at: 3600),
            observation(control: before, at: 3660),
            observation(control: after, at: 7200)
        )
        #expect(belief.usualRefusal == AnswerShape(refusal: before))
    }

    // MARK: - A front

    private func verdict(_ exchange: Exchange, control: Exchange?, checks: Bool, knowing: Identity? = nil) -> Verdict {
        Judge(token: Sample.token(), knownIdentity: knowing, endpointChecksTokens: checks)
            .finding(on: exchange, control: control).verdict
    }

    @Test func `success for everybody says nothing of a token, where the API was seen to refuse`() {
        let accepted = Reply.accepted
        #expect(verdict(accepted, control: accepted, checks: true) == .indeterminate(.blocked))
        #expect(verdict(accepted, control: accepted, checks: false) == .acceptedOwner)
        #expect(verdict(accepted, control: Reply.unauthenticated, checks: true) == .acceptedOwner)
        #expect(verdict(accepted, control: nil, checks: true) == .acceptedOwner)
        #expect(verdict(Reply.unauthenticated, control: accepted, checks: true) == .rejected(.credential))
        let other = Identity(id: "7", name: nil)
        #expect(verdict(accepted, control: accepted, checks: true, knowing: other) == .indeterminate(.blocked))
        #expect(verdict(accepted, control: nil, checks: true, knowing: other).name == .rejected)
    }
}
