import Foundation
import Testing
import TokenHealth
import VigilConfiguration

/// Files as editors of other systems save them.
@Suite struct EncodingTests {
    private static let text = """
        version: 1
        tokens:
          bot: {provider: tallyfy, secret: {credential: bot}, owner: café}
        notifiers: {journal: {type: journald}}

        """

    private func told(_ data: Data) throws -> [String] {
        let directory = try TemporaryDirectory()
        let path = try directory.write("", to: "c.yaml")
        try data.write(to: URL(filePath: path))
        do throws(ConfigurationErrors) {
            let owner = try ConfigurationLoader.load(path: path).tokens.first?.owner
            #expect(owner == "café")
            return []
        } catch {
            return error.problems.map { $0.description.replacing(path, with: "c.yaml") }
        }
    }

    @Test(arguments: [
        text, "\u{FEFF}" + text, text.replacing("\n", with: "\r\n"), "\u{FEFF}---\r\n" + text + "...\r\n",
    ])
    func `a byte order mark and other ends of lines do no harm`(text: String) throws {
        #expect(try told(Data(text.utf8)) == [])
    }

    @Test(arguments: [String.Encoding.utf16LittleEndian, .utf16BigEndian])
    func `UTF-16 is called by its name`(encoding: String.Encoding) throws {
        let data = try #require(("\u{FEFF}" + EncodingTests.text).data(using: encoding))
        #expect(try told(data).first == "c.yaml:1:1: UTF-16 text: save the file as UTF-8")
    }

    @Test func `in Latin-1 the first byte that is not UTF-8 is shown`() throws {
        let data = try #require(EncodingTests.text.data(using: .isoLatin1))
        let expected = "c.yaml:3:65: not UTF-8 text: the byte E9, as in Latin-1; save the file as UTF-8"
        #expect(try told(data).first == expected)
    }

    @Test func `a file that ends within a character is told`() throws {
        let told = try told(Data("version: 1\n# caf".utf8) + [0xC3])
        #expect(told.first == "c.yaml:2:6: not UTF-8 text: the byte C3, as in Latin-1; save the file as UTF-8")
    }

    @Test(arguments: [
        ("yes", "true"), ("No", "false"), ("off", "false"), ("0x1F", "a number"),
        ("1:30", "a number"), ("1_000", "a number"), ("0o17", "a number"),
    ])
    func `what other readers take for another value in JSON is told`(word: String, reading: String) throws {
        let text = """
            version: 1
            providers:
              p: {base_url: "https://a.example.com", probe: {path: /me}, accepted: [{json: {/active: \(word)}}]}
            tokens: {bot: {provider: p, secret: {credential: bot}}}
            """
        let warnings = try ConfigurationLoader.load(text: text, name: "c.yaml").warnings.map(\.message)
        #expect(
            warnings.contains("/active is the text '\(word)' here, not \(reading): put it in quotes if that is meant")
        )
        let quoted = text.replacing(": \(word)}", with: ": '\(word)'}")
        #expect(
            try ConfigurationLoader.load(text: quoted, name: "c.yaml").warnings.allSatisfy {
                !$0.message.contains(word)
            }
        )
    }

    @Test func `words of YAML 1.1 are names like any others`() throws {
        let tokens = ["no", "on", "1e3", "null", "true"].map {
            "  \($0): {provider: tallyfy, secret: {credential: x}}\n"
        }
        let text = "version: 1\ntokens:\n" + tokens.joined()
        let names = try ConfigurationLoader.load(text: text, name: "c.yaml").tokens.map(\.name.text)
        #expect(names == ["1e3", "no", "null", "on", "true"])
    }
}
