import FoundationEssentials
import Logging
import TokenHealth
import VigilEngine

/// A watch with every part around it scripted.
struct WatchBench {
    let timekeeper: ManualTimekeeper
    let prober: ScriptedProber
    let secrets = ScriptedSecretReader()
    let store: FailingHealthStore
    let watch: TokenWatch
    /// How often the watch said that something has changed.
    let changes = Tally()

    init(
        _ tokens: [WatchedToken] = [Sample.token()],
        store: FailingHealthStore = FailingHealthStore(),
        timekeeper: ManualTimekeeper = ManualTimekeeper(),
        gate: Gate? = nil,
        limit: Int = 1024
    ) throws {
        self.timekeeper = timekeeper
        self.store = store
        prober = ScriptedProber(timekeeper: timekeeper, gate: gate)
        for token in tokens {
            guard case .file(let path, _) = token.secret, path.hasPrefix("/own/") else { continue }
            secrets.put("secret-of-\(token.name)", in: token.secret)
        }
        let changes = changes
        watch = TokenWatch(
            tokens: tokens,
            stored: try store.load(),
            untold: try store.untold(),
            hosts: try store.hosts(),
            observer: TokenObserver(
                prober: prober,
                secrets: secrets,
                fingerprinter: PlainFingerprinter(),
                timekeeper: timekeeper
            ),
            store: store,
            composer: AlertComposer(host: "srv1"),
            timekeeper: timekeeper,
            logger: .silent,
            limit: limit,
            chance: { 0 },
            changed: { changes.add() }
        )
    }

    /// Moves time and looks at whatever is due.
    func pass(_ seconds: Int) async {
        timekeeper.advance(by: .seconds(seconds))
        await watch.tick()
    }

    /// Moves time in steps, looking at whatever is due after each.
    func pass(_ seconds: Int, inStepsOf step: Int) async {
        for _ in 0..<(seconds / step) { await pass(step) }
    }

    func report(_ name: String = "bot") async -> TokenReport? {
        await watch.reports(of: [Sample.name(name)], at: timekeeper.now().wall).first?.report
    }

    func state(_ name: String = "bot") async -> StateName? { await report(name)?.state }

    /// The kinds of the alerts stored so far.
    var told: [AlertKind] { store.healthy.alerts.map(\.kind) }
}
