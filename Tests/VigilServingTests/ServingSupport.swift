import FoundationEssentials
import Logging
import ServiceLifecycle
import TokenHealth
import VigilEngine
import VigilHTTP

@testable import VigilServing

let noon = Date(timeIntervalSince1970: 1_795_435_200)

/// A document with one token for each of these states, named for it.
func document(
    _ states: [TokenState] = [.valid],
    generatedAt: Date = noon,
    problems: [String] = []
) -> StatusDocument {
    let provider = Provider(name: "example", baseURL: "https://api.example.test", probe: ProbeTemplate(path: "/me"))
    var tokens: [TokenName: TokenReport] = [:]
    for state in states {
        guard let name = TokenName("\(state.name.rawValue)-bot") else { continue }
        var belief = Belief(at: noon)
        belief.state = state
        belief.lastAcceptedAt = noon
        let token = WatchedToken(name: name, provider: provider, secret: .file(path: "/x"), owner: "a \"b\" \\ c")
        tokens[name] = TokenReport(token: token, belief: belief, uptime: Uptime(), nextProbeAt: nil)
    }
    return StatusDocument(
        generatedAt: generatedAt,
        validUntil: generatedAt.addingTimeInterval(60),
        monitor: MonitorReport(
            version: "0.0.0",
            pid: 1,
            host: "srv1",
            startedAt: noon,
            healthy: problems.isEmpty,
            problems: problems
        ),
        tokens: tokens,
        notifiers: ["oncall": NotifierReport(pending: 2, oldestPendingAt: noon)]
    )
}

/// Stands still.
struct FixedTimekeeper: Timekeeper {
    func now() -> Moment { Moment(wall: noon, uptime: .zero) }
    func sleep(until uptime: Duration) async throws { try await Task.sleep(for: .seconds(600)) }
}

/// Remembers what it was asked for.
struct EchoingArchive: Archive {
    var refusal: ArchiveRefusal?

    func history(
        of token: TokenName?,
        since: Date,
        now: Date
    ) async throws(ArchiveRefusal) -> any Encodable & Sendable {
        if let refusal { throw refusal }
        return ["token": token?.text ?? "all", "since": since.dayUTC]
    }

    func dayBars(days: Int, until now: Date) async throws(ArchiveRefusal) -> [TokenName: DayBar] {
        if let refusal { throw refusal }
        guard let name = TokenName("valid-bot") else { return [:] }
        let first = DayBar.firstDay(of: days, until: now)
        let all = [ValidityInterval(start: first, end: noon, state: .valid, reason: nil)]
        return [name: DayBar(of: all, days: days, until: now)]
    }
}

/// What is answered to `target` without a socket.
func answer(
    _ target: String,
    method: String = "GET",
    accept: String = "*/*",
    host: String = "localhost",
    bulletin: Bulletin,
    archive: EchoingArchive = EchoingArchive()
) async -> (answer: HTTPAnswer, body: String) {
    let shelf = AnswerShelf()
    let api = StatusAPI(
        bulletin: bulletin,
        tally: Tally(),
        archive: archive,
        shelf: shelf,
        board: PageBoard(shelf: shelf),
        hosts: HostRule(names: []),
        timekeeper: FixedTimekeeper()
    )
    let headers = [("Host", host), ("Accept", accept)].map { (name: $0.0, value: $0.1) }
    let answer = await api.answer(to: HTTPRequest(method: method, target: target, headers: headers))
    switch answer.body {
    case .whole(let bytes): return (answer, String(decoding: bytes, as: UTF8.self))
    case .shared(let bytes): return (answer, bytes.text)
    case .stream: return (answer, "")
    }
}

extension SharedBytes {
    var text: String { String(decoding: whole ?? [], as: UTF8.self) }
}

extension HTTPAnswer {
    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

extension Bulletin {
    /// An edition of a document that is there already, for somebody who reads.
    func publish(_ document: StatusDocument) async {
        open()
        await publish(StatusEdition(document))
    }
}
