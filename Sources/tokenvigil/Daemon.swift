import FoundationEssentials
import Logging
import ServiceLifecycle
import TokenHealth
import UnixSignals
import VigilConfiguration
import VigilControl
import VigilEngine
import VigilHTTPClient
import VigilNotifying
import VigilPlatform
import VigilProbing
import VigilServing
import VigilStorage
import VigilSystemd

/// The whole daemon, wired once, here.
struct Daemon {
    private let current: CurrentConfiguration
    private let configurationPath: String
    private let environment: [String: String]
    private let logger: Logger

    init(
        configuration: Configuration,
        configurationPath: String,
        environment: [String: String],
        logger: Logger
    ) {
        current = CurrentConfiguration(configuration)
        self.configurationPath = configurationPath
        self.environment = environment
        self.logger = logger
    }

    /// Runs until SIGTERM or SIGINT.
    ///
    /// - Throws: `StorageError` when the state directory or the status file cannot be used.
    func run() async throws {
        let timekeeper = SystemTimekeeper()
        let started = timekeeper.now().wall
        // Beyond a reload nobody may keep the old tokens: there may be very many.
        let configuration = current.value.withoutTokens
        let supervisor = SystemdSupervisor()
        let progress = Progress(watchdogInterval: supervisor.watchdogInterval)
        let roster = NotifierRoster([:])
        let tally = Tally()
        let bulletin = Bulletin()
        let news = Wakeup()
        let probing = Wakeup()
        let composer = AlertComposer(host: Host.name)
        let stored: @Sendable () -> Void = {
            roster.signal.send()
            news.signal()
        }
        let depot = SQLiteDepot(directory: configuration.stateDirectory) { timekeeper.now().wall }
        let store = try ResilientHealthStore(
            depot: depot,
            notifiers: roster.names,
            composer: composer,
            timekeeper: timekeeper,
            logger: logger,
            changed: stored
        )
        let (known, untold, failing) = (try store.load(), try store.untold(), try store.failingNotifiers())
        let hosts = try store.hosts()
        let statusFile = StatusFile(path: configuration.statusFile)
        try statusFile.checkDirectory()
        statusFile.removeLeftovers()
        tellLoss(in: configuration.statusFile)
        ProcessMemory.giveBack()
        await ProgramStarter.prepare()
        // Everything that can be wrong from the start has been tried: HTTP clients must be shut down, not just dropped.
        let probes = try HTTPClient(environment: environment)
        let deliveries = try HTTPClient(environment: environment)
        let prober = HTTPProber(client: probes, version: Version.text)
        let secrets = HostSecretReader(environment: environment)
        let notifiers = Notifiers(configuration: configuration, client: deliveries, secrets: secrets)
        roster.adopt(notifiers.members)
        let watch = TokenWatch(
            tokens: current.value.tokens,
            stored: consume known,
            untold: untold,
            hosts: hosts,
            observer: TokenObserver(
                prober: prober,
                secrets: secrets,
                fingerprinter: HMACFingerprinter(key: depot.fingerprintKey),
                timekeeper: timekeeper,
                tally: tally
            ),
            store: store,
            composer: composer,
            timekeeper: timekeeper,
            logger: logger,
            connections: HTTPClient.Limits.ofThisProcess.connections,
            chance: Host.chance,
            changed: stored
        )
        await record(ReplacementNotes(directory: configuration.stateDirectory), in: watch)
        let dispatcher = OutboxDispatcher(
            roster: roster,
            failing: failing,
            heirs: { current.audience(of: $0) },
            composer: composer,
            store: store,
            timekeeper: timekeeper,
            progress: progress,
            logger: logger,
            chance: Host.chance,
            tally: tally,
            settled: { news.signal() }
        )
        let checkup = Checkup(
            watch: watch,
            store: store,
            storeProblem: { store.problem },
            notifiers: { roster.names },
            disabledNotifiers: { dispatcher.disabledNotifiers },
            timekeeper: timekeeper
        )
        let publishing = StandingFault("the status cannot be published")
        let heartbeat: @Sendable (Configuration) -> HeartbeatService? = { configuration in
            guard let settings = configuration.heartbeat else { return nil }
            return notifiers.heartbeat(configuration).map { sender in
                HeartbeatService(
                    sender: sender,
                    period: settings.every,
                    checkup: { await checkup.problems() + [publishing.problem].compactMap(\.self) },
                    timekeeper: timekeeper,
                    logger: logger,
                    changed: { news.signal() }
                )
            }
        }
        let drill: @Sendable (Configuration) -> DrillService? = { configuration in
            configuration.drill.map { schedule in
                DrillService(
                    schedule: schedule,
                    notifiers: roster.names,
                    composer: composer,
                    store: store,
                    timekeeper: timekeeper,
                    logger: logger,
                    changed: stored
                )
            }
        }
        let heartbeats = Relay(heartbeat(configuration), timekeeper: timekeeper)
        let drills = Relay(drill(configuration), timekeeper: timekeeper)
        let page: @Sendable (Configuration) -> StatusServer? = { configuration in
            statusServer(configuration, tokens: { current.value.tokens }, bulletin, tally, timekeeper)
        }
        let pages = Relay(page(configuration), timekeeper: timekeeper)
        // The answer to the reload that moves the socket still goes out over the old one.
        let control = Relay<ControlServer>(nil, linger: .seconds(1), timekeeper: timekeeper)
        let commands = CommandSocket(relay: control, timekeeper: timekeeper, logger: logger)
        let reloader = Reloader(
            path: configurationPath,
            current: current,
            watch: watch,
            swap: { old, new in
                let changed = notifiers.adopt(new)
                dispatcher.enable(changed)
                roster.adopt(notifiers.members)
                if new.heartbeat != old.heartbeat { heartbeats.hand(over: heartbeat(new)) }
                if new.drill != old.drill { drills.hand(over: drill(new)) }
                if new.listen != old.listen { pages.hand(over: page(new)) }
                if new.controlSocket != old.controlSocket { commands.listen(at: new.controlSocket) }
                news.signal()
            },
            tell: { alert in
                try store.commit(News(alerts: [OutgoingAlert(alert, to: roster.names)]))
                stored()
            },
            composer: composer,
            supervisor: supervisor,
            timekeeper: timekeeper,
            logger: logger
        )
        let monitor: @Sendable () -> MonitorReport = { [reloader] in
            reloader.completed(.current(since: started))
        }
        if let setAside = depot.setAside { logger.error("history starts anew", metadata: ["cause": "\(setAside)"]) }
        let reporter = StatusReporter(
            watch: watch,
            store: store,
            publisher: StatusPublishers([bulletin, CurrentStatusFile(current), CurrentMetricsFile(current, tally)]),
            timekeeper: timekeeper,
            progress: progress,
            monitor: monitor(),
            notifierNames: roster.names,
            period: current.value.statusPeriod,
            wakeup: news,
            disabledNotifiers: { dispatcher.disabledNotifiers },
            problems: {
                var problems = await checkup.problems()
                if let problem = depot.setAsideProblem { problems.append(problem) }
                if let problem = reloader.problem { problems.append(problem) }
                if let problem = heartbeats.current?.problem { problems.append(problem) }
                if let problem = pages.current?.problem { problems.append(problem) }
                if let drill = drills.current { problems += drill.problems((try? store.notifierReports()) ?? [:]) }
                return problems
            },
            fault: publishing,
            logger: logger,
            published: { supervisor.report($0) }
        )
        let reassertion = Reassertion(
            notifiers: roster.notifiers,
            open: { await watch.openIncidents(at: $0) },
            timekeeper: timekeeper,
            logger: logger
        )
        let housekeeping = Housekeeping(
            store: store,
            keep: current.value.historyKept,
            timekeeper: timekeeper,
            logger: logger
        )
        commands.begin(
            at: configuration.controlSocket,
            doing: ControlDesk(
                watch: watch,
                reporter: reporter,
                reloader: reloader,
                stateDirectory: configuration.stateDirectory,
                timekeeper: timekeeper,
                probing: probing
            )
        )
        await reloader.begin()
        let watchdog = Watchdog(supervisor: supervisor, progress: progress, timekeeper: timekeeper, logger: logger)
        tellProxies()
        logger.info(
            "watching",
            metadata: ["tokens": "\(current.value.tokens.count)", "notifiers": "\(configuration.notifiers.count)"]
        )
        // Stopped from the last to the first: first no new probes, then no new deliveries, then the last status file.
        let services: [any Service] = [
            ReloadService(reloader: reloader, supervisor: supervisor, probing: probing), control, watchdog, reporter,
            pages, reassertion, heartbeats, housekeeping, dispatcher, drills,
            ProbeService(watch: watch, timekeeper: timekeeper, progress: progress, wakeup: probing),
        ]
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services.map { .init(service: $0) },
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "lifecycle") { _ in SwiftLogNoOpLogHandler() }
            )
        )
        try await group.run()
        supervisor.stopping()
        await watch.close()
        let wasBehind = store.problem != nil
        store.flush()
        if wasBehind, store.problem == nil { await reporter.tick() }
        if let problem = store.problem {
            logger.error("stopped before everything was on disk", metadata: ["problem": "\(problem)"])
        }
        await probes.shutdown()
        await deliveries.shutdown()
        logger.info("stopped")
    }

    /// Says by which proxies requests go: where none was meant, or another, nothing else shows it.
    private func tellProxies() {
        for route in ProxyEnvironment(environment).routes {
            switch route.variable.address {
            case .success(let proxy):
                logger.info(
                    "requests go by a proxy",
                    metadata: ["url.scheme": "\(route.scheme)", "proxy": "\(proxy)", "from": "\(route.variable.name)"]
                )
            case .failure:
                logger.warning("a proxy cannot be used", metadata: ["problem": "\(route.variable.problem ?? "")"])
            }
        }
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

    private func statusServer(
        _ configuration: Configuration,
        tokens: @escaping @Sendable () -> [WatchedToken],
        _ bulletin: Bulletin,
        _ tally: Tally,
        _ timekeeper: any Timekeeper
    ) -> StatusServer? {
        guard let settings = configuration.listen, let listener = settings.listener(logger) else { return nil }
        return StatusServer(
            listener: listener,
            hosts: settings.hosts + [Host.name],
            bulletin: bulletin,
            tally: tally,
            archive: StateArchive(
                directory: configuration.stateDirectory,
                tokens: tokens,
                environment: environment
            ),
            timekeeper: timekeeper,
            limits: StatusServer.limits(callers: FileShares.ofThisProcess.pageCallers),
            logger: logger
        )
    }

    /// Says so when the last daemon ended before everything was on disk: its last status file tells.
    private func tellLoss(in statusFile: String) {
        guard let bytes = try? RegularFile.contents(of: statusFile, atMost: StatusReading.longest),
            let document = try? StatusDocument(of: [], in: Data(bytes)),
            let problem = document.monitor.problems.first(where: { $0.hasPrefix(ResilientHealthStore.complaint) })
        else { return }
        logger.error(
            "the last daemon ended before everything was on disk: the history has a gap",
            metadata: ["problem": "\(problem)", "until": "\(document.generatedAt.rfc3339)"]
        )
    }
}

extension MonitorReport {
    /// What is known of this process.
    fileprivate static func current(since start: Date) -> MonitorReport {
        MonitorReport(version: Version.text, pid: Host.processID, host: Host.name, startedAt: start)
    }
}

extension Configuration {
    fileprivate var withoutTokens: Configuration {
        var configuration = self
        configuration.tokens = []
        return configuration
    }

    /// How often the status file is renewed when nothing changes: the shortest interval, between 1 s and 1 min.
    fileprivate var statusPeriod: Duration {
        min(max(tokens.map(\.interval).min() ?? .seconds(60), .seconds(1)), .seconds(60))
    }
}
