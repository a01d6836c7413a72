import FoundationEssentials
import Logging
import Synchronization
import TokenHealth
import VigilEngine

/// Answers as a test says.
final class ScriptedProber: Prober {
    /// What was asked.
    struct Question: Hashable {
        let token: TokenName
        let isControl: Bool
        let isFresh: Bool
        let at: Duration
    }

    private struct State {
        var answer: Exchange
        var answers: [TokenName: Exchange] = [:]
        var control: Exchange
        var special: @Sendable (ProbeRequest) -> Exchange? = { _ in nil }
        var questions: [Question] = []
        /// What happens once while an answer is under way, and whether that is the answer to a control.
        var interlude: (isControl: Bool, body: @Sendable () async -> Void)?
    }

    private let state: Mutex<State>
    private let timekeeper: ManualTimekeeper
    private let gate: Gate?

    init(_ answer: Exchange = Reply.accepted, timekeeper: ManualTimekeeper, gate: Gate? = nil) {
        state = Mutex(State(answer: answer, control: Reply.unauthenticated))
        self.timekeeper = timekeeper
        self.gate = gate
    }

    func exchange(_ request: ProbeRequest) async -> Exchange {
        let isControl = request.secret == nil
        let now = timekeeper.now().uptime
        let question = Question(
            token: request.token.name,
            isControl: isControl,
            isFresh: request.onFreshConnection,
            at: now
        )
        let (answer, interlude) = state.withLock { state in
            state.questions.append(question)
            let interlude = state.interlude?.isControl == isControl ? state.interlude?.body : nil
            if interlude != nil { state.interlude = nil }
            return (isControl ? state.control : state.answers[question.token] ?? state.answer, interlude)
        }
        if let interlude {
            await interlude()
            return answer
        }
        await gate?.pass()
        return state.withLock { state in
            state.special(request) ?? (isControl ? state.control : state.answers[question.token] ?? state.answer)
        }
    }

    func answer(_ exchange: Exchange) { state.withLock { $0.answer = exchange } }
    func answer(_ exchange: Exchange, about name: String) {
        state.withLock { $0.answers[Sample.name(name)] = exchange }
    }
    /// Has this happen between the next question and its answer.
    func meanwhile(ofControl isControl: Bool = false, _ body: @escaping @Sendable () async -> Void) {
        state.withLock { $0.interlude = (isControl, body) }
    }
    func answerControl(_ exchange: Exchange) { state.withLock { $0.control = exchange } }
    /// What some questions are answered, whatever else is said; `nil` for the others.
    func answer(_ special: @escaping @Sendable (ProbeRequest) -> Exchange?) { state.withLock { $0.special = special } }

    var questions: [Question] { state.withLock { $0.questions } }
    /// When the token itself was tried, in seconds of uptime.
    var tries: [Double] { questions.filter { !$0.isControl }.map(\.at.inSeconds) }
    var controls: [Double] { questions.filter(\.isControl).map(\.at.inSeconds) }
}

