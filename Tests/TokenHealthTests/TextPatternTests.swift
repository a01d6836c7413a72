import Testing

@testable import TokenHealth

struct TextPatternTests {
    @Test(arguments: [
        ("b", "abc", true), ("^b", "abc", false), ("c$", "abc", true), ("c$", "abc\n", false),
        ("c\\Z", "abc\r\n", true),
        ("^b$", "a\nb\nc", false), ("(?m)^b$", "a\r\nb\r\nc", true), ("a.b", "a\nb", false), ("(?s)a.b", "a\nb", true),
        ("", "", true), ("^$", "x", false), ("a|b|", "x", true), ("^(?:a|bc)+$", "abcbca", true),
        ("^a{2,3}$", "a", false), ("^a{2,3}$", "aaa", true), ("^a{2,3}$", "aaaa", false), ("^a{,2}$", "aa", true),
        ("^a{2,}$", "aaaaa", true), ("a{", "a{", true), ("^(a*)*$", "aaa", true), ("^(|a)+$", "aa", true),
        ("^\\d+$", "0٣", true), ("^\\w+$", "é_9", true), ("\\W", "é_9", false), ("^\\s$", "\u{A0}", true),
        ("^\\h\\v\\R\\N$", "\t\n\r\nx", true), ("[a-c-]", "-", true), ("[^a-c]", "b", false), ("[\\d-z]", "-", true),
        ("[\\d-]", "-", true),
        ("^[[:upper:][:digit:]]+$", "A1", true), ("\\p{Lu}", "é", false), ("\\p{L}", "é", true), ("\\P{L}", "é", false),
        ("(?i)É[x-z]", "éY", true), ("a(?i)b", "aB", true), ("a(?i)b", "Ab", false), ("(?i:a)b", "AB", false),
        ("a(?i:b|c)d", "aCd", true), ("(a(?i)b)c", "aBC", false), ("(?-i:a)", "A", false), ("(?i)ſ|k", "K", true),
        ("\\bfoo\\b", "a foo.", true), ("\\bfoo\\b", "food", false), ("\\Boo", "foo", true),
        ("a(?=b)", "ab", true), ("a(?=b)", "ac", false), ("a(?!b)", "ab", false), ("a(?!b)", "ac", true),
        ("(?<=a)b", "ab", true), ("(?<=a)b", "cb", false), ("(?<!a)b", "ab", false), ("(?<!a)b", "b", true),
        ("^(?=.*b(?!c))", "abc", false), ("^(?=.*b(?!c))", "abcb", true), ("^(?![\\s\\S]*x)", "a\nx", false),
        ("(?<=^a(?=b))b", "ab", true), ("(?<name>a)(?P<other>b)", "ab", true), ("a(?#no)b", "ab", true),
        ("(?x) a b # c", "ab", true), ("\\Qa.b*\\E+", "a.b**", true), ("\\x41\\u0042\\u{43}\\x{44}", "ABCD", true),
        ("\\.\\/\\-\\\"", "./-\"", true), ("\\t\\e\\0", "\t\u{1B}\0", true), ("}]", "}]", true), ("a??b", "b", true),
    ])
    func `an expression is found where it stands`(pattern: String, text: String, isFound: Bool) throws {
        #expect(try TextPattern(reading: pattern).isFound(in: text) == isFound)
    }

    @Test(arguments: [
        "(", ")", "(?", "(?i", "(?<n", "(?q)", "(?>a)", "(?(1)a)", "[", "[]", "[^]", "[a-", "[z-a]", "[a[b]", "[a&&b]",
        "[[:none:]]", "*", "a**", "a++", "a{3,2}", "a{501}", "(a{100}){100}", "(((a{50}){50}){50}){50}",
        "^*", "(?=a)+", "\\", "\\1", "\\k<a>", "\\é", "\\y", "\\x4", "\\u{110000}", "\\u{D800}", "\\p", "\\p{Xx}",
        "\\p{",
        String(repeating: "(", count: 51), String(repeating: "(?=", count: 40), String(repeating: "(a|", count: 5000),
        String(repeating: "a", count: 4097), String(repeating: "(?=a)", count: 11),
    ])
    func `what is no expression, or cannot be had in linear time, is refused`(pattern: String) {
        #expect(throws: PatternProblem.self) { try TextPattern(reading: pattern) }
    }

