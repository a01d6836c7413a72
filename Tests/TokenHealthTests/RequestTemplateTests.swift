import TokenHealth
import Testing

/// How secrets are put into requests.
struct RequestTemplateTests {
    private func headers(_ value: String, also: [String] = [], token: String? = "tok", asker: String? = nil)
        -> [HeaderField]
    {
        let template = AuthorizationTemplate(header: "X-Auth", value: value, alsoIn: also)
        return RequestSecrets(token: token, asker: asker).headers(of: template)
    }

    private func body(_ template: BodyTemplate, token: String? = "tok", asker: String? = nil) -> String {
        String(decoding: RequestSecrets(token: token, asker: asker).body(of: template), as: UTF8.self)
    }

    @Test(arguments: [
        ("Bearer {token}", "Bearer user:pass"), ("Token {token}", "Token user:pass"), ("{token}", "user:pass"),
        ("Basic {token:base64}", "Basic dXNlcjpwYXNz"), ("a={token};b={asker}", "a=user:pass;b=me"),
        ("Basic {asker:base64}", "Basic bWU="), ("{x} {token} {", "{x} user:pass {"),
    ]) func `a header has the secret as its template wants it`(template: String, value: String) {
        #expect(headers(template, token: "user:pass", asker: "me") == [HeaderField("X-Auth", value)])
    }

    @Test func `several headers may have the same value`() {
        let names = headers("{token}", also: ["X-Subject-Token"]).map(\.name)
        #expect(names == ["X-Auth", "X-Subject-Token"])
        #expect(headers("{token}", also: ["X-Subject-Token"], token: nil).isEmpty)
    }

    @Test func `the control has no header with the token, and keeps the credential that asks`() {
        #expect(headers("Bearer {token}", token: nil).isEmpty)
        #expect(headers("Basic {token:base64}", token: nil).isEmpty)
        #expect(headers("Bearer {asker}", token: nil, asker: "me") == [HeaderField("X-Auth", "Bearer me")])
    }

    @Test func `a secret that looks like a place is not filled again`() {
        #expect(headers("{token}", token: "{asker}", asker: "me") == [HeaderField("X-Auth", "{asker}")])
        #expect(body(.form([HeaderField("t", "{token}")]), token: "{asker}", asker: "me") == "t=%7Basker%7D")
    }

    @Test func `a form is percent-encoded, names and values`() {
        let form = BodyTemplate.form([HeaderField("a b", "{token}"), HeaderField("hint", "x&y=z")])
        #expect(body(form, token: "t+/=&é") == "a%20b=t%2B%2F%3D%26%C3%A9&hint=x%26y%3Dz")
        #expect(form.contentType == "application/x-www-form-urlencoded")
    }

    @Test func `a form leaves the token's field out of the control`() {
        let form = BodyTemplate.form([HeaderField("token", "{token}"), HeaderField("client", "{asker}")])
        #expect(body(form, token: nil, asker: "me") == "client=me")
        #expect(body(.form([HeaderField("token", "{token}")]), token: nil).isEmpty)
    }

    @Test func `a JSON document has the secret in its texts, however deep, and stays JSON`() {
        let document = JSONValue.object([
            "a": .array([.string("x {token}"), .number(1)]), "b": .object(["{token}": .bool(true)]),
        ])
        #expect(body(.json(document), token: #"t"\"#) == #"{"a":["x t\"\\",1],"b":{"{token}":true}}"#)
        #expect(body(.json(document), token: nil) == #"{"a":[1],"b":{"{token}":true}}"#)
        #expect(body(.json(.string("{token}")), token: nil) == "{}")
        #expect(BodyTemplate.json(.null).contentType == "application/json")
    }

    @Test func `every form in which a secret is sent is known`() {
        var token = Sample.token()
        let secret = Sample.secret("user:p/ss")
        #expect(Set(secret.sentForms(in: token.question)) == [secret])
        token.provider.authorization.value = "Basic {token:base64}"
        #expect(Set(secret.sentForms(in: token.question)) == [secret, Sample.secret("dXNlcjpwL3Nz")])
        token.probe.body = .form([HeaderField("t", "{token}")])
        #expect(Set(secret.sentForms(in: token.question)).count == 3)
        #expect(secret.sentForms(in: token.question).contains(Sample.secret("user%3Ap%2Fss")))
    }

    @Test func `a provider needs an asker where a place for one stands in the request`() {
        var provider = Sample.provider()
        #expect(!provider.needsAsker(for: provider.probe))
        provider.authorization.value = "Basic {asker:base64}"
        #expect(provider.needsAsker(for: provider.probe))
        provider.authorization.value = "Bearer {token}"
        #expect(provider.needsAsker(for: ProbeTemplate(path: "/", body: .json(.array([.string("{asker}")])))))
    }
}
