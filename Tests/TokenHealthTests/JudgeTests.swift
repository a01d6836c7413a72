import TokenHealth
import Testing

/// One row of table 5.1.
struct VerdictRow: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let exchange: Exchange
    let control: Exchange?
    let verdict: Verdict

    init(_ description: String, _ exchange: Exchange, _ verdict: Verdict, control: Exchange? = nil) {
        testDescription = description
        self.exchange = exchange
        self.control = control
        self.verdict = verdict
    }
}

struct JudgeTests {
    private static let challenge = "WWW-Authenticate"
    private static let noSecret = SecretProblem.missing(source: "file /x")

    private static let silence: [VerdictRow] = [
        VerdictRow("no secret", Exchange(.withheld(noSecret)), .misconfigured(.secret(noSecret))),
        VerdictRow(
            "a host that is short of something",
            Exchange(.withheld(.unavailable(source: "file /x", cause: "Too many open files"))),
            .indeterminate(.hostFailure)
        ),
        VerdictRow("no name", Reply.failed(.dns), .indeterminate(.dns)),
        VerdictRow("no connection", Reply.failed(.network), .indeterminate(.network)),
        VerdictRow("no answer in time", Reply.failed(.timeout), .indeterminate(.timeout)),
        VerdictRow("no trust", Reply.failed(.tls), .indeterminate(.tls)),
    ]

