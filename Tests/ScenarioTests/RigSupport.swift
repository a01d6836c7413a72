import FoundationEssentials
import Synchronization
import TallyfySimulator
import TokenHealth
import VigilConfiguration
import VigilEngine
import VigilHTTPClient
import VigilNotifying
import VigilProbing
import VigilStorage

/// What a scenario starts with.
struct Plan {
    var profile = Profile.current
    var opaqueTokens = false
    /// How many tokens there are.
    var tokens = 1
    /// Lines for `defaults:` of the configuration.
    var defaults: [String] = []
    var provider = "tallyfy"
    /// Lines for each token; `$ORGANIZATION`, `$CLIENT` and `$API` stand for what is known once the stand-in runs.
    var token: [String] = []
    /// Who owns the token of each number: a user with as many tokens as have this owner.
    var owner: @Sendable (Int) -> String = { "bot-\($0)@example.test" }
    /// How many other organizations every user is in, all older than the one of the configuration.
    var otherOrganizations = 0
    /// What stands in the files of the secrets at first, where that is not the users' tokens.
    var secret: @Sendable (TallyfySimulator, _ organization: String) -> String? = { _, _ in nil }
    /// Where the API is believed to be.
    var baseURL: @Sendable (TallyfySimulator) -> String = { $0.apiURL }
    /// Whole sections at the end of the configuration.
    var sections = ""
    /// How many healthy tokens of another API are watched beside them.
    var crowd = Crowd.usualSize
}

/// Time that moves only when told, for the engine and the stand-in alike.
final class ManualTimekeeper: Timekeeper {
    private let start = Date(timeIntervalSince1970: 1_800_000_000)
    private let elapsed = Mutex(Duration.zero)

    func now() -> Moment {
        let uptime = elapsed.withLock { $0 }
        return Moment(wall: start.advanced(by: uptime), uptime: uptime)
    }

    /// Uptime at a moment of wall time.
    func uptime(at wall: Date) -> Duration { .seconds(wall.timeIntervalSince(start)) }

    /// Moves on to `uptime`; never back.
    func move(to uptime: Duration) { elapsed.withLock { $0 = max($0, uptime) } }

    func sleep(until uptime: Duration) async throws {
        preconditionFailure("a scenario ticks, it never sleeps")
    }
}

/// The daemon without its loops, and the world around it: the stand-in API, a receiver of webhooks, real files.
final class Rig {
    let tallyfy: TallyfySimulator
    let sink: WebhookSink
    let timekeeper: ManualTimekeeper
    let organization: String
    /// The users in the order of their tokens.
    let users: [Int]
    private(set) var secrets: [String]

    let directory: String
    let crowd: Crowd?
    private var configuration: VigilConfiguration.Configuration
    private let client: HTTPClient
    private let prober: HTTPProber
    private(set) var daemon: WiredDaemon?

    struct Missing: Error {}

    fileprivate init(
        _ plan: Plan,
        tallyfy: TallyfySimulator,
        sink: WebhookSink,
        crowd: Crowd?,
        timekeeper: ManualTimekeeper
    ) throws {
        self.crowd = crowd
        self.tallyfy = tallyfy
        self.sink = sink
        self.timekeeper = timekeeper
        directory = FileManager.default.temporaryDirectory.appending(path: "vigil-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        tallyfy.configure { $0.sessionIdleSeconds = 0 }
        let others = (0..<plan.otherOrganizations).map { tallyfy.addOrganization(name: "Other \($0)") }
        let organization = tallyfy.addOrganization(name: "Example")
        self.organization = organization
        var accounts: [String: Int] = [:]
        users = (0..<plan.tokens).map { number in
            let owner = plan.owner(number)
            let user = accounts[owner] ?? tallyfy.addUser(email: owner, organization: organization)
            accounts[owner] = user
            return user
        }
        for other in others { for user in Set(users).sorted() { tallyfy.addMember(user: user, organization: other) } }
        secrets = users.map { user in
            plan.secret(tallyfy, organization) ?? tallyfy.login(user: user, organization: organization)
        }
        let text = plan.configuration(in: directory, tallyfy: tallyfy, sink: sink)
            .replacing("$ORGANIZATION", with: organization)
            .replacing("$CLIENT", with: tallyfy.application(of: organization).clientID)
            .replacing("$API", with: tallyfy.apiURL)
        configuration = try ConfigurationLoader.load(text: text, name: "scenario.yaml")
        configuration.tokens += crowd?.tokens ?? []
        client = try HTTPClient(environment: [:])
        prober = HTTPProber(client: client, version: "0.0.0")
        for index in users.indices { try put(secrets[index], at: index) }
        try start()
    }

    /// Stops everything and removes the files.
    fileprivate func strike() async {
        daemon = nil
        await client.shutdown()
        await crowd?.disperse()
        await tallyfy.stop()
        await sink.stop()
        try? FileManager.default.removeItem(atPath: directory)
    }
}

// MARK: - The daemon

extension Rig {
    private func start() throws {
        daemon = try WiredDaemon(configuration, prober: prober, client: client, timekeeper: timekeeper)
    }

