import FoundationEssentials
import Testing
import TokenHealth
import VigilConfiguration

#if canImport(Foundation)
import Foundation
#endif

/// An answer in the style of a product, what is true of the token, and what it must be taken for: `Fixtures/refusals`.
struct Refusal: Decodable, CustomTestStringConvertible {
    struct Reply: Decodable {
        let status: Int
        let headers: [[String]]
        let body: String

        var exchange: Exchange {
            let fields = headers.map { HeaderField($0[0], $0[1]) }
            return Exchange(.answered(Answer(status: status, headers: fields, body: Array(body.utf8))))
        }
    }

    /// What is true, whatever the answer looks like.
    enum Truth: String, Decodable {
        case alive, dead, unknown
    }

    struct Expectation: Decodable, Equatable {
        let http: String
        let tallyfy: String
        let own: String
    }

    let product: String
    let source: String
    let title: String
    let token: Truth
    /// Whether other tokens of the API are accepted meanwhile.
    let siblings: Bool
    /// The rules of a fitting provider of one's own.
    let own: String
    let answer: Reply
    /// The same request without the token, now and before the trouble.
    let without: Reply
    let before: Reply
    let expected: Expectation?

    var testDescription: String { "\(product): \(title)" }

    static let directory = Fixtures.directory + "/refusals"
    static let kinds: [(name: String, heading: String)] = [
        ("tallyfy", "Tallyfy"), ("apis", "APIs"), ("frameworks", "Frameworks that APIs are built with"),
        ("gateways", "Gateways and proxies"), ("meshes", "Service meshes"), ("firewalls", "Firewalls"),
        ("portals", "Captive portals"), ("caches", "Caches"),
    ]

    static func all(of kind: String) -> [Refusal] {
        guard let data = try? Data(contentsOf: URL(filePath: "\(directory)/\(kind).json")) else { return [] }
        return (try? JSONDecoder().decode([Refusal].self, from: data)) ?? []
    }

    static let all = kinds.flatMap { all(of: $0.name) }
    /// Answers that may stand before any API, so before Tallyfy, too.
    static let inFront = ["tallyfy", "gateways", "meshes", "firewalls", "portals", "caches"].flatMap { all(of: $0) }

    /// The verdict on it, as a word of the table says it.
    func taken(by provider: String) throws -> (words: String, finding: Finding) {
        let lines = own.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n")
        let text = """
            version: 1
            providers:
              own:
                probe: {path: ""}
            \(lines)
            tokens:
              bot: {provider: \(provider), secret: {credential: bot}, base_url: "https://api.example.com"}
            """
        let token = try #require(try ConfigurationLoader.load(text: text, name: "refusal.yaml").tokens.first)
        let judge = Judge(token: token, siblingsPass: siblings, usualRefusal: AnswerShape(refusal: before.exchange))
        let finding = judge.finding(on: answer.exchange, control: without.exchange)
        let isOpen = judge.controlResult(of: without.exchange) == .open
        if case .accepted = finding.verdict, isOpen { return ("misconfigured: public endpoint", finding) }
        return (finding.words, finding)
    }
}

extension Finding {
    /// Verdict and reason, as they are shown; what is not said to be alive is marked.
    fileprivate var words: String {
        switch verdict {
        case .accepted: "accepted"
        case .limited(let limitation):
            "limited: \(limitation.rawValue)" + (showsLife ? "" : ", or dead: not said")
        case .rejected: statedReason == .refused ? "rejected: dead or without rights" : "rejected"
        case .indeterminate(let cause): "unknown: \(cause.rawValue)"
        case .misconfigured(let mistake): "misconfigured: \(mistake.code)"
        }
    }
}

@Suite struct RefusalCorpusTests {
    private static let providers = ["http", "tallyfy", "own"]

    @Test func `there are enough of them, each once`() {
        #expect(Refusal.all.count >= 120)
        #expect(Set(Refusal.all.map(\.testDescription)).count == Refusal.all.count)
    }

