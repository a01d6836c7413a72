import TokenHealth
import Testing

struct StrikingTests {
    private static let value = "sesame/Open+1"
    private let secret = Sample.secret(StrikingTests.value)

    private func answer(_ body: String, _ headers: [HeaderField] = []) -> Answer {
        Answer(status: 401, headers: headers, body: Array(body.utf8)).striking(secret)
    }

    /// Everything an answer could let out.
    private func shown(_ answer: Answer) -> String {
        String(decoding: answer.body, as: UTF8.self) + String(reflecting: answer.document) + (answer.message ?? "")
            + answer.headers.map { "\($0.name): \($0.value)" }.joined()
    }

    @Test func `an echo in the body is struck out`() {
        let struck = answer(#"{"message":"no sesame/Open+1, sesame/Open+1!"}"#)
        #expect(!shown(struck).contains("sesame"))
        #expect(struck.message == "no [secret], [secret]!")
    }

    @Test(arguments: ["8315047729", "8.315047729E9", "8315047729.0", "83150477290e-1"])
    func `an echo as a number is struck out, however it is written`(number: String) {
        let digits = Sample.secret("8315047729")
        let struck = Answer(status: 200, body: Array(#"{"id":\#(number),"page":12}"#.utf8)).striking(digits)
        #expect(!shown(struck).filter { $0 != "." }.contains("8315047729"))
        #expect(struck.document == JSONValue.object(["id": .string("[secret]"), "page": .number(12)]))
    }

    @Test func `an echo in a header is struck out`() {
        let struck = answer("{}", [HeaderField("X-Echo", "Bearer sesame/Open+1;"), HeaderField("X-Other", "kept")])
        #expect(!shown(struck).contains("sesame"))
        #expect(struck.headers == [HeaderField("X-Echo", "Bearer [secret];"), HeaderField("X-Other", "kept")])
    }

    @Test(arguments: [#"sesame\/Open+1"#, #"sesame/Open\u002b1"#, #"\u0073\u0065same\/Open+1"#])
    func `an echo that JSON has escaped is struck out`(escaped: String) {
        let struck = answer("{\"message\":\"\(escaped)\",\"list\":[{\"\(escaped)\":\"\(escaped)\"}]}")
        #expect(!String(reflecting: struck.document).contains("sesame"))
        #expect(struck.message == "[secret]")
    }

    @Test(arguments: ["\u{301}", "\u{200D}", "\u{FE0F}", "\u{20E3}", "\u{1F3FD}"])
    func `an echo that a combining mark follows is struck out`(mark: String) {
        #expect(!shown(answer("sesame/Open+1\(mark)")).contains("sesame"))
        #expect(!shown(answer("{\"message\":\"sesame/Open+1\(mark) x\"}")).contains("sesame"))
        #expect(!shown(answer("", [HeaderField("X", "sesame/Open+1\(mark)")])).contains("sesame"))
    }

    @Test func `an echo among bytes that are no text is struck out`() {
        let bytes: [UInt8] = [0xFF, 0xC3] + Array(StrikingTests.value.utf8) + [0x80, 0x00]
        let struck = Answer(status: 200, body: bytes).striking(secret)
        #expect(!shown(struck).contains("sesame"))
    }

    @Test func `a longer piece of the secret is struck out, wherever it begins`() {
        let value = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.c29tZSBwYXlsb2Fk.c2lnbmF0dXJl"
        let long = Sample.secret(value)
        for start in stride(from: 0, through: value.count - 12, by: 7) {
            let piece = value.dropFirst(start).prefix(start + 12)
            let answer = Answer(status: 401, body: Array("{\"message\":\"token <\(piece)> is unknown\"}".utf8))
            #expect(answer.striking(long).message == "token <[secret]> is unknown")
        }
        let short = Answer(status: 401, body: Array(#"{"message":"token eyJ0eXAiOiJ is unknown"}"#.utf8))
        #expect(short.striking(long) == short)
    }

    @Test func `an answer without an echo is left alone`() {
        let plain = Answer(status: 200, headers: [HeaderField("A", "b")], body: Array("{}".utf8) + [0xFF], isCut: true)
        #expect(plain.striking(secret) == plain)
    }

    @Test func `what else is known of the answer stays`() {
        let struck = Answer(status: 418, body: Array("sesame/Open+1".utf8), isCut: true).striking(secret)
        #expect(struck.status == 418 && struck.isCut)
    }

    @Test func `a document is no document once it is compressed or cut`() {
        #expect(Answer(status: 200, body: Array("{}".utf8), isCut: true).document == nil)
        #expect(
            Answer(status: 200, headers: [HeaderField("content-encoding", "br")], body: Array("{}".utf8)).document
                == nil
        )
        #expect(Answer(status: 200, body: Array("{}".utf8)).document == .object([:]))
        #expect(Answer(status: 101, body: Array("{}".utf8)).document == nil)
    }
}

struct MessageTests {
    private func message(_ body: String) -> String? { Answer(status: 401, body: Array(body.utf8)).message }

    @Test(arguments: [
        (#"{"message":"Unauthenticated."}"#, "Unauthenticated."), (#"{"error":"invalid_grant"}"#, "invalid_grant"),
        (#"{"error":{"message":"nested"}}"#, "nested"), (#"{"error":true,"message":"flat"}"#, "flat"),
        (#"{"error":"e","error_description":"longer"}"#, "longer"), (#"{"detail":"d"}"#, "d"),
        (#"{"errcode":"M_UNKNOWN_TOKEN"}"#, "M_UNKNOWN_TOKEN"), ("Unauthorized.", "Unauthorized."),
        ("  two\n\n lines\t ", "two lines"), (#"{"message":"a\r\nb\u0000c\u001b[31md"}"#, "a bc[31md"),
    ])
    func `it is what the server said`(body: String, expected: String) {
        #expect(message(body) == expected)
    }

    @Test(arguments: [
        "", "{}", "[]", #"{"message":null}"#, #"{"message":7}"#, #"{"message":""}"#, Reply.loginPage, "\u{0}\u{1}",
    ])
    func `where it said nothing there is none`(body: String) {
        #expect(message(body) == nil)
    }

    @Test func `a word as long as a credential is never shown`() {
        let long = String(repeating: "k", count: 33)
        #expect(message("no \(long) here") == "no […] here")
        #expect(message(#"{"message":"\#(long)"}"#) == "[…]")
        #expect(message("token=eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJqdGkiOiIxIn0.c2ln") == "[…]")
        #expect(message(String(repeating: "k", count: 32)) == String(repeating: "k", count: 32))
    }

    @Test(arguments: [
        "\u{1B}", "\u{7F}", "\u{0}", "\u{7}", "\u{85}", "\u{9B}", "\u{2028}", "\u{202E}", "é", "🔑", "\r\n",
    ])
    func `nothing but printable ASCII is ever in it`(character: String) {
        let text = message("a\(character)b \(character) c")
        #expect(text?.unicodeScalars.allSatisfy { (0x20...0x7E).contains($0.value) } == true)
    }

    @Test func `it is short`() {
        let body = String(repeating: "word ", count: 10_000)
        #expect((message(body)?.count ?? 0) <= 120)
        #expect((message(body)?.count ?? 0) > 100)
    }

    @Test func `a compressed body says nothing`() {
        let answer = Answer(status: 401, headers: [HeaderField("Content-Encoding", "gzip")], body: Array("abc".utf8))
        #expect(answer.message == nil)
    }
}
