import FoundationEssentials
import Logging
import Synchronization
import TokenHealth
import VigilConfiguration
import VigilEngine
import VigilHTTPClient
import VigilNotifying
import VigilProbing
import VigilStorage

/// The objects of a daemon, wired as the daemon wires them, without a supervisor.
struct WiredDaemon {
    let store: SQLiteHealthStore
    let watch: TokenWatch
    let dispatcher: OutboxDispatcher
    let reporter: StatusReporter
    let progress = Progress()
    /// Raised when the status file is out of date.
    let hasNews = Flag()

    // `watched` is what a notifier is put into before it is used, `published` is called after each status file.
    init(
        _ configuration: VigilConfiguration.Configuration,
        prober: HTTPProber,
        client: HTTPClient,
        timekeeper: any Timekeeper,
        watched: (any Notifier) -> any Notifier = { $0 },
        published: @escaping @Sendable (StatusHead) -> Void = { _ in }
    ) throws {
        let started = timekeeper.now().wall
        let store = try SQLiteHealthStore(directory: configuration.stateDirectory, now: started)
        let secrets = HostSecretReader(environment: [:])
        let outbox = OutboxSignal(notifiers: configuration.notifiers.map(\.name))
        let (news, hasNews) = (Wakeup(), hasNews)
        let observer = TokenObserver(
            prober: prober,
            secrets: secrets,
            fingerprinter: HMACFingerprinter(key: store.fingerprintKey),
            timekeeper: timekeeper
        )
        watch = try TokenWatch(
            over: configuration.tokens,
            storedIn: store,
            observer: observer,
            timekeeper: timekeeper,
            changed: {
                outbox.send()
                news.signal()
                hasNews.raise()
            }
        )
        dispatcher = OutboxDispatcher(
            notifiers: configuration.webhooks(client: client, secrets: secrets, timekeeper: timekeeper)
                .mapValues(watched),
            failing: try store.failingNotifiers(),
            composer: AlertComposer(host: "srv1"),
            store: store,
            timekeeper: timekeeper,
            progress: progress,
            signal: outbox,
            logger: .silent,
            chance: { 0 },
            settled: {
                news.signal()
                hasNews.raise()
            }
        )
        reporter = StatusReporter(
            watch: watch,
            store: store,
            publisher: StatusFile(path: configuration.statusFile),
            timekeeper: timekeeper,
            progress: progress,
            monitor: MonitorReport(version: "0.0.0", pid: 1, host: "srv1", startedAt: started),
            notifierNames: configuration.notifiers.map(\.name),
            period: .seconds(60),
            wakeup: news,
            logger: .silent,
            published: published
        )
        self.store = store
    }
}

extension Logger {
    static let silent = Logger(label: "scenario") { _ in SwiftLogNoOpLogHandler() }
}

extension TokenWatch {
    /// A watch that goes on with what is stored, and logs nothing.
    ///
    /// - `chance`: the number that stands for chance at every call.
    init(
        over tokens: [WatchedToken],
        storedIn store: any HealthStore,
        observer: TokenObserver,
        timekeeper: any Timekeeper,
        chance: Double = 0,
        changed: @escaping @Sendable () -> Void = {}
    ) throws {
        self.init(
            tokens: tokens,
            stored: try store.load(),
            untold: try store.untold(),
            hosts: try store.hosts(),
            observer: observer,
            store: store,
            composer: AlertComposer(host: "srv1"),
            timekeeper: timekeeper,
            logger: .silent,
            chance: { chance },
            changed: changed
        )
    }
}

/// Whether there is something new.
final class Flag: Sendable {
    private let isRaised = Mutex(false)

    func raise() { isRaised.withLock { $0 = true } }

    /// Takes the flag down, and tells whether it was up.
    func lower() -> Bool {
        isRaised.withLock { isRaised in
            defer { isRaised = false }
            return isRaised
        }
    }
}

extension VigilConfiguration.Configuration {
    fileprivate func webhooks(
        client: HTTPClient,
        secrets: any SecretReader,
        timekeeper: any Timekeeper
    ) -> [String: any Notifier] {
        var webhooks: [String: any Notifier] = [:]
        for settings in notifiers {
            guard case .webhook(let webhook) = settings.kind, case .literal(let url) = webhook.url else { continue }
            webhooks[settings.name] = WebhookNotifier(
                WebhookNotifier.Settings(url: .literal(url), timeLimit: .seconds(120)),
                client: client,
                secrets: secrets,
                version: "0.0.0",
                now: { timekeeper.now().wall }
            )
        }
        return webhooks
    }
}
