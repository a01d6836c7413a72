import FoundationEssentials
import Synchronization
import Testing
import TokenHealth
import VigilConfiguration
import VigilEngine
import VigilStorage

/// What must hold whatever a provider answers, through the core and the database on disk, across restarts.
@Suite struct RandomExchangeTests {
    /// As many seeds as there are arguments here times what each of them plays.
    @Test(arguments: 0..<10)
    func `no sequence of exchanges breaks a promise`(batch: UInt64) async throws {
        for seed in (batch * 5)..<(batch * 5 + 5) {
            var chance = SeededGenerator(seed: seed)
            let world = try World(&chance)
            try await world.play(&chance, restarts: true)
            try world.check(seed: seed)
            try await world.heal()
            try world.check(seed: seed)
            try world.expectClosed(seed: seed)
        }
    }

    @Test(arguments: 0..<5)
    func `what says nothing about a token never opens an incident of a token`(batch: UInt64) async throws {
        for seed in (batch * 4)..<(batch * 4 + 4) {
            var chance = SeededGenerator(seed: 1_000_000 + seed)
            let world = try World(&chance, replies: RandomReply.indeterminate + [.accepted])
            try await world.play(&chance, restarts: true)
            try world.check(seed: seed)
            let kinds = Set(try world.alerts().map(\.kind))
            #expect(kinds.subtracting([.blind, .sighted, .reminder]).isEmpty, "\(kinds), seed \(seed)")
        }
    }
}

/// What a provider answers.
private enum RandomReply: CaseIterable {
    case accepted, rejected, somebodyElse
    case serverError, throttled, firewall, moved, loginPage, unreachable, slow

    static let indeterminate: [RandomReply] = [
        .serverError, .throttled, .firewall, .moved, .loginPage, .unreachable, .slow,
    ]

