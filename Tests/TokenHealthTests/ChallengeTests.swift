import TokenHealth
import Testing

/// What a `WWW-Authenticate` field says, as far as a verdict depends on it (RFC 9110 section 11.6.1).
struct ChallengeTests {
    private func verdict(_ status: Int, _ fields: [String]) -> Verdict {
        let headers = fields.map { HeaderField("WWW-Authenticate", $0) }
        return Judge(token: Sample.token()).finding(on: Reply.text(status, "", headers)).verdict
    }

    @Test(arguments: [
        #"Basic realm="x", Bearer error="insufficient_user_authentication""#,
        #"Bearer error="insufficient_user_authentication", Basic realm="x""#,
        #"Negotiate, Bearer realm="a, b", error="insufficient_user_authentication""#,
        #"Negotiate YII==, Bearer error=insufficient_user_authentication"#,
        #"DPoP algs="ES256 PS256", BEARER Error = "insufficient_user_authentication""#,
        ",  ,Bearer\terror=\"insufficient_user_authentication\",,",
        #"Bearer realm="say \"error=x\"",error="insufficient_user_authentication""#,
        #"Bearer realm="Basic realm", scope="a b", error="insufficient_user\_authentication""#,
    ]) func `the error of a Bearer challenge is found among others in one field`(field: String) {
        #expect(verdict(401, [field]) == .limited(.stepUp))
    }

    @Test(arguments: [
        #"Bearer realm="error=\"insufficient_user_authentication\"""#,
        #"Digest error="insufficient_user_authentication", Bearer realm="x""#,
        #"Bearer error_description="insufficient_user_authentication""#,
        #"Bearer realm="x" error="#, "Bearer error", "Bearer =", "Bearer error==",
        #"Bearer error="invalid_token", error="insufficient_user_authentication""#,
    ]) func `what only looks like that error is none`(field: String) {
        #expect(verdict(401, [field]) == .rejected(.credential))
    }

    @Test(arguments: [
        #"Basic realm="Bearer", charset="UTF-8""#, #"Negotiate, NTLM, Basic realm="bearer, Bearer""#, "Negotiate oWw==",
        "NTLM TlRMTVNTUAACAAAA", "basic",
    ]) func `a proxy's challenge is a wall, whatever its realm is called`(field: String) {
        #expect(verdict(401, [field]) == .indeterminate(.blocked))
    }

    @Test(arguments: [[#"Basic realm="x", Bearer"#], [#"Bearer realm="x", Basic"#], ["NTLM", "Negotiate, Bearer"]])
    func `with a Bearer challenge beside it a Basic one is the API's own`(fields: [String]) {
        #expect(verdict(401, fields) == .rejected(.credential))
    }

    @Test func `scope is read from a joined field too`() {
        #expect(verdict(403, [#"Basic realm="x", Bearer error="insufficient_scope", scope="a""#]) == .limited(.scope))
    }

    @Test(arguments: [
        "", " ", ",", "=", "\"", "Bearer \"", "Bearer realm=\"", "Bearer realm=\"\\", "Bearer realm=\"\\\"", "é",
        "\u{0}",
        "Bearer é=ü", "===", "a=b", "a=b,c=d", "Bearer a=b=c", String(repeating: "Bearer a=\"", count: 3000),
        String(repeating: ",", count: 9000), String(repeating: "a ", count: 9000),
    ]) func `garbage is no more than a 401`(field: String) {
        #expect(verdict(401, [field]) == .rejected(.credential))
    }
}
