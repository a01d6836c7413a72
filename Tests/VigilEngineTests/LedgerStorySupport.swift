import Foundation
import Logging
import Synchronization
import TokenHealth
import VigilEngine

/// One story of five tokens of three owners and of two notifiers, the same for the same seed.
final class LedgerStory {
    private let timekeeper = ManualTimekeeper()
    private let store = FailingHealthStore()
    private let world = LedgerWorld()
    /// Of a warning, a pager is told the end as well; a person is not.
    private let mailboxes = ["oncall", "pager"].map { LedgerNotifier(name: $0, keepsWarnings: $0 == "pager") }
    private var observer = LedgerObserver()
    private var watch: TokenWatch?
    private var dispatcher: OutboxDispatcher?
    private var chance: SeededGenerator
    private let base: [WatchedToken]
    private let configuration: LedgerConfiguration
    private var tokens: [WatchedToken] {
        get { configuration.tokens.withLock { $0 } }
        set { configuration.tokens.withLock { $0 = newValue } }
    }
    /// One that stays dead at the end; `nil` where all is well.
    private let dead: String?

    init(seed: UInt64) throws {
        chance = SeededGenerator(seed: seed)
        base = (0..<5).map { index in
            var token = Sample.token("bot-\(index)")
            token.secret = .file(path: token.name.text)
            token.owner = "owner-\(max(0, index - 2))@example.com"
            return token
        }
        configuration = LedgerConfiguration(base)
        dead = seed % 3 == 0 ? "bot-0" : nil
        try start()
    }

    /// What receivers and observers found to be wrong.
    var faults: [String] {
        let dead = Set([dead].compactMap(\.self))
        var all = observer.faults
        let alerts = Dictionary(grouping: store.healthy.alerts, by: \.id)
        all += alerts.filter { $0.value.count > 1 }.keys.sorted().map { "the id \($0) is used twice" }
        var open: [String: Set<String>] = [:]
        for (name, token) in (try? store.load()) ?? [:] {
            for incident in [token.belief.incident, token.belief.expiryWarning].compactMap(\.self) {
                open[incident.sharedID, default: []].insert(name.text)
            }
        }
        all += mailboxes.flatMap { $0.faults(leaving: dead, open: open) }
        if let name = self.dead, !mailboxes.contains(where: { $0.knows(name) }) {
            all.append("nobody knows of \(name)")
        }
        return all
    }

    /// Begins anew with what is stored, as after a kill.
    private func start() throws {
        observer.forgetTimes()
        watch = TokenWatch(
            tokens: tokens,
            stored: try store.load(),
            untold: try store.untold(),
            hosts: try store.hosts(),
            observer: TokenObserver(
                prober: world,
                secrets: world,
                fingerprinter: PlainFingerprinter(),
                timekeeper: timekeeper
            ),
            store: store,
            composer: AlertComposer(host: "srv1"),
            timekeeper: timekeeper,
            logger: .silent,
            chance: { 0 },
            changed: {}
        )
        dispatcher = OutboxDispatcher(
            notifiers: Dictionary(uniqueKeysWithValues: mailboxes.map { ($0.name, $0) }),
            failing: try store.failingNotifiers(),
            composer: AlertComposer(host: "srv1"),
            store: store,
            timekeeper: timekeeper,
            progress: Progress(),
            signal: OutboxSignal(),
            logger: .silent,
            chance: { 0 }
        )
    }

    private func pass(_ seconds: Int) async {
        for _ in 0..<max(1, seconds / 30) {
            timekeeper.advance(by: .seconds(min(seconds, 30)))
            await watch?.tick()
            await dispatcher?.tick()
            await observe()
        }
    }

    private func observe() async {
        guard let watch else { return }
        let now = timekeeper.now()
        let reports = await watch.reports(of: base.map(\.name)[...], at: now.wall)
        observer.look(at: reports, of: tokens, alerts: store.healthy.alerts, at: now)
        if LedgerStory.isDeep { observer.note(late: await watch.lateTokens(at: now.uptime), among: tokens) }
    }

