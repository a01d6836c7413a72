import TokenHealth
import Testing

struct SecretTests {
    private static let value = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJqdGkiOiIxIn0.c2lnbmF0dXJl"
    private let secret = Sample.secret(SecretTests.value)

    private struct Holder {
        let secret: Secret
        let optional: Secret?
    }

    @Test func `no way of printing shows it`() {
        var dumped = ""
        dump(secret, to: &dumped)
        dump([secret], to: &dumped)
        dump(Holder(secret: secret, optional: secret), to: &dumped)
        dump(["key": secret], to: &dumped)
        let texts = [
            String(describing: secret), String(reflecting: secret), secret.description, secret.debugDescription, dumped,
            "\([secret])", "\(Holder(secret: secret, optional: secret))", String(describing: Optional(secret)),
            String(reflecting: [1: secret]), "\(secret as Any)",
        ]
        for text in texts {
            #expect(!text.contains("eyJ") && !text.contains("c2ln"))
            #expect(text.contains(Secret.redaction))
        }
    }

    @Test func `its mirror is empty`() {
        #expect(Mirror(reflecting: secret).children.isEmpty)
        let inner = Mirror(reflecting: Holder(secret: secret, optional: nil)).children.first?.value
        #expect(inner.map { Mirror(reflecting: $0).children.isEmpty } == true)
    }

    @Test func `it cannot be encoded`() {
        #expect(!((secret as Any) is any Encodable))
        #expect(!((secret as Any) is any Decodable))
        #expect(!((secret as Any) is any RawRepresentable))
    }

    @Test func `the one way to it hands it over whole`() {
        #expect(secret.withExposedValue { $0 == SecretTests.value })
        #expect(secret.length == SecretTests.value.utf8.count)
        #expect(secret == Sample.secret(SecretTests.value))
        #expect(secret != Sample.secret(SecretTests.value + "x"))
    }

    @Test(arguments: [
        (SecretSource.file(path: "/etc/x"), "file /etc/x"), (.credential(name: "bot"), "credential bot"),
        (.environment(variable: "TOKEN"), "environment variable TOKEN"),
        (.command(argv: ["/usr/bin/pass", "--key", "sesame"]), "command /usr/bin/pass"),
        (.command(argv: []), "command "),
    ])
    func `a source says where, and nothing more`(source: SecretSource, text: String) {
        #expect(source.description == text)
    }
}

struct SecretLintTests {
    private func problem(_ bytes: [UInt8]) -> SecretProblem? {
        do throws(SecretProblem) {
            _ = try SecretLint.secret(in: bytes, source: "file /x")
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        ("", "secret_empty"), (" ", "secret_empty"), ("\n\r\t \n", "secret_empty"),
        ("abc def", "secret_contains_whitespace"),
        ("abc\ndef", "secret_contains_whitespace"), ("abc\tdef", "secret_contains_whitespace"),
        ("abc\u{0B}def", "secret_contains_whitespace"), ("token1\r\ntoken2\r\n", "secret_contains_whitespace"),
        ("Bearer eyJabc", "secret_bearer_prefix"), ("bearer eyJabc", "secret_bearer_prefix"),
        ("BEARER  x", "secret_bearer_prefix"),
        (#""eyJabc""#, "secret_quoted"), ("'eyJabc'", "secret_quoted"), ("`eyJabc`", "secret_quoted"),
        (#""eyJabc"#, "secret_quoted"), ("eyJabc'", "secret_quoted"), (#"""#, "secret_quoted"),
        ("YOUR_PERSONAL_ACCESS_TOKEN", "secret_placeholder"), ("your_token_here", "secret_placeholder"),
        ("your-token", "secret_placeholder"), ("your token", "secret_placeholder"), ("<token>", "secret_placeholder"),
        ("<paste the token here>", "secret_placeholder"), ("changeme", "secret_placeholder"),
        ("ChangeMe", "secret_placeholder"),
        ("change_me", "secret_placeholder"), ("token", "secret_placeholder"), ("secret", "secret_placeholder"),
        ("xxxxxxxx", "secret_placeholder"), ("****", "secret_placeholder"), ("...", "secret_placeholder"),
        ("\"YOUR_PERSONAL_ACCESS_TOKEN\"", "secret_placeholder"), ("{{personal_access_token}}", "secret_placeholder"),
        ("TODO", "secret_placeholder"), ("abc\u{0}def", "secret_not_printable"),
        ("\u{FEFF}abcdef", "secret_not_printable"),
        ("abc\u{7F}", "secret_not_printable"), ("abcdéf", "secret_not_printable"), ("“abcdef”", "secret_not_printable"),
        ("abc\u{A0}def", "secret_not_printable"), ("\u{1B}[200~abc", "secret_not_printable"),
    ])
    func `every mistake of pasting has its own name`(text: String, code: String) {
        let problem = problem(Array(text.utf8))
        #expect(problem?.code == code)
        #expect(problem?.sentence.contains("file /x") == true)
    }

    @Test(arguments: [[0xFF, 0xFE, 0x61, 0x00], [0x61, 0x80], [0xC3], [0x61, 0x00]] as [[UInt8]])
    func `bytes that are no text are refused`(bytes: [UInt8]) {
        #expect(problem(bytes)?.code == "secret_not_printable")
    }

    @Test func `the longest secret is allowed, and one byte more is not`() {
        #expect(problem(Array(repeating: 0x61, count: SecretLint.maximumLength)) == nil)
        #expect(problem(Array(repeating: 0x61, count: SecretLint.maximumLength + 1))?.code == "secret_too_long")
        #expect(problem(Array(repeating: 0x61, count: 10_000_000))?.code == "secret_too_long")
    }

    @Test(arguments: [
        "abc", "a", "eyJ0.eyJ1.c2ln", "glpat-x_y-z", "a=b&c/d+e~f!", "xxy", "bearer", "yourself", "a\"b", "x.y",
    ])
    func `everything else is a token`(text: String) {
        #expect(problem(Array(text.utf8)) == nil)
        #expect(problem(Array("\r\n \t\(text) \n\n".utf8)) == nil)
        #expect(Sample.secret(" \(text)\r\n").withExposedValue { $0 == text })
    }

    @Test func `a problem never holds any of the secret`() {
        for text in ["sesame open", "Bearer sesame", "'sesame'", "sesame\u{0}", "your_sesame"] {
            let problem = problem(Array(text.utf8))
            #expect(problem != nil)
            #expect(!String(reflecting: problem).contains("sesame"))
            #expect(problem?.sentence.contains("sesame") == false)
        }
    }

    @Test func `the problems of reading have a name and a remedy too`() throws {
        let problems: [SecretProblem] = [
            .missing(source: "file /x"), .unreadable(source: "file /x", cause: "denied"),
            .worldReadable(source: "file /x"), .unavailable(source: "file /x", cause: "Too many open files"),
        ]
        #expect(
            problems.map(\.code)
                == ["secret_missing", "secret_unreadable", "secret_world_readable", "secret_unavailable"]
        )
        #expect(problems.allSatisfy { $0.sentence.contains("file /x") })
        for problem in problems { #expect(try problem.reread() == problem) }
    }
}