    /// Each of them keeps an engine that goes back busy for more steps than the text has characters, or for ever.
    @Test(arguments: [
        ("\"(a+)+\"", "\"", "a", "!"), ("(a|aa)+$", "", "a", "!"), ("(a*)*b", "", "a", ""),
        ("^(\\w+\\s?)*$", "", "a", "!"),
        ("(.*)(.*)(.*)(.*)x", "", "a", ""), ("a.*b.*c", "", "ab", ""), ("(?:a?){60}a{60}b", "", "a", ""),
        ("x*y", "", "x", ""), ("(?=.*a.*b)c", "", "a", ""), ("(?<!b.*)c", "", "a", ""), ("(?i)[à-é]*x", "", "ÀÉ", ""),
        ("\"(?:[^\"\\\\]|\\\\.)*token", "", "\"\\", ""), ("(?:(?:(?:a*)*)*)*b", "", "a", ""),
        ("(?m)^(a+\\n?)+$", "", "a\n", "!"),
    ])
    func `a text of twice the length takes at most twice the steps`(
        pattern: String,
        before: String,
        repeated: String,
        after: String
    ) throws {
        let expression = try TextPattern(reading: pattern)
        let efforts = [1000, 2000].map { count in
            let text = before + String(repeating: repeated, count: count) + after
            var search = PatternSearch(text: text.unicodeScalars.map(\.value))
            _ = search.finds(expression.program)
            return search.steps
        }
        #expect(efforts[1] <= 2 * efforts[0] + efforts[0] / 10)
    }

    @Test func `one pattern and an answer made for it leave a verdict`() throws {
        var probe = Sample.probe
        probe.rejected = [Matcher(status: .exactly(401), body: Sample.pattern("\"(a+)+\""))]
        let judge = Judge(token: Sample.token(Sample.provider(probe)))
        let body = #"{"error":""# + String(repeating: "a", count: 40) + #"!"}"#
        #expect(judge.finding(on: Reply.json(401, body)).verdict == .indeterminate(.unexpected))
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `of any expression and text it says what an engine that tries everything says`(seed: UInt64) throws {
        var chance = Chance(seed: seed)
        for _ in 0..<400 {
            let pattern = chance.pattern(depth: 1)
            let expression = try TextPattern(reading: pattern)
            let reference = try Regex(pattern)
            for _ in 0..<3 {
                let text = String((0..<chance.below(9)).map { _ in chance.pick(Array("ab1 \nA.é")) })
                #expect(
                    expression.isFound(in: text) == (text.firstMatch(of: reference) != nil),
                    "\(pattern) in \(text.debugDescription)"
                )
            }
        }
    }
}

/// Expressions at random, the same each time.
private struct Chance {
    private var generator: SeededGenerator

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }

    mutating func pick<Value>(_ values: [Value]) -> Value { values[below(values.count)] }

    /// An expression without boundaries of words: those of `Regex` are Unicode's.
    mutating func pattern(depth: Int) -> String {
        let atoms = [
            "a", "b", "\\w", "\\d", "\\s", "[ab]", "[^a]", ".", "(?i:A)", "(?:ab|b)", "\\n", " ", "1", "\\R", "(?s:.)",
            "(?:a?b)",
        ]
        let places = ["^", "$", "(?=a)", "(?!b)", "\\A", "\\z", "\\Z", "(?m:^)", "(?m:$)", "(?=.*b)", "(?!.*ab)"]
        let quantities = ["", "", "", "*", "+", "?", "{2}", "{1,2}", "*?", "{0,3}"]
        var text = ""
        for _ in 0...below(4) {
            switch below(6) {
            case 0: text += pick(places)
            case 1 where depth > 0:
                text += "(\(pattern(depth: depth - 1))|\(pattern(depth: depth - 1)))" + pick(quantities)
            default: text += pick(atoms) + pick(quantities)
            }
        }
        return text
    }
}
