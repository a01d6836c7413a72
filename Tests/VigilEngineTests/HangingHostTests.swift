import FoundationEssentials
import Synchronization
import Testing
import TokenHealth

@testable import VigilEngine

/// Hosts that accept every question and answer none, beside others that do.
@Suite(.timeLimit(.minutes(2))) struct HangingHostTests {
    private func token(_ name: String, at host: String, every seconds: Int64) -> WatchedToken {
        WatchedToken(
            name: Sample.name(name),
            provider: Provider(name: "example", baseURL: "https://\(host)", probe: ProbeTemplate(path: "/me")),
            secret: .environment(variable: "X"),
            owner: name,
            interval: .seconds(seconds)
        )
    }

    private func tokens(_ count: Int, at host: String, every seconds: Int64) -> [WatchedToken] {
        (0..<count).map { token("\(host.prefix { $0 != "." })-\($0)", at: host, every: seconds) }
    }

    /// Watches for so many seconds, in steps of half a second.
    private func watch(_ bench: HangingBench, for seconds: Int, _ body: (Int) -> Void = { _ in }) async {
        await withDiscardingTaskGroup { group in
            for step in 0..<(seconds * 2) {
                if step.isMultiple(of: 2) { body(step / 2) }
                await bench.settle()
                while true {
                    let round = await bench.watch.takeDue()
                    if round.isEmpty { break }
                    group.addTask { await bench.watch.run(round) }
                    await bench.settle()
                }
                bench.timekeeper.advance(by: .milliseconds(500))
            }
            bench.prober.release()
        }
    }

    /// The longest time between two questions about `name`, in seconds, and how many there were.
    private func gaps(of name: String, in bench: HangingBench) -> (longest: Double, count: Int) {
        let times = bench.prober.times[name] ?? []
        return (zip(times.dropFirst(), times).map { $0 - $1 }.max() ?? .infinity, times.count)
    }

    @Test func `an API with thousands of tokens that hangs makes no other wait`() async {
        let bench = HangingBench([token("fast", at: "fast.test", every: 2)] + tokens(4000, at: "hang.test", every: 60))
        bench.prober.hang("https://hang.test")
        await watch(bench, for: 60)
        let (longest, count) = gaps(of: "fast", in: bench)
        #expect(longest <= 2.5)
        #expect(count >= 28)
        #expect(bench.prober.mostOpen <= 320)
    }

    @Test func `one that has answered thousands fast, and hangs all of a sudden, makes none wait either`() async {
        let bench = HangingBench([token("fast", at: "fast.test", every: 2)] + tokens(4000, at: "hang.test", every: 10))
        await watch(bench, for: 60) { second in
            if second == 25 { bench.prober.hang("https://hang.test") }
        }
        let (longest, count) = gaps(of: "fast", in: bench)
        #expect(longest <= 2.5)
        #expect(count >= 28)
    }

    @Test func `thousands of hosts, a twentieth of which hang, are all asked on time but for those`() async {
        let healthy = (0..<950).map { token("healthy-\($0)", at: "h\($0).test", every: 10) }
        let hanging = (0..<50).flatMap { tokens(20, at: "hang\($0).test", every: 10) }
        let bench = HangingBench(healthy + hanging)
        for host in 0..<50 { bench.prober.hang("https://hang\(host).test") }
        await watch(bench, for: 60)
        for index in 0..<950 {
            let (longest, count) = gaps(of: "healthy-\(index)", in: bench)
            #expect(longest <= 11)
            #expect(count >= 5)
        }
        #expect(bench.prober.mostOpen <= 1024)
    }

    @Test func `a host that answers again is asked about all of its tokens within an interval`() async {
        let bench = HangingBench(tokens(1500, at: "hang.test", every: 20) + [token("fast", at: "fast.test", every: 2)])
        await watch(bench, for: 120) { second in
            if second == 25 { bench.prober.hang("https://hang.test") }
            if second == 70 { bench.prober.recover("https://hang.test") }
        }
        let late = (0..<1500).filter { index in
            !(bench.prober.answered["hang-\(index)"] ?? []).contains { (70...95).contains($0) }
        }
        #expect(late.isEmpty)
        #expect(gaps(of: "fast", in: bench).longest <= 2.5)
    }
}

/// A watch over hosts that a test lets hang.
private struct HangingBench {
    let timekeeper = ManualTimekeeper()
    let prober: HangingProber
    let watch: TokenWatch

    init(_ tokens: [WatchedToken]) {
        let prober = HangingProber(timekeeper)
        self.prober = prober
        watch = TokenWatch(
            tokens: tokens,
            stored: [:],
            observer: TokenObserver(
                prober: prober,
                secrets: ScriptedSecretReader(),
                fingerprinter: PlainFingerprinter(),
                timekeeper: timekeeper
            ),
            store: InMemoryHealthStore(),
            composer: AlertComposer(host: "srv1"),
            timekeeper: timekeeper,
            logger: .silent,
            chance: { 0 },
            changed: {}
        )
    }

    /// Returns when nothing is under way but what hangs.
    func settle() async {
        while await watch.places.count != prober.open { await Task.yield() }
    }
}

/// Accepts every token at once, but at hosts that hang, where every question ends with its time limit.
private final class HangingProber: Prober {
    private struct State {
        var hanging: Set<String> = []
        var times: [String: [Double]] = [:]
        var answered: [String: [Double]] = [:]
        var open = 0
        var mostOpen = 0
        var isReleased = false
    }

    private let timekeeper: ManualTimekeeper
    private let state = Mutex(State())

    init(_ timekeeper: ManualTimekeeper) { self.timekeeper = timekeeper }

    func exchange(_ request: ProbeRequest) async -> Exchange {
        guard request.secret != nil else { return Reply.unauthenticated }
        let (name, limit) = (request.token.name.text, request.token.timeout)
        let now = timekeeper.now().uptime
        let hangs = state.withLock { state in
            state.times[name, default: []].append(now.inSeconds)
            guard !state.isReleased, state.hanging.contains(request.token.baseURL) else {
                state.answered[name, default: []].append(now.inSeconds)
                return false
            }
            state.open += 1
            state.mostOpen = max(state.mostOpen, state.open)
            return true
        }
        guard hangs else { return Exchange(Reply.accepted.outcome, latency: .milliseconds(20)) }
        try? await timekeeper.sleep(until: now + limit)
        state.withLock { $0.open -= 1 }
        return Exchange(.failed(TransportFailure(.timeout, "no answer")), latency: limit)
    }

    func hang(_ host: String) { state.withLock { _ = $0.hanging.insert(host) } }
    func recover(_ host: String) { state.withLock { _ = $0.hanging.remove(host) } }

    /// Has all that hang end, and nothing hang any more.
    func release() {
        state.withLock { $0.isReleased = true }
        timekeeper.advance(by: .seconds(60))
    }

    var times: [String: [Double]] { state.withLock { $0.times } }
    /// When each token was asked about at a host that answered.
    var answered: [String: [Double]] { state.withLock { $0.answered } }
    var open: Int { state.withLock { $0.open } }
    var mostOpen: Int { state.withLock { $0.mostOpen } }
}