    /// Stops the daemon without a farewell, as a crash does, and starts it again over the same files.
    func restart() async throws {
        daemon = nil
        try start()
        try await advance(by: .zero)
    }

    /// Lets `duration` pass: everything that falls due in it happens at its own time.
    func advance(by duration: Duration) async throws {
        guard let daemon else { return }
        let end = timekeeper.now().uptime + duration
        while true {
            await daemon.watch.tick()
            await daemon.dispatcher.tick()
            // Nobody reads what a crowd has written over in between.
            if crowd == nil, daemon.hasNews.lower() { await daemon.reporter.tick() }
            guard let next = try await nextDue(daemon), next <= end else { break }
            let wake = max(next, timekeeper.now().uptime + .milliseconds(1))
            timekeeper.move(to: crowd == nil ? wake : min(Crowd.wake(for: wake), end))
        }
        timekeeper.move(to: end)
        await daemon.reporter.tick()
    }

    private func nextDue(_ daemon: WiredDaemon) async throws -> Duration? {
        let delivery = try daemon.store.nextDelivery(for: "oncall").map { timekeeper.uptime(at: $0) }
        let look = await daemon.watch.nextDue
        guard let delivery, let look else { return delivery ?? look }
        return min(delivery, look)
    }
}

// MARK: - What people do

extension Rig {
    func acknowledge(_ reason: String, at index: Int = 0) async throws -> [String] {
        guard let daemon else { throw Missing() }
        return try await daemon.watch.acknowledge("bot-\(index)", by: "oncall", reason: reason).map(\.text)
    }

    func silence(for length: Duration, at index: Int = 0) async throws {
        guard let daemon else { throw Missing() }
        _ = try await daemon.watch.silence(["bot-\(index)"], for: length, by: "oncall", reason: "rotating")
    }

    func endSilence(at index: Int = 0) async throws {
        guard let daemon else { throw Missing() }
        try await daemon.watch.endSilence(of: "bot-\(index)", by: "oncall")
    }
}

// MARK: - The world, and what came of it

extension Rig {
    /// Replaces the file with the secret of a token.
    func put(_ secret: String, at index: Int = 0) throws {
        secrets[index] = secret
        try AtomicFile(path: "\(directory)/secret-\(index)", mode: 0o600).write(Array((secret + "\n").utf8))
    }

    /// Logs the owner in and puts the new secret in place.
    func repair(at index: Int = 0) throws {
        try put(tallyfy.login(user: users[index], organization: organization), at: index)
    }

    /// The text of the database, its log, and the status file.
    func everythingWritten() throws -> String {
        let state = try FileManager.default.contentsOfDirectory(atPath: "\(directory)/state")
        let files = state.map { "\(directory)/state/\($0)" } + [configuration.statusFile]
        return try files.map { file in
            String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
        }.joined()
    }

    /// The alerts in full as on-call received them, refused deliveries included, in order.
    var bodies: [JSONValue] { sink.received.compactMap { JSONValue(parsing: $0.body) } }

    /// One of them; an empty one where there are fewer.
    func body(_ index: Int) -> JSONValue { bodies.indices.contains(index) ? bodies[index] : .null }

    /// Their kinds: `token.invalidated`.
    var alerts: [String] { bodies.map { $0.text("/type") } }

    /// The status file as it stands on disk, without the crowd.
    func status() throws -> StatusDocument {
        let status = try everybodysStatus()
        return crowd == nil ? status : status.withoutCrowd
    }

    /// The status file as it stands on disk.
    func everybodysStatus() throws -> StatusDocument {
        let bytes = try Data(contentsOf: URL(filePath: configuration.statusFile))
        return try Wire.decoder().decode(StatusDocument.self, from: bytes)
    }