    /// Whether lives of tokens and limits of hosts change, and the host sleeps for days, too: not all of that ends well yet.
    static let isDeep = ProcessInfo.processInfo.environment["LEDGER_DEEP"] != nil

    func play(steps: Int) async throws {
        for _ in 0..<steps {
            let name = base[Int.random(in: 0..<base.count, using: &chance)].name.text
            switch Int.random(in: 0..<32, using: &chance) {
            case 0..<14: answer(about: name)
            case 14..<19: try await person(does: name)
            case 19..<24: try await reload(name)
            case 24: reloadMeanwhile()
            case 25..<28: try kill()
            case 28..<30: await disturbDeliveries()
            default: try await episode(of: name)
            }
            await passAWhile()
        }
    }

    private func passAWhile() async {
        await pass([10, 30, 60, 120, 300, 1200][Int.random(in: 0..<6, using: &chance)])
    }

    /// All is well but for one perhaps, for long enough.
    func end() async throws {
        store.heal()
        world.forgetInterludes()
        for mailbox in mailboxes { mailbox.isDown = false }
        let keptOn = base.filter { token in tokens.contains { $0.name == token.name } || token.name.text == dead }
        tokens = keptOn
        // Nobody reloads twice in one millisecond.
        timekeeper.advance(by: .seconds(1))
        try await watch?.adopt(tokens)
        for token in base {
            world.answer(token.name.text, token.name.text == dead ? Reply.unauthenticated : Reply.accepted)
        }
        for name in tokens.map(\.name.text) {
            try? await watch?.endSilence(of: name, by: "ann")
            _ = try? await watch?.probe(name)
        }
        await pass(3 * 3600)
    }
}

// MARK: - What happens

extension LedgerStory {
    private func answer(about name: String) {
        switch Int.random(in: 0..<14, using: &chance) {
        case 0..<3: world.answer(name, Reply.accepted)
        case 3..<6: world.answer(name, Reply.unauthenticated)
        case 6..<8: world.answer(name, Reply.status(503))
        case 8: world.answer(name, Reply.status(403))
        case 9: world.answer(name, Reply.status(404))
        case 10: world.answer(name, Reply.status(429, [HeaderField("retry-after", "1500")]))
        case 11: for token in base { world.answer(token.name.text, Reply.status(503)) }
        case 12: for token in base { world.answer(token.name.text, Reply.unauthenticated) }
        default: for token in base { world.answer(token.name.text, Reply.accepted) }
        }
    }

    private func person(does name: String) async throws {
        switch Int.random(in: 0..<5, using: &chance) {
        case 0, 1: world.replace(name)
        case 2: _ = try? await watch?.silence([name], for: .seconds(1800), by: "ann", reason: "a test")
        case 3: try? await watch?.endSilence(of: name, by: "ann")
        default: _ = try? await watch?.acknowledge(name, by: "ann", reason: "a test")
        }
    }

    private func reload(_ name: String) async throws {
        world.forgetInterludes()
        change(name)
        try await watch?.adopt(tokens)
    }

    /// A reload in the middle of the next answer: a token that is refused is asked elsewhere from then on.
    private func reloadMeanwhile() {
        guard let index = tokens.indices.randomElement(using: &chance) else { return }
        var tokens = tokens
        let name = tokens[index].name.text
        tokens[index] = ChangedSetting.host.changing(tokens[index])
        world.answer(name, Reply.unauthenticated)
        world.forgetInterludes()
        world.meanwhile(of: name) { [configuration, watch, tokens] in
            configuration.tokens.withLock { $0 = tokens }
            try? await watch?.adopt(tokens)
        }
    }

