import Testing
import TokenHealth
import VigilConfiguration

/// The built-in provider against the answers that Tallyfy is known to give.
@Suite struct TallyfyProviderTests {
    private func judge(_ lines: String = "") throws -> Judge {
        Judge(token: try #require(try configuration(token: lines).tokens.first))
    }

    private func answer(_ status: Int, _ body: String, type: String = "application/json") -> Exchange {
        let headers = [HeaderField("Content-Type", type), HeaderField("Server", "cloudflare")]
        return Exchange(.answered(Answer(status: status, headers: headers, body: Array(body.utf8))))
    }

    /// The control: without a token the API answers 401.
    private var control: Exchange { answer(401, #"{"message":"Unauthenticated."}"#) }

    private func verdict(_ status: Int, _ body: String, type: String = "application/json") throws -> Verdict {
        try judge().finding(on: answer(status, body, type: type), control: control).verdict
    }

    @Test func `it is built in`() throws {
        #expect(ProviderCatalog.builtIn.names.contains("tallyfy"))
        #expect(ProviderCatalog.builtIn.yaml(of: "tallyfy")?.contains("\nproviders:\n  tallyfy:\n") == true)
        #expect(ProviderCatalog.builtIn.yaml(of: "other") == nil)
    }

    @Test func `what it prints can be put into a configuration`() throws {
        let yaml = try #require(ProviderCatalog.builtIn.yaml(of: "tallyfy"))
        #expect(try configuration(rest: yaml).tokens == configuration().tokens)
    }

    @Test func `it asks who the token belongs to, as Tallyfy wants to be asked`() throws {
        let token = try #require(try configuration().tokens.first)
        #expect(token.probeURL == "https://go.tallyfy.com/api/me")
        #expect(token.probe.headers.contains(HeaderField("Accept", "application/json")))
        #expect(token.probe.headers.contains(HeaderField("X-Tallyfy-Client", "APIClient")))
        #expect(token.probe.missingRequiredHeader == nil)
        #expect(token.provider.lifetime == .seconds(182 * 86_400))
        #expect(token.provider.limits.rate == Rate(count: 100, per: .seconds(60)))
        #expect(token.provider.limits.advisedInterval == .seconds(60))
        #expect(token.provider.remedy.causes.first == "its owner logged out of the Tallyfy web app")
    }

    @Test func `a user means that the token is accepted`() throws {
        let body = #"{"data":{"id":12345,"email":"svc@example.test","status":"active"}}"#
        #expect(try verdict(200, body) == .accepted(Identity(id: "12345", name: "svc@example.test")))
    }

    @Test(arguments: [#"{"data":null}"#, "[]", #"{"data":{"email":"a@example.test"}}"#, "<html>login</html>", ""])
    func `a 200 without a user proves nothing`(body: String) throws {
        #expect(try verdict(200, body) == .indeterminate(.unexpected))
    }

    @Test(arguments: [
        #"{"message":"Unauthenticated."}"#,
        #"{"error":true,"message":"Unauthenticated."}"#,
        #"{"error":true,"message":"Permission denied. Error Code: apsh213."}"#,
        #"{"error":{"code":"X","message":"Something new"}}"#,
        "Unauthenticated.", "",
    ]) func `a 401 is a rejection unless it is known to be about something else`(body: String) throws {
        #expect(try verdict(401, body) == .rejected(.credential))
    }

    @Test(arguments: [
        (#"{"error":true,"message":"Unauthorized action"}"#, "application/json"),
        (#"{"error":true,"message":" unauthorized ","code":"UNAUTHORIZED"}"#, "application/json"),
        ("Unauthorized.", "text/plain"),
        (" unauthorized.\n", "text/plain"),
        (#"{"message":"SAML is not enabled in this organization"}"#, "application/json"),
        (#"{"message":"Unauthenticated.","errors":{"thread":["not yours"]}}"#, "application/json"),
    ]) func `a 401 about an object or an account is not the token's fault`(body: String, type: String) throws {
        #expect(try verdict(401, body, type: type) == .indeterminate(.unexpected))
    }

    @Test(arguments: [
        #"{"error":true,"message":"Access denied. Token is invalid or expired."}"#,
        #"{"error":true,"message":"Access denied."}"#,
        #"{"error":true,"message":"UNAUTHENTICATED"}"#,
        #"{"message":"He said \"no\": permission denied"}"#,
        #"{"error":{"code":"A","message":"Wrong audience"}}"#,
        #"{"message":"Forbidden"}"#,
        #"{"error":true,"message":""}"#,
        #"{"error":true}"#,
        "{ }", "", "\n",
    ]) func `a 403 without a message, or with one about the login, is a rejection`(body: String) throws {
        #expect(try verdict(403, body) == .rejected(.credential))
    }

    @Test(arguments: [
        #"{"error":true,"message":"You cannot perform this action."}"#,
        #"{"error":true,"message":"You don't have application's permissions for this organization!"}"#,
        #"{"error":true,"errors":{"x":["y"]}}"#,
        #"{"error":"Only administrators may do this"}"#,
        "Not for you",
    ]) func `any other 403 leaves the token alive`(body: String) throws {
        #expect(try verdict(403, body) == .limited(.forbidden))
    }

    @Test func `a page of a wall is nobody's fault`() throws {
        #expect(
            try verdict(403, "<!DOCTYPE html><title>Just a moment…</title>", type: "text/html")
                == .indeterminate(.blocked)
        )
    }

    @Test(arguments: [
        (402, #"{"error":true,"message":"Trial limit reached."}"#, Verdict.limited(.plan)),
        (404, #"{"message":"Not found. Error Code: apsh546."}"#, .misconfigured(.endpoint)),
        (
            404, #"{"error":true,"message":"API endpoint not found","code":"ENDPOINT_NOT_FOUND"}"#,
            .misconfigured(.endpoint)
        ),
        (
            429, #"{"message":"You've reached the limit for API calls.","code":"RATE_LIMIT_EXCEEDED"}"#,
            .indeterminate(.rateLimited)
        ),
        (503, #"{"message":"Service Unavailable"}"#, .indeterminate(.serverError)),
        (302, "", .indeterminate(.redirected)),
    ]) func `no other answer speaks against a token`(status: Int, body: String, expected: Verdict) throws {
        #expect(try verdict(status, body) == expected)
    }

    @Test func `a long hostile body is judged quickly`() throws {
        let body = #"{"message":""# + String(repeating: #"a \" "#, count: 12_000) + #""}"#
        let took = try ContinuousClock().measure { _ = try verdict(403, body) }
        #expect(took < .seconds(10))
    }

    // MARK: - The probe of an organization's tasks

    private func tasksVerdict(_ status: Int, _ body: String) throws -> Verdict {
        try judge("probe: tasks\norganization: 0123456789abcdef0123456789abcdef")
            .finding(on: answer(status, body), control: control).verdict
    }

    @Test func `a list of tasks, even an empty one, means that the token is accepted`() throws {
        #expect(try tasksVerdict(200, #"{"data":[],"meta":{"pagination":{"total":0}}}"#) == .accepted(nil))
        #expect(try tasksVerdict(200, #"{"data":null}"#) == .indeterminate(.unexpected))
    }

    @Test func `a wrong organization is not a dead token`() throws {
        #expect(try tasksVerdict(403, #"{"error":true,"message":"Forbidden"}"#) == .limited(.forbidden))
        let missing = #"{"error":true,"message":"Resource not found","code":"RESOURCE_NOT_FOUND"}"#
        #expect(try tasksVerdict(404, missing) == .misconfigured(.endpoint))
    }

    @Test func `a dead token is one there as well`() throws {
        #expect(try tasksVerdict(401, #"{"message":"Unauthenticated."}"#) == .rejected(.credential))
        let denied = #"{"error":true,"message":"Access denied. Token is invalid or expired."}"#
        #expect(try tasksVerdict(403, denied) == .rejected(.credential))
    }
}
