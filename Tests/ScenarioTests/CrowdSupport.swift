import FoundationEssentials
import GRDB
import Testing
import TokenHealth
import VigilConfiguration
import VigilEngine

/// Healthy tokens of another API, watched beside those of a scenario; nobody is to hear of any of them.
final class Crowd {
    /// How many there are beside a plan that does not say: `TOKENVIGIL_CROWD`, or none.
    static let usualSize = ProcessInfo.processInfo.environment["TOKENVIGIL_CROWD"].flatMap { Int($0) } ?? 0

    /// Begins the name of each, and comes after the names of a scenario's own tokens.
    static let prefix = "crowd-"

    /// Looks that fall due within this time share a wake-up, as in the daemon: then several are under way at once.
    ///
    /// With more than a tenth of a second, more of a scenario's own tokens would be due at once than the budget of failed
    /// logins of their provider lets begin.
    static let grain = Duration.milliseconds(100)

    private static let shortestInterval = Duration.seconds(60)

    /// By name.
    let tokens: [WatchedToken]
    fileprivate let api: CrowdAPI
    private let directory: String

    /// Their intervals are spread evenly from a minute to `length`: every token is looked at when the scenario begins, ten
    /// milliseconds after the one before, and some are at any time after that.
    ///
    /// With 5,000 tokens that makes 16,000 exchanges in ten minutes, 24,000 in an hour and 48,000 in half a year. One interval
    /// of a minute for all would make 300,000 in an hour.
    ///
    /// - Parameters:
    ///   - size: how many tokens.
    ///   - length: simulated time that the scenario takes.
    ///   - webhook: URL of the only notifier.
    /// - Throws: where the files or the port cannot be had.
    init(_ size: Int, for length: Duration, webhook: String) async throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "crowd-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
        api = try await CrowdAPI.start()
        let model = try Crowd.model(of: api, webhook: webhook)
        let span = max(length, Crowd.shortestInterval * 2) - Crowd.shortestInterval
        var tokens: [WatchedToken] = []
        for number in 0..<size {
            let name = Crowd.name(number)
            let path = "\(directory)/\(name)"
            let isWritten = FileManager.default.createFile(
                atPath: path,
                contents: Data(Crowd.secret(of: name).utf8),
                attributes: [.posixPermissions: 0o600]
            )
            precondition(isWritten, "cannot write \(path)")
            var token = model
            token.name = name
            token.secret = .file(path: path)
            token.interval = Crowd.shortestInterval + span * (number + 1) / size
            tokens.append(token)
        }
        self.tokens = tokens
    }

    /// Stops the API and removes the files.
    func disperse() async {
        await api.stop()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Has its API refuse one of them from now on.
    func refuse(_ number: Int) { api.refuse(Crowd.secret(of: Crowd.name(number))) }

    fileprivate static func secret(of name: TokenName) -> String { "\(name)-of-0123456789" }

    private static func name(_ number: Int) -> TokenName {
        let digits = String(number)
        let text = prefix + String(repeating: "0", count: max(0, 6 - digits.count)) + digits
        guard let name = TokenName(text) else { preconditionFailure("'\(text)' is no name of a token") }
        return name
    }

    /// One of them; a configuration of thousands takes long to read in a debug build.
    private static func model(of api: CrowdAPI, webhook: String) throws -> WatchedToken {
        let text = """
            version: 1
            defaults: {timeout: 120s}
            tokens: {\(prefix)model: {provider: crowd, secret: {file: /nowhere}}}
            providers:
              crowd:
                base_url: http://127.0.0.1:\(api.port)
                probe: {path: /me}
                identity: {id: /id}
            notifiers: {oncall: {type: webhook, url: "\(webhook)"}}
            """
        return try ConfigurationLoader.load(text: text, name: "crowd.yaml").tokens[0]
    }

    /// When something that is due at `due` is done: with all else of its tenth of a second, but on time where it is due just
    /// after the one before.
    static func wake(for due: Duration) -> Duration {
        let before = grain * Int((due / grain).rounded(.down))
        return due - before < .milliseconds(5) ? due : before + grain
    }
}

extension StatusDocument {
    /// The same without the crowd.
    var withoutCrowd: StatusDocument {
        let own = tokens.compactMap { name, report in TokenName(name).map { ($0, report) } }
            .filter { !$0.0.text.hasPrefix(Crowd.prefix) }
        return StatusDocument(
            generatedAt: generatedAt,
            validUntil: validUntil,
            monitor: monitor,
            tokens: Dictionary(uniqueKeysWithValues: own),
            notifiers: notifiers
        )
    }
}

extension Rig {
    /// Goes on until each of the crowd has had its turn since the last start, and then sees to it that nothing ever happened
    /// to one of them.
    func checkCrowd() async throws {
        guard let crowd, let daemon else { return }
        try await advance(by: crowd.firstRound)
        let names = crowd.tokens.map(\.name)
        let requests = crowd.api.requests
        expectNone(of: names.filter { requests[Crowd.secret(of: $0)] == nil }, "were never asked")
        let late = await daemon.watch.lateTokens(at: timekeeper.now().uptime)
        expectNone(of: late.filter { $0.text.hasPrefix(Crowd.prefix) }, "are late")
        let status = try everybodysStatus()
        expectNone(of: names.filter { status.tokens[$0.text]?.state != .valid }, "are not valid")
        #expect(status.summary == StateCensus(status.tokens.values.map(\.state)).summary)
        expectNone(of: try Crowd.news(in: "\(directory)/state"), "were told or doubted")
    }

    private func expectNone(of items: [some CustomStringConvertible], _ predicate: String) {
        let examples = items.prefix(3).map { $0.description.prefix(200) }.joined(separator: ", ")
        #expect(examples.isEmpty, "\(items.count) of the crowd \(predicate)")
    }
}

extension Crowd {
    /// How long after a start all have been looked at, where nothing holds them up.
    fileprivate var firstRound: Duration { .milliseconds(10) * tokens.count + .seconds(1) }

    /// What the database has of them but that they are valid.
    fileprivate static func news(in directory: String) throws -> [String] {
        let database = try DatabaseQueue(path: "\(directory)/state.db")
        defer { try? database.close() }
        return try database.read { database in
            try String.fetchAll(
                database,
                sql: """
                    SELECT document FROM alert WHERE document LIKE '%crowd%'
                    UNION ALL SELECT document FROM held_notice WHERE document LIKE '%crowd%'
                    UNION ALL SELECT name || ' ' || to_state || ': ' || explanation
                    FROM transition JOIN token ON token.id = token_id
                    WHERE name LIKE 'crowd-%' AND to_state <> 'valid'
                    """
            )
        }
    }
}