    /// Another configuration: a token is removed or comes back, or one or all of its settings are others.
    private func change(_ name: String) {
        switch Int.random(in: 0..<7, using: &chance) {
        case 0: tokens.removeAll { $0.name.text == name }
        case 1: tokens = base
        case 2:
            let number = Int.random(in: 0..<ChangedSetting.allCases.count, using: &chance)
            tokens = tokens.map { $0.name.text == name ? ChangedSetting.allCases[number].changing($0) : $0 }
        case 3:
            change { $0.notify = [["oncall"], ["pager"], ["oncall", "pager"]][Int.random(in: 0..<3, using: &chance)] }
        case 4 where LedgerStory.isDeep:
            change { $0.provider.lifetime = $0.provider.lifetime == nil ? .seconds(16 * 86_400) : nil }
        case 5 where LedgerStory.isDeep:
            let limits = ProviderLimits(rate: Rate(count: 5, per: .seconds(3600)))
            change { $0.provider.limits = $0.provider.limits == limits ? ProviderLimits() : limits }
        default:
            let window = LedgerStory.window(from: timekeeper.now().wall)
            change { $0.maintenance = $0.maintenance.isEmpty ? [window] : [] }
        }
    }

    /// Forty minutes of every day.
    private static func window(from now: Date) -> MaintenanceWindow {
        let minute = Int(now.timeIntervalSince1970 / 60) % 1440
        return MaintenanceWindow(
            name: "nightly",
            reason: "a test",
            days: Set(Weekday.allCases),
            from: minute,
            to: (minute + 40) % 1440,
            zone: .gmt
        )
    }

    private func change(_ body: (inout WatchedToken) -> Void) {
        for index in tokens.indices { body(&tokens[index]) }
    }

    /// Killed, and started again with the same configuration or another.
    private func kill() throws {
        world.forgetInterludes()
        if Bool.random(using: &chance) { change(base[0].name.text) }
        try start()
    }

    /// A receiver that is down or up again, an outbox that cannot be marked, a host that sleeps.
    private func disturbDeliveries() async {
        let mailbox = mailboxes[Int.random(in: 0..<mailboxes.count, using: &chance)]
        switch Int.random(in: 0..<4, using: &chance) {
        case 0: mailbox.isDown.toggle()
        case 1: store.fail(.settle)
        case 2: store.heal()
        default:
            guard LedgerStory.isDeep else { return }
            timekeeper.advance(by: .seconds(3 * 86_400))
            observer.forgetTimes()
        }
    }
}

// MARK: - What takes several steps to happen

extension LedgerStory {
    /// What single random steps would hardly ever come to.
    private func episode(of name: String) async throws {
        switch Int.random(in: 0..<4, using: &chance) {
        case 0: await comeAndGo(name)
        case 1: try await moveInDoubt()
        case 2: await dieInTheDark(name)
        default: try await dieTwiceInMaintenance(name)
        }
    }

    /// What comes and goes becomes a death, and that what comes and goes, before all is well.
    private func comeAndGo(_ name: String) async {
        for _ in 0..<4 {
            world.answer(name, Reply.status(403))
            await pass(90)
            world.answer(name, Reply.accepted)
            await pass(90)
        }
        world.answer(name, Reply.unauthenticated)
        await pass(180)
        world.replace(name)
        world.answer(name, Reply.status(403))
        await pass(180)
        world.answer(name, Reply.accepted)
        await passAWhile()
    }

    /// The only token of its owner is moved to another host while it is doubted; then another owner logs out, and nobody is
    /// left to say that others are accepted.
    private func moveInDoubt() async throws {
        let doubted = Int.random(in: 3..<5, using: &chance)
        let name = base[doubted].name.text
        world.answer(base[7 - doubted].name.text, Reply.status(503))
        world.answer(name, Reply.unauthenticated)
        _ = try? await watch?.probe(name)
        await observe()
        tokens = tokens.map { $0.name.text == name ? ChangedSetting.host.changing($0) : $0 }
        try await watch?.adopt(tokens)
        for token in base[..<3] { world.answer(token.name.text, Reply.unauthenticated) }
        await passAWhile()
    }

