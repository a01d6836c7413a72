import TokenHealth
import Testing

@testable import VigilEngine

/// An OAuth client, checked by asking for a token.
struct GrantLookTests {
    private static let tokenPath = "/oauth/token"
    private static let userPath = "/applications/o1/users/bot%40example.test/token"

    private func bench(delegated: Bool = false, isProbed: Bool = false) -> LookBench {
        var token = Sample.token()
        token.parameters = ["organization": "o1"]
        let path = "/applications/{organization}/users/{user}/token"
        var client = ClientCredentials(clientID: "105", tokenURL: "https://api.example.test/oauth/token", scope: "*")
        if delegated { client.delegation = Delegation(path: path, headers: [], user: "bot@example.test") }
        client.isProbed = delegated || isProbed
        token.grant = .clientCredentials(client)
        let bench = LookBench(token)
        bench.endpoints.answer(GrantLookTests.tokenPath, Reply.granted("app-0123456789"))
        bench.endpoints.answer(GrantLookTests.userPath, Reply.granted("obo-0123456789", seconds: 7_776_000))
        bench.endpoints.answer("/me", Reply.accepted)
        return bench
    }

    @Test func `the request for a token is the whole check, and rests for an hour`() async {
        let bench = bench()
        bench.timekeeper.advance(by: .seconds(1))
        #expect(await bench.look() == ["/oauth/token first"])
        #expect(bench.belief.state == .valid)
        #expect(bench.rest == .seconds(3600))
        #expect(bench.belief.explanation == "accepted: HTTP 200, a token granted to client 105, good for 7 d")
        #expect(bench.belief.expiresAt == nil)
    }

    @Test func `the form says what is asked for, and by whom`() {
        var client = ClientCredentials(clientID: "105", tokenURL: "https://api.example.test/oauth/token", scope: "*")
        #expect(client.question.body?.texts == ["client_credentials", "*", "105", "{token}"])
        #expect(client.question.basicUser == nil)
        client.authentication = .basic
        #expect(client.question.body?.texts == ["client_credentials", "*"])
        #expect(client.question.basicUser == "105")
        #expect(client.question.authorization == nil)
        #expect(client.question.headers.map(\.value) == ["application/json"])
    }

    @Test func `while it rests the secret alone is looked at, and a new one is tried at once`() async {
        let bench = bench()
        await bench.look()
        #expect(await bench.look(isResting: true) == [])
        bench.secrets.put("second")
        #expect(await bench.look(isResting: true) == ["/oauth/token second"])
    }