    private static let success: [VerdictRow] = [
        VerdictRow("200 with the fields", Reply.accepted, .acceptedOwner),
        VerdictRow("200 login page", Reply.html(200), .indeterminate(.unexpected)),
        VerdictRow("200 page without a type", Reply.text(200, Reply.loginPage), .indeterminate(.unexpected)),
        VerdictRow("200 page after white space", Reply.text(200, "\n\t <HTML>"), .indeterminate(.unexpected)),
        VerdictRow(
            "200 JSON under the name of a page",
            Reply.text(200, #"{"data":{"id":"7"}}"#, [HeaderField("Content-Type", "text/html")]),
            .accepted(Identity(id: "7", name: nil))
        ),
        VerdictRow(
            "200 text under the name of a page",
            Reply.text(200, #""fine""#, [HeaderField("Content-Type", "text/html")]),
            .indeterminate(.unexpected)
        ),
        VerdictRow("200 not JSON", Reply.text(200, "fine"), .indeterminate(.unexpected)),
        VerdictRow("200 empty", Reply.text(200), .indeterminate(.unexpected)),
        VerdictRow("200 half a document", Reply.json(200, #"{"data":{"id":1"#), .indeterminate(.unexpected)),
        VerdictRow("200 without the field", Reply.json(200, #"{"data":{}}"#), .indeterminate(.unexpected)),
        VerdictRow("200 with the field null", Reply.json(200, #"{"data":{"id":null}}"#), .indeterminate(.unexpected)),
        VerdictRow("200 with data null", Reply.json(200, #"{"data":null}"#), .indeterminate(.unexpected)),
        VerdictRow("200 with a list", Reply.json(200, "[]"), .indeterminate(.unexpected)),
        VerdictRow("200 whose id is no scalar", Reply.json(200, #"{"data":{"id":[1]}}"#), .indeterminate(.unexpected)),
        VerdictRow("200 whose id is empty", Reply.json(200, #"{"data":{"id":""}}"#), .indeterminate(.unexpected)),
        VerdictRow(
            "200 cut short",
            Reply.text(200, #"{"data":{"id":12345}}"#, isCut: true),
            .indeterminate(.unexpected)
        ),
        VerdictRow(
            "200 compressed",
            Reply.json(200, #"{"data":{"id":12345}}"#, [HeaderField("content-encoding", "GZIP")]),
            .indeterminate(.unexpected)
        ),
        VerdictRow(
            "200 encoded as itself",
            Reply.json(200, #"{"data":{"id":"7"}}"#, [HeaderField("Content-Encoding", "Identity")]),
            .accepted(Identity(id: "7", name: nil))
        ),
        VerdictRow("201 where 200 is asked for", Reply.json(201, #"{"data":{"id":1}}"#), .indeterminate(.unexpected)),
    ]

    private static let redirects: [VerdictRow] = [301, 302, 303, 304, 307, 308].map { status in
        VerdictRow(
            "\(status)",
            Reply.html(status, [HeaderField("Location", "https://account.example.test/login")]),
            .indeterminate(.redirected)
        )
    }

    private static let unauthorized: [VerdictRow] = [
        VerdictRow("401 JSON", Reply.unauthenticated, .rejected(.credential)),
        VerdictRow("401 empty", Reply.text(401), .rejected(.credential)),
        VerdictRow("401 plain text", Reply.text(401, "Unauthorized."), .rejected(.credential)),
        VerdictRow(
            "401 with a Bearer challenge",
            Reply.json(401, "{}", [HeaderField(challenge, #"Bearer realm="api", error="invalid_token""#)]),
            .rejected(.credential)
        ),
        VerdictRow(
            "401 about something else",
            Reply.json(401, #"{"message":"unauthorized action"}"#),
            .indeterminate(.unexpected)
        ),
        VerdictRow(
            "401 that wants a stronger login",
            Reply.json(401, "{}", [HeaderField(challenge, #"Bearer error="insufficient_user_authentication""#)]),
            .limited(.stepUp)
        ),
        VerdictRow(
            "401 that wants it among other parameters",
            Reply.json(
                401,
                "{}",
                [
                    HeaderField(
                        "www-authenticate",
                        #"bearer realm="x", ERROR = insufficient_user_authentication, max_age=5"#
                    )
                ]
            ),
            .limited(.stepUp)
        ),
        VerdictRow("401 page", Reply.html(401), .indeterminate(.blocked)),
        VerdictRow(
            "401 Basic",
            Reply.text(401, "", [HeaderField(challenge, #"Basic realm="x""#)]),
            .indeterminate(.blocked)
        ),
        VerdictRow(
            "401 Negotiate",
            Reply.text(401, "x", [HeaderField(challenge, "Negotiate")]),
            .indeterminate(.blocked)
        ),
        VerdictRow("401 NTLM", Reply.text(401, "", [HeaderField(challenge, "NTLM")]), .indeterminate(.blocked)),
        VerdictRow(
            "401 Basic from the API itself",
            Reply.json(401, #"{"message":"no"}"#, [HeaderField(challenge, "Basic")]),
            .rejected(.credential)
        ),
        VerdictRow(
            "401 Basic or Bearer",
            Reply.text(401, "", [HeaderField(challenge, "Basic"), HeaderField(challenge, "Bearer")]),
            .rejected(.credential)
        ),
        VerdictRow("401 cut short", Reply.text(401, "{", isCut: true), .indeterminate(.unexpected)),
        VerdictRow(
            "401 compressed",
            Reply.text(401, "x", [HeaderField("Content-Encoding", "br")]),
            .indeterminate(.unexpected)
        ),
    ]

    private static let forbidden: [VerdictRow] = [
        VerdictRow(
            "403 for want of scope",
            Reply.json(403, "{}", [HeaderField(challenge, #"Bearer error="insufficient_scope", scope="read""#)]),
            .limited(.scope)
        ),
        VerdictRow(
            "403 with Retry-After",
            Reply.json(403, #"{"message":"token is invalid"}"#, [HeaderField("Retry-After", "5")]),
            .indeterminate(.rateLimited)
        ),
        VerdictRow(
            "403 with nothing remaining",
            Reply.json(403, "{}", [HeaderField("X-RateLimit-Remaining", "0")]),
            .indeterminate(.rateLimited)
        ),
        VerdictRow(
            "403 with something remaining",
            Reply.json(
                403,
                #"{"message":"Token is invalid or expired."}"#,
                [HeaderField("X-RateLimit-Remaining", "10")]
            ),
            .rejected(.credential)
        ),
        VerdictRow("403 page", Reply.html(403), .indeterminate(.blocked)),
        VerdictRow(
            "403 challenge",
            Reply.json(403, "{}", [HeaderField("cf-mitigated", "challenge")]),
            .indeterminate(.blocked)
        ),
        VerdictRow("403 cut short", Reply.text(403, "token is invalid", isCut: true), .indeterminate(.unexpected)),
        VerdictRow(
            "403 compressed",
            Reply.text(403, "", [HeaderField("content-encoding", "gzip")]),
            .indeterminate(.unexpected)
        ),
        VerdictRow(
            "403 that the provider lists",
            Reply.json(403, #"{"message":"Token is invalid"}"#),
            .rejected(.credential)
        ),
        VerdictRow("403 empty, that the provider lists", Reply.text(403), .rejected(.credential)),
        VerdictRow("403 without a control", business, .indeterminate(.unexpected)),
        VerdictRow("403, and 401 without the token", business, .limited(.forbidden), control: Reply.unauthenticated),
        VerdictRow(
            "403, and a page 401 without the token",
            business,
            .indeterminate(.blocked),
            control: Reply.html(401)
        ),
        VerdictRow(
            "403, and a proxy's 401 without the token",
            business,
            .indeterminate(.blocked),
            control: Reply.text(401, "", [HeaderField(challenge, "Negotiate")])
        ),
        VerdictRow("403, and the same without the token", business, .indeterminate(.blocked), control: business),
        VerdictRow("403, and 200 without the token", business, .indeterminate(.unexpected), control: Reply.accepted),
        VerdictRow("403, and 500 without the token", business, .indeterminate(.unexpected), control: Reply.text(500)),
        VerdictRow(
            "403, and no answer without the token",
            business,
            .indeterminate(.unexpected),
            control: Reply.failed(.dns)
        ),
    ]

    private static let business = Reply.json(403, #"{"message":"You cannot perform this action."}"#)

    private static let others: [VerdictRow] = [
        VerdictRow("402", Reply.json(402, #"{"message":"Trial limit reached."}"#), .limited(.plan)),
        VerdictRow("404", Reply.json(404, #"{"code":"ENDPOINT_NOT_FOUND"}"#), .misconfigured(.endpoint)),
        VerdictRow("404 page", Reply.html(404), .misconfigured(.endpoint)),
        VerdictRow("405", Reply.text(405), .misconfigured(.endpoint)),
        VerdictRow("410", Reply.text(410), .misconfigured(.endpoint)),
        VerdictRow("407", Reply.html(407), .indeterminate(.captive)),
        VerdictRow("511", Reply.html(511), .indeterminate(.captive)),
        VerdictRow("408", Reply.text(408), .indeterminate(.serverError)),
        VerdictRow("425", Reply.text(425), .indeterminate(.serverError)),
        VerdictRow("429", Reply.json(429, #"{"message":"slow down"}"#), .indeterminate(.rateLimited)),
        VerdictRow("503 page", Reply.html(503), .indeterminate(.serverError)),
        VerdictRow("522", Reply.text(522), .indeterminate(.serverError)),
        VerdictRow("418", Reply.text(418), .indeterminate(.unexpected)),
        VerdictRow("422", Reply.json(422, "{}"), .indeterminate(.unexpected)),
    ]

    @Test(arguments: silence + success + redirects + unauthorized + forbidden + others)
    func `every row of the table has its verdict`(row: VerdictRow) {
        let finding = Judge(token: Sample.token()).finding(on: row.exchange, control: row.control)
        #expect(finding.verdict == row.verdict)
        #expect(!finding.observation.isEmpty)
    }

    /// What a status means by itself, with a body that says nothing: written from the design, not from the code.
    private static func meaning(of status: Int) -> Verdict {
        if [404, 405, 410].contains(status) { return .misconfigured(.endpoint) }
        if [407, 511].contains(status) { return .indeterminate(.captive) }
        if [408, 425].contains(status) || (500...599).contains(status) { return .indeterminate(.serverError) }
        if (300...399).contains(status) { return .indeterminate(.redirected) }
        let others: [Int: Verdict] = [
            401: .rejected(.credential), 402: .limited(.plan), 429: .indeterminate(.rateLimited),
        ]
        return others[status] ?? .indeterminate(.unexpected)
    }

    @Test(arguments: 100...599)
    func `every status code has one meaning where the body says nothing`(status: Int) {
        let verdict = Judge(token: Sample.token()).finding(on: Reply.json(status, "{}")).verdict
        #expect(verdict == JudgeTests.meaning(of: status))
    }

    @Test(arguments: 100...599)
    func `a page for people never rejects nor accepts a token, whatever its status`(status: Int) {
        var probe = Sample.probe
        probe.accepted = [Matcher(status: .hundreds(2)), Matcher(body: Sample.pattern("Log in"))]
        probe.rejected = [Matcher(), Matcher(status: StatusPattern(codes: Set(100...599)))]
        let verdict = Judge(token: Sample.token(Sample.provider(probe))).finding(on: Reply.html(status)).verdict
        #expect(verdict.name != .accepted && verdict.name != .rejected)
    }

    @Test(arguments: [-1, 0, 99, 600, 999, Int.max])
    func `a status that does not exist says nothing`(status: Int) {
        #expect(
            Judge(token: Sample.token()).finding(on: Reply.json(status, "{}")).verdict == .indeterminate(.unexpected)
        )
    }

    @Test func `without a body an answer 204 is an acceptance only where the provider asks for no field`() {
        var probe = ProbeTemplate(path: "/ping")
        #expect(
            Judge(token: Sample.token(Sample.provider(probe))).finding(on: Reply.text(204)).verdict == .accepted(nil)
        )
        probe.accepted = [Matcher(status: .exactly(204), json: [Sample.pointer("/id"): .present])]
        let verdict = Judge(token: Sample.token(Sample.provider(probe))).finding(on: Reply.text(204)).verdict
        #expect(verdict == .indeterminate(.unexpected))
    }

    @Test(arguments: [401, 403, 404])
    func `the finding carries the wait the server asks for`(status: Int) {
        let exchange = Reply.json(status, "{}", [HeaderField("retry-after", "120")])
        #expect(Judge(token: Sample.token()).finding(on: exchange).retryAfter == .seconds(120))
    }
}

/// What is said of an answer.
struct ObservationWordsTests {
    private func words(_ exchange: Exchange, token: WatchedToken = Sample.token()) -> String {
        Judge(token: token).finding(on: exchange).observation
    }

    @Test func `an acceptance says who`() {
        #expect(words(Reply.accepted) == "HTTP 200, as api-bot@example.test (id 12345)")
    }

    @Test func `a rejection quotes the server`() {
        #expect(words(Reply.unauthenticated) == #"HTTP 401 "Unauthenticated.""#)
    }

    @Test func `a rejection without a word, and not by 401, says whose habit it is`() {
        #expect(words(Reply.text(403)) == "HTTP 403, as example answers a token that does not work")
        #expect(words(Reply.text(401)) == "HTTP 401")
    }

    @Test func `a rejection that asks for another kind of login says so`() {
        func refusal(_ challenge: String) -> Exchange {
            Reply.json(401, #"{"detail":"no"}"#, [HeaderField("WWW-Authenticate", challenge)])
        }
        #expect(words(refusal("Token")) == #"HTTP 401 "no", and asks for a login by token where Bearer was sent"#)
        #expect(words(refusal(#"Token, Bearer realm="x""#)) == #"HTTP 401 "no""#)
        var provider = Sample.provider()
        provider.authorization = AuthorizationTemplate(header: "X-Auth-Token", value: "{token}")
        #expect(words(refusal("Keystone uri=\"x\""), token: Sample.token(provider)) == #"HTTP 401 "no""#)
    }

    @Test func `a wrong identity names both`() {
        #expect(
            words(Reply.accepted, token: Sample.token(expecting: "other@example.test"))
                == "HTTP 200, as api-bot@example.test (id 12345) where other@example.test was expected"
        )
    }

    @Test(arguments: [
        (Reply.html(200), "an HTML page"), (Reply.text(200, "{", isCut: true), "64 KiB"),
        (Reply.text(200, "x", [HeaderField("Content-Encoding", "gzip")]), "compressed"),
        (Reply.json(200, "{}"), "without the fields"), (Reply.html(302), "never followed"),
        (Reply.html(403), "a wall in front of the API"), (Reply.text(407), "a proxy"),
        (Reply.text(404), "check base_url"), (Reply.json(422, "{}"), "nothing certain"),
        (Reply.failed(.dns), "no answer: it broke"),
        (Exchange(.withheld(.empty(source: "file /x"))), "file /x"),
    ])
    func `what is strange is named`(exchange: Exchange, expected: String) {
        #expect(words(exchange).contains(expected))
    }
}
