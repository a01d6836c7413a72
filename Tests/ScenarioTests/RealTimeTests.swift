import FoundationEssentials
import Logging
import ServiceLifecycle
import TallyfySimulator
import Testing
import TokenHealth
import VigilConfiguration
import VigilEngine
import VigilHTTPClient
import VigilNotifying
import VigilProbing
import VigilStorage

/// The loops themselves, on the real clock.
@Suite(.timeLimit(.minutes(5))) struct RealTimeTests {
    @Test func `a log-out is delivered within interval, confirmation and two seconds`() async throws {
        try await withLoops { loops in
            let bound = Duration.seconds(1 + 2 + 2)
            var fastest = Duration.seconds(600)
            // Other tests may have the host to themselves for a while; a daemon too slow by itself never makes it.
            let patience = ContinuousClock.now + .seconds(180)
            while fastest > bound, ContinuousClock.now < patience {
                let loggedOut = ContinuousClock.now
                loops.tallyfy.logout(user: loops.user)
                let alert = await loops.deliveries.first { $0.kind == .invalidated }
                let elapsed = ContinuousClock.now - loggedOut
                #expect(alert?.kind == .invalidated)
                #expect(elapsed >= .seconds(2))
                fastest = min(fastest, elapsed)
                try loops.put(loops.tallyfy.login(user: loops.user))
                _ = await loops.deliveries.first { $0.kind == .recovered }
            }
            #expect(fastest <= bound)
        } afterwards: { loops throws in
            let ids = loops.sink.received.compactMap { $0.header("webhook-id") }
            #expect(Set(ids).count == loops.sink.received.count)
        }
    }

    @Test func `a stop in the middle of a probe that hangs is prompt and leaves no trace`() async throws {
        var began = ContinuousClock.now
        try await withLoops { loops in
            let seen = loops.tallyfy.requests().count
            loops.tallyfy.inject(Fault(.stall))
            while loops.tallyfy.requests().count == seen { await Task.yield() }
            began = ContinuousClock.now
        } afterwards: { loops throws in
            // The probe itself would end after four minutes.
            #expect(ContinuousClock.now - began < .seconds(200))
            #expect(try loops.store.load().values.map(\.belief.state) == [.valid])
            #expect(loops.sink.received.isEmpty)
        }
    }
}

/// The services of a daemon that runs, with one token that is valid.
private struct Loops {
    let tallyfy: TallyfySimulator
    let sink: WebhookSink
    let user: Int
    let store: SQLiteHealthStore
    let deliveries: AsyncStream<Alert>
    let put: (String) throws -> Void
}

/// Runs `body` beside the loops of a daemon, stops them, and then looks at what they have left.
private func withLoops(
    _ body: (Loops) async throws -> Void,
    afterwards: (Loops) throws -> Void
) async throws {
    let tallyfy = try await TallyfySimulator.start()
    let sink = try await WebhookSink.start()
    let directory = FileManager.default.temporaryDirectory.appending(path: "vigil-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let user = tallyfy.addUser(email: "bot@example.test")
    let put = { (secret: String) throws in
        try AtomicFile(path: "\(directory)/secret", mode: 0o600).write(Array(secret.utf8))
    }
    try put(tallyfy.login(user: user))
    let configuration = try ConfigurationLoader.load(
        text: """
            version: 1
            defaults: {interval: 1s, timeout: 240s, confirm: {rejections: 3, over: 2s}}
            tokens:
              bot: {provider: tallyfy, base_url: "\(tallyfy.apiURL)", secret: {file: \(directory)/secret}}
            notifiers: {oncall: {type: webhook, url: "\(sink.url)"}}
            state: {directory: \(directory)/state}
            status: {file: \(directory)/status.json}
            """,
        name: "real.yaml"
    )
    let client = try HTTPClient(environment: [:])
    let prober = HTTPProber(client: client, version: "0.0.0")
    let timekeeper = SystemTimekeeper()
    let (deliveries, delivered) = AsyncStream.makeStream(of: Alert.self)
    let (editions, published) = AsyncStream.makeStream(of: StatusHead.self)
    let daemon = try WiredDaemon(
        configuration,
        prober: prober,
        client: client,
        timekeeper: timekeeper,
        watched: { EchoingNotifier(inner: $0, delivered: delivered) },
        published: { published.yield($0) }
    )
    let services = ServiceGroup(
        services: [
            daemon.reporter, daemon.dispatcher,
            ProbeService(watch: daemon.watch, timekeeper: timekeeper, progress: daemon.progress),
        ],
        logger: .silent
    )
    async let run: Void = services.run()
    _ = await editions.first { $0.census[.valid] == 1 }
    let loops = Loops(
        tallyfy: tallyfy,
        sink: sink,
        user: user,
        store: daemon.store,
        deliveries: deliveries,
        put: put
    )
    try await body(loops)
    await services.triggerGracefulShutdown()
    try await run
    try afterwards(loops)
    await client.shutdown()
    await tallyfy.stop()
    await sink.stop()
    try FileManager.default.removeItem(atPath: directory)
}

/// Tells of every alert that its notifier has delivered.
private struct EchoingNotifier: Notifier {
    let inner: any Notifier
    let delivered: AsyncStream<Alert>.Continuation

    func deliver(_ alert: Alert) async -> DeliveryResult {
        let result = await inner.deliver(alert)
        if case .delivered = result { delivered.yield(alert) }
        return result
    }
}
