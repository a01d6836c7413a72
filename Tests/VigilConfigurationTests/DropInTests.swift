import FoundationEssentials
import Testing
import TokenHealth
import VigilConfiguration

@Suite struct DropInTests {
    private static let main = """
        version: 1
        tokens:
          bot: {provider: tallyfy, secret: {credential: bot}}
        notifiers:
          journal: {type: journald}
        """

    /// What is wrong with a directory of files, each path without the directory.
    private func problems(_ directory: borrowing TemporaryDirectory) -> [String] {
        do {
            _ = try ConfigurationLoader.load(path: "\(directory.path)/tokenvigil.yaml")
            return []
        } catch {
            return error.problems.map { $0.description.replacing("\(directory.path)/", with: "") }
        }
    }

    @Test func `drop-ins add tokens, providers and notifiers`() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(DropInTests.main, to: "tokenvigil.yaml")
        try directory.write(
            "tokens: {two: {provider: own, secret: {env: TWO}, interval: 5s}}\ndefaults: {timeout: 3s}",
            to: "conf.d/20-two.yaml"
        )
        try directory.write(
            "version: 1\nproviders: {own: {base_url: https://a.example.com, probe: {path: /me}}}",
            to: "conf.d/10-own.yaml"
        )
        try directory.write("nonsense: 1", to: "conf.d/.hidden.yaml")
        try directory.write("nonsense: 1", to: "conf.d/notes.txt")
        let configuration = try ConfigurationLoader.load(path: path)
        #expect(configuration.tokens.map(\.name.text) == ["bot", "two"])
        #expect(configuration.tokens.allSatisfy { $0.timeout == .seconds(3) })
        #expect(
            configuration.files.map { URL(filePath: $0).lastPathComponent } == [
                "tokenvigil.yaml", "10-own.yaml", "20-two.yaml",
            ]
        )
        #expect(configuration.warnings.isEmpty)
    }

    @Test func `a name in two files is an error that names both places`() throws {
        let directory = try TemporaryDirectory()
        try directory.write(DropInTests.main, to: "tokenvigil.yaml")
        try directory.write(
            "tokens:\n  bot: {provider: tallyfy, secret: {credential: x}}\nnotifiers:\n  journal: {type: journald}",
            to: "conf.d/a.yaml"
        )
        #expect(
            problems(directory).map { $0.replacing("\(directory.path)/", with: "") } == [
                "conf.d/a.yaml:2:3: duplicate token 'bot': it is already defined at tokenvigil.yaml:3:3",
                "conf.d/a.yaml:4:3: duplicate notifier 'journal': it is already defined at tokenvigil.yaml:5:3",
            ]
        )
    }

    @Test func `an empty section leaves room for the drop-ins'`() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("version: 1\ntokens:\nnotifiers: {}", to: "tokenvigil.yaml")
        try directory.write("tokens: {bot: {provider: tallyfy, secret: {credential: b}}}", to: "conf.d/a.yaml")
        try directory.write("tokens:\n", to: "conf.d/b.yaml")
        #expect(try ConfigurationLoader.load(path: path).tokens.map(\.name.text) == ["bot"])
    }

    @Test func `mistakes in all files are told at once`() throws {
        let directory = try TemporaryDirectory()
        try directory.write(DropInTests.main + "\ncolour: blue", to: "tokenvigil.yaml")
        try directory.write("tokens: [", to: "conf.d/a.yaml")
        try directory.write("version: 2\ntokens: {x: {}}", to: "conf.d/b.yaml")
        try directory.write("- a list", to: "conf.d/c.yaml")
        let files = problems(directory).compactMap { $0.split(separator: ":").first }
        #expect(Set(files) == ["tokenvigil.yaml", "conf.d/a.yaml", "conf.d/b.yaml", "conf.d/c.yaml"])
    }

    @Test func `a file with another ending is a warning`() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(DropInTests.main, to: "tokenvigil.yaml")
        try directory.write("tokens: {}", to: "conf.d/more.yml")
        let warnings = try ConfigurationLoader.load(path: path).warnings
        #expect(warnings.map(\.message) == ["not read: only names that end in .yaml are"])
    }

    // MARK: - Files that cannot be read

    @Test func `a missing file says how to begin`() throws {
        let directory = try TemporaryDirectory()
        #expect(
            problems(directory) == [
                "tokenvigil.yaml: cannot be read: there is no such file; "
                    + "'tokenvigil config init' writes one to begin with"
            ]
        )
    }

    @Test func `a directory is not read`() throws {
        let directory = try TemporaryDirectory()
        try directory.write("", to: "tokenvigil.yaml/file")
        #expect(problems(directory).map { $0.prefix(39) } == ["tokenvigil.yaml: not a regular file; 't"])
    }

    @Test func `a file of more than 64 MiB is not read`() throws {
        let directory = try TemporaryDirectory()
        try directory.write(String(repeating: "#", count: 64 * 1024 * 1024 + 1), to: "tokenvigil.yaml")
        #expect(problems(directory) == ["tokenvigil.yaml: larger than 64 MiB"])
    }

    @Test func `a file that is not UTF-8 is not read`() throws {
        let directory = try TemporaryDirectory()
        try Data([0x76, 0xFF, 0xFE]).write(to: URL(filePath: "\(directory.path)/tokenvigil.yaml"))
        #expect(
            problems(directory) == [
                "tokenvigil.yaml:1:2: not UTF-8 text: the byte FF, as in Latin-1; save the file as UTF-8"
            ]
        )
    }

    @Test func `a link to the file is followed`() throws {
        let directory = try TemporaryDirectory()
        try directory.write(DropInTests.main, to: "real/file")
        try FileManager.default.createSymbolicLink(
            atPath: "\(directory.path)/tokenvigil.yaml",
            withDestinationPath: "real/file"
        )
        #expect(problems(directory).isEmpty)
    }

    @Test func `a template that is no good is told at its place`() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(DropInTests.main, to: "tokenvigil.yaml")
        let webhook = "type: webhook, url: https://a.example.com, format: template"
        try directory.write(
            "notifiers:\n  tickets: {\(webhook), template: /etc/x.mustache, content_type: text/plain}",
            to: "conf.d/tickets.yaml"
        )
        _ = try ConfigurationLoader.load(path: path)
        do {
            _ = try ConfigurationLoader.load(path: path) { "is tried as \($0.contentType) from \($0.path)" }
            Issue.record("a bad template is taken")
        } catch {
            #expect(
                error.problems.map { $0.description.replacing("\(directory.path)/", with: "") } == [
                    "conf.d/tickets.yaml:2:84: template is tried as text/plain from /etc/x.mustache"
                ]
            )
            #expect(error.problems.map(\.path) == ["notifiers.tickets.template"])
        }
    }
}
