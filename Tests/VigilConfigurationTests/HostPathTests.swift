import Foundation
import Testing
import VigilConfiguration

/// What a check of the configuration says of paths on this host.
@Suite struct HostPathTests {
    private func problems(_ lines: String) throws -> [String] {
        let text = """
            version: 1
            tokens: {bot: {provider: tallyfy, secret: {credential: bot}}}
            notifiers: {journal: {type: journald}}
            \(lines)
            """
        return try ConfigurationLoader.load(text: text, name: "c.yaml").pathProblems
    }

    @Test(arguments: ["status: {file: /tmp}", "metrics: {textfile: /tmp}", "control: {socket: /tmp}"])
    func `a file to be written that is a directory is told`(line: String) throws {
        let told = try problems(line)
        #expect(told.count == 1)
        #expect(told.first?.hasSuffix("/tmp is a directory: name a file in it") == true)
    }

    @Test func `a state directory that is a file is told`() throws {
        let told = try problems("state: {directory: /etc/passwd}")
        #expect(told == ["state.directory /etc/passwd is a file: name a directory"])
    }

    @Test func `what is not there yet is no problem`() throws {
        #expect(try problems("status: {file: /nonexistent/status.json}").isEmpty)
    }

    @Test func `mail goes to somebody on this host`() throws {
        let line = "notifiers: {mail: {type: sendmail, from: a@example.com, to: [root, o'brien@example.com, a+b@c.d]}}"
        let text = "version: 1\ntokens: {bot: {provider: tallyfy, secret: {credential: bot}}}\n\(line)"
        #expect(try ConfigurationLoader.load(text: text, name: "c.yaml").notifiers.count == 1)
    }
}
