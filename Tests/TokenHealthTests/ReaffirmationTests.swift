import FoundationEssentials
import TokenHealth
import Testing

/// An answer that is known need not be read: that must lead to the same as reading it.
struct ReaffirmationTests {
    private static let finding = Finding(.acceptedOwner, "HTTP 200, as api-bot@example.test (id 12345)")

    private func observation(
        at moment: Moment,
        control: ControlResult? = nil,
        finding: Finding = ReaffirmationTests.finding
    ) -> Observation {
        let exchange = Reply.accepted
        return Observation(
            finding,
            control: control,
            httpStatus: 200,
            latency: .milliseconds(84),
            fingerprint: Sample.fingerprint(),
            answer: AnswerEvidence(of: exchange, verdict: finding.verdict.name, rules: Sample.probe, at: moment.wall),
            controlAnswer: control?.evidence(at: moment.wall),
            at: moment
        )
    }

    private func reaffirmation(at moment: Moment) -> Reaffirmation {
        Reaffirmation(status: 200, latency: .milliseconds(84), at: moment)
    }

    /// A token that was accepted, and whose endpoint is known to check tokens.
    private func healthy(_ token: WatchedToken, at seconds: Double = 0) -> Belief {
        Belief(at: Sample.start)
            .considering(observation(at: Sample.moment(seconds), control: .refused), of: token, chance: 0).belief
    }

    @Test(arguments: 0..<200) func `it leads to what reading the answer leads to`(seed: UInt64) throws {
        var chance = SeededGenerator(seed: seed)
        var token = Sample.token(Sample.provider(lifetime: seed.isMultiple(of: 3) ? .seconds(86_400 * 20) : nil))
        token.expirySteps = [.seconds(86_400 * 14), .seconds(86_400)]
        var quick = healthy(token)
        var slow = quick
        var second = 0.0
        for _ in 0..<40 {
            let longest = Bool.random(using: &chance) ? 1000 : 100_000
            second += Double(Int.random(in: 1...longest, using: &chance))
            let moment = Sample.moment(second)
            let demand = slow.controlDemand(
                beside: Reply.accepted,
                ReaffirmationTests.finding,
                token: token,
                at: moment
            )
            let seen = observation(at: moment, control: demand.map { _ in .refused })
            let decision = slow.considering(seen, of: token, chance: 0.5)
            slow = decision.belief
            if quick.isSettled(for: token, at: moment) {
                quick.note(reaffirmation(at: moment))
                #expect(decision.notices.isEmpty && decision.transition == nil)
                #expect(token.calm(chance: 0.5) == (decision.pause, decision.rest))
            } else {
                quick = quick.considering(seen, of: token, chance: 0.5).belief
            }
            #expect(quick == slow, "seed \(seed) at \(second)")
        }
    }

    @Test func `an expiry that is to be said is not passed over`() {
        var token = Sample.token(Sample.provider(lifetime: .seconds(1000)))
        token.expirySteps = [.seconds(500)]
        let belief = healthy(token)
        #expect(belief.isSettled(for: token, at: Sample.moment(499)))
        #expect(!belief.isSettled(for: token, at: Sample.moment(501)))
        let said = belief.considering(observation(at: Sample.moment(501)), of: token, chance: 0)
        #expect(said.notices.kinds == [.expiring])
        #expect(said.belief.isSettled(for: token, at: Sample.moment(502)))
    }

    @Test func `only what is well, and known to be, is settled`() {
        let token = Sample.token()
        #expect(!Belief(at: Sample.start).isSettled(for: token, at: Sample.moment(0)))
        // Whether the endpoint checks anything was never found out.
        let unchecked = Belief(at: Sample.start)
            .considering(observation(at: Sample.moment(0)), of: token, chance: 0).belief
        #expect(!unchecked.isSettled(for: token, at: Sample.moment(1)))
        let verdicts: [Verdict] = [
            .limited(.scope), .rejected(.credential), .indeterminate(.serverError), .misconfigured(.endpoint),
        ]
        for verdict in verdicts {
            let seen = observation(at: Sample.moment(60), finding: Finding(verdict, "HTTP 999"))
            let belief = healthy(token).considering(seen, of: token, chance: 0).belief
            #expect(!belief.isSettled(for: token, at: Sample.moment(61)), "\(verdict)")
        }
    }

