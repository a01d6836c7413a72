import FoundationEssentials
import GRDB
import Glibc
import TokenHealth
import VigilEngine

@testable import VigilStorage

/// A directory that lives as long as the test that holds it.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = "\(FileManager.default.temporaryDirectory.path)/tokenvigil-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var state: String { "\(path)/state" }
    var database: String { "\(state)/state.db" }

    func open(at now: Date = Sample.start) throws -> SQLiteHealthStore {
        try SQLiteHealthStore(directory: state, now: now)
    }

    /// The names in the state directory, sorted.
    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: state).sorted() }

    /// Another connection, as an administrator might open one.
    func meddle(_ sql: String) throws {
        let queue = try DatabaseQueue(path: database)
        try queue.writeWithoutTransaction { try $0.execute(sql: sql) }
        try queue.close()
    }
}

/// The permission bits of a file.
func mode(of path: String) -> mode_t? {
    var status = stat()
    guard unsafe lstat(path, &status) == 0 else { return nil }
    return status.st_mode & 0o7777
}

func bytes(of path: String) -> [UInt8] { FileManager.default.contents(atPath: path).map { Array($0) } ?? [] }

func write(_ bytes: [UInt8], to path: String) throws { try Data(bytes).write(to: URL(filePath: path)) }

enum Sample {
    /// A whole number of milliseconds: the resolution of everything that is written.
    static let start = Date(timeIntervalSince1970: 1_795_428_000)

    static func second(_ seconds: Double) -> Date { start.addingTimeInterval(seconds) }

    static func name(_ text: String = "bot") -> TokenName {
        guard let name = TokenName(text) else { preconditionFailure("\(text) is no token name") }
        return name
    }

    static func interval(_ from: Double, _ to: Double, _ state: StateName = .valid, reason: String? = nil)
        -> ValidityInterval
    {
        ValidityInterval(start: second(from), end: second(to), state: state, reason: reason)
    }

    static func alert(_ id: String = "a1", at seconds: Double = 0, summary: String = "a test") -> Alert {
        Alert(id: id, kind: .test, severity: .info, createdAt: second(seconds), summary: summary, host: "srv1")
    }

    /// A change that only puts alerts into the outbox.
    static func change(
        _ token: String = "bot",
        at seconds: Double = 0,
        alerts: [Alert] = [],
        to notifiers: [String] = ["oncall"]
    ) -> HealthChange {
        HealthChange(
            token: name(token),
            belief: Belief(at: second(seconds)),
            transition: nil,
            interval: interval(seconds, seconds, .pending),
            news: News(alerts: alerts.map { OutgoingAlert($0, to: notifiers) }),
            at: second(seconds)
        )
    }

    static let token = WatchedToken(
        name: name(),
        provider: Provider(name: "example", baseURL: "https://api.example.test", probe: ProbeTemplate(path: "/me")),
        secret: .file(path: "/x"),
        confirmation: Confirmation(rejections: 1, over: .zero),
        notify: ["oncall"]
    )

    /// A token that was valid and has just died.
    static func death(at seconds: Double = 60, of belief: Belief = accepted(at: 0)) -> (
        decision: Decision, change: HealthChange
    ) {
        let decision = look(belief, .rejected(.credential), at: seconds)
        let report = TokenReport(token: token, belief: decision.belief, uptime: Uptime(), nextProbeAt: nil)
        let alerts = decision.notices.compactMap { notice in
            let subject = AlertComposer.Subject(
                token: token,
                belief: decision.belief,
                report: report,
                notice: notice,
                noticedAt: second(seconds)
            )
            return AlertComposer(host: "srv1").alert(telling: [subject], openTokens: 1, at: second(seconds))
                .map { OutgoingAlert($0, to: token.notify) }
        }
        let change = HealthChange(
            token: name(),
            belief: decision.belief,
            transition: decision.transition,
            interval: interval(seconds, seconds, .invalid, reason: "rejected"),
            endedInterval: interval(0, seconds),
            news: News(alerts: alerts),
            at: second(seconds)
        )
        return (decision, change)
    }

    static func accepted(at seconds: Double) -> Belief {
        look(Belief(at: start), .accepted(Identity(id: "1", name: nil)), at: seconds).belief
    }

    static func look(_ belief: Belief, _ verdict: Verdict, at seconds: Double, words: String = "HTTP 999") -> Decision {
        let observation = Observation(
            Finding(verdict, words),
            control: .refused,
            httpStatus: 999,
            latency: .milliseconds(84),
            fingerprint: Fingerprint(text: "k1:000000000001"),
            at: Moment(wall: second(seconds), uptime: .seconds(seconds))
        )
        return belief.considering(observation, of: token, chance: 0)
    }
}
