import Testing
import VigilConfiguration

/// Every file in `Fixtures/invalid` has one mistake, the one it is named for.
///
/// Its first line says what must be told.
@Suite struct InvalidConfigurationTests {
    private static let fixtures = Fixtures.names(in: "invalid")

    private func told(by fixture: String) throws -> [Problem] {
        let text = try Fixtures.text("\(Fixtures.directory)/invalid/\(fixture)")
        do {
            _ = try ConfigurationLoader.load(text: text, name: fixture)
            return []
        } catch {
            return error.problems
        }
    }

    @Test(arguments: fixtures) func `every mistake is told with its place and what is expected`(fixture: String) throws
    {
        let text = try Fixtures.text("\(Fixtures.directory)/invalid/\(fixture)")
        let expected = text.prefix { !$0.isNewline }.trimmingPrefix("# expect: ")
        let told = try told(by: fixture).map { $0.description.trimmingPrefix("\(fixture):") }.joined(separator: " | ")
        #expect(told == expected)
    }

    @Test(arguments: fixtures) func `no message shows what could be a secret`(fixture: String) throws {
        for problem in try told(by: fixture) {
            #expect(!"\(problem) \(problem.path)".contains("do-not-show"))
        }
    }

    @Test func `a key that may be a secret is not shown`() {
        let key = String(repeating: "s3cr3t", count: 8)
        #expect(throws: ConfigurationErrors.self) { try configuration(token: "\(key): x") }
        do {
            _ = try configuration(token: "\(key): x")
        } catch {
            #expect(!"\(error)".contains("s3cr3t"))
            #expect((error as? ConfigurationErrors)?.problems.map(\.path) == ["tokens.bot"])
        }
    }

    @Test func `there is a fixture for every kind of mistake`() {
        #expect(InvalidConfigurationTests.fixtures.count > 100)
    }
}
