import FoundationEssentials
import GRDB
import Glibc
import Logging
import Synchronization
import Testing
import TokenHealth
import VigilConfiguration
import VigilEngine
import VigilStorage

/// Two simulated months with deaths, outages and reloads, over the real database: nothing grows that should not.
@Suite struct SoakTests {
    /// Twenty tokens every half an hour; what ended more than thirty-one days ago is forgotten.
    private static let days = 62

    @Test func `months leave neither memory, files nor an ever larger database behind`() async throws {
        let world = try SoakWorld()
        var sizes: [Int] = []
        var resident: [Int] = []
        let files = SoakWorld.openFiles()
        for day in 0..<SoakTests.days {
            try await world.pass(day: day)
            sizes.append(try world.databaseSize())
            resident.append(SoakWorld.residentBytes())
        }
        #expect(SoakWorld.openFiles() == files)
        // What is remembered is of thirty-one days from the thirty-second on; a month of churn may leave some free pages.
        let full = sizes[33]
        let largest = sizes[34...].max() ?? 0
        #expect(largest <= full + full / 5, "\(full) bytes after 34 days, \(largest) at most later")
        let growth = (resident.last ?? 0) - resident[10]
        #expect(growth < 24_000_000, "resident memory grew by \(growth) bytes in \(SoakTests.days - 10) days")
        try await world.checkRetention()
        try world.checkSize(of: largest)
        #expect(world.deaths > 200)
        let told = try world.toldDeaths()
        #expect(told == world.deathsRemembered(), "deaths of the last month that were told")
    }
}

/// A daemon without network, over a database on disk, whose clock runs as fast as it can.
private final class SoakWorld {
    private static let tokens = 20
    private static let kept = Duration.seconds(31 * 86_400)

    private let directory: String
    private let timekeeper = ManualTimekeeper()
    private let provider: SoakProvider
    private var configuration: VigilConfiguration.Configuration
    private let store: ResilientHealthStore
    private let watch: TokenWatch
    private let reporter: StatusReporter
    private let housekeeping: Housekeeping
    /// Times of confirmed deaths, as the provider's schedule has them.
    private var deathTimes: [Date] = []
    private var delivered: [(kind: AlertKind, at: Date)] = []

    var deaths: Int { deathTimes.count }

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "soak-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        configuration = try ConfigurationLoader.load(text: SoakWorld.yaml(directory), name: "soak.yaml")
        provider = SoakProvider(timekeeper)
        let (timekeeper, directory) = (timekeeper, directory)
        let depot = SQLiteDepot(directory: "\(directory)/state") { timekeeper.now().wall }
        store = try ResilientHealthStore(
            depot: depot,
            notifiers: ["oncall"],
            composer: AlertComposer(host: "srv1"),
            timekeeper: timekeeper,
            logger: .silent
        )
        watch = try TokenWatch(
            over: configuration.tokens,
            storedIn: store,
            observer: TokenObserver(
                prober: provider,
                secrets: SoakSecrets(),
                fingerprinter: HMACFingerprinter(key: depot.fingerprintKey),
                timekeeper: timekeeper
            ),
            timekeeper: timekeeper,
            chance: 0.5
        )
        reporter = StatusReporter(
            watch: watch,
            store: store,
            publisher: StatusFile(path: configuration.statusFile),
            timekeeper: timekeeper,
            progress: Progress(),
            monitor: MonitorReport(version: "0", pid: 1, host: "srv1", startedAt: timekeeper.now().wall),
            notifierNames: ["oncall"],
            period: .seconds(60),
            wakeup: Wakeup(),
            logger: .silent
        )
        housekeeping = Housekeeping(
            store: store,
            keep: SoakWorld.kept,
            timekeeper: PatientTimekeeper(timekeeper),
            logger: .silent
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    private static func yaml(_ directory: String) -> String {
        let tokens = (0..<SoakWorld.tokens).map { number in
            """
              bot-\(number):
                provider: demo
                owner: owner-\(number)
                secret: {file: /nowhere/bot-\(number)}
            """
        }
        return """
            version: 1
            defaults: {interval: 30m, notify: [oncall]}
            tokens:
            \(tokens.joined(separator: "\n"))
            providers:
              demo:
                base_url: https://api.example.test
                probe: {path: /me}
                identity: {id: /id}
            notifiers:
              oncall: {type: webhook, url: "https://hooks.example.test/"}
            state: {directory: \(directory)/state}
            status: {file: \(directory)/status.json}
            """
    }

    // MARK: - What happens

    /// One day: some tokens die and are repaired, the provider is away for an hour, the configuration is read again.
    func pass(day: Int) async throws {
        let midnight = Duration.seconds(Int64(day) * 86_400)
        provider.plan(day: day, tokens: SoakWorld.tokens)
        for hour in 0..<24 {
            let end = midnight + .seconds(Int64(hour + 1) * 3600)
            while timekeeper.now().uptime < end {
                await watch.tick()
                try deliver()
                let next = await watch.nextDue ?? end
                timekeeper.move(to: min(max(next, timekeeper.now().uptime + .milliseconds(1)), end))
            }
            await watch.flush()
            await reporter.tick()
            if hour.isMultiple(of: 6) { await housekeeping.tick() }
            if hour == 12 { try await watch.adopt(configuration.tokens) }
        }
    }

    /// Everything that waits is delivered at once.
    private func deliver() throws {
        let now = timekeeper.now().wall
        for delivery in try store.deliveries(for: "oncall", dueAt: now, limit: 1000) {
            try store.settle(delivery, as: .delivered(at: now))
            delivered.append((delivery.alert.kind, now))
            if delivery.alert.kind == .invalidated { deathTimes.append(delivery.alert.createdAt) }
        }
    }

    // MARK: - What must hold

    private var horizon: Date { timekeeper.now().wall.advanced(by: .zero - SoakWorld.kept) }

    func databaseSize() throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(directory)/state/state.db")
        return (attributes[.size] as? Int) ?? 0
    }

