import FoundationEssentials
import Testing

@testable import TokenHealth

/// A guise in which a server may send a secret back.
private struct Disguise: Sendable, CustomTestStringConvertible {
    let name: String
    let apply: @Sendable (String) -> String

    var testDescription: String { name }

    init(_ name: String, _ apply: @escaping @Sendable (String) -> String) {
        self.name = name
        self.apply = apply
    }

    func then(_ other: Disguise) -> Disguise { Disguise("\(other.name) of \(name)") { other.apply(apply($0)) } }

    private static func hex(_ value: String, upper: Bool = false) -> [String] {
        value.utf8.map { byte in
            let text = String(byte, radix: 16, uppercase: upper)
            return text.count == 1 ? "0" + text : text
        }
    }

    private static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    private static func url(_ text: String) -> String {
        text.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private static func units(_ value: String) -> [UInt8] { value.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] } }

    static let simple: [Disguise] = [
        Disguise("itself") { $0 },
        Disguise("reversed") { String($0.reversed()) },
        Disguise("upper case") { $0.uppercased() },
        Disguise("lower case") { $0.lowercased() },
        Disguise("percent-encoded") { hex($0, upper: true).map { "%" + $0 }.joined() },
        Disguise("percent-encoded in small letters") { hex($0).map { "%" + $0 }.joined() },
        Disguise("JSON-escaped") { hex($0).map { "\\u00" + $0 }.joined() },
        Disguise("entities") { $0.utf8.map { "&#\($0);" }.joined() },
        Disguise("hexadecimal entities") { hex($0).map { "&#x\($0);" }.joined() },
        Disguise("hex") { hex($0).joined() },
        Disguise("HEX") { hex($0, upper: true).joined() },
        Disguise("hex with colons") { hex($0).joined(separator: ":") },
        Disguise("hex with 0x") { hex($0).map { "0x" + $0 }.joined(separator: ", ") },
        Disguise("decimal bytes") { "[" + $0.utf8.map { "\($0)" }.joined(separator: ",") + "]" },
        Disguise("octal escapes") { $0.utf8.map { "\\" + String($0, radix: 8) }.joined() },
        Disguise("Base64") { base64(Array($0.utf8)) },
        Disguise("Base64 behind one byte") { base64(Array(":\($0)".utf8)) },
        Disguise("Base64 behind two bytes") { base64(Array("a:\($0)".utf8)) },
        Disguise("Base64url without padding") { url(base64(Array($0.utf8))) },
        Disguise("Base64 behind a letter of its own") { "x" + base64(Array($0.utf8)) },
        Disguise("Base64 in lines") { value in
            base64(Array(value.utf8)).enumerated().map { $0.offset % 5 == 4 ? "\($0.element)\r\n" : "\($0.element)" }
                .joined()
        },
        Disguise("Base64 of UTF-16") { base64(units($0)) },
        Disguise("Base64 reversed") { String(base64(Array($0.utf8)).reversed()) },
        Disguise("dashes between") { $0.map { "\($0)" }.joined(separator: "-") },
        Disguise("spaces between") { $0.map { "\($0)" }.joined(separator: " ") },
        Disguise("zero width between") { $0.map { "\($0)" }.joined(separator: "\u{200B}") },
        Disguise("NUL between") { $0.map { "\($0)" }.joined(separator: "\u{0}") },
        Disguise("rot13") { text in
            String(
                decoding: text.utf8.map { byte in
                    switch byte {
                    case 0x41...0x5A: (byte - 0x41 + 13) % 26 + 0x41
                    case 0x61...0x7A: (byte - 0x61 + 13) % 26 + 0x61
                    default: byte
                    }
                },
                as: UTF8.self
            )
        },
        Disguise("first half") { String($0.prefix($0.count / 2)) },
        Disguise("last half") { String($0.suffix($0.count / 2)) },
        Disguise("a piece of nine in other words") { "abc\($0.dropFirst(5).prefix(9))xyz" },
    ]

    /// Of what can be read twice over.
    static var nested: [Disguise] {
        let outer = simple.filter {
            ["percent-encoded", "hex", "Base64", "Base64 behind one byte", "entities"].contains($0.name)
        }
        return simple.prefix(20).flatMap { inner in outer.map { inner.then($0) } }
    }
}

