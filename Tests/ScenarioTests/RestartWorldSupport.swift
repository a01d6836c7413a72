import FoundationEssentials
import Logging
import Synchronization
import TokenHealth
import VigilEngine
import VigilStorage

/// A daemon without network that is stopped and killed at any time.
final class RestartWorld {
    let timekeeper = RestartClock()
    let provider: RestartProvider
    let secrets = RestartSecrets()
    private let tokens: [WatchedToken]
    private let directory: String
    private var store: SQLiteHealthStore?
    private var watch: TokenWatch?

    init(_ tokens: [WatchedToken]) throws {
        self.tokens = tokens
        provider = RestartProvider(timekeeper)
        directory = FileManager.default.temporaryDirectory.appending(path: "restart-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func start() throws {
        let store = try SQLiteHealthStore(directory: "\(directory)/state", now: timekeeper.now().wall)
        self.store = store
        watch = TokenWatch(
            tokens: tokens,
            stored: try store.load(),
            untold: try store.untold(),
            hosts: try store.hosts(),
            observer: TokenObserver(
                prober: provider,
                secrets: secrets,
                fingerprinter: HMACFingerprinter(key: store.fingerprintKey),
                timekeeper: timekeeper
            ),
            store: store,
            composer: AlertComposer(host: "srv1"),
            timekeeper: timekeeper,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            chance: { 0 },
            changed: {}
        )
    }

    func pass(_ seconds: Int) async {
        timekeeper.advance(by: .seconds(seconds))
        await watch?.tick()
    }

    /// Nothing is written any more.
    func kill() { (watch, store) = (nil, nil) }

    /// The same after so many more questions, of which the last ones are seen by the server and never answered.
    func killInTheMiddle(after questions: Int) async {
        timekeeper.advance(by: .seconds(5))
        provider.hold(after: questions)
        await withTaskGroup { [watch, provider] group in
            group.addTask {
                await watch?.tick()
                provider.end()
            }
            while !provider.isHeldOrOver { await Task.yield() }
            group.cancelAll()
        }
        provider.release()
        kill()
    }

    func stop() async {
        await watch?.flush()
        await watch?.close()
        kill()
    }
}

/// Notes when a token was tried.
final class RestartProvider: Prober {
    enum Reply {
        case accepted, rejected
        case busy(Int)
    }

    private struct State {
        var reply = Reply.rejected
        var times: [Double] = []
        /// How many questions are still answered.
        var left = Int.max
        var isHeldOrOver = false
    }

    private let timekeeper: RestartClock
    private let state = Mutex(State())

    init(_ timekeeper: RestartClock) { self.timekeeper = timekeeper }

    var times: [Double] { state.withLock { $0.times } }
    func answer(_ reply: Reply) { state.withLock { $0.reply = reply } }
    /// Answers so many more questions, and none after them.
    func hold(after questions: Int) { state.withLock { ($0.left, $0.isHeldOrOver) = (questions, false) } }
    func release() { state.withLock { $0.left = .max } }
    /// Nothing more is asked.
    func end() { state.withLock { $0.isHeldOrOver = true } }

    /// Whether there is a question that is not answered, or none more.
    var isHeldOrOver: Bool { state.withLock { $0.isHeldOrOver } }

    func exchange(_ request: ProbeRequest) async -> Exchange {
        guard request.secret != nil else { return RestartProvider.exchange(.rejected) }
        let (reply, isHeld) = state.withLock { state in
            state.times.append(timekeeper.now().uptime.inSeconds)
            state.left -= state.left == .max ? 0 : 1
            if state.left < 0 { state.isHeldOrOver = true }
            return (state.reply, state.left < 0)
        }
        // Until it is killed.
        if isHeld { try? await Task.sleep(for: .seconds(100)) }
        return RestartProvider.exchange(reply)
    }

    private static func exchange(_ reply: Reply) -> Exchange {
        let json = HeaderField("content-type", "application/json")
        let (status, headers): (Int, [HeaderField]) =
            switch reply {
            case .accepted: (200, [json])
            case .rejected: (401, [json])
            case .busy(let seconds): (503, [json, HeaderField("retry-after", "\(seconds)")])
            }
        return Exchange(.answered(Answer(status: status, headers: headers, body: Array("{}".utf8))))
    }
}

/// Holds a secret that a test can replace.
final class RestartSecrets: SecretReader {
    private let value = Mutex("first-secret")

    func secret(from source: SecretSource) async throws(SecretProblem) -> Secret {
        try SecretLint.secret(in: Array(value.withLock { $0 }.utf8), source: source.description)
    }

    func put(_ value: String) { self.value.withLock { $0 = value } }
}

/// Time that goes on over restarts, and whose wall clock can be set.
final class RestartClock: Timekeeper {
    private let state = Mutex((uptime: Duration.zero, shift: Duration.zero))

    func now() -> Moment {
        let (uptime, shift) = state.withLock { $0 }
        return Moment(wall: Date(timeIntervalSince1970: 1_800_000_000).advanced(by: uptime + shift), uptime: uptime)
    }

    func sleep(until uptime: Duration) async throws { preconditionFailure("a watch that ticks never sleeps") }

    func advance(by duration: Duration) { state.withLock { $0.uptime += duration } }
    func setWall(by duration: Duration) { state.withLock { $0.shift += duration } }
}
