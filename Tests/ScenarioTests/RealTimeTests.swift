import AsyncHTTPClient
import FoundationEssentials
import Logging
import ServiceLifecycle
import TallyfySimulator
import Testing
import TokenHealth
import VigilConfiguration
import VigilEngine
import VigilNotifying
import VigilProbing
import VigilStorage

/// The loops themselves, on the real clock.
@Suite(.timeLimit(.minutes(1))) struct RealTimeTests {
    @Test func `a log-out is delivered within interval, confirmation and two seconds`() async throws {
        let tallyfy = try await TallyfySimulator.start()
        let sink = try await WebhookSink.start()
        let directory = FileManager.default.temporaryDirectory.appending(path: "vigil-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let user = tallyfy.addUser(email: "bot@example.test")
        let secret = tallyfy.login(user: user)
        try AtomicFile(path: "\(directory)/secret", mode: 0o600).write(Array(secret.utf8))
        let configuration = try ConfigurationLoader.load(
            text: """
                version: 1
                defaults: {interval: 1s, confirm: {rejections: 3, over: 2s}}
                tokens:
                  bot: {provider: tallyfy, base_url: "\(tallyfy.apiURL)", secret: {file: \(directory)/secret}}
                notifiers: {oncall: {type: webhook, url: "\(sink.url)"}}
                state: {directory: \(directory)/state}
                status: {file: \(directory)/status.json}
                """,
            name: "real.yaml"
        )
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: WebhookNotifier.clientConfiguration)
        let prober = HTTPProber(version: "0.0.0", environment: [:])
        let timekeeper = SystemTimekeeper()
        let (deliveries, delivered) = AsyncStream.makeStream(of: Alert.self)
        let (documents, published) = AsyncStream.makeStream(of: StatusDocument.self)
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
            logger: Logger(label: "lifecycle") { _ in SwiftLogNoOpLogHandler() }
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            _ = await documents.first { $0.worst == .valid }
            let loggedOut = ContinuousClock.now
            tallyfy.logout(user: user)
            let alert = await deliveries.first { _ in true }
            let elapsed = ContinuousClock.now - loggedOut
            #expect(alert?.kind == .invalidated)
            #expect(elapsed >= .seconds(2))
            #expect(elapsed <= .seconds(1 + 2 + 2))
            #expect(sink.received.count == 1)
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
        }
        await prober.shutdown()
        try await client.shutdown()
        await tallyfy.stop()
        await sink.stop()
        try FileManager.default.removeItem(atPath: directory)
    }
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
