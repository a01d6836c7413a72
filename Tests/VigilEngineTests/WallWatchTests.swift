import TokenHealth
import Testing
import VigilEngine

/// What comes before an API that was seen to refuse otherwise.
@Suite(.timeLimit(.minutes(2))) struct WallWatchTests {
    private func text(_ status: Int, _ body: String) -> Exchange {
        Exchange(.answered(Answer(status: status, body: Array(body.utf8))))
    }

    @Test(arguments: [(401, "Unauthorized"), (401, #"{"message":"Unauthorized"}"#), (403, #"{"message":"Forbidden"}"#)])
    func `a gateway that refuses everybody is no death, and is told as blindness`(
        status: Int,
        body: String
    ) async throws {
        var token = Sample.token()
        token.probe.origin = .own
        token.probe.rejected = [Matcher(status: .exactly(401, 403))]
        let bench = try WatchBench([token])
        await bench.pass(0)
        #expect(await bench.state() == .valid)
        bench.prober.answer(text(status, body))
        bench.prober.answerControl(text(status, body))
        await bench.pass(1800, inStepsOf: 15)
        #expect(bench.told == [.blind])
        bench.prober.answerControl(Reply.unauthenticated)
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(600, inStepsOf: 15)
        #expect(await bench.state() == .invalid)
    }

    @Test func `what is answered while all is well is known after a restart, too`() async throws {
        let store = FailingHealthStore()
        let timekeeper = ManualTimekeeper()
        let first = try WatchBench(store: store, timekeeper: timekeeper)
        await first.pass(0)
        let second = try WatchBench(store: store, timekeeper: timekeeper)
        second.prober.answer(text(401, "Unauthorized"))
        second.prober.answerControl(text(401, "Unauthorized"))
        await second.pass(1800, inStepsOf: 15)
        #expect(await second.state() == .blind)
    }
}