    @Test func `a time left means another expiry each time`() {
        var provider = Sample.provider()
        provider.probe.expiry = .secondsLeft(Sample.pointer("/expires_in"))
        let token = Sample.token(provider)
        #expect(!healthy(token).isSettled(for: token, at: Sample.moment(1)))
    }

    @Test func `acceptances of which only the interval was kept are not lost over a restart`() {
        let belief = healthy(Sample.token())
        let later = Sample.start.addingTimeInterval(3600)
        #expect(belief.sighted(at: later).lastAcceptedAt == later)
        #expect(belief.sighted(at: later).lastProbe?.at == later)
        #expect(belief.sighted(at: Sample.start.addingTimeInterval(-1)) == belief)
        var history = History()
        history.die()
        #expect(history.belief.sighted(at: later) == history.belief)
    }
}

struct AnswerMarkTests {
    private func mark(_ status: Int, _ body: String, _ headers: [String: String], _ rules: ProbeTemplate) -> AnswerMark
    {
        var body = body
        return body.withUTF8 { bytes in
            unsafe AnswerMark(status: status, under: rules, body: UnsafeRawBufferPointer(bytes)) { name in
                headers.filter { $0.key.lowercased() == name.lowercased() }.map(\.value)
            }
        }
    }

    private let accepted = #"{"data":{"id":12345,"email":"api-bot@example.test"}}"#

    @Test func `what says nothing about a token does not change it`() {
        let plain = mark(200, accepted, ["Content-Type": "application/json"], Sample.probe)
        let dressed = mark(
            200,
            accepted,
            [
                "content-type": "application/json", "Date": "now", "X-Request-Id": "1", "X-RateLimit-Remaining": "598",
            ],
            Sample.probe
        )
        #expect(plain == dressed)
    }

    @Test func `a copy out of a cache is another answer than a fresh one`() {
        let plain = mark(200, accepted, [:], Sample.probe)
        #expect(plain != mark(200, accepted, ["Age": "5000"], Sample.probe))
        #expect(plain != mark(200, accepted, ["Warning": "110 - \"x\""], Sample.probe))
    }

    @Test func `all that may change a verdict changes it`() {
        var rules = Sample.probe
        rules.accepted[0].headers = ["X-OAuth-Scopes": Sample.pattern("repo")]
        rules.expiry = .header("X-Expires")
        let headers = ["Content-Type": "application/json", "X-OAuth-Scopes": "repo", "X-Expires": "2027-01-01"]
        let usual = mark(200, accepted, headers, rules)
        var marks = [
            mark(201, accepted, headers, rules), mark(200, accepted + " ", headers, rules),
            mark(200, accepted, headers.merging(["Retry-After": "60"]) { $1 }, rules),
            mark(200, accepted, headers.merging(["Content-Encoding": "gzip"]) { $1 }, rules),
        ]
        for name in headers.keys { marks.append(mark(200, accepted, headers.merging([name: "other"]) { $1 }, rules)) }
        for other in marks { #expect(other != usual) }
    }
}

struct KeptTests {
    private struct Sheet: Codable, Equatable {
        @Rare var mark: Fingerprint?
        @Rare var next: ScopeList?
        var name = "sheet"

        struct ScopeList: Codable, Hashable, Sendable { var scopes: [String] }
    }

    @Test func `what is rare is written as if it stood there itself`() throws {
        let empty = Sheet(mark: nil, next: nil)
        #expect(String(decoding: try Wire.encoder().encode(empty), as: UTF8.self) == #"{"name":"sheet"}"#)
        #expect(try empty.reread() == empty)
        let full = Sheet(mark: Fingerprint(text: "k1:1"), next: Sheet.ScopeList(scopes: ["a"]))
        let text = String(decoding: try Wire.encoder().encode(full), as: UTF8.self)
        #expect(text == #"{"mark":"k1:1","name":"sheet","next":{"scopes":["a"]}}"#)
        #expect(try full.reread() == full)
    }

    @Test func `a change of one copy is no change of another`() {
        var first = Sample.token()
        let second = first
        first.provider.name = "changed"
        #expect(second.provider.name == "example")
        #expect(first != second)
    }

    @Test func `what is equal is kept once, and what is not stays`() {
        var first = Sample.token()
        let second = Sample.token()
        first.provider.name = "other"
        first.share(with: second)
        #expect(first.provider.name == "other")
        first.provider.name = "example"
        first.share(with: second)
        #expect(first == second)
    }
}
