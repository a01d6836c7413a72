import Testing
import VigilConfiguration

/// Texts made to keep a reader busy: each is refused in a few sentences, in time that grows with the text alone.
@Suite struct YAMLBoundsTests {
    /// A way to make such a text of any size.
    struct Attack: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let size: Int
        /// Most sentences that it may be answered with.
        let sentences: Int
        let text: @Sendable (Int) -> String

        init(_ name: String, size: Int, sentences: Int = 1, _ text: @escaping @Sendable (Int) -> String) {
            testDescription = name
            self.size = size
            self.sentences = sentences
            self.text = text
        }

        /// A text of many lines.
        init(lines name: String, size: Int, sentences: Int = 1, _ line: @escaping @Sendable (Int) -> String) {
            self.init(name, size: size, sentences: sentences) { count in
                "version: 1\n" + (1...count).map { line($0) + "\n" }.joined()
            }
        }
    }

    private static let laughs = "a0: &a0 {k: v}\n"

    static let attacks: [Attack] = [
        Attack("laughs in values", size: 20) { count in
            laughs + (1...count).map { "a\($0): &a\($0) [*a\($0 - 1), *a\($0 - 1)]\n" }.joined()
        },
        Attack("laughs in keys", size: 40) { count in
            laughs + (1...count).map { "a\($0): &a\($0) {? [*a\($0 - 1), *a\($0 - 1)] : x}\n" }.joined()
        },
        Attack("laughs in keys over several lines", size: 40) { count in
            laughs + (1...count).map { "a\($0): &a\($0) {?[*a\($0 - 1),\n *a\($0 - 1)]:\"x\"}\n" }.joined()
        },
        Attack("laughs as keys", size: 40) { count in
            let lines = (1...count).map { "a\($0): &a\($0) {k: *a\($0 - 1), l: *a\($0 - 1)}\n" }
            return laughs + lines.joined() + "b: {*a\(count):\"x\"}\n"
        },
        Attack("keys inside keys", size: 400) { count in String(repeating: "? ", count: count) + "a" },
        Attack("aliases under each other", size: 10_000) { count in
            laughs + (1...count).map { "a\($0): &a\($0) [*a\($0 - 1)]\n" }.joined()
        },
        Attack(lines: "many anchors", size: 10_000, sentences: 202) { "a\($0): &a\($0) x" },
        Attack(lines: "many keys", size: 20_000, sentences: 202) { "intervall\($0): x" },
        Attack(lines: "many duplicate keys", size: 20_000, sentences: 21) { "k\($0 % 9): x" },
        Attack(lines: "many merge keys", size: 20_000, sentences: 21) { _ in "<<: {a: b}" },
        Attack(lines: "many tags", size: 20_000, sentences: 21) { "k\($0): !vault x" },
        Attack(lines: "documents without end", size: 50_000) { _ in "---" },
        Attack("deep lists", size: 100_000) { String(repeating: "[", count: $0) },
        Attack("deep mappings", size: 100_000) { String(repeating: "{a: ", count: $0) },
        Attack("lists as keys", size: 3_000) { String(repeating: "[{,", count: $0) },
        Attack("one long value", size: 2_000_000, sentences: 3) { "owner: " + String(repeating: "x", count: $0) },
        Attack("one long key", size: 2_000_000, sentences: 3) { "? " + String(repeating: "x", count: $0) + "\n: y\n" },
        Attack("one long comment", size: 2_000_000, sentences: 2) { "# " + String(repeating: "*a ", count: $0 / 3) },
        Attack("one long list", size: 100_000, sentences: 3) { "tokens: [" + String(repeating: "a,", count: $0) + "]" },
    ]

    @Test(arguments: attacks) func `it is refused in few sentences, and time grows with its size alone`(
        attack: Attack
    ) {
        let (small, large) = (attack.text(attack.size / 4), attack.text(attack.size))
        let told = problems(in: large)
        #expect(!told.isEmpty && told.count <= attack.sentences, "\(told.count): \(told.prefix(3))")
        #expect(told.allSatisfy { $0.utf8.count < 500 })
        // Four times the text takes four times as long; what is a square takes sixteen times.
        #expect(time(of: large) < time(of: small) * 10 + .milliseconds(100))
    }

    /// The shortest of three attempts: others use this host, too.
    private func time(of text: String) -> Duration {
        (1...3).map { _ in ContinuousClock().measure { _ = problems(in: text) } }.min() ?? .zero
    }

    @Test func `a long list of tokens that share a part is no attack`() throws {
        let tokens = (1...2_000).map { "  t\($0): {provider: tallyfy, secret: {credential: x}, remind: *r}\n" }
        let text = "version: 1\ndefaults: {remind: &r [1h, 2h]}\ntokens:\n" + tokens.joined()
        #expect(try ConfigurationLoader.load(text: text, name: "many.yaml").tokens.count == 2_000)
    }
}
