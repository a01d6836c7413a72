import TokenHealth
import Testing

/// What an answer says in words, where nothing else is known of the API.
struct AnswerWordsTests {
    private func finding(
        _ exchange: Exchange,
        origin: RuleOrigin = .general,
        control: Exchange = Reply.json(401, #"{"message":"Login required"}"#)
    ) -> Finding {
        judge(origin).finding(on: exchange, control: control)
    }

    private func judge(_ origin: RuleOrigin = .general) -> Judge {
        var probe = ProbeTemplate(path: "/me")
        probe.origin = origin
        return Judge(token: Sample.token(Sample.provider(probe)))
    }

    private static let deaths: [(String, RejectionReason?)] = [
        (#"{"error":"invalid_token"}"#, nil),
        (#"{"error":"invalid_token","error_description":"The access token expired"}"#, .expired),
        (#"{"error":"invalid_token","error_description":"Token was revoked. You have to re-authorize."}"#, .revoked),
        (#"{"error":"invalid_token","error_description":"The access token is invalid or has expired"}"#, nil),
        (#"{"code":"jwt_auth_invalid_token","message":"Expired token","data":{"status":403}}"#, .expired),
        (#"{"message":"The incoming token has expired"}"#, .expired),
        (#"{"code":"REVOKED_ACCESS_TOKEN","message":"The token has been revoked by the user"}"#, .revoked),
        (
            #"{"error":{"code":"ExpiredToken","message":"The security token included in the request is expired"}}"#,
            .expired
        ),
        (#"{"errors":[{"code":"TOKEN_REVOKED"}]}"#, .revoked),
        (#"{"errors":["Your personal access token is not valid"]}"#, nil),
        (#"{"detail":"Invalid token."}"#, nil),
        ("Token is invalid", nil),
        ("Jwt is expired", .expired),
    ]

    @Test(arguments: [401, 403], deaths)
    func `what says that the token is no good is a death, by 403 as well`(
        status: Int,
        row: (body: String, reason: RejectionReason?)
    ) {
        let finding = finding(Reply.text(status, row.body))
        #expect(finding.verdict == .rejected(.credential))
        #expect(finding.statedReason == row.reason)
    }

    @Test(arguments: [
        "The token is invalid or has insufficient permissions", "The token may have expired or lacks access",
        "The token is invalid for this scope", "If your token is invalid, log in again",
        "Check whether the token is expired",
    ])
    func `what names another possibility, or does not know, is no death by 403`(text: String) {
        #expect(finding(Reply.text(403, text)).verdict == .limited(.forbidden))
        #expect(!finding(Reply.text(403, text)).showsLife)
    }

    @Test(arguments: ["Access denied. Token is invalid or expired", "Token expired. You may log in again"])
    func `what is said of something else in another sentence changes nothing`(text: String) {
        #expect(finding(Reply.text(403, text)).verdict == .rejected(.credential))
    }

    @Test func `a challenge says it as well`() {
        let challenge = HeaderField("WWW-Authenticate", #"Bearer realm="x", error="invalid_token""#)
        #expect(finding(Reply.text(403, "Forbidden", [challenge])).verdict == .rejected(.credential))
        #expect(finding(Reply.text(400, "Bad Request", [challenge])).verdict == .rejected(.credential))
    }

    @Test(arguments: [
        "Forbidden", "Access denied", #"{"message":"CSRF token invalid"}"#, #"{"message":"Invalid refresh token"}"#,
        #"{"message":"Your page token is invalid"}"#, #"{"message":"The token has invalid scopes"}"#,
        #"{"message":"The account of this token has expired"}"#, #"{"message":"The token is not expired"}"#,
        #"{"message":"Invalid device token"}"#, #"{"message":"Invalid username. Token authentication is on."}"#,
        #"{"message":"Token required"}"#, #"{"message":"The trial for your token has expired"}"#,
    ])
    func `what speaks of something else is no death`(body: String) {
        #expect(finding(Reply.text(403, body)).verdict == .limited(.forbidden))
        #expect(finding(Reply.text(400, body)).verdict == .indeterminate(.unexpected))
    }

    @Test func `a sentence beside 400 is not enough, its code is`() {
        #expect(finding(Reply.json(400, #"{"message":"Invalid token"}"#)).verdict == .indeterminate(.unexpected))
        #expect(finding(Reply.json(400, #"{"error":"invalid_token"}"#)).verdict == .rejected(.credential))
    }

    @Test(arguments: [
        "Jwt is missing", #"{"message":"No token provided"}"#, #"{"code":"EMPTY_ACCESS_TOKEN"}"#,
        #"{"detail":"Authentication credentials were not provided."}"#, #"{"message":"Missing access token"}"#,
    ])
    func `an API that says it saw no token says nothing of it`(body: String) {
        let finding = finding(Reply.text(401, body))
        #expect(finding.verdict == .indeterminate(.blocked))
        #expect(finding.observation.contains("no token arrived"))
    }

    @Test func `whoever names two possibilities does not know, and the status decides`() {
        #expect(finding(Reply.json(401, #"{"message":"Missing or invalid token"}"#)).verdict == .rejected(.credential))
    }

    @Test(
        arguments: [
            #"{"error":{"code":403,"message":"Rate Limit Exceeded","errors":[{"reason":"rateLimitExceeded"}]}}"#,
            #"{"error":{"errors":[{"reason":"userRateLimitExceeded"}]}}"#, #"{"error":{"status":"quotaExceeded"}}"#,
            #"{"__type":"ThrottlingException","message":"Rate exceeded"}"#, #"{"code":"RATE_LIMIT_EXCEEDED"}"#,
            #"{"message":"Too many requests"}"#, #"{"error":"ratelimited"}"#,
        ],
        [RuleOrigin.builtIn, .general, .own]
    )
    func `a reason that names a limit of requests is one, whoever wrote the rules`(body: String, origin: RuleOrigin) {
        for status in [400, 403] {
            #expect(finding(Reply.json(status, body), origin: origin).verdict == .indeterminate(.rateLimited))
        }
    }

    @Test func `what is not listed counts for nothing where the API is known`() {
        #expect(
            finding(Reply.json(403, #"{"error":"invalid_token"}"#), origin: .builtIn).verdict == .limited(.forbidden)
        )
    }

    @Test(arguments: [(RuleOrigin.own, Verdict.rejected(.credential)), (.builtIn, .limited(.scope))])
    func `where two lists of the administrator match, what the answer says decides`(by: RuleOrigin, dead: Verdict) {
        var probe = ProbeTemplate(path: "/me")
        probe.origin = by
        probe.limited = [Matcher(status: .exactly(403), body: Sample.pattern("denied"), meaning: .limitation(.scope))]
        probe.rejected = [Matcher(status: .exactly(403), body: Sample.pattern("denied|token"))]
        let judge = Judge(token: Sample.token(Sample.provider(probe)))
        #expect(judge.finding(on: Reply.text(403, "permission denied\ninvalid token")).verdict == dead)
        #expect(judge.finding(on: Reply.text(403, "permission denied")).verdict == .limited(.scope))
    }

    // MARK: - An error that comes as a success

    @Test(arguments: [
        #"{"ok":false,"error":"invalid token"}"#, #"{"error":{"code":"token_missing","message":"No token was sent"}}"#,
        #"{"errors":[{"message":"Access token is missing"}],"data":null}"#,
    ])
    func `an endpoint that tells a request without a token so by 200 does check tokens`(text: String) {
        let control = Reply.json(200, text)
        #expect(judge().controlResult(of: control) == .other)
        // With rules of its own, the provider has said what a refusal is.
        #expect(judge(.builtIn).controlResult(of: control) == .open)
    }

    @Test func `an error of another kind by 200 is no refusal of a token`() {
        let control = Reply.json(200, #"{"ok":true,"user":null,"error":"no such page"}"#)
        #expect(judge().controlResult(of: control) == .open)
    }

    // MARK: - Alive, or not said to be

    private func explanation(_ exchange: Exchange, control: Exchange, origin: RuleOrigin = .general) -> String {
        var history = History()
        history.observe(finding(exchange, origin: origin, control: control), at: 0)
        return history.belief.explanation
    }

    @Test func `a token is said to be alive only where the answer shows it`() {
        let bare = Reply.text(401, "Unauthorized")
        #expect(explanation(Reply.text(403, "Forbidden"), control: bare).contains("does not say whether"))
        #expect(!explanation(Reply.text(402, "Payment required"), control: bare).contains("alive"))
        let scope = HeaderField("WWW-Authenticate", #"Bearer error="insufficient_scope""#)
        #expect(explanation(Reply.text(403, "", [scope]), control: bare).contains("the token is alive"))
        let other = Reply.json(403, #"{"message":"Not yours"}"#)
        #expect(explanation(other, control: bare, origin: .builtIn).contains("is alive"))
        // No built-in API refuses in plain text or without a body: somebody in front of it may have.
        for text in ["Not yours", ""] {
            let words = explanation(Reply.text(403, text), control: bare, origin: .builtIn)
            #expect(words.contains("does not say whether"), "\(text): \(words)")
        }
    }

    @Test func `a refusal that names the account knows the token`() {
        func refusal(_ user: String) -> Exchange {
            Reply.json(403, #"{"message":"pods is forbidden: User \"\#(user)\" cannot list pods"}"#)
        }
        let answer = refusal("system:serviceaccount:ci:bot")
        let finding = finding(answer, control: refusal("system:anonymous"))
        #expect(finding.verdict == .limited(.forbidden))
        #expect(finding.showsLife)
        #expect(self.finding(answer, control: answer).verdict == .indeterminate(.blocked))
    }

    @Test func `a long hostile body is read quickly`() {
        let body = "{\"message\":\"" + String(repeating: "token invalid user: a@", count: 2900) + "\"}"
        let took = ContinuousClock().measure { _ = finding(Reply.json(403, body)) }
        #expect(took < .seconds(5))
    }
}
