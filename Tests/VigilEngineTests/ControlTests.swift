import TokenHealth
import Testing
import VigilEngine

/// The request without the token: when it is asked, and for whom its answer counts.
@Suite(.timeLimit(.minutes(2))) struct ControlTests {
    private static let forbidden = json(403, #"{"message":"Forbidden"}"#)
    private static let success = json(200, #"{"status":"ok"}"#)

    private static func json(_ status: Int, _ body: String) -> Exchange {
        Exchange(.answered(Answer(status: status, body: Array(body.utf8))))
    }

    /// A token of an API that says nothing of who it belongs to.
    private func token(_ name: String = "bot", interval: Duration = .seconds(60)) -> WatchedToken {
        var token = Sample.token(name, interval: interval)
        token.probe.accepted = [Matcher(status: .exactly(200))]
        token.probe.identity = nil
        return token
    }

    // MARK: - One question, one control

    @Test(arguments: ["body", "method", "header", "form", "authorization"])
    func `two questions to one address have a control each`(difference: String) async throws {
        var closed = token("closed")
        var open = token("open")
        closed.probe.body = .json(.object(["query": .string("{me}")]))
        switch difference {
        case "body": open.probe.body = .json(.object(["query": .string("{public}")]))
        case "method": open.probe.method = "POST"
        case "header": open.probe.headers = [HeaderField("X-View", "public")]
        case "form": open.probe.body = .form([HeaderField("view", "public")])
        default: open.provider.authorization = AuthorizationTemplate(header: "X-Key", value: "{token}")
        }
        let bench = try WatchBench([closed, open])
        bench.prober.answer { $0.secret == nil && $0.token.name.text == "open" ? ControlTests.success : nil }
        await bench.pass(1)
        #expect(await bench.state("closed") == .valid)
        #expect(await bench.state("open") == .misconfigured)
    }

    @Test func `tokens with one question have one control, and a new one every hour`() async throws {
        let bench = try WatchBench((0..<20).map { token("bot-\($0)") })
        await bench.pass(4 * 3600, inStepsOf: 15)
        #expect((4...6).contains(bench.prober.controls.count), "\(bench.prober.controls)")
    }

    @Test func `many questions are not controlled at one moment`() async throws {
        let tokens = (0..<60).map { index in
            var token = token("bot-\(index)")
            token.baseURL = "https://api-\(index).example.test"
            return token
        }
        let bench = try WatchBench(tokens)
        await bench.pass(3 * 3600, inStepsOf: 15)
        let later = bench.prober.controls.filter { $0 > 600 }
        #expect((120...260).contains(later.count))
        let crowds = Dictionary(grouping: later) { Int($0 / 60) }.mapValues(\.count)
        #expect(crowds.values.allSatisfy { $0 <= 25 }, "\(crowds)")
    }

    @Test func `a restart asks no control before its time`() async throws {
        let store = FailingHealthStore()
        let timekeeper = ManualTimekeeper()
        let first = try WatchBench([token()], store: store, timekeeper: timekeeper)
        await first.pass(0)
        await first.pass(600, inStepsOf: 60)
        #expect(first.prober.controls.count == 1)
        let second = try WatchBench([token()], store: store, timekeeper: timekeeper)
        await second.pass(1200, inStepsOf: 60)
        #expect(second.prober.controls.isEmpty)
        await second.pass(3600, inStepsOf: 60)
        #expect(second.prober.controls.count == 1)
    }

    // MARK: - Anew when something changes

    @Test func `a healthy control says nothing of the trouble after it`() async throws {
        let bench = try WatchBench([token(interval: .seconds(5))])
        await bench.pass(0)
        bench.prober.answer(ControlTests.forbidden)
        bench.prober.answerControl(ControlTests.forbidden)
        await bench.pass(5)
        #expect(await bench.report()?.reason == "blocked")
    }

    @Test func `nor does that of another trouble`() async throws {
        let bench = try WatchBench([token("dying", interval: .seconds(5)), token("other", interval: .seconds(5))])
        await bench.pass(1)
        bench.prober.answer { $0.secret != nil && $0.token.name.text == "dying" ? Reply.unauthenticated : nil }
        await bench.pass(5)
        bench.prober.answer { $0.token.name.text == "other" || $0.secret == nil ? ControlTests.forbidden : nil }
        await bench.pass(5)
        #expect(await bench.report("other")?.reason == "blocked")
    }

    @Test func `tokens in one trouble share its control`() async throws {
        let bench = try WatchBench((0..<20).map { token("bot-\($0)") })
        await bench.pass(1)
        let before = bench.prober.controls.count
        bench.prober.answer(ControlTests.forbidden)
        await bench.pass(60)
        #expect(await bench.state("bot-3") == .limited)
        #expect(bench.prober.controls.count == before + 1)
        await bench.pass(3000, inStepsOf: 60)
        #expect(bench.prober.controls.count <= before + 3, "\(bench.prober.controls)")
    }

    @Test func `an answer of another shape is compared with the request without a token`() async throws {
        let bench = try WatchBench([token()])
        await bench.pass(0)
        bench.prober.answer(ControlTests.success)
        bench.prober.answerControl(ControlTests.success)
        await bench.pass(60)
        #expect(await bench.report()?.reason == "blocked")
    }

    @Test func `an answer that differs in what it says alone has the shape it had`() async throws {
        let bench = try WatchBench([token()])
        for id in 1...30 {
            bench.prober.answer(ControlTests.json(200, #"{"data":{"id":\#(id)},"at":"\#(id)"}"#))
            await bench.pass(60)
        }
        #expect(bench.prober.controls.count == 1)
    }

    // MARK: - A front that answers everybody with success

    @Test func `such a front keeps no dead token valid`() async throws {
        let bench = try WatchBench([token()])
        await bench.pass(0)
        bench.prober.answerControl(Reply.accepted)
        await bench.pass(3660, inStepsOf: 60)
        #expect(await bench.report()?.reason == "blocked")
        #expect(await bench.report()?.explanation.contains("without a token") == true)
        await bench.pass(1800, inStepsOf: 60)
        #expect(bench.told == [.blind])
        bench.prober.answer(Reply.unauthenticated)
        bench.prober.answerControl(Reply.unauthenticated)
        await bench.pass(300, inStepsOf: 15)
        #expect(await bench.state() == .invalid)
    }

    @Test func `when it is gone the token is sighted`() async throws {
        let bench = try WatchBench([token()])
        await bench.pass(0)
        bench.prober.answerControl(Reply.accepted)
        await bench.pass(3660 + 1800, inStepsOf: 60)
        bench.prober.answerControl(Reply.unauthenticated)
        await bench.pass(300, inStepsOf: 60)
        #expect(await bench.state() == .valid)
        #expect(bench.told == [.blind, .sighted])
    }

    @Test func `an endpoint that never refused anybody is misconfigured, as ever`() async throws {
        let bench = try WatchBench([token()])
        bench.prober.answerControl(Reply.accepted)
        await bench.pass(0)
        await bench.pass(300, inStepsOf: 60)
        #expect(await bench.report()?.state == .misconfigured)
        bench.prober.answerControl(Reply.unauthenticated)
        await bench.pass(900, inStepsOf: 60)
        #expect(await bench.state() == .valid)
    }

    @Test func `a wall that is gone may have left such a front behind`() async throws {
        let bench = try WatchBench([token()])
        await bench.pass(0)
        bench.prober.answer(ControlTests.forbidden)
        bench.prober.answerControl(ControlTests.forbidden)
        await bench.pass(120, inStepsOf: 60)
        bench.prober.answer(Reply.accepted)
        bench.prober.answerControl(Reply.accepted)
        await bench.pass(60)
        #expect(await bench.report()?.reason == "blocked")
    }

    // MARK: - An API whose refusal changes its look

    private static let lookBefore = json(401, #"{"error":"unauthenticated"}"#)
    private static let lookAfter = json(401, #"{"title":"Not logged in","status":401}"#)

    /// A token of an API whose refusal is known.
    private func benchThatKnowsTheRefusal() async throws -> WatchBench {
        var token = token()
        token.probe.rejected = [Matcher(status: .exactly(401))]
        let bench = try WatchBench([token])
        bench.prober.answerControl(ControlTests.lookBefore)
        await bench.pass(0)
        return bench
    }

    @Test func `an API whose refusal looks different now loses its only token, and that is told`() async throws {
        let bench = try await benchThatKnowsTheRefusal()
        bench.prober.answerControl(ControlTests.lookAfter)
        await bench.pass(3900, inStepsOf: 60)
        bench.prober.answer(ControlTests.lookAfter)
        await bench.pass(300, inStepsOf: 15)
        #expect(bench.told == [.invalidated])
    }

    @Test func `a wall that met one control alone is not taken for the API`() async throws {
        let bench = try await benchThatKnowsTheRefusal()
        // Up for as long as that one request takes.
        bench.prober.answerControl(ControlTests.lookAfter)
        for _ in 0..<70 where bench.prober.controls.count < 2 { await bench.pass(60) }
        bench.prober.answerControl(ControlTests.lookBefore)
        await bench.pass(600, inStepsOf: 60)
        bench.prober.answer(ControlTests.lookAfter)
        bench.prober.answerControl(ControlTests.lookAfter)
        await bench.pass(1800, inStepsOf: 15)
        #expect(bench.told == [.blind])
    }

    @Test func `a second entry of the same question knows how the API refuses from the first`() async throws {
        let bench = try await benchThatKnowsTheRefusal()
        await bench.pass(60)
        bench.prober.answer(ControlTests.lookAfter)
        bench.prober.answerControl(ControlTests.lookAfter)
        let tokens = ["bot", "twin"].map { name in
            var token = token(name)
            token.probe.rejected = [Matcher(status: .exactly(401))]
            return token
        }
        try await bench.watch.adopt(tokens)
        await bench.pass(300, inStepsOf: 15)
        #expect(await bench.state("twin") == .unknown)
        #expect(bench.told == [])
    }
}