    func checkRetention() async throws {
        await housekeeping.tick()
        let oldest = Int64(horizon.timeIntervalSince1970 * 1000)
        let database = try DatabaseQueue(path: "\(directory)/state/state.db")
        try await database.read { database in
            for query in [
                "validity WHERE end_at < ?", "transition WHERE at < ?", "incident WHERE closed_at < ?",
                "alert WHERE created_at < ?", "intervention WHERE at < ?",
            ] {
                let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM \(query)", arguments: [oldest])
                #expect(count == 0, "\(query)")
            }
            #expect(try Int.fetchOne(database, sql: "SELECT count(*) FROM token") == SoakWorld.tokens)
            #expect(try Int.fetchOne(database, sql: "PRAGMA auto_vacuum") == 2)
        }
        try database.close()
    }

    /// The size is what the rows of a month take: a few kilobytes for each alert, a few hundred bytes for the others.
    func checkSize(of largest: Int) throws {
        let database = try DatabaseQueue(path: "\(directory)/state/state.db")
        let (alerts, rows) = try database.read { database in
            let small = ["validity", "transition", "incident", "delivery", "intervention"]
            let counts = try small.map { try Int.fetchOne(database, sql: "SELECT count(*) FROM \($0)") ?? 0 }
            return (try Int.fetchOne(database, sql: "SELECT count(*) FROM alert") ?? 0, counts.reduce(0, +))
        }
        try database.close()
        let predicted = 200_000 + SoakWorld.tokens * 4096 + alerts * 12_000 + rows * 1200
        #expect(largest <= predicted, "\(largest) bytes; \(alerts) alerts and \(rows) rows explain \(predicted)")
    }

    /// Deaths that were told and are still remembered.
    func deathsRemembered() -> Int { deathTimes.count { $0 >= horizon } }

    func toldDeaths() throws -> Int {
        let database = try DatabaseQueue(path: "\(directory)/state/state.db")
        defer { try? database.close() }
        let oldest = Int64(horizon.timeIntervalSince1970 * 1000)
        return try database.read { database in
            try Int.fetchOne(
                database,
                sql: "SELECT count(*) FROM alert WHERE kind = ? AND created_at >= ?",
                arguments: [AlertKind.invalidated.rawValue, oldest]
            ) ?? 0
        }
    }

    static func openFiles() -> Int {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []).count
    }

    static func residentBytes() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * 4096
    }
}

/// Sleeps by letting no time pass: pruning must not hold up a clock that somebody else moves.
private struct PatientTimekeeper: Timekeeper {
    private let other: ManualTimekeeper

    init(_ other: ManualTimekeeper) { self.other = other }

    func now() -> Moment { other.now() }
    func sleep(until uptime: Duration) async throws {}
}

/// A provider that rejects some tokens for some hours of every day, and is away for one.
private final class SoakProvider: Prober {
    private struct State {
        var dead: [String: Range<Duration>] = [:]
        var away = Duration.zero..<Duration.zero
    }

    private let timekeeper: ManualTimekeeper
    private let state = Mutex(State())

    init(_ timekeeper: ManualTimekeeper) { self.timekeeper = timekeeper }

    /// Six tokens die this day, each at an hour of its own, and live again after two.
    func plan(day: Int, tokens: Int) {
        let midnight = Duration.seconds(Int64(day) * 86_400)
        state.withLock { state in
            state.dead = [:]
            for death in 0..<6 {
                let begin = midnight + .seconds(Int64(3 * death + 1) * 3600)
                state.dead["bot-\((day * 7 + death * 5) % tokens)"] = begin..<begin + .seconds(7200)
            }
            state.away = midnight + .seconds(20 * 3600)..<midnight + .seconds(21 * 3600)
        }
    }

    func exchange(_ request: ProbeRequest) async -> Exchange {
        let now = timekeeper.now().uptime
        let isDead = state.withLock { $0.dead[request.token.name.text]?.contains(now) ?? false }
        guard !state.withLock({ $0.away.contains(now) }) else { return answer(503, "{}") }
        guard request.secret != nil, !isDead else { return answer(401, "{}") }
        return answer(200, #"{"id": 7}"#, rules: request.token.probe)
    }

    private func answer(_ status: Int, _ body: String, rules: ProbeTemplate? = nil) -> Exchange {
        let headers = [HeaderField("Content-Type", "application/json")]
        let mark = rules.map { AnswerMark(status: status, headers: headers, body: body, under: $0) }
        return Exchange(.answered(Answer(status: status, headers: headers, body: Array(body.utf8))), mark: mark)
    }
}

private struct SoakSecrets: SecretReader {
    func secret(from source: SecretSource) async throws(SecretProblem) -> Secret {
        try SecretLint.secret(in: Array("\(source.description.filter(\.isNumber))-of-0123456789".utf8), source: "soak")
    }
}

extension AnswerMark {
    /// The mark of an answer that a test makes up.
    init(status: Int, headers: [HeaderField], body: String, under rules: ProbeTemplate) {
        var body = body
        self = body.withUTF8 { bytes in
            unsafe AnswerMark(status: status, under: rules, body: UnsafeRawBufferPointer(bytes)) { name in
                headers.filter { $0.name.lowercased() == name.lowercased() }.map(\.value)
            }
        }
    }
}
