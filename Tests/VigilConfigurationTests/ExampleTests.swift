import Testing
import TokenHealth
import VigilConfiguration

@Suite struct ExampleTests {
    private func example() throws -> Configuration {
        try ConfigurationLoader.load(path: "\(Fixtures.repository)/config/tokenvigil.yaml")
    }

    @Test func `the example loads without an error or a warning`() throws {
        let configuration = try example()
        #expect(configuration.warnings.isEmpty)
        #expect(configuration.tokens.map(\.name.text) == ["hr-onboarding", "hr-reporting", "matrix-bot"])
    }

    @Test func `the built-in provider loads`() {
        #expect(ProviderCatalog.builtIn.names == ["tallyfy"])
    }
}
