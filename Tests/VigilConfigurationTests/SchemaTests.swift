import Testing
import TokenHealth

@testable import VigilConfiguration

@Suite struct SchemaTests {
    private func schema() throws -> JSONValue {
        try #require(JSONValue(parsing: Array(ConfigurationSchema.text.utf8)))
    }

    /// The keys that the schema allows in a section.
    private func keys(of section: ConfigurationSection) throws -> Set<String> {
        let place = section == .root ? "/properties" : "/$defs/\(section.rawValue)/properties"
        let pointer = try #require(JSONPointer(place))
        guard case .object(let members)? = try schema()[pointer] else { return [] }
        return Set(members.keys)
    }

    @Test(arguments: ConfigurationSection.allCases)
    func `the schema and the loader know the same keys`(section: ConfigurationSection) throws {
        #expect(try keys(of: section) == Set(section.keys))
    }

    @Test(arguments: ConfigurationSection.allCases)
    func `the schema refuses other keys, except the parameters of a token`(section: ConfigurationSection) throws {
        let place = section == .root ? "/additionalProperties" : "/$defs/\(section.rawValue)/additionalProperties"
        let pointer = try #require(JSONPointer(place))
        #expect(try (schema()[pointer] == .bool(false)) == (section != .token))
    }

    @Test func `it is the file in docs`() throws {
        #expect(try Fixtures.text("\(Fixtures.repository)/docs/config.schema.json") == ConfigurationSchema.text)
    }

    @Test(arguments: ConfigurationSection.allCases)
    func `the example shows every key`(section: ConfigurationSection) throws {
        let example = try Fixtures.text("\(Fixtures.repository)/config/tokenvigil.yaml")
        for key in section.keys {
            #expect(example.contains("\(key):"), "\(key) of \(section)")
        }
    }
}

/// Nothing that stands in a file may bring the program down.
@Suite struct HostileTextTests {
    private func example() throws -> [UInt8] {
        Array(try Fixtures.text("\(Fixtures.repository)/config/tokenvigil.yaml").utf8)
    }

    @Test func `a file cut anywhere is read or refused`() throws {
        let bytes = try example()
        for end in stride(from: 0, to: bytes.count, by: 61) {
            _ = problems(in: String(decoding: bytes.prefix(end), as: UTF8.self))
        }
    }

    @Test func `a file with any character changed is read or refused`() throws {
        let bytes = try example().filter { $0 < 0x80 }
        let replacements = Array(#"{}[]:,&*?|>'"%@`-\#t\#n\#\0~!#/ "#.utf8)
        for (step, index) in stride(from: 0, to: bytes.count, by: 23).enumerated() {
            var changed = bytes
            changed[index] = replacements[step % replacements.count]
            _ = problems(in: String(decoding: changed, as: UTF8.self))
        }
    }

    @Test(arguments: [
        String(repeating: "[", count: 100_000), String(repeating: "- ", count: 100_000),
        String(repeating: "{a: ", count: 5000), String(repeating: "? ", count: 5000), "\u{0}", "a: !!binary x",
        "%YAML 9.9\n---\na", "--- >\n", "&a *a", "&a [*a]", "a: &a\n  b: *a", "!<!> x: y", "version: .inf", "1: 2",
        "\"\\ud800\": 1", "? {a: {b: c}}\n: d", "tokens: {a: {secret: {file: \"/a\\0b\"}}}",
    ]) func `strange YAML is refused`(text: String) {
        #expect(!problems(in: text).isEmpty)
    }
}