    /// Nothing is known of all, then one turns out to be dead, then all are well at once.
    private func dieInTheDark(_ name: String) async {
        for token in base { world.answer(token.name.text, Reply.status(503)) }
        await pass(1800)
        world.answer(name, Reply.unauthenticated)
        await pass(300)
        world.replace(name)
        for token in base { world.answer(token.name.text, Reply.accepted) }
        await passAWhile()
    }

    /// Two deaths in one maintenance window, the first of which began before it.
    private func dieTwiceInMaintenance(_ name: String) async throws {
        world.answer(name, Reply.unauthenticated)
        await passAWhile()
        let window = LedgerStory.window(from: timekeeper.now().wall)
        change { $0.maintenance = [window] }
        try await watch?.adopt(tokens)
        for answer in [Reply.accepted, Reply.unauthenticated, Reply.accepted, Reply.unauthenticated] {
            world.replace(name)
            world.answer(name, answer)
            await pass(120)
        }
        await pass(2400)
    }
}

/// What is configured now.
private final class LedgerConfiguration: Sendable {
    let tokens: Mutex<[WatchedToken]>

    init(_ tokens: [WatchedToken]) { self.tokens = Mutex(tokens) }
}

/// Answers for each token what it is told to.
private final class LedgerWorld: Prober, SecretReader {
    private struct State {
        var answers: [String: Exchange] = [:]
        var secrets: [String: Int] = [:]
        var interludes: [String: @Sendable () async -> Void] = [:]
    }

    private let state = Mutex(State())

    func answer(_ name: String, _ exchange: Exchange) { state.withLock { $0.answers[name] = exchange } }
    func replace(_ name: String) { state.withLock { $0.secrets[name, default: 0] += 1 } }

    func exchange(_ request: ProbeRequest) async -> Exchange {
        guard request.secret != nil else { return Reply.unauthenticated }
        let name = request.token.name.text
        // The other host accepts everybody.
        if request.token.baseURL == ChangedSetting.otherHost { return Reply.accepted }
        let (answer, interlude) = state.withLock { ($0.answers[name], $0.interludes.removeValue(forKey: name)) }
        await interlude?()
        return answer ?? Reply.accepted
    }

    /// What was to happen in the middle of an answer happens no more: the configuration is another by now.
    func forgetInterludes() { state.withLock { $0.interludes = [:] } }

    /// Has this happen between the next question about a token and its answer.
    func meanwhile(of name: String, _ body: @escaping @Sendable () async -> Void) {
        state.withLock { $0.interludes[name] = body }
    }

    func secret(from source: SecretSource) async throws(SecretProblem) -> Secret {
        guard case .file(let name, _) = source else { throw .missing(source: "nowhere") }
        let number = state.withLock { $0.secrets[name] ?? 0 }
        return try SecretLint.secret(in: Array("secret-of-\(name)-\(number)".utf8), source: name)
    }
}

/// Hands alerts to the models of receivers, unless it is down.
private final class LedgerNotifier: Notifier {
    let name: String
    let keepsWarnings: Bool
    private let state: Mutex<(receivers: Receivers, isDown: Bool)>

    init(name: String, keepsWarnings: Bool) {
        self.name = name
        self.keepsWarnings = keepsWarnings
        state = Mutex((Receivers(name: name, keepsWarnings: keepsWarnings), false))
    }

    var isDown: Bool {
        get { state.withLock { $0.isDown } }
        set { state.withLock { $0.isDown = newValue } }
    }

    func deliver(_ alert: Alert) async -> DeliveryResult {
        state.withLock { state in
            if state.isDown { return .failed("HTTP 503", retryAfter: nil) }
            state.receivers.take(alert)
            return .delivered("handed over")
        }
    }

    func knows(_ token: String) -> Bool { state.withLock { $0.receivers.open.values.contains { $0.contains(token) } } }

    func faults(leaving dead: Set<String>, open: [String: Set<String>]) -> [String] {
        state.withLock { state in
            state.receivers.close(leaving: dead, open: open)
            return state.receivers.faults
        }
    }
}