    @Test(arguments: [400, 401])
    func `a client that is refused is dead after three times, each on a fresh connection`(status: Int) async {
        let bench = bench()
        await bench.look()
        bench.endpoints.answer(GrantLookTests.tokenPath, Reply.json(status, #"{"error":"invalid_client"}"#))
        for _ in 1...3 { await bench.look(after: 15) }
        #expect(bench.belief.state == .invalid(.rejected))
        #expect(bench.told == [.invalidated])
        bench.endpoints.answer(GrantLookTests.tokenPath, Reply.granted("app-0123456789"))
        await bench.look()
        #expect(bench.told == [.invalidated, .recovered])
    }

    @Test(arguments: [
        Reply.json(503, "{}"), Reply.json(400, #"{"error":"temporarily_unavailable"}"#),
        Reply.json(400, #"{"error":"slow_down"}"#), Reply.json(200, "{}"), Reply.unreachable,
    ])
    func `trouble at the endpoint kills nothing, and is looked into every interval`(answer: Exchange) async {
        let bench = bench()
        await bench.look()
        bench.endpoints.answer(GrantLookTests.tokenPath, answer)
        for _ in 1...10 { await bench.look() }
        #expect(bench.belief.state.name == .unknown)
        #expect(bench.rest == .seconds(60))
        #expect(bench.told == [])
    }

    @Test func `no request is made without a secret to find out what that looks like`() async {
        let bench = bench()
        bench.endpoints.answer(GrantLookTests.tokenPath, Reply.json(401, #"{"error":"invalid_client"}"#))
        #expect(await bench.look() == ["/oauth/token first"])
    }

    // MARK: - A token that is tried

    @Test func `what was granted is tried every interval, and asked for every hour`() async {
        let bench = bench(isProbed: true)
        #expect(await bench.look() == ["/oauth/token first", "/me app-0123456789", "/me"])
        #expect(bench.rest == .seconds(60))
        var controls = 0
        for _ in 1...59 {
            let asked = await bench.look()
            #expect(asked.filter { $0 != "/me" } == ["/me app-0123456789"])
            controls += asked.count - 1
        }
        #expect(controls == 1)
        #expect(await bench.look() == ["/oauth/token first", "/me app-0123456789"])
    }

    @Test func `a user's token is asked for with the application's, and kept`() async {
        let bench = bench(delegated: true)
        #expect(
            await bench.look() == [
                "/oauth/token first", "\(GrantLookTests.userPath) app-0123456789", "/me obo-0123456789", "/me",
            ]
        )
        #expect(bench.belief.identity?.id == "12345")
        #expect(await bench.look() == ["/me obo-0123456789"])
        #expect(await bench.look(after: 3600) == ["/oauth/token first", "/me obo-0123456789", "/me"])
        let days = 45 * 86_400
        #expect(await bench.look(after: days).contains("\(GrantLookTests.userPath) app-0123456789"))
    }

    @Test func `a kept token that was revoked is replaced, and nobody is told`() async {
        let bench = bench(delegated: true)
        await bench.look()
        bench.endpoints.answer("/me", Reply.unauthenticated, Reply.accepted)
        let asked = await bench.look()
        #expect(
            asked.map { $0.prefix { $0 != " " } } == [
                "/me", "/me", "/oauth/token", "\(GrantLookTests.userPath)", "/me",
            ]
        )
        #expect(bench.belief.state == .valid)
        #expect(bench.told == [])
    }

    @Test func `a new token that is refused is a rejection, with one new token a look`() async {
        let bench = bench(delegated: true)
        bench.endpoints.answer("/me", Reply.unauthenticated)
        await bench.look()
        #expect(bench.belief.state.name == .suspect)
        #expect(await bench.look(after: 15).filter { $0.hasPrefix("/oauth") }.count == 1)
        await bench.look(after: 15)
        #expect(bench.belief.state == .invalid(.rejected))
        #expect(bench.told == [.invalidated])
    }

    @Test(arguments: [403, 404, 422])
    func `a user it may not act for is a limit`(status: Int) async {
        let bench = bench(delegated: true)
        bench.endpoints.answer(GrantLookTests.userPath, Reply.json(status, #"{"message":"no"}"#))
        for _ in 1...3 { await bench.look(after: 15) }
        #expect(bench.belief.state == .limited(.delegationRefused))
        #expect(bench.told == [.limited])
        #expect(await bench.look() == ["\(GrantLookTests.userPath) app-0123456789"])
    }

    @Test func `other settings and another secret begin with an empty purse`() async {
        let bench = bench(isProbed: true)
        await bench.look()
        guard case .clientCredentials(var client)? = bench.token.grant else { preconditionFailure("no client") }
        client.clientID = "106"
        bench.token.grant = .clientCredentials(client)
        #expect(await bench.look().first == "/oauth/token first")
        bench.secrets.put("second")
        #expect(await bench.look().first == "/oauth/token second")
    }

    @Test func `one rejection that is believed at once is asked for twice`() async {
        let bench = bench()
        bench.token.confirmation = Confirmation(rejections: 1, over: .zero)
        bench.endpoints.answer(GrantLookTests.tokenPath, Reply.json(401, #"{"error":"invalid_client"}"#))
        #expect(await bench.look() == ["/oauth/token first", "/oauth/token first"])
        #expect(bench.belief.state == .invalid(.rejected))
    }

    @Test func `an application is in nobody's organizations`() async {
        let bench = bench(isProbed: true)
        bench.token.provider.membership = MembershipTemplate.sample
        #expect(await bench.look(after: 1) == ["/oauth/token first", "/me app-0123456789", "/me"])
        #expect(await bench.look() == ["/me app-0123456789"])
    }

    @Test func `scopes that were granted are remembered`() async {
        let bench = bench()
        func granted(_ scope: String) -> Exchange {
            Reply.json(200, #"{"access_token":"app-0123456789","scope":"\#(scope)"}"#)
        }
        bench.endpoints.answer(GrantLookTests.tokenPath, granted("read write"))
        await bench.look()
        bench.endpoints.answer(GrantLookTests.tokenPath, granted("read"))
        await bench.look()
        #expect(bench.belief.state == .limited(.scopesShrunk))
    }
}

/// What a JWT says of its scopes.
struct ScopeLookTests {
    @Test func `it counts where the API says nothing`() async {
        let bench = LookBench(Sample.token())
        bench.token.expectedScopes = ["repo"]
        // {"scopes":["read"]}
        bench.secrets.put("eyJh.eyJzY29wZXMiOlsicmVhZCJdfQ.c2ln")
        bench.endpoints.answer("/me", Reply.status(503), Reply.accepted)
        await bench.look()
        #expect(bench.belief.state.name == .unknown)
        await bench.look()
        #expect(bench.belief.state == .limited(.scopesShrunk))
        await bench.look()
        #expect(bench.belief.state == .limited(.scopesShrunk))
        // {"scope":"repo read"}
        bench.secrets.put("eyJh.eyJzY29wZSI6InJlcG8gcmVhZCJ9.c2ln")
        await bench.look()
        #expect(bench.belief.state == .valid)
    }
}

/// A page of the memberships after an accepted probe.
struct MembershipLookTests {
    private func bench() -> LookBench {
        var token = Sample.token()
        token.provider.membership = MembershipTemplate.sample
        token.parameters = ["organization": "o1"]
        let bench = LookBench(token)
        bench.endpoints.answer("/me", Reply.accepted)
        bench.endpoints.answer("/orgs?page=1", Reply.json(200, #"{"data":["o0"],"pages":2}"#))
        bench.endpoints.answer("/orgs?page=2", Reply.json(200, #"{"data":["o1"],"pages":2}"#))
        return bench
    }

    @Test func `no look makes more than two requests`() async {
        let bench = bench()
        #expect(await bench.look() == ["/me first", "/me"])
        #expect(await bench.look() == ["/me first", "/orgs?page=1 first"])
        #expect(await bench.look() == ["/me first", "/orgs?page=2 first"])
        #expect(await bench.look() == ["/me first"])
        #expect(await bench.look(after: 900) == ["/me first", "/orgs?page=2 first"])
    }

    @Test func `the organization is not asked for where the token is not accepted`() async {
        let bench = bench()
        await bench.look()
        bench.endpoints.answer("/me", Reply.unauthenticated)
        #expect(await bench.look() == ["/me first", "/me"])
        #expect(await bench.look(after: 15) == ["/me first"])
    }

    @Test func `a wait that the list asks for is kept`() async {
        let bench = bench()
        await bench.look()
        bench.endpoints.answer("/orgs?page=1", Reply.status(429, [HeaderField("Retry-After", "600")]))
        await bench.look()
        #expect(bench.belief.state == .valid)
        #expect(bench.rest == .seconds(600))
    }
}

extension MembershipTemplate {
    fileprivate static let sample = MembershipTemplate(
        path: "/orgs?page={page}",
        parameter: "organization",
        list: pointer("/data"),
        totalPages: pointer("/pages")
    )

    private static func pointer(_ text: String) -> JSONPointer {
        guard let pointer = JSONPointer(text) else { preconditionFailure("\(text) is no pointer") }
        return pointer
    }
}
