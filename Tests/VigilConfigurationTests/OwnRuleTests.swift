import Testing
import TokenHealth
import VigilConfiguration

/// The rules of a provider of one's own, which decide over walls, pages and challenges.
@Suite struct OwnRuleTests {
    private func judge(_ rules: String, auth: String = "") throws -> Judge {
        let text = """
            version: 1
            providers:
              own:
                base_url: https://api.example.com
                probe: {path: /me}
            \(rules.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n"))
            tokens: {bot: {provider: own, secret: {credential: bot}}}
            """
        return Judge(token: try #require(try ConfigurationLoader.load(text: text, name: "own.yaml").tokens.first))
    }

    private func answer(_ status: Int, _ body: String = "", _ headers: [HeaderField] = []) -> Exchange {
        Exchange(.answered(Answer(status: status, headers: headers, body: Array(body.utf8))))
    }

    private let page = "<!DOCTYPE html><html><title>Unauthorized</title></html>"
    private let pageType = HeaderField("Content-Type", "text/html")

    @Test func `a Basic challenge that is the API's`() throws {
        let judge = try judge("rejected: [{status: 401}]")
        let refusal = answer(401, " ", [HeaderField("WWW-Authenticate", #"Basic realm="Redmine API""#)])
        #expect(judge.finding(on: refusal, control: refusal).verdict == .rejected(.credential))
        // Everybody lists 401, and a wall's page is still a wall's.
        #expect(judge.finding(on: answer(401, page, [pageType])).verdict == .indeterminate(.blocked))
    }

    @Test func `a rule on a header, beside a page`() throws {
        let judge = try judge(
            """
            limited: [{header: {X-Seraph-LoginReason: AUTHENTICATION_DENIED}, reason: locked}]
            rejected: [{header: {X-Seraph-LoginReason: AUTHENTICATED_FAILED}}, {status: 401, json: {/message: present}}]
            """
        )
        func refusal(_ status: Int, _ reason: String) -> Exchange {
            answer(status, page, [pageType, HeaderField("X-Seraph-LoginReason", reason)])
        }
        #expect(judge.finding(on: refusal(401, "AUTHENTICATED_FAILED")).verdict == .rejected(.credential))
        #expect(judge.finding(on: refusal(403, "AUTHENTICATION_DENIED")).verdict == .limited(.locked))
        #expect(judge.finding(on: refusal(401, "OUT")).verdict == .indeterminate(.blocked))
        #expect(judge.finding(on: refusal(302, "AUTHENTICATED_FAILED")).verdict == .indeterminate(.redirected))
    }

    @Test func `a page by a status that nobody else gives`() throws {
        let judge = try judge("rejected: [{status: 401, body: 'has expired', reason: expired}, {status: 203}]")
        #expect(judge.finding(on: answer(203, page, [pageType])).verdict == .rejected(.credential))
        let expired = judge.finding(on: answer(401, "<html>The token used has expired</html>", [pageType]))
        #expect(expired.verdict == .rejected(.credential))
        #expect(expired.statedReason == .expired)
    }

    @Test func `what the answer says decides between two lists`() throws {
        let judge = try judge(
            """
            rejected: [{status: 403, body: invalid token}]
            limited: [{status: 403, body: permission denied}]
            """
        )
        let dead = #"{"errors":["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"]}"#
        #expect(judge.finding(on: answer(403, dead)).verdict == .rejected(.credential))
        #expect(judge.finding(on: answer(403, #"{"errors":["permission denied"]}"#)).verdict == .limited(.forbidden))
    }

    @Test func `a rule that looks inside comes before one on the status`() throws {
        let judge = try judge("rejected: [{status: 403, json: {/code: 7}}]\nlimited: [{status: 403}]")
        #expect(judge.finding(on: answer(403, #"{"code":7}"#)).verdict == .rejected(.credential))
        #expect(judge.finding(on: answer(403, #"{"code":8}"#)).verdict == .limited(.forbidden))
    }

    @Test func `what the answer says counts where no rule matches`() throws {
        let judge = try judge("rejected: [{status: 401, json: {/errcode: M_UNKNOWN_TOKEN}}]")
        #expect(judge.finding(on: answer(401, #"{"error":"invalid_token"}"#)).verdict == .rejected(.credential))
        #expect(judge.finding(on: answer(401, #"{"error":"no"}"#)).verdict == .indeterminate(.unexpected))
    }

    @Test func `a copy of a built-in description is that description`() throws {
        for name in ["http", "github"] {
            let yaml = try #require(ProviderCatalog.builtIn.yaml(of: name))
            let lines =
                "version: 1\ntokens: {bot: {provider: \(name), secret: {credential: bot}, base_url: https://a.example.com}}"
            let copied = try ConfigurationLoader.load(text: lines + "\n" + yaml, name: "a.yaml").tokens
            #expect(try copied == ConfigurationLoader.load(text: lines, name: "a.yaml").tokens)
        }
    }

    // MARK: - Rules that can never apply

    @Test(arguments: [
        ("rejected: [{status: 500, body: expired}]", "rejected[0] can never apply: redirects"),
        ("rejected: [{status: 302}, {status: 401}]", "rejected[0] can never apply: redirects"),
        ("limited: [{status: [403, 429]}]", "limited[0] can never apply to 429: redirects"),
        ("unrelated: [{status: 5xx}]", "unrelated[0] can never apply: redirects"),
        ("accepted: [{status: 401}]", "accepted[0] can never apply: only a 2xx"),
    ])
    func `a rule that can never apply is warned of`(rule: String, warning: String) throws {
        let text = """
            version: 1
            providers: {own: {base_url: "https://api.example.com", probe: {path: /me}, \(rule)}}
            tokens: {bot: {provider: own, secret: {credential: bot}}}
            """
        let warnings = try ConfigurationLoader.load(text: text, name: "own.yaml").warnings.map(\.message)
        #expect(warnings.contains { $0.hasPrefix(warning) }, "\(warnings)")
    }

    @Test(arguments: [
        "{status: 401}", "{status: 498}", "{status: 4xx, body: x}", "{header: {X-A: b}}", "{status: 203}",
    ])
    func `and no other`(rule: String) throws {
        let text = """
            version: 1
            providers: {own: {base_url: "https://api.example.com", probe: {path: /me}, rejected: [\(rule)]}}
            tokens: {bot: {provider: own, secret: {credential: bot}}}
            """
        let warnings = try ConfigurationLoader.load(text: text, name: "own.yaml").warnings.map(\.message)
        #expect(!warnings.contains { $0.contains("never apply") }, "\(warnings)")
    }
}