    @Test(arguments: Refusal.all) func `each is taken for what it is listed as`(refusal: Refusal) throws {
        guard ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == nil else { return }
        let found = Refusal.Expectation(
            http: try refusal.taken(by: "http").words,
            tallyfy: try refusal.taken(by: "tallyfy").words,
            own: try refusal.taken(by: "own").words
        )
        #expect(found == refusal.expected)
    }

    @Test(arguments: Refusal.all) func `no token is called dead that may be alive, nor alive that may be dead`(
        refusal: Refusal
    ) throws {
        let isInFront = Refusal.inFront.contains { $0.testDescription == refusal.testDescription }
        for provider in RefusalCorpusTests.providers where provider != "tallyfy" || isInFront {
            // Where nothing is known of an API, its own 401 is what RFC 9110 section 15.5.2 says: no valid credentials.
            if provider == "http", refusal.product == "Tallyfy", refusal.answer.status == 401 { continue }
            let (words, finding) = try refusal.taken(by: provider)
            if refusal.token != .dead { #expect(words != "rejected", "\(provider)") }
            if refusal.token != .alive {
                #expect(words != "accepted", "\(provider)")
                #expect(
                    finding.verdict.name != .limited || !finding.showsLife || provider == "own",
                    "\(provider): \(words)"
                )
            }
        }
    }

    @Test(arguments: Refusal.all) func `a provider of one's own knows every death`(refusal: Refusal) throws {
        // By design an error of the server says nothing, and what another list says is the administrator's to say.
        guard refusal.token == .dead, refusal.answer.status < 500 else { return }
        #expect(try refusal.taken(by: "own").words == "rejected")
    }

    // MARK: - The page

    private static let page = Fixtures.repository + "/docs/verdicts.md"
    private static let begin =
        "<!-- The tables are generated: UPDATE_GOLDEN=1 swift test --filter RefusalCorpusTests -->\n"

    private func cell(_ text: String) -> String {
        text.replacing("|", with: "\\|").replacing("<", with: "&lt;").replacing("\n", with: " ")
    }

    private func shown(_ reply: Refusal.Reply) -> String {
        let told = [
            "WWW-Authenticate", "Retry-After", "Age", "Warning", "cf-mitigated", "X-Seraph-LoginReason", "Location",
        ]
        let headers = reply.headers.filter { told.contains($0[0]) }.map { "\($0[0]): \($0[1].prefix(60))" }
        let isPage = reply.body.hasPrefix("<")
        let body =
            isPage ? "a page" : reply.body.isEmpty ? "" : "`" + reply.body.prefix(70).replacing("\n", with: " ") + "`"
        return ([String(reply.status), body] + headers).filter { !$0.isEmpty }.joined(separator: ", ")
    }

    private func tables() throws -> String {
        var text = RefusalCorpusTests.begin
        for kind in Refusal.kinds {
            text += "\n## \(kind.heading)\n\n"
            text += "| product | what happened | answer | the token is | `http` | `tallyfy` | one's own | source |\n"
            text += "| --- | --- | --- | --- | --- | --- | --- | --- |\n"
            for refusal in Refusal.all(of: kind.name) {
                let cells = [
                    refusal.product, refusal.title, shown(refusal.answer), refusal.token.rawValue,
                    try refusal.taken(by: "http").words, try refusal.taken(by: "tallyfy").words,
                    try refusal.taken(by: "own").words, refusal.source,
                ]
                text += "| " + cells.map(cell).joined(separator: " | ") + " |\n"
            }
        }
        return text
    }

    @Test func `the page of the verdicts is current`() throws {
        let page = try Fixtures.text(RefusalCorpusTests.page)
        let start = try #require(page.ranges(of: RefusalCorpusTests.begin).first?.lowerBound)
        let expected = try tables()
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
            try Data((page[..<start] + expected).utf8).write(to: URL(filePath: RefusalCorpusTests.page))
        } else {
            #expect(String(page[start...]) == expected)
        }
    }
}