    /// One token in the status file.
    func report(at index: Int = 0) throws -> TokenReport {
        guard let report = try status().tokens["bot-\(index)"] else { throw Missing() }
        return report
    }

    /// State and reason in the status file: `invalid revoked`.
    func belief(at index: Int = 0) throws -> String {
        let report = try report(at: index)
        return report.state.rawValue + (report.reason.map { " \($0)" } ?? "")
    }

    /// Seconds between the requests that carried this token.
    func gaps(with secret: String) -> [Int] {
        let times = requests(with: secret).map(\.at)
        return zip(times.dropFirst(), times).map { Int($0.timeIntervalSince($1).rounded()) }
    }

    /// The longest of them.
    func longestGap(with secret: String) -> Int { gaps(with: secret).max() ?? .max }

    /// The paths that were asked since a time, oldest first.
    func paths(since start: Date = .distantPast) -> [String] {
        tallyfy.requests().filter { $0.at >= start }.map(\.path)
    }

    /// The requests that carried this token, oldest first.
    func requests(with secret: String) -> [LoggedRequest] {
        let fingerprint = SimulatedTallyfy.fingerprint(of: secret)
        return tallyfy.requests().filter { $0.tokenFingerprint == fingerprint }
    }
}

extension [LoggedRequest] {
    /// How many there are at most in so many seconds; they are in order of time.
    func most(within seconds: Double) -> Int {
        indices.map { index in self[index...].prefix { $0.at.timeIntervalSince(self[index].at) < seconds }.count }.max()
            ?? 0
    }
}

extension JSONValue {
    /// The text at a JSON Pointer; empty where there is none.
    func text(_ pointer: String) -> String { JSONPointer(pointer).flatMap { self[$0]?.scalarText } ?? "" }
}

/// Plays a scenario, the daemon having looked once; then once more beside the crowd of the plan, if there is one.
func withRig(_ plan: Plan = Plan(), _ body: (Rig) async throws -> Void) async throws {
    let length = try await play(plan, body)
    guard plan.crowd > 0 else { return }
    try await play(plan, besideCrowdFor: length) { rig in
        try await body(rig)
        try await rig.checkCrowd()
    }
}

/// Plays a scenario once, beside a crowd where one is wanted for so long.
///
/// - Returns: the simulated time that it took.
@discardableResult
private func play(
    _ plan: Plan,
    besideCrowdFor length: Duration? = nil,
    _ body: (Rig) async throws -> Void
) async throws -> Duration {
    let timekeeper = ManualTimekeeper()
    var options = TallyfySimulator.Options()
    options.profile = plan.profile
    options.opaqueTokens = plan.opaqueTokens
    options.clock = { timekeeper.now().wall }
    let tallyfy = try await TallyfySimulator.start(options)
    let sink = try await WebhookSink.start()
    var crowd: Crowd?
    if let length { crowd = try await Crowd(plan.crowd, for: length, webhook: sink.url) }
    let rig = try Rig(plan, tallyfy: tallyfy, sink: sink, crowd: crowd, timekeeper: timekeeper)
    do {
        try await rig.advance(by: .seconds(1))
        try await body(rig)
    } catch {
        await rig.strike()
        throw error
    }
    await rig.strike()
    return timekeeper.now().uptime
}

extension Plan {
    fileprivate func configuration(in directory: String, tallyfy: TallyfySimulator, sink: WebhookSink) -> String {
        var lines = ["version: 1"]
        // Long enough for a host that is busy with other tests.
        let patience = defaults.contains { $0.hasPrefix("timeout:") } ? [] : ["timeout: 120s"]
        lines += ["defaults:"] + (defaults + patience).map { "  \($0)" }
        lines.append("tokens:")
        for number in 0..<tokens {
            lines += [
                "  bot-\(number):", "    provider: \(provider)", "    base_url: \(baseURL(tallyfy))",
                "    secret: {file: \(directory)/secret-\(number)}", "    owner: \(owner(number))",
            ]
            lines += token.map { "    \($0)" }
        }
        lines += [
            "notifiers:", "  oncall: {type: webhook, url: \"\(sink.url)\"}", "state: {directory: \(directory)/state}",
            "status: {file: \(directory)/status.json}",
        ]
        return lines.joined(separator: "\n") + "\n" + sections
    }
}