    var exchange: Exchange {
        switch self {
        case .accepted: answer(200, [json], #"{"id": 7}"#)
        case .somebodyElse: answer(200, [json], #"{"id": 8}"#)
        case .rejected:
            answer(401, [json, HeaderField("WWW-Authenticate", #"Bearer error="invalid_token""#)], "{}")
        case .serverError: answer(503, [], "down")
        case .throttled: answer(429, [HeaderField("Retry-After", "7")], "slow down")
        case .firewall: answer(403, [HeaderField("Content-Type", "text/html")], "<html>blocked</html>")
        case .moved: answer(302, [HeaderField("Location", "https://login.example.test/")], "")
        case .loginPage: answer(200, [HeaderField("Content-Type", "text/html")], "<html>log in</html>")
        case .unreachable: Exchange(.failed(TransportFailure(.network, "refused")))
        case .slow: Exchange(.failed(TransportFailure(.timeout, "too slow")))
        }
    }

    /// The same with the mark that a prober puts on it.
    func exchange(under rules: ProbeTemplate) -> Exchange {
        guard case .answered(let answer) = exchange.outcome else { return exchange }
        let body = String(decoding: answer.body, as: UTF8.self)
        let mark = AnswerMark(status: answer.status, headers: answer.headers, body: body, under: rules)
        return Exchange(exchange.outcome, mark: mark)
    }

    /// Whether it says that the token does not do what it should.
    var isDeterminateRejection: Bool { self == .rejected || self == .somebodyElse }

    private var json: HeaderField { HeaderField("Content-Type", "application/json") }

    private func answer(_ status: Int, _ headers: [HeaderField], _ body: String) -> Exchange {
        Exchange(.answered(Answer(status: status, headers: headers, body: Array(body.utf8))))
    }
}

/// A daemon without network: random answers in, a database out.
private final class World {
    private let directory: String
    private let timekeeper = ManualTimekeeper()
    private let provider: RandomProvider
    private let configuration: VigilConfiguration.Configuration
    private var store: SQLiteHealthStore?
    private var watch: TokenWatch?
    /// When the daemon was killed.
    private var kills: [Date] = []

    init(_ chance: inout SeededGenerator, replies: [RandomReply] = RandomReply.allCases) throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "vigil-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        configuration = try ConfigurationLoader.load(
            text: World.yaml(directory: directory, &chance),
            name: "random.yaml"
        )
        provider = RandomProvider(replies: replies, seed: chance.next(), timekeeper: timekeeper)
        try restart()
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    private static func yaml(directory: String, _ chance: inout SeededGenerator) -> String {
        func one<Value>(_ values: Value...) -> Value {
            let index = Int.random(in: 0..<values.count, using: &chance)
            return values[index]
        }
        let tokens = (0..<one(1, 1, 2, 3, 5)).map { index in
            """
              bot-\(index):
                provider: demo
                owner: \(one("ann", "ben", "cay"))
                secret: {file: /nowhere/bot-\(index)}
                expect: {identity: "7"}
            """
        }
        return """
            version: 1
            defaults:
              interval: \(one("30s", "60s", "5m"))
              confirm: {rejections: \(one(1, 2, 3, 5)), over: \(one("0s", "30s", "2m"))}
              blind_after: \(one("2m", "15m"))
              group_wait: \(one("0s", "10s"))
              provider_grace: \(one("1m", "10m"))
              remind: [\(one("10m", "4h"))]
              notify: [oncall]
            tokens:
            \(tokens.joined(separator: "\n"))
            providers:
              demo:
                base_url: https://api.example.test
                probe: {path: /me}
                identity: {id: /id}
            notifiers:
              oncall: {type: webhook, url: "https://hooks.example.test/"}
            state: {directory: \(directory)}
            """
    }

    private static func watch(
        _ configuration: VigilConfiguration.Configuration,
        _ provider: RandomProvider,
        _ store: SQLiteHealthStore,
        _ timekeeper: ManualTimekeeper
    ) throws -> TokenWatch {
        try TokenWatch(
            over: configuration.tokens,
            storedIn: store,
            observer: TokenObserver(
                prober: provider,
                secrets: NumberedSecrets(),
                fingerprinter: HMACFingerprinter(key: store.fingerprintKey),
                timekeeper: timekeeper
            ),
            timekeeper: timekeeper
        )
    }

    // MARK: - What happens

    /// Some hours, in which the provider changes its mind now and then and the daemon is killed now and then.
    func play(_ chance: inout SeededGenerator, restarts: Bool) async throws {
        let end = timekeeper.now().uptime + .seconds(Int64.random(in: 3600...10_000, using: &chance))
        while timekeeper.now().uptime < end {
            if restarts, Int.random(in: 0..<60, using: &chance) == 0 {
                kills.append(timekeeper.now().wall)
                timekeeper.move(to: timekeeper.now().uptime + .seconds(Int64.random(in: 0...900, using: &chance)))
                try restart()
            }
            try await step()
        }
    }

    /// All is well, for long enough to be believed.
    func heal() async throws {
        provider.heal()
        let end = timekeeper.now().uptime + .seconds(9000)
        while timekeeper.now().uptime < end { try await step() }
    }

    private func step() async throws {
        guard let watch else { return }
        await watch.tick()
        let next = await watch.nextDue ?? timekeeper.now().uptime + .seconds(60)
        timekeeper.move(to: max(next, timekeeper.now().uptime + .milliseconds(1)))
    }

    private func restart() throws {
        watch = nil
        store = nil
        let store = try SQLiteHealthStore(directory: directory, now: timekeeper.now().wall)
        watch = try World.watch(configuration, provider, store, timekeeper)
        self.store = store
    }

    private func stored() throws -> SQLiteHealthStore { try #require(store) }

    // MARK: - What must hold

    /// Every alert that was ever stored, oldest first: nobody takes them away.
    func alerts() throws -> [Alert] {
        try stored().deliveries(for: "oncall", dueAt: .distantFuture, limit: 100_000).map(\.alert)
            .sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
    }

    func check(seed: UInt64) throws {
        let alerts = try alerts()
        #expect(Set(alerts.map(\.id)).count == alerts.count, "an alert stored twice, seed \(seed)")
        let now = timekeeper.now().wall
        let beliefs = try stored().load().mapValues(\.belief)
        for record in try HistoryReader(directory: directory).records(of: nil, since: .distantPast, now: now) {
            let name = record.token
            checkIntervals(record.intervals, seed: seed)
            // An incident closes, or stays open: never two at once, and none that nobody believes in.
            let open = record.deaths.filter { $0.closedAt == nil }
            #expect(open.map(\.incident) == [beliefs[name]?.incident?.id].compactMap(\.self), "\(name), seed \(seed)")
            for (earlier, later) in zip(record.deaths, record.deaths.dropFirst()) {
                #expect((earlier.closedAt ?? .distantFuture) <= later.openedAt, "\(name), seed \(seed)")
            }
            checkAlerts(alerts.filter { $0.tokens.contains { $0.name == name } }, of: name, seed: seed)
            for transition in record.transitions where transition.to == .invalid {
                let rejections = provider.rejections(of: name, before: transition.at)
                #expect(
                    rejections >= (configuration.tokens.first?.confirmation.rejections ?? 0),
                    "\(name) died at \(transition.at) of \(rejections) rejections, seed \(seed)"
                )
            }
        }
    }

    /// Nothing is told twice, and no end is told that had no beginning.
    private func checkAlerts(_ alerts: [Alert], of name: TokenName, seed: UInt64) {
        var told: AlertKind?
        for alert in alerts where alert.kind != .reminder && alert.kind != .expiring {
            if alert.kind.endsIncident {
                told = nil
            } else if alert.kind.beginsIncident, alert.kind != .providerIncident {
                #expect(told != alert.kind, "\(name): \(alert.kind) told twice for one transition, seed \(seed)")
                told = alert.kind
            }
        }
    }

    private func checkIntervals(_ intervals: [ValidityInterval], seed: UInt64) {
        for interval in intervals { #expect(interval.start <= interval.end, "seed \(seed)") }
        for (earlier, later) in zip(intervals, intervals.dropFirst()) {
            #expect(earlier.end <= later.start, "an overlap of the history, seed \(seed)")
            // Nobody knows what was between a kill and the first look after it.
            let wasWatched = !kills.contains { earlier.end <= $0 && $0 <= later.start }
            #expect(!wasWatched || earlier.end == later.start, "a gap of the history, seed \(seed)")
        }
    }

    /// After a good end nothing is open, and everybody who was told of a beginning was told of the end.
    func expectClosed(seed: UInt64) throws {
        for (name, stored) in try stored().load() {
            #expect(stored.belief.incident?.id == nil, "\(name) \(stored.belief.explanation), seed \(seed)")
        }
        var open: Set<TokenName> = []
        for alert in try alerts() where alert.kind != .providerIncident && alert.kind != .providerRecovered {
            let names = alert.tokens.compactMap(\.name)
            if alert.kind.endsIncident { open.subtract(names) }
            if alert.kind.beginsIncident { open.formUnion(names) }
        }
        #expect(open.isEmpty, "never told to be over: \(open), seed \(seed)")
        let untold = try stored().untold()
        #expect(untold.held.isEmpty && untold.providerIncidents.isEmpty, "\(untold), seed \(seed)")
    }
}

/// A provider in changing moods; it remembers what it answered.
private final class RandomProvider: Prober {
    private struct State {
        var chance: SeededGenerator
        /// What each token is answered until its mood changes.
        var moods: [TokenName: (reply: RandomReply, until: Duration)] = [:]
        var isHealed = false
        var answers: [TokenName: [(at: Date, reply: RandomReply)]] = [:]
    }

    private let replies: [RandomReply]
    private let timekeeper: ManualTimekeeper
    private let state: Mutex<State>

    init(replies: [RandomReply], seed: UInt64, timekeeper: ManualTimekeeper) {
        self.replies = replies
        self.timekeeper = timekeeper
        state = Mutex(State(chance: SeededGenerator(seed: seed)))
    }

    func heal() { state.withLock { $0.isHealed = true } }

    func exchange(_ request: ProbeRequest) async -> Exchange {
        let now = timekeeper.now()
        return state.withLock { state in
            guard request.secret != nil else {
                let isReachable = state.isHealed || Int.random(in: 0..<10, using: &state.chance) > 0
                return (isReachable ? RandomReply.rejected : .unreachable).exchange
            }
            let reply = state.isHealed ? .accepted : mood(of: request.token.name, at: now.uptime, in: &state)
            state.answers[request.token.name, default: []].append((now.wall, reply))
            return reply.exchange(under: request.token.probe)
        }
    }

    private func mood(of name: TokenName, at now: Duration, in state: inout State) -> RandomReply {
        if let mood = state.moods[name], mood.until > now { return mood.reply }
        let isWell = Int.random(in: 0..<3, using: &state.chance) == 0
        let reply = isWell ? .accepted : replies.randomElement(using: &state.chance) ?? .accepted
        let length = [0, 20, 120, 900].randomElement(using: &state.chance) ?? 0
        state.moods[name] = (reply, now + .seconds(length))
        return reply
    }

    /// How many determinate rejections there were since a token was last accepted before `date`.
    func rejections(of name: TokenName, before date: Date) -> Int {
        state.withLock { state in
            // The database keeps whole milliseconds.
            let past = state.answers[name, default: []].filter { $0.at <= date.advanced(by: .milliseconds(1)) }
            let afterwards = past.reversed().prefix { $0.reply != .accepted }
            return afterwards.count { $0.reply.isDeterminateRejection }
        }
    }
}

/// A secret for each file, always the same.
private struct NumberedSecrets: SecretReader {
    func secret(from source: SecretSource) async throws(SecretProblem) -> Secret {
        let text = "\(source.description.filter(\.isLetter))-of-0123456789"
        return try SecretLint.secret(in: Array(text.utf8), source: source.description)
    }
}