@Suite struct EchoTests {
    /// Forty letters and digits, another each time.
    private func value(_ chance: inout SeededGenerator, count: Int = 40) -> String {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        return String((0..<count).map { _ in letters[Int.random(in: 0..<letters.count, using: &chance)] })
    }

    private func answer(_ text: String) throws -> Answer {
        let body = try Wire.encoder().encode(
            JSONValue.object(["id": .string(text), "message": .string("no: \(text)")])
        )
        let header = HeaderField("www-authenticate", "Bearer error=\"\(text.filter { !$0.isNewline && $0 != "\0" })\"")
        return Answer(status: 401, headers: [header], body: Array(body))
    }

    /// Nothing of `text` but the words around it.
    private func expectNothing(of text: String, in answer: Answer, _ comment: Comment) throws {
        #expect(answer.document?[try #require(JSONPointer("/id"))] == .string("[secret]"), comment)
        #expect(answer.headers.allSatisfy { !$0.value.contains(text) }, comment)
        #expect(answer.message?.contains(String(text.prefix(9))) != true, comment)
        #expect(!answer.bodyText.contains(String(text.prefix(9))), comment)
    }

    @Test(arguments: Disguise.simple + Disguise.nested)
    fileprivate func `in no guise does it come back`(disguise: Disguise) throws {
        for seed in 0..<2 {
            var chance = SeededGenerator(seed: UInt64(seed))
            let value = value(&chance)
            let text = disguise.apply(value)
            let struck = try answer(text).striking(Secret(linted: value))
            try expectNothing(of: text, in: struck, "seed \(seed)")
            let page = Answer(status: 500, body: Array("sorry about \(text) here".utf8))
            let words = page.striking(Secret(linted: value)).bodyText
            #expect(!words.contains(String(text.prefix(9))), "\(words), seed \(seed)")
        }
    }

    @Test func `nor in a list of its letters, or of numbers`() throws {
        var chance = SeededGenerator(seed: 5)
        let value = value(&chance)
        let letters = JSONValue.array(value.map { .string("\($0)") })
        let bytes = "{\"token\":[\(value.utf8.map { "\($0)" }.joined(separator: ","))],\"name\":\"bot\"}"
        let document = try Wire.encoder().encode(JSONValue.object(["token": letters, "name": .string("bot")]))
        for body in [Array(document), Array(bytes.utf8)] {
            let struck = Answer(status: 200, body: body).striking(Secret(linted: value))
            #expect(struck.document == .object(["token": .string("[secret]"), "name": .string("bot")]))
        }
    }

    @Test func `whatever else is in an answer stays as it is`() throws {
        var chance = SeededGenerator(seed: 11)
        for _ in 0..<300 {
            let secret = Secret(linted: value(&chance, count: Int.random(in: 8...64, using: &chance)))
            let other = value(&chance, count: 40)
            let hex = (0..<32).map { _ in String(Int.random(in: 0..<16, using: &chance), radix: 16) }.joined()
            let body = """
                {"id": 123456789, "email": "ada@example.com", "uuid": "\(hex)", "next": "/users?page=2&cursor=\(other)",
                 "created_at": "2026-11-23T10:05:07.120Z", "roles": ["admin", "billing"], "avatar": "https:\\/\\/cdn.example.com\\/\(hex)"}
                """
            let answer = Answer(
                status: 200,
                headers: [HeaderField("x-request-id", hex), HeaderField("etag", "W/\"\(other)\"")],
                body: Array(body.utf8)
            )
            #expect(answer.striking(secret) == answer)
        }
    }

    @Test(arguments: [
        "The password you gave is wrong", "abcd of 1234", "order 1234 by abcd", "abc 1234 def",
        "token abcd-123 is unknown",
    ])
    func `a short secret strikes no other words`(text: String) throws {
        let answer = try answer(text)
        #expect(answer.striking(Secret(linted: "abcd1234")) == answer)
        #expect(answer.striking(Secret(linted: "hunter2")) == answer)
    }

