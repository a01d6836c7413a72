import FoundationEssentials
import Logging
import ServiceLifecycle
import TokenHealth
import UnixSignals
import VigilConfiguration
import VigilControl
import VigilEngine
import VigilProbing
import VigilStorage

/// The whole daemon, wired once, here.
struct Daemon {
    let configuration: Configuration
    let configurationPath: String
    let environment: [String: String]
    let logger: Logger

    /// Runs until SIGTERM or SIGINT.
    ///
    /// - Throws: `StorageError` when the state directory or the status file cannot be used.
    func run() async throws {
        let timekeeper = SystemTimekeeper()
        let started = timekeeper.now().wall
        let store = try SQLiteHealthStore(directory: configuration.stateDirectory, now: started)
        let statusFile = StatusFile(path: configuration.statusFile)
        try statusFile.checkDirectory()
        let supervisor = SystemdSupervisor()
        let progress = Progress(watchdogInterval: supervisor.watchdogInterval)
        let prober = HTTPProber(version: Version.text, environment: environment)
        let secrets = HostSecretReader(environment: environment)
        let notifiers = Notifiers(configuration: configuration, secrets: secrets)
        let outbox = OutboxSignal(notifiers: configuration.notifiers.map(\.name))
        let news = Wakeup()
        let probing = Wakeup()
        let composer = AlertComposer(host: Host.name)

        let watch = TokenWatch(
            tokens: configuration.tokens,
            stored: try store.load(),
            untold: try store.untold(),
            observer: TokenObserver(
                prober: prober,
                secrets: secrets,
                fingerprinter: HMACFingerprinter(key: store.fingerprintKey),
                timekeeper: timekeeper
            ),
            store: store,
            composer: composer,
            timekeeper: timekeeper,
            logger: logger,
            chance: Host.chance,
            changed: {
                outbox.send()
                news.signal()
            }
        )
        let dispatcher = OutboxDispatcher(
            notifiers: notifiers.byName,
            rules: notifiers.rules,
            failing: try store.failingNotifiers(),
            composer: composer,
            store: store,
            timekeeper: timekeeper,
            progress: progress,
            signal: outbox,
            logger: logger,
            chance: Host.chance,
            settled: { news.signal() }
        )
        let reporter = StatusReporter(
            watch: watch,
            store: store,
            publisher: statusFile,
            timekeeper: timekeeper,
            progress: progress,
            monitor: monitor(started: started, setAside: store.setAside),
            notifierNames: configuration.notifiers.map(\.name),
            period: configuration.statusPeriod,
            wakeup: news,
            disabledNotifiers: { dispatcher.disabledNotifiers },
            logger: logger,
            published: { supervisor.report($0) }
        )
        let reloader = Reloader(
            path: configurationPath,
            running: configuration,
            watch: watch,
            supervisor: supervisor,
            logger: logger
        )
        let reassertion = Reassertion(
            notifiers: notifiers.byName,
            open: { await watch.openIncidents(at: $0) },
            timekeeper: timekeeper,
            logger: logger
        )
        let control = ControlServer(
            path: configuration.controlSocket,
            actions: ControlDesk(
                watch: watch,
                reporter: reporter,
                reloader: reloader,
                stateDirectory: configuration.stateDirectory,
                timekeeper: timekeeper,
                probing: probing
            ),
            timekeeper: timekeeper,
            logger: logger
        )
        let watchdog = Watchdog(supervisor: supervisor, progress: progress, timekeeper: timekeeper, logger: logger)
        logger.info(
            "watching",
            metadata: ["tokens": "\(configuration.tokens.count)", "notifiers": "\(configuration.notifiers.count)"]
        )
        // Stopped from the last to the first: first no new probes, then no new deliveries, then the last status file.
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: ReloadService(reloader: reloader, supervisor: supervisor)),
                    .init(service: control),
                    .init(service: watchdog),
                    .init(service: reporter),
                    .init(service: reassertion),
                    .init(service: dispatcher),
                    .init(
                        service: ProbeService(
                            watch: watch,
                            timekeeper: timekeeper,
                            progress: progress,
                            wakeup: probing
                        )
                    ),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "lifecycle") { _ in SwiftLogNoOpLogHandler() }
            )
        )
        try await group.run()
        supervisor.stopping()
        await prober.shutdown()
        await notifiers.shutdown()
        logger.info("stopped")
    }

    private func monitor(started: Date, setAside: SQLiteHealthStore.SetAside?) -> MonitorReport {
        var report = MonitorReport(
            version: Version.text,
            pid: Host.processID,
            host: Host.name,
            startedAt: started
        )
        if let setAside {
            report.problems.append("the database was damaged (\(setAside.cause)) and is set aside as \(setAside.path)")
            logger.error(
                "the database was damaged, history starts anew",
                metadata: ["cause": "\(setAside.cause)", "set_aside": "\(setAside.path)"]
            )
        }
        return report
    }
}

extension Configuration {
    /// How often the status file is renewed when nothing changes: the shortest interval, between 1 s and 1 min.
    fileprivate var statusPeriod: Duration {
        min(max(tokens.map(\.interval).min() ?? .seconds(60), .seconds(1)), .seconds(60))
    }
}