enum Reply {
    static let accepted = Exchange(.answered(Answer(status: 200, body: Array(#"{"data":{"id":12345}}"#.utf8))))
    static let unauthenticated = status(401)
    static let unreachable = Exchange(.failed(TransportFailure(.network, "refused")))

    static func status(_ status: Int, _ headers: [HeaderField] = []) -> Exchange {
        Exchange(.answered(Answer(status: status, headers: headers, body: Array("{}".utf8))))
    }
}

/// Holds a secret that a test can replace or take away.
final class ScriptedSecretReader: SecretReader {
    private let state = Mutex<Result<String, SecretProblem>>(.success("first"))
    private let own = Mutex<[SecretSource: String]>([:])

    func secret(from source: SecretSource) async throws(SecretProblem) -> Secret {
        let common = state.withLock { $0 }
        let text = try (own.withLock { $0[source] }.map { .success($0) } ?? common).get()
        return try SecretLint.secret(in: Array(text.utf8), source: source.description)
    }

    func put(_ text: String) { state.withLock { $0 = .success(text) } }
    /// Puts a secret where one source alone finds it.
    func put(_ text: String, in source: SecretSource) { own.withLock { $0[source] = text } }
    func fail(_ problem: SecretProblem) { state.withLock { $0 = .failure(problem) } }
}

/// Names a secret by itself, which a test can read.
struct PlainFingerprinter: Fingerprinter {
    func fingerprint(of secret: Secret) -> Fingerprint {
        Fingerprint(text: secret.withExposedValue { "k1:\($0)" })
    }
}

/// A store on a disk that is full, or gone.
final class FailingHealthStore: HealthStore {
    struct DiskFull: Error, CustomStringConvertible {
        let description = "the disk is full"
    }

    enum Operation: CaseIterable {
        case load, commit, confirm, read, settle
    }

    private let inner = InMemoryHealthStore()
    private let broken = Mutex<Set<Operation>>([])
    private let scripted = Mutex<[(any Error)?]>([])
    /// How many calls have failed.
    let failures = Tally()

    var healthy: InMemoryHealthStore { inner }

    func fail(_ operations: Operation...) { broken.withLock { $0 = Set(operations) } }
    func heal() { broken.withLock { $0 = [] } }

    /// What the next commits end with, one after the other; `nil` where one works.
    func endCommits(with results: [(any Error)?]) { scripted.withLock { $0 = results } }

    private func check(_ operation: Operation) throws {
        if operation == .commit {
            let result = scripted.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            if let result { throw result }
        }
        guard broken.withLock({ $0.contains(operation) }) else { return }
        failures.add()
        throw DiskFull()
    }

    func load() throws -> [TokenName: StoredToken] {
        try check(.load)
        return try inner.load()
    }

    func commit(_ change: HealthChange) throws {
        try check(.commit)
        try inner.commit(change)
    }

    func commit(_ news: News) throws {
        try check(.commit)
        try inner.commit(news)
    }

    func untold() throws -> UntoldNews {
        try check(.load)
        return try inner.untold()
    }

    func confirm(_ sightings: [Sighting]) throws {
        try check(.confirm)
        try inner.confirm(sightings)
    }

    func deliveries(for notifier: String, dueAt now: Date, limit: Int) throws -> [PendingDelivery] {
        try check(.read)
        return try inner.deliveries(for: notifier, dueAt: now, limit: limit)
    }

    func nextDelivery(for notifier: String) throws -> Date? {
        try check(.read)
        return try inner.nextDelivery(for: notifier)
    }

    func settle(
        _ delivery: PendingDelivery,
        as outcome: DeliveryOutcome,
        with consequences: Consequences
    ) throws {
        try check(.settle)
        try inner.settle(delivery, as: outcome, with: consequences)
    }

    func waiting(for notifier: String, about incident: String) throws -> [PendingDelivery] {
        try check(.read)
        return try inner.waiting(for: notifier, about: incident)
    }

    func knows(_ notifier: String, of incident: String) throws -> Bool {
        try check(.read)
        return try inner.knows(notifier, of: incident)
    }

    func later(than alert: Alert, for notifier: String) throws -> [LaterAlert] {
        try check(.read)
        return try inner.later(than: alert, for: notifier)
    }

    func firstWaiting(before alert: Alert, for notifier: String) throws -> PendingDelivery? {
        try check(.read)
        return try inner.firstWaiting(before: alert, for: notifier)
    }

    func overtaken(by alert: Alert, for notifier: String) throws -> [Alert] {
        try check(.read)
        return try inner.overtaken(by: alert, for: notifier)
    }

    func failingNotifiers() throws -> [String: Incident] {
        try check(.load)
        return try inner.failingNotifiers()
    }

    func lostAlerts(since: Date) throws -> [LostAlert] {
        try check(.read)
        return try inner.lostAlerts(since: since)
    }

    func deliveryRecords(of alert: String) throws -> [DeliveryRecord] {
        try check(.read)
        return try inner.deliveryRecords(of: alert)
    }

    func drill() throws -> DrillRecord? {
        try check(.load)
        return try inner.drill()
    }

    func keep(_ drill: DrillRecord) throws {
        try check(.commit)
        try inner.keep(drill)
    }

    func hosts() throws -> HostMemory {
        try check(.load)
        return try inner.hosts()
    }

    func keep(_ hosts: HostMemory) throws {
        try check(.commit)
        try inner.keep(hosts)
    }

    func notifierReports() throws -> [String: NotifierReport] {
        try check(.read)
        return try inner.notifierReports()
    }

    func prune(before limit: Date, after step: PruningStep?) throws -> PruningStep? {
        try check(.commit)
        return try inner.prune(before: limit, after: step)
    }
}

/// Remembers what it was given, and answers as a test says.
final class RecordingNotifier: Notifier {
    private let state: Mutex<(result: DeliveryResult, alerts: [Alert])>
    private let gate: Gate?
    let deliveries = Tally()

    init(_ result: DeliveryResult = .delivered("handed over"), gate: Gate? = nil) {
        state = Mutex((result, []))
        self.gate = gate
    }

    func deliver(_ alert: Alert) async -> DeliveryResult {
        await gate?.pass()
        let result = state.withLock { state in
            state.alerts.append(alert)
            return state.result
        }
        deliveries.add()
        return result
    }

    func answer(_ result: DeliveryResult) { state.withLock { $0.result = result } }
    var alerts: [Alert] { state.withLock { $0.alerts } }
    var ids: [String] { alerts.map(\.id) }
}

/// Keeps the documents it is given, until it is told to fail.
final class RecordingPublisher: StatusPublisher {
    struct Unwritable: Error {}

    private let state = Mutex<(documents: [StatusDocument], isBroken: Bool)>(([], false))
    let publications = Tally()

    func publish(_ edition: StatusEdition) async throws {
        let document = await edition.document()
        let isBroken = state.withLock { state in
            if !state.isBroken { state.documents.append(document) }
            return state.isBroken
        }
        publications.add()
        if isBroken { throw Unwritable() }
    }

    func fail() { state.withLock { $0.isBroken = true } }
    func heal() { state.withLock { $0.isBroken = false } }
    var documents: [StatusDocument] { state.withLock { $0.documents } }
}

/// Counts the signs of life.
final class RecordingSupervisor: Supervisor {
    let watchdogInterval: Duration?
    let signs = Tally()

    init(watchdogInterval: Duration? = .seconds(30)) { self.watchdogInterval = watchdogInterval }

    func ready() {}
    func status(_ text: String) {}
    func alive() { signs.add() }
    func reloading() {}
    func stopping() {}
}

/// Counts the lines of one level and above.
struct CountingLog: LogHandler {
    let lines: Tally
    var logLevel = Logger.Level.error
    var metadata: Logger.Metadata = [:]

    init(_ lines: Tally) { self.lines = lines }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { lines.add() }
}

extension Logger {
    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

enum Sample {
    static func name(_ text: String = "bot") -> TokenName {
        guard let name = TokenName(text) else { preconditionFailure("\(text) is no token name") }
        return name
    }

    /// A token with an account and a secret of its own, at an API that names no account.
    static func stranger(_ text: String, interval: Duration = .seconds(60)) -> WatchedToken {
        var stranger = token(text, interval: interval)
        stranger.secret = .file(path: "/own/\(text)")
        stranger.probe.identity = nil
        return stranger
    }

    static func token(_ text: String = "bot", interval: Duration = .seconds(60), notify: [String] = ["oncall"])
        -> WatchedToken
    {
        guard let id = JSONPointer("/data/id") else { preconditionFailure("no pointer") }
        let probe = ProbeTemplate(
            path: "/me",
            accepted: [Matcher(status: .exactly(200), json: [id: .present])],
            identity: IdentityPointers(id: id)
        )
        return WatchedToken(
            name: name(text),
            provider: Provider(name: "example", baseURL: "https://api.example.test", probe: probe),
            secret: .file(path: "/x"),
            interval: interval,
            notify: notify
        )
    }

    static func alert(_ id: String = "a1", at date: Date = ManualTimekeeper.start) -> Alert {
        Alert(id: id, kind: .test, severity: .info, createdAt: date, summary: "a test", host: "srv1")
    }

    static func alert(
        _ id: String,
        _ kind: AlertKind,
        incident: String,
        of token: String? = nil,
        and others: [String] = [],
        at date: Date,
        open: Int = 0
    ) -> Alert {
        let what =
            switch kind {
            case .invalidated: "INVALID"
            case .recovered where token != nil: "RECOVERED"
            default: "STILL INVALID"
            }
        return Alert(
            id: id,
            kind: kind,
            severity: kind.severity,
            createdAt: date,
            incidentID: incident,
            summary: "\(what) \(token ?? "bot") on srv1",
            host: "srv1",
            tokens: ((token.map { [$0] } ?? []) + others).map { report(of: $0, at: date) },
            openTokens: open
        )
    }

    private static func report(of token: String, at date: Date) -> TokenReport {
        let token = self.token(token)
        let report = TokenReport(token: token, belief: Belief(at: date), uptime: Uptime(), nextProbeAt: nil)
        return report.named(token.name)
    }

    /// An alert about the monitor itself.
    static func monitorAlert(_ id: String, _ kind: AlertKind, incident: String, at date: Date) -> Alert {
        Alert(
            id: id,
            kind: kind,
            severity: kind.severity,
            createdAt: date,
            incidentID: incident,
            summary: "\(kind == .notifierFailing ? "NOTIFIER FAILING" : "NOTIFIER RECOVERED") chat on srv1",
            host: "srv1"
        )
    }
}