    @Test func `a short one is struck whole, in every guise`() throws {
        for disguise in Disguise.simple.prefix(28) {
            let text = disguise.apply("abcd1234")
            #expect(EchoDetector("abcd1234")?.finds(in: "so \(text) it is") == true, "\(disguise.name)")
        }
    }

    private static func jwt(_ claims: String) -> String {
        func part(_ text: String) -> String {
            Data(text.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
                .replacing("=", with: "")
        }
        let signature = "SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
        return part(#"{"alg":"RS256","typ":"JWT"}"#) + "." + part(claims) + "." + signature
    }

    @Test func `what a JWT says of its owner is no secret, its signature is`() throws {
        let value = EchoTests.jwt(#"{"sub":"12345678901","email":"ada@example.com","scope":"read write everything"}"#)
        let secret = Secret(linted: value)
        for text in ["ada@example.com", "12345678901", "read write everything", #"{"alg":"RS256","typ":"JWT"}"#] {
            let answer = try answer(text)
            #expect(answer.striking(secret) == answer, "\(text)")
        }
        let signature = try #require(value.split(separator: ".").last)
        for disguise in Disguise.simple {
            let text = disguise.apply(String(signature))
            try expectNothing(of: text, in: try answer(text).striking(secret), "\(disguise.name)")
        }
        try expectNothing(of: value, in: try answer(value).striking(secret), "whole")
    }

    @Test func `a number in front of a token names the account`() throws {
        let secret = Secret(linted: "1234567890:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw")
        let answer = Answer(status: 200, body: Array(#"{"result":{"id":1234567890,"username":"my_bot"}}"#.utf8))
        #expect(answer.striking(secret) == answer)
        #expect(EchoDetector("1234567890:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw")?.finds(in: "aahdqtcv") == true)
    }

    @Test func `an identity that was struck is not taken for another one`() throws {
        var watched = Sample.token()
        var probe = watched.probe
        probe.identity = IdentityPointers(id: try #require(JSONPointer("/id")))
        probe.accepted = [Matcher(status: .exactly(200))]
        watched.probe = probe
        var chance = SeededGenerator(seed: 3)
        let value = value(&chance)
        let struck = Answer(status: 200, body: Array(#"{"id":"\#(Data(value.utf8).base64EncodedString())"}"#.utf8))
            .striking(Secret(linted: value))
        let judge = Judge(token: watched, knownIdentity: Identity(id: "7", name: nil))
        #expect(judge.finding(on: Exchange(.answered(struck))).verdict == .accepted(nil))
        watched.expectedIdentity = "7"
        #expect(Judge(token: watched).finding(on: Exchange(.answered(struck))).verdict == .indeterminate(.unexpected))
    }

    @Test func `no bytes trap it`() {
        var chance = SeededGenerator(seed: 17)
        let detector = EchoDetector("sesame/Open+1-abcdefgh")
        let odd = Array("%&\\=#;xXuU0123456789abcdefABCDEF\0\n\r-_+/. ".utf8)
        for _ in 0..<3000 {
            let bytes = (0..<Int.random(in: 0...60, using: &chance)).map { _ in
                Bool.random(using: &chance)
                    ? odd[Int.random(in: 0..<odd.count, using: &chance)] : UInt8.random(in: 0...255, using: &chance)
            }
            _ = detector?.strike(bytes)
        }
    }

    /// What an API could answer that knows the secret and wants to take time: nearly pieces of it, in many levels.
    @Test(arguments: [1, 120]) func `an answer full of what is nearly a piece takes little time`(depth: Int) throws {
        var chance = SeededGenerator(seed: 1)
        let secret = String((0..<700).compactMap { _ in "abcdefghijklmnopqrstuvwxyz".randomElement(using: &chance) })
        let hex = secret.utf8.map { String($0, radix: 16) }.joined()
        // Fifteen digits; sixteen are a piece.
        let near = (0..<1000).map { String(hex.dropFirst($0 * 13 % 1300).prefix(15)) }.joined(separator: "z")
        var value = JSONValue.string(near)
        for _ in 0..<depth { value = .array([value]) }
        let detector = try #require(EchoDetector(secret))
        let start = ContinuousClock.now
        _ = detector.strike(value)
        // Two minutes in such a build where every place of a piece is tried.
        #expect(ContinuousClock.now - start < .seconds(30))
    }
}
