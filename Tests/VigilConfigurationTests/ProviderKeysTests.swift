import Testing
import TokenHealth
import VigilConfiguration

/// What a provider of one's own can be made of.
@Suite struct ProviderKeysTests {
    private func token(_ provider: String, _ token: String = "") throws -> WatchedToken {
        let text = """
            version: 1
            tokens: {bot: {provider: own, secret: {credential: bot}\(token)}}
            providers:
              own:
            \(provider.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n"))
            """
        return try #require(try ConfigurationLoader.load(text: text, name: "test.yaml").tokens.first)
    }

    @Test(arguments: [
        ("{header: PRIVATE-TOKEN, value: '{token}'}", AuthorizationTemplate(header: "PRIVATE-TOKEN", value: "{token}")),
        ("{value: 'token {token}'}", AuthorizationTemplate(value: "token {token}")),
        ("{value: 'Basic {token:base64}'}", AuthorizationTemplate(value: "Basic {token:base64}")),
        (
            "{header: X-Auth-Token, value: '{token}', also: [X-Subject-Token]}",
            AuthorizationTemplate(header: "X-Auth-Token", value: "{token}", alsoIn: ["X-Subject-Token"])
        ),
    ]) func `the token goes into whatever header an API wants`(text: String, template: AuthorizationTemplate) throws {
        let token = try token("base_url: https://a.example.com\nprobe: {path: /me}\nauth: \(text)")
        #expect(token.provider.authorization == template)
    }

    @Test func `a form makes a POST, and keeps its order`() throws {
        let token = try token(
            """
            base_url: https://a.example.com
            probe: {path: /introspect, form: {token: '{token}', hint: access, n: 5}}
            auth: {value: 'Basic {asker:base64}'}
            """,
            ", ask_as: {file: /run/asker}"
        )
        let fields = [("token", "{token}"), ("hint", "access"), ("n", "5")].map { HeaderField($0.0, $0.1) }
        #expect(token.probe.body == .form(fields))
        #expect(token.probe.method == "POST")
        #expect(token.asker == .file(path: "/run/asker"))
    }

    @Test func `a JSON document is written as YAML`() throws {
        let token = try token(
            """
            base_url: https://a.example.com
            probe:
              path: /graphql
              json: {query: '{ viewer { id } }', variables: {n: 12345678901234567890, s: "5", t: true, u: null}, l: [1.5]}
            """
        )
        let big = try #require(JSONNumber(parsing: "12345678901234567890"))
        let variables: JSONValue = .object(["n": .number(big), "s": .string("5"), "t": .bool(true), "u": .null])
        let document: [String: JSONValue] = [
            "query": .string("{ viewer { id } }"), "variables": variables, "l": .array([.number(1.5)]),
        ]
        #expect(token.probe.body == .json(.object(document)))
        #expect(token.probe.method == "POST")
    }

    @Test(arguments: [
        ("https://a.example.com/api/me/", "https://a.example.com/api/me/"),
        ("https://a.example.com/api/me", "https://a.example.com/api/me"),
        ("https://a.example.com/me?x=1", "https://a.example.com/me?x=1"),
        ("https://a.example.com", "https://a.example.com"),
    ]) func `with an empty path base_url is the whole address, to the last slash`(base: String, url: String) throws {
        #expect(try token("probe: {path: ''}", ", base_url: '\(base)'").probeURL == url)
    }

    @Test func `with a path slashes at the end of base_url do not count`() throws {
        #expect(
            try token("probe: {path: /me}", ", base_url: 'https://a.example.com/'").probeURL
                == "https://a.example.com/me"
        )
        let own = try token("base_url: https://a.example.com/me/\nprobe: {path: ''}")
        #expect(own.probeURL == "https://a.example.com/me/")
    }

    @Test func `rules may say what they mean more exactly`() throws {
        let token = try token(
            """
            base_url: https://a.example.com
            probe: {path: /me}
            rejected: [{status: 401, reason: expired}, {status: 410, reason: revoked}, {status: 403}]
            limited: [{status: 423, reason: locked}, {status: 402, reason: step_up}, {status: 409}]
            """
        )
        #expect(token.probe.rejected.map(\.meaning) == [.rejection(.expired), .rejection(.revoked), nil])
        #expect(token.probe.limited.map(\.meaning) == [.limitation(.locked), .limitation(.stepUp), nil])
    }

    @Test func `a literal with more digits than a Double has is compared whole`() throws {
        let token = try token(
            """
            base_url: https://a.example.com
            probe: {path: /me}
            accepted: [{json: {/id: 9007199254740993}}]
            """
        )
        func verdict(_ id: String) -> Verdict {
            let answer = Answer(status: 200, body: Array("{\"id\":\(id)}".utf8))
            return Judge(token: token).finding(on: Exchange(.answered(answer))).verdict
        }
        #expect(verdict("9007199254740993") == .accepted(nil))
        #expect(verdict("9007199254740992") == .indeterminate(.unexpected))
    }
}
