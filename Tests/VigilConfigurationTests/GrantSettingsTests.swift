import Testing
import TokenHealth
import VigilConfiguration

/// Tokens that come from a grant, and what providers say of them.
@Suite struct GrantSettingsTests {
    private func token(_ lines: String, rest: String = "") throws -> WatchedToken {
        try #require(try configuration(token: lines, rest: rest).tokens.first)
    }

    private func client(_ lines: String, rest: String = "") throws -> ClientCredentials? {
        guard case .clientCredentials(let client)? = try token(lines, rest: rest).grant else { return nil }
        return client
    }

    @Test func `an application of Tallyfy needs its id alone`() throws {
        let client = try client("grant: {type: client_credentials, client_id: 105}")
        #expect(
            client
                == ClientCredentials(
                    clientID: "105",
                    tokenURL: "https://account.tallyfy.com/oauth/token",
                    scope: "*",
                    every: .seconds(3600)
                )
        )
    }

    @Test func `its token is not tried, unless a probe is named`() throws {
        let grant = "grant: {type: client_credentials, client_id: 105}"
        #expect(try client(grant)?.isProbed == false)
        #expect(try client("\(grant)\nprobe: tasks\norganization: o1")?.isProbed == true)
    }

    @Test func `the life of a personal token says nothing about a client, nor does its remedy`() throws {
        let token = try token("grant: {type: client_credentials, client_id: 105}")
        #expect(token.provider.lifetime == nil)
        #expect(
            token.provider.remedy.causes == [
                "the application's secret was changed", "the application was disabled or deleted",
            ]
        )
    }

    @Test func `on behalf of a user, the user's token is tried`() throws {
        let grant = "grant: {type: client_credentials, client_id: 105, on_behalf_of: a@example.com}"
        let token = try token("\(grant)\norganization: o1")
        guard case .clientCredentials(let client)? = token.grant, let delegation = client.delegation else {
            Issue.record("no client, or no user")
            return
        }
        #expect(client.isProbed)
        let question = token.question(for: delegation)
        #expect(question.text == "POST https://go.tallyfy.com/api/applications/o1/users/a%40example.com/token")
        #expect(question.headers.contains(HeaderField("X-Tallyfy-Client", "APIClient")))
        #expect(question.isGrantRequest)
    }

    @Test func `a token may say everything itself`() throws {
        let client = try client(
            """
            grant:
              type: client_credentials
              client_id: me
              token_url: http://127.0.0.1:9000/t
              scope: a b
              authentication: basic
              every: 10m
            """
        )
        var expected = ClientCredentials(clientID: "me", tokenURL: "http://127.0.0.1:9000/t", scope: "a b")
        expected.authentication = .basic
        expected.every = .seconds(600)
        #expect(client == expected)
    }

    @Test func `an endpoint that refuses in its own words has them listed`() throws {
        let client = try client(
            """
            grant:
              type: client_credentials
              client_id: me
              token_url: https://sso.example.com/t
              rejected: [{status: 403, json: {/code: GONE}, reason: revoked}]
              limited: [{status: 423, reason: locked}]
              unrelated: [{body: maintenance}]
            """
        )
        #expect(client?.rejected.map(\.meaning) == [.rejection(.revoked)])
        #expect(client?.limited.map(\.meaning) == [.limitation(.locked)])
        #expect(client?.unrelated.count == 1)
    }

    @Test func `plain http to a token endpoint needs a word as well`() throws {
        let grant = "grant: {type: client_credentials, client_id: a, token_url: 'http://sso.example.com/t'}"
        #expect(throws: ConfigurationErrors.self) { try client(grant) }
        #expect(try client("allow_plaintext: true\n\(grant)")?.tokenURL == "http://sso.example.com/t")
    }

    @Test func `a token that others renew is watched without a ladder and without an estimate`() throws {
        let token = try token("grant: {type: refresh_token}")
        #expect(token.grant == .refreshToken)
        #expect(token.expirySteps == [])
        #expect(token.provider.lifetime == nil)
        #expect(token.provider.remedy.causes.first == "the program that renews it has stopped")
        #expect(try self.token("grant: {type: refresh_token}\nexpiry_steps: [1h]").expirySteps == [.seconds(3600)])
    }

    @Test func `a provider says where answers tell expiry and scopes`() throws {
        let own = """
            providers:
              tallyfy:
                base_url: https://a.example.com
                probe: {path: /}
                expiry: {header: X-Expires}
                scopes: {json: /scope}
                probes:
                  other: {path: /x, expiry: {seconds_left: /expires_in}, scopes: {header: X-Scopes}}
                  third: {path: /y, expiry: {json: /exp}}
            """
        let provider = try token("expect: {scopes: [a, b]}", rest: own).provider
        #expect(provider.probe.expiry == .header("X-Expires"))
        #expect(provider.probe.scopes == JSONPointer("/scope").map { .json($0) })
        #expect(provider.otherProbes["other"]?.expiry == JSONPointer("/expires_in").map { .secondsLeft($0) })
        #expect(provider.otherProbes["other"]?.scopes == .header("X-Scopes"))
        #expect(provider.otherProbes["third"]?.expiry == JSONPointer("/exp").map { .json($0) })
        #expect(try token("expect: {scopes: [a, b]}", rest: own).expectedScopes == ["a", "b"])
    }

    @Test func `the organization of a Tallyfy token is looked for, page by page`() throws {
        let token = try token("organization: o1")
        #expect(
            token.membershipQuestion(page: 3)?.text
                == "GET https://go.tallyfy.com/api/me/organizations?page=3&per_page=25"
        )
        #expect(token.provider.membership?.every == .seconds(900))
        #expect(token.provider.membership?.parameter == "organization")
    }

    @Test func `scopes that may never be told are a warning`() throws {
        let journal = "notifiers: {journal: {type: journald}}"
        let warnings = try configuration(token: "expect: {scopes: [a]}", rest: journal).warnings
        #expect(warnings.count == 1)
        #expect(warnings.first?.message.hasPrefix("scopes can only be checked where the token is a JWT") == true)
    }
}
