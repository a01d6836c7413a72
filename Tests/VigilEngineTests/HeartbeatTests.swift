import FoundationEssentials
import Logging
import Synchronization
import TokenHealth
import Testing

@testable import VigilEngine

/// Remembers the signs it was given, and answers as a test says.
private final class RecordingSender: HeartbeatSender {
    private let state = Mutex<(signs: [SignOfLife], result: DeliveryResult)>(([], .delivered("HTTP 200")))

    var signs: [SignOfLife] { state.withLock { $0.signs } }

    func answer(_ result: DeliveryResult) { state.withLock { $0.result = result } }

    func send(_ sign: SignOfLife) async -> DeliveryResult {
        state.withLock { state in
            state.signs.append(sign)
            return state.result
        }
    }
}

/// What a checkup finds, as a test says.
private final class Trouble: Sendable {
    private let state = Mutex<[String]>([])

    var problems: [String] { state.withLock { $0 } }
    func set(_ problems: [String]) { state.withLock { $0 = problems } }
}

/// What somebody outside is told of this program itself.
@Suite struct HeartbeatTests {
    private let timekeeper = ManualTimekeeper()
    private let sender = RecordingSender()
    private let errors = Tally()
    private let trouble = Trouble()

    private func heartbeat() -> HeartbeatService {
        let (errors, trouble) = (errors, trouble)
        return HeartbeatService(
            sender: sender,
            period: .seconds(60),
            checkup: { trouble.problems },
            timekeeper: timekeeper,
            logger: Logger(label: "test") { _ in CountingLog(errors) },
            changed: {}
        )
    }

    /// Lets time pass in the steps that the loop has.
    private func pass(_ seconds: Int, _ heartbeat: HeartbeatService) async {
        for _ in 0..<(seconds / 5) {
            timekeeper.advance(by: .seconds(5))
            await heartbeat.tick()
        }
    }

    @Test func `while all is well there is one sign a period`() async {
        let heartbeat = heartbeat()
        await heartbeat.tick()
        await pass(300, heartbeat)
        #expect(sender.signs == [.well, .well, .well, .well, .well, .well])
    }

    @Test func `trouble is told at once and every period, and so is its end`() async {
        let heartbeat = heartbeat()
        await heartbeat.tick()
        await pass(20, heartbeat)
        trouble.set(["the disk is full"])
        await pass(70, heartbeat)
        #expect(sender.signs == [.well, .unwell(["the disk is full"]), .unwell(["the disk is full"])])
        trouble.set([])
        await pass(5, heartbeat)
        #expect(sender.signs.last == .well)
    }

    @Test func `a sign that does not arrive is a problem, logged once, and sent again soon`() async {
        let heartbeat = heartbeat()
        sender.answer(.failed("https://hc.example.com answered HTTP 503"))
        await heartbeat.tick()
        await pass(30, heartbeat)
        #expect(sender.signs.count == 4)
        #expect(errors.count == 1)
        #expect(heartbeat.problem == "the heartbeat does not arrive: https://hc.example.com answered HTTP 503")
        sender.answer(.delivered("HTTP 200"))
        await pass(10, heartbeat)
        #expect(heartbeat.problem == nil)
    }

    @Test func `a host that has slept is not called unwell before it has had the time to look`() async {
        let heartbeat = heartbeat()
        await heartbeat.tick()
        trouble.set(["late"])
        timekeeper.advance(by: .seconds(8 * 3600))
        await heartbeat.tick()
        #expect(sender.signs == [.well])
        trouble.set([])
        await pass(5, heartbeat)
        #expect(sender.signs == [.well, .well])
    }
}

/// Whether this program does what it promises.
@Suite struct CheckupTests {
    private func checkup(_ bench: WatchBench, problem: String? = nil) -> Checkup {
        Checkup(watch: bench.watch, store: bench.store, storeProblem: { problem }, timekeeper: bench.timekeeper)
    }

    @Test func `nothing is wrong while every token is looked at on time`() async throws {
        let bench = try WatchBench()
        for _ in 0..<10 {
            await bench.pass(60)
            #expect(await checkup(bench).problems() == [])
        }
    }

    @Test func `a token not looked at for three times as long as promised is late`() async throws {
        let bench = try WatchBench([Sample.token("a"), Sample.token("b", interval: .seconds(3600))])
        await bench.watch.tick()
        bench.timekeeper.advance(by: .seconds(200))
        #expect(await checkup(bench).problems() == [])
        bench.timekeeper.advance(by: .seconds(20))
        #expect(await checkup(bench).problems() == ["not looked at when it was promised: a"])
        await bench.watch.tick()
        #expect(await checkup(bench).problems() == [])
    }

    @Test func `a token is late that is never looked at, and many are counted`() async throws {
        let bench = try WatchBench((1...9).map { Sample.token("t\($0)") })
        bench.timekeeper.advance(by: .seconds(300))
        let problems = await checkup(bench).problems()
        #expect(problems == ["not looked at when it was promised: t1, t2, t3, t4, t5 and 4 more"])
    }

    @Test func `an alert that waits for an hour is trouble`() async throws {
        let bench = try WatchBench([Sample.token(interval: .seconds(86_400))])
        await bench.watch.tick()
        bench.store.healthy.enqueue(Sample.alert(), to: ["oncall"])
        bench.timekeeper.advance(by: .seconds(3599))
        #expect(await checkup(bench).problems() == [])
        bench.timekeeper.advance(by: .seconds(1))
        #expect(await checkup(bench).problems() == ["an alert to oncall waits since 2026-11-23T10:00:00.000Z"])
    }

    @Test func `a store that keeps nothing or cannot be read is trouble`() async throws {
        let bench = try WatchBench()
        await bench.watch.tick()
        bench.store.fail(.read)
        let problems = await checkup(bench, problem: "history is not being kept").problems()
        #expect(problems == ["history is not being kept", "the outbox cannot be read: the disk is full"])
    }
}
