import FoundationEssentials
import Logging
import ServiceLifecycle
import TokenHealth
import UnixSignals
import VigilConfiguration
import VigilControl
import VigilEngine
import VigilNotifying
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
        let outbox = OutboxSignal(notifiers: configuration.notifiers.map(\.name))
        let news = Wakeup()
        let probing = Wakeup()
        let composer = AlertComposer(host: Host.name)
        let depot = SQLiteDepot(directory: configuration.stateDirectory) { timekeeper.now().wall }
        let store = try ResilientHealthStore(
            depot: depot,
            notifiers: configuration.notifiers.map(\.name),
            composer: composer,
            timekeeper: timekeeper,
            logger: logger,
            changed: {
                outbox.send()
                news.signal()
            }
        )
        let statusFile = StatusFile(path: configuration.statusFile)
        try statusFile.checkDirectory()
        tellLoss()
        // Everything that can be wrong from the start has been tried: HTTP clients must be shut down, not just dropped.
        let (stored, untold, failing) = (try store.load(), try store.untold(), try store.failingNotifiers())
        let supervisor = SystemdSupervisor()
        let progress = Progress(watchdogInterval: supervisor.watchdogInterval)
        let prober = HTTPProber(version: Version.text, environment: environment)
        let secrets = HostSecretReader(environment: environment)
        let notifiers = Notifiers(configuration: configuration, secrets: secrets)
        let watch = TokenWatch(
            tokens: configuration.tokens,
            stored: stored,
            untold: untold,
            observer: TokenObserver(
                prober: prober,
                secrets: secrets,
                fingerprinter: HMACFingerprinter(key: depot.fingerprintKey),
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
        await record(ReplacementNotes(directory: configuration.stateDirectory), in: watch)
        let dispatcher = OutboxDispatcher(
            notifiers: notifiers.byName,
            rules: notifiers.rules,
            failing: failing,
            composer: composer,
            store: store,
            timekeeper: timekeeper,
            progress: progress,
            signal: outbox,
            logger: logger,
            chance: Host.chance,
            settled: { news.signal() }
        )
        let queued: @Sendable () -> Void = {
            outbox.send()
            news.signal()
        }
        let checkup = Checkup(
            watch: watch,
            store: store,
            storeProblem: { store.problem },
            timekeeper: timekeeper
        )
        let heartbeat = self.heartbeat(
            notifiers.heartbeat,
            checkup: checkup,
            timekeeper: timekeeper,
            changed: { news.signal() }
        )
        let drill = configuration.drill.map { schedule in
            DrillService(
                schedule: schedule,
                notifiers: configuration.notifiers.map(\.name),
                composer: composer,
                store: store,
                timekeeper: timekeeper,
                logger: logger,
                changed: queued
            )
        }
        let reporter = StatusReporter(
            watch: watch,
            store: store,
            publisher: statusFile,
            timekeeper: timekeeper,
            progress: progress,
            monitor: monitor(started: started, setAside: depot.setAside),
            notifierNames: configuration.notifiers.map(\.name),
            period: configuration.statusPeriod,
            wakeup: news,
            disabledNotifiers: { dispatcher.disabledNotifiers },
            problems: {
                var problems = await checkup.problems()
                if let problem = heartbeat?.problem { problems.append(problem) }
                if let drill { problems += drill.problems((try? store.notifierReports()) ?? [:]) }
                return problems
            },
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
        var services: [any Service] = [
            ReloadService(reloader: reloader, supervisor: supervisor), control, watchdog, reporter, reassertion,
        ]
        if let heartbeat { services.append(heartbeat) }
        services.append(dispatcher)
        if let drill { services.append(drill) }
        services.append(
            ProbeService(watch: watch, timekeeper: timekeeper, progress: progress, wakeup: probing)
        )
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services.map { .init(service: $0) },
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "lifecycle") { _ in SwiftLogNoOpLogHandler() }
            )
        )
        try await group.run()
        supervisor.stopping()
        let wasBehind = store.problem != nil
        store.flush()
        if wasBehind, store.problem == nil { await reporter.tick() }
        if let problem = store.problem {
            logger.error("stopped before everything was on disk", metadata: ["problem": "\(problem)"])
        }
        await prober.shutdown()
        await notifiers.shutdown()
        logger.info("stopped")
    }

    /// Records what was replaced while no daemon was running.
    private func record(_ notes: ReplacementNotes, in watch: TokenWatch) async {
        for note in notes.all {
            do throws(InterventionRefusal) {
                try await watch.note(note.replacement)
            } catch {
                logger.warning("a replacement is not recorded", metadata: ["error": "\(error)"])
                if case .notStored = error { continue }
            }
            notes.remove(note)
        }
    }

    private func heartbeat(
        _ sender: HTTPHeartbeat?,
        checkup: Checkup,
        timekeeper: any Timekeeper,
        changed: @escaping @Sendable () -> Void
    ) -> HeartbeatService? {
        guard let sender, let settings = configuration.heartbeat else { return nil }
        return HeartbeatService(
            sender: sender,
            period: settings.every,
            checkup: { await checkup.problems() },
            timekeeper: timekeeper,
            logger: logger,
            changed: changed
        )
    }

    /// Says so when the last daemon ended before everything was on disk: its last status file tells.
    private func tellLoss() {
        guard let bytes = FileManager.default.contents(atPath: configuration.statusFile),
            let document = try? Wire.decoder().decode(StatusDocument.self, from: bytes),
            let problem = document.monitor.problems.first(where: { $0.hasPrefix(ResilientHealthStore.complaint) })
        else { return }
        logger.error(
            "the last daemon ended before everything was on disk: the history has a gap",
            metadata: ["problem": "\(problem)", "until": "\(document.generatedAt.rfc3339)"]
        )
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
