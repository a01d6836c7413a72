import FoundationEssentials
import Logging
import Synchronization
import TokenHealth
import VigilConfiguration
import VigilEngine
import VigilPlatform
import VigilStorage
import VigilSystemd

/// The configuration in use, for everything that asks anew each time.
final class CurrentConfiguration: Sendable {
    private let state: Mutex<Configuration>

    init(_ configuration: Configuration) { state = Mutex(configuration) }

    var value: Configuration { state.withLock { $0 } }

    func replace(with next: Configuration) { state.withLock { $0 = next } }

    /// Who is told of an alert now.
    func audience(of alert: Alert) -> [String] {
        let names = Set(alert.tokens.compactMap(\.name))
        var audience: [String] = []
        for token in value.tokens where names.contains(token.name) {
            audience += token.notify.filter { !audience.contains($0) }
        }
        return audience
    }
}

/// Reads the configuration again: checks all of it, then swaps; one that cannot be used changes nothing, and is told.
///
/// One at a time: reloads that come meanwhile wait for their turn.
actor Reloader {
    /// Why the old configuration stays.
    struct Failure: Error {
        let message: String
    }

    /// What became of reloads so far.
    struct Record: Codable {
        var vigil = ConfigurationVigil()
        var loadedAt: Date
    }

    private let path: String
    private let current: CurrentConfiguration
    private let watch: TokenWatch
    private let swap: @Sendable (_ old: Configuration, _ new: Configuration) -> Void
    private let tell: @Sendable (Alert) throws -> Void
    private let composer: AlertComposer
    private let supervisor: SystemdSupervisor
    private let timekeeper: any Timekeeper
    private let logger: Logger
    private nonisolated let record: Mutex<Record>
    private var isBusy = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// - `swap`: has everything but the tokens follow a configuration that was found good; it cannot fail.
    /// - `tell`: puts an alert into the outbox, for everybody.
    init(
        path: String,
        current: CurrentConfiguration,
        watch: TokenWatch,
        swap: @escaping @Sendable (_ old: Configuration, _ new: Configuration) -> Void,
        tell: @escaping @Sendable (Alert) throws -> Void,
        composer: AlertComposer,
        supervisor: SystemdSupervisor,
        timekeeper: any Timekeeper,
        logger: Logger
    ) {
        self.path = path
        self.current = current
        self.watch = watch
        self.swap = swap
        self.tell = tell
        self.composer = composer
        self.supervisor = supervisor
        self.timekeeper = timekeeper
        self.logger = logger
        record = Mutex(Record(loadedAt: timekeeper.now().wall))
    }

    /// How ``problem`` begins.
    static let complaint = "reload failed, the old configuration stays"

    /// That the last configuration is not used, in one sentence; `nil` where it is.
    nonisolated var problem: String? {
        record.withLock { $0.vigil.problem }.map {
            "\(Reloader.complaint): \($0.split(separator: "\n").joined(separator: " "))"
        }
    }

    /// `monitor` with what became of the last reload.
    nonisolated func completed(_ monitor: MonitorReport) -> MonitorReport {
        var monitor = monitor
        let record = record.withLock { $0 }
        monitor.configurationLoadedAt = record.loadedAt
        monitor.lastReloadSuccessful = record.vigil.problem == nil
        return monitor
    }

    /// The daemon has just started with a good configuration: whatever was wrong with one before it is over.
    func begin() {
        let file = incidentFile
        guard let bytes = try? RegularFile.contents(of: file, atMost: 1 << 20),
            let vigil = try? Wire.decoder().decode(ConfigurationVigil.self, from: Data(bytes))
        else { return }
        record.withLock { $0.vigil = vigil }
        note(nil)
    }

    /// - Returns: how many tokens are watched now.
    func reload() async throws(Failure) -> Int {
        await takeTurn()
        defer { passTurn() }
        defer { ProcessMemory.giveBack() }
        do throws(Failure) {
            let count = try await load()
            note(nil)
            return count
        } catch {
            logger.error(
                "the new configuration is not used, the old one stays",
                metadata: ["problems": "\(error.message)"]
            )
            let first = error.message.split(separator: "\n").first ?? ""
            supervisor.status("\(Reloader.complaint): \(first)")
            note(error.message)
            throw Failure(message: "the new configuration is not used, the old one stays: \(error.message)")
        }
    }

    /// - Returns: how many tokens are watched now.
    private func load() async throws(Failure) -> Int {
        let next: Configuration
        do throws(ConfigurationErrors) {
            next = try ConfigurationLoader.load(path: path) { $0.problem }
        } catch {
            throw Failure(message: "\(error)")
        }
        let old = current.value
        guard next.stateDirectory == old.stateDirectory else {
            throw Failure(
                message: "state.directory is \(next.stateDirectory) and was \(old.stateDirectory): this alone takes a "
                    + "restart (systemctl restart tokenvigil)"
            )
        }
        do throws(StorageError) {
            try StatusFile(path: next.statusFile).checkDirectory()
        } catch {
            throw Failure(message: "\(error)")
        }
        do {
            try await watch.adopt(next.tokens)
        } catch {
            throw Failure(message: "the store cannot be read or written: \(error)")
        }
        current.replace(with: next)
        swap(old, next)
        for sentence in next.warningSentences where !old.warningSentences.contains(sentence) {
            logger.warning("a doubtful setting", metadata: ["problem": "\(sentence)"])
        }
        record.withLock { $0.loadedAt = timekeeper.now().wall }
        logger.info(
            "configuration reloaded",
            metadata: ["tokens": "\(next.tokens.count)", "notifiers": "\(next.notifiers.count)"]
        )
        return next.tokens.count
    }

    // MARK: - What is told

    private var incidentFile: String { "\(current.value.stateDirectory)/reload-failed.json" }

    /// Takes note of what became of a reload, and tells it where it is news.
    private func note(_ problem: String?) {
        let now = timekeeper.now().wall
        let news = record.withLock { $0.vigil.note(problem, at: now) }
        guard let (kind, incident) = news else { return }
        keep(record.withLock { $0.vigil })
        do {
            try tell(composer.configurationAlert(kind, incident: incident, problem: problem ?? "", at: now))
        } catch {
            logger.error("the alert about the configuration cannot be stored", metadata: ["error": "\(error)"])
        }
    }

    /// Remembers beyond a restart what people must still be told the end of.
    private func keep(_ vigil: ConfigurationVigil) {
        guard vigil.incident != nil else {
            try? FileManager.default.removeItem(atPath: incidentFile)
            return
        }
        guard let bytes = try? Wire.encoder().encode(vigil) else { return }
        do throws(StorageError) {
            try AtomicFile(path: incidentFile, mode: 0o600).write(Array(bytes))
        } catch {
            logger.warning("a restart will not know that a reload has failed", metadata: ["error": "\(error)"])
        }
    }

    // MARK: - Turns

    private func takeTurn() async {
        guard isBusy else {
            isBusy = true
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func passTurn() {
        guard !waiting.isEmpty else {
            isBusy = false
            return
        }
        waiting.removeFirst().resume()
    }
}
