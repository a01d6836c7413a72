import Foundation
import Logging
import Synchronization
import Testing
import TokenHealth
import VigilEngine

/// Random stories of four tokens, as those see them who are told: PagerDuty, which knows an incident by its id, and
/// Alertmanager, which knows an alert by its labels.
@Suite(.timeLimit(.minutes(10))) struct ReceiverLedgerTests {
    /// How many stories are played; `LEDGER_SEEDS` of the environment for more.
    static let seeds = ProcessInfo.processInfo.environment["LEDGER_SEEDS"].flatMap { Int($0) } ?? 200

    @Test func `whatever happens, what was opened is closed once all is well, and nothing twice`() async throws {
        for seed in 0..<ReceiverLedgerTests.seeds {
            let story = try LedgerStory(seed: UInt64(seed))
            await story.play(steps: 40)
            await story.end()
            let faults = ReceiverLedger(story.store.alerts).faults
            #expect(faults.isEmpty, "seed \(seed): \(faults.prefix(3).joined(separator: "; "))")
        }
    }
}

/// What receivers make of alerts.
private struct ReceiverLedger {
    private(set) var faults: [String] = []
    private var openIncidents: Set<String> = []
    private var closedIncidents: Set<String> = []
    private var firing: [[String]: String] = [:]

    init(_ alerts: [Alert]) {
        let ids = alerts.map(\.id)
        if Set(ids).count != ids.count { faults.append("an id is used twice") }
        for alert in alerts { take(alert) }
        if !openIncidents.isEmpty { faults.append("nobody closes \(openIncidents.sorted())") }
        for (labels, alert) in firing { faults.append("nobody ends \(labels), begun by \(alert)") }
    }

    private mutating func take(_ alert: Alert) {
        guard let incident = alert.incidentID else { return }
        if alert.kind.endsIncident, alert.openTokens == 0 {
            // What was never told has an end alone.
            openIncidents.remove(incident)
            if !closedIncidents.insert(incident).inserted { faults.append("\(alert.id) closes \(incident) again") }
        } else {
            if closedIncidents.contains(incident) { faults.append("\(alert.id) opens \(incident) again") }
            openIncidents.insert(incident)
        }
        for token in alert.tokens {
            func labels(_ kind: AlertKind?) -> [String] {
                [kind?.rawValue ?? "", incident, token.name?.text ?? ""]
            }
            if alert.kind == .providerIncident || alert.kind == .providerRecovered { continue }
            if let former = alert.formerKind { firing[labels(former)] = nil }
            if alert.kind.endsIncident {
                firing[labels(alert.incidentKind)] = nil
            } else {
                firing[labels(alert.incidentKind)] = alert.id
            }
        }
    }
}

/// One story, the same for the same seed.
private final class LedgerStory {
    let timekeeper = ManualTimekeeper()
    let store = InMemoryHealthStore()
    private let world = LedgerWorld()
    private var watch: TokenWatch?
    private var chance: SeededGenerator
    private let tokens = ["bot-0", "bot-1", "bot-2", "bot-3"].map { name in
        var token = Sample.token(name)
        token.secret = .file(path: name)
        token.owner = name == "bot-3" ? "other@example.com" : "svc@example.com"
        return token
    }

    init(seed: UInt64) throws {
        chance = SeededGenerator(seed: seed)
        try start()
    }

    private func start() throws {
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
    }

    private func pass(_ seconds: Int) async {
        for _ in 0..<max(1, seconds / 30) {
            timekeeper.advance(by: .seconds(min(seconds, 30)))
            await watch?.tick()
        }
    }

    func play(steps: Int) async {
        for _ in 0..<steps {
            let name = tokens[Int.random(in: 0..<tokens.count, using: &chance)].name.text
            switch Int.random(in: 0..<20, using: &chance) {
            case 0..<4: world.answer(name, Reply.accepted)
            case 4..<7: world.answer(name, Reply.unauthenticated)
            case 7..<10: world.answer(name, Reply.status(503))
            case 10: world.answer(name, Reply.status(403))
            case 11: world.answer(name, Reply.status(404))
            case 12: world.replace(name)
            case 13: for token in tokens { world.answer(token.name.text, Reply.status(503)) }
            case 14: for token in tokens { world.answer(token.name.text, Reply.accepted) }
            case 15: _ = try? await watch?.silence([name], for: .seconds(1800), by: "oncall", reason: "a test")
            case 16: _ = try? await watch?.acknowledge(name, by: "oncall", reason: "a test")
            case 17: try? start()
            case 18: try? await watch?.adopt(tokens)
            default: break
            }
            await pass([10, 30, 60, 120, 300, 1200][Int.random(in: 0..<6, using: &chance)])
        }
    }

    /// All is well, for long enough.
    func end() async {
        for token in tokens { world.answer(token.name.text, Reply.accepted) }
        await pass(3 * 3600)
    }
}

/// Answers for each token what it is told to.
private final class LedgerWorld: Prober, SecretReader {
    private let state = Mutex((answers: [String: Exchange](), secrets: [String: Int]()))

    func answer(_ name: String, _ exchange: Exchange) { state.withLock { $0.answers[name] = exchange } }
    func replace(_ name: String) { state.withLock { $0.secrets[name, default: 0] += 1 } }

    func exchange(_ request: ProbeRequest) async -> Exchange {
        guard request.secret != nil else { return Reply.unauthenticated }
        return state.withLock { $0.answers[request.token.name.text] } ?? Reply.accepted
    }

    func secret(from source: SecretSource) async throws(SecretProblem) -> Secret {
        guard case .file(let name, _) = source else { throw .missing(source: "nowhere") }
        let number = state.withLock { $0.secrets[name] ?? 0 }
        return try SecretLint.secret(in: Array("secret-of-\(name)-\(number)".utf8), source: name)
    }
}
