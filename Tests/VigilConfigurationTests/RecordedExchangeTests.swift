import FoundationEssentials
import Testing
import TokenHealth
import VigilConfiguration

/// What a server was asked and answered, with the verdict it must get: `Fixtures/exchanges`, written by
/// `Tests/RealServers/record` or, where nobody can install the server, by hand from its documentation.
struct Recording: Decodable, CustomTestStringConvertible {
    struct Request: Decodable {
        let method: String
        let url: String
        let headers: [String: String]
        let body: String?
    }

    struct Reply: Decodable {
        let status: Int
        let headers: [[String]]
        let body: String

        var exchange: Exchange {
            let fields = headers.map { HeaderField($0[0], $0[1]) }
            return Exchange(.answered(Answer(status: status, headers: fields, body: Array(body.utf8))))
        }
    }

    struct Expectation: Decodable, Equatable {
        let verdict: VerdictName
        let detail: String?
        let reason: RejectionReason?
    }

    let server: String
    let source: String
    let title: String
    let provider: String
    /// The YAML of a provider that is not built in.
    let own: String?
    let baseURL: String
    let request: Request
    let answer: Reply
    let control: Reply
    let expected: Expectation

    private enum CodingKeys: String, CodingKey {
        case server, source, title, provider, own, request, answer, control, expected
        case baseURL = "base_url"
    }

    var testDescription: String { "\(server): \(title)" }

    static let directory = Fixtures.directory + "/exchanges"
    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []).sorted()
    static let all = names.compactMap { name in
        (try? Data(contentsOf: URL(filePath: "\(directory)/\(name)"))).flatMap {
            try? JSONDecoder().decode(Recording.self, from: $0)
        }
    }

    /// The token as a user configures it.
    func token() throws -> WatchedToken {
        let asker = provider == "oauth2-introspection" ? ", ask_as: {credential: asker}" : ""
        let text = """
            version: 1
            tokens:
              bot: {provider: \(provider), secret: {credential: bot}, base_url: "\(baseURL)"\(asker)}
            \(own ?? "")
            """
        return try #require(try ConfigurationLoader.load(text: text, name: "test.yaml").tokens.first)
    }
}

extension Verdict {
    /// As a recording names it.
    fileprivate var detail: String? {
        switch self {
        case .accepted: nil
        case .limited(let limitation): limitation.rawValue
        case .rejected(.credential): "credential"
        case .rejected(.wrongIdentity): "wrong_identity"
        case .indeterminate(let cause): cause.rawValue
        case .misconfigured(.asker): "asker"
        case .misconfigured(let mistake): mistake.code
        }
    }
}

@Suite struct RecordedExchangeTests {
    @Test func `every recording can be read`() {
        #expect(Recording.all.count == Recording.names.count)
        #expect(Recording.names.count > 90)
    }

    @Test(arguments: Recording.all) func `an answer of a real server gets its verdict`(recording: Recording) throws {
        let judge = Judge(token: try recording.token())
        let exchange = recording.answer.exchange
        let control = judge.needsControl(for: exchange) ? recording.control.exchange : nil
        let finding = judge.finding(on: exchange, control: control)
        let found = Recording.Expectation(
            verdict: finding.verdict.name,
            detail: finding.verdict.detail,
            reason: finding.statedReason
        )
        #expect(found == recording.expected, "\(finding.observation)")
    }

    @Test(arguments: Recording.all) func `no endpoint that was recorded is open to everybody`(
        recording: Recording
    ) throws {
        let judge = Judge(token: try recording.token())
        #expect(judge.controlResult(of: recording.control.exchange) != .open)
    }

    @Test(arguments: Recording.all) func `what was asked is what the provider asks`(recording: Recording) throws {
        let token = try recording.token()
        #expect(token.probe.method == recording.request.method)
        #expect(token.probeURL == recording.request.url)
        #expect((token.probe.body == nil) == (recording.request.body == nil))
        var sent = token.probe.headers.reduce(into: [:]) { $0[$1.name] = $1.value }
        let template = token.provider.authorization
        for name in [template.header] + template.alsoIn {
            sent[name] = template.value.replacing(/\{(?:token|asker)(?::base64)?\}/, with: "[secret]")
        }
        let ours = ["User-Agent", "Accept-Encoding", "Cache-Control", "Content-Type"]
        #expect(sent == recording.request.headers.filter { !ours.contains($0.key) })
    }

    @Test func `the page of a web application firewall is the very page of a plain refusal`() throws {
        func body(_ name: String) throws -> String {
            try #require(Recording.all.first { $0.server.hasPrefix("nginx") && $0.title.contains(name) }).answer.body
        }
        #expect(try body("Core Rule Set") == body("deny all"))
    }

    @Test(arguments: ["JupyterHub", "Jupyter Server", "Keystone"])
    func `some servers answer a dead token and none at all alike, and it is dead all the same`(server: String) throws {
        let dead = Recording.all.filter { $0.server.hasPrefix(server) && $0.expected.verdict == .rejected }
        #expect(!dead.isEmpty)
        for recording in dead {
            #expect(recording.answer.body == recording.control.body)
            #expect(recording.answer.status == recording.control.status)
        }
    }

    @Test(arguments: [
        "django-rest", "github", "gitlab", "http", "jupyterhub", "matrix", "oauth2-introspection", "openstack-keystone",
        "slack",
    ]) func `every built-in provider has an acceptance and a rejection on record`(provider: String) {
        let verdicts = Set(Recording.all.filter { $0.provider == provider }.map(\.expected.verdict))
        #expect(verdicts.isSuperset(of: [.accepted, .rejected]))
    }

    @Test func `the end that Keystone tells is read`() throws {
        let good = try #require(
            Recording.all.first { $0.server.hasPrefix("Keystone") && $0.expected.verdict == .accepted }
        )
        let facts = try good.token().probe.facts(in: good.answer.exchange, at: Date(timeIntervalSince1970: 0))
        #expect(facts.expiresAt == Date(timeIntervalSince1970: 1_795_428_000))
    }

    @Test(arguments: Recording.names) func `no recording holds a secret`(name: String) throws {
        let text = try Fixtures.text("\(Recording.directory)/\(name)")
        for secret in ["correct-horse", "syt_", "asker-s3cr3t", "oauth-good-", "gAAAAA", "token-0123456789", "eyJ"] {
            #expect(!text.contains(secret), "\(secret)")
        }
    }
}
