import FoundationEssentials
import TokenHealth
import Testing

struct TokenClaimsTests {
    private func claims(payload: String) -> TokenClaims? {
        claims(part: Data(payload.utf8).base64EncodedString())
    }

    private func claims(part: String) -> TokenClaims? {
        let url = part.map { ["+": "-", "/": "_", "=": ""][String($0)] ?? String($0) }.joined()
        return TokenClaims(of: Sample.secret("eyJh.\(url).c2ln"))
    }

    @Test(arguments: [
        (#"{"exp":1795428000}"#, 1_795_428_000.0), (#"{"exp":1795428000.123456}"#, 1_795_428_000.123456),
        (#"{"exp":1.795428e9}"#, 1_795_428_000), (#"{"exp":1}"#, 1),
    ])
    func `a date may have a fraction`(payload: String, seconds: Double) {
        #expect(claims(payload: payload)?.expiresAt == Date(timeIntervalSince1970: seconds))
    }

    @Test func `the time of issue is read too`() {
        let claims = claims(payload: #"{"iat":1795428000.5,"exp":1811206800.25,"sub":"12345","scopes":[],"aud":"1"}"#)
        #expect(claims?.issuedAt == Date(timeIntervalSince1970: 1_795_428_000.5))
        #expect(claims?.expiresAt == Date(timeIntervalSince1970: 1_811_206_800.25))
    }

    @Test(arguments: [
        (#"{"sub":"1","aud":"2","scopes":["a","b"]}"#, "1", ["2"], ["a", "b"]),
        (#"{"sub":12,"aud":["2",3],"scope":"a  b"}"#, "12", ["2", "3"], ["a", "b"]),
        (#"{"sub":null,"aud":{},"scopes":[]}"#, nil, [], []), (#"{"sub":"a\n\u202Eb"}"#, "ab", [], nil),
        (#"{"nbf":1}"#, nil, [], nil),
    ])
    func `whose it is and what for is read as text`(
        payload: String,
        subject: String?,
        audience: [String],
        scopes: [String]?
    ) {
        let claims = claims(payload: payload)
        #expect(claims?.subject == subject)
        #expect(claims?.audience == audience)
        #expect(claims?.scopes == scopes)
    }

    @Test func `a claim is short, and a list of them too`() {
        let long = String(repeating: "x", count: 2000)
        let many = (0..<500).map { "\"\($0)\"" }.joined(separator: ",")
        #expect(claims(payload: #"{"sub":"\#(long)"}"#)?.subject?.count == 100)
        #expect(claims(payload: #"{"scopes":[\#(many)]}"#)?.scopes?.count == 20)
    }

    @Test func `the first moment of validity is read too`() {
        #expect(claims(payload: #"{"nbf":1795428000}"#)?.notBefore == Date(timeIntervalSince1970: 1_795_428_000))
    }

    @Test(arguments: [
        "{}", #"{"exp":"1795428000"}"#, #"{"exp":null}"#, #"{"exp":true}"#, #"{"exp":[1]}"#, #"{"exp":{}}"#,
        #"{"exp":0}"#,
        #"{"exp":-5}"#, #"{"exp":1e300}"#, #"{"exp":253402300799}"#, #"{"exp":9223372036854775808}"#,
        #"{"Exp":1795428000}"#,
    ])
    func `a token without a date it can mean has none`(payload: String) {
        let claims = claims(payload: payload)
        #expect(claims != nil)
        #expect(claims?.expiresAt == nil)
    }

    @Test(arguments: [
        "", "not json", "[]", "7", "null", #""text""#, #"{"exp":1e400}"#, #"{"exp":"#, "{\"exp\":\u{0}1}",
    ])
    func `a part that is no object makes no claims`(payload: String) {
        #expect(claims(payload: payload) == nil)
    }

    @Test(arguments: [
        "abc", "a.b", "a..", ".e30.", "a..c", "a.e30", "a.e30.b.c", "a.!!!.b", "a.e.b", "a.====.b", "a.e30=.b", "%.%.%",
        "a.\u{7E}\u{7E}\u{7E}.b",
    ])
    func `what is no JWT makes no claims`(text: String) {
        #expect(TokenClaims(of: Sample.secret(text))?.expiresAt == nil)
        #expect(TokenClaims(of: Sample.secret(text))?.issuedAt == nil)
    }

    @Test func `a payload nested as deep as a secret may be long makes no claims`() {
        let deep = String(repeating: "[", count: 5000)
        #expect(claims(payload: deep) == nil)
        let object = String(repeating: #"{"a":"#, count: 1000)
        #expect(claims(payload: object) == nil)
    }

    @Test func `a payload of no text makes no claims`() {
        #expect(claims(part: Data([0xFF, 0xFE, 0x00, 0x80]).base64EncodedString()) == nil)
    }
}
