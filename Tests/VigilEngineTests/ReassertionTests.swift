import FoundationEssentials
import Logging
import Synchronization
import Testing
import TokenHealth
import VigilEngine

/// A notifier that remembers what it was told again.
private final class RecordingReasserter: ReassertingNotifier {
    private let rounds = Mutex<[[String]]>([])
    private let problems: [String]

    init(problems: [String] = []) {
        self.problems = problems
    }

    /// The tokens of each round.
    var told: [[String]] { rounds.withLock { $0 } }

    func deliver(_ alert: Alert) async -> DeliveryResult { .delivered("taken") }

    func reassert(_ open: [Alert], at now: Date) async -> [String] {
        rounds.withLock { $0.append(open.flatMap { $0.tokens.compactMap(\.name?.text) }) }
        return problems
    }
}

@Suite struct `Saying again what is open` {
    private func alert(about name: String) -> Alert {
        Alert(
            id: name,
            kind: .invalidated,
            severity: .critical,
            createdAt: ManualTimekeeper.start,
            incidentID: name,
            summary: name,
            host: "srv1",
            tokens: [report(name)]
        )
    }

    private func report(_ name: String) -> TokenReport {
        let token = Sample.token(name)
        let report = TokenReport(
            token: token,
            belief: Belief(at: ManualTimekeeper.start),
            uptime: Uptime(of: [], at: ManualTimekeeper.start),
            nextProbeAt: nil
        )
        return report.named(token.name)
    }

    private func reassertion(
        _ notifiers: [String: any Notifier],
        open: [OutgoingAlert],
        timekeeper: ManualTimekeeper = ManualTimekeeper(),
        lines: Tally = Tally()
    ) -> Reassertion {
        var log = CountingLog(lines)
        log.logLevel = .warning
        return Reassertion(
            notifiers: notifiers,
            open: { _ in open },
            timekeeper: timekeeper,
            logger: Logger(label: "test") { [log] _ in log }
        )
    }

    @Test func `tells each notifier what it tells of, and only those that need it`() async {
        let (first, second) = (RecordingReasserter(), RecordingReasserter())
        let open = [
            OutgoingAlert(alert(about: "a"), to: ["first"]), OutgoingAlert(alert(about: "b"), to: ["first", "second"]),
        ]
        let service = reassertion(["first": first, "second": second, "mail": RecordingNotifier()], open: open)
        await service.tick()
        #expect(first.told == [["a", "b"]])
        #expect(second.told == [["b"]])
    }

    @Test func `happens at the start and every minute`() async {
        let notifier = RecordingReasserter()
        let timekeeper = ManualTimekeeper()
        let service = reassertion(
            ["am": notifier],
            open: [OutgoingAlert(alert(about: "a"), to: ["am"])],
            timekeeper: timekeeper
        )
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await service.run() }
            await timekeeper.untilAsleep(1)
            #expect(notifier.told.count == 1)
            timekeeper.advance(by: .seconds(60))
            await timekeeper.untilAsleep(1)
            #expect(notifier.told.count == 2)
            group.cancelAll()
        }
    }

    @Test func `logs a failure when it begins, and not while it lasts`() async {
        let lines = Tally()
        let service = reassertion(["am": RecordingReasserter(problems: ["peer down"])], open: [], lines: lines)
        let known = await service.tick()
        #expect(known == ["am": ["peer down"]])
        #expect(lines.count == 1)
        await service.tick(knowing: known)
        #expect(lines.count == 1)
    }

    @Test func `speaks of an incident as its first alert did`() async throws {
        let bench = try WatchBench()
        await bench.pass(1)
        let healthy = await bench.watch.openIncidents(at: bench.timekeeper.now().wall)
        #expect(healthy.isEmpty)
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(300, inStepsOf: 10)
        let first = try #require(bench.store.healthy.alerts.first)
        let open = await bench.watch.openIncidents(at: bench.timekeeper.now().wall)
        #expect(open.map(\.notifiers) == [["oncall"]])
        let again = try #require(open.first).alert
        #expect(again.kind == first.kind && again.incidentID == first.incidentID && again.incidentKind == first.kind)
        #expect(again.tokens.map(\.name) == first.tokens.map(\.name))
        #expect(again.host == first.host)
    }
}
