import Testing
import TokenHealth
import VigilConfiguration

/// The providers that are compiled in.
@Suite struct ProviderCatalogTests {
    private static let names = ProviderCatalog.builtIn.names

    /// A token of a built-in provider, with whatever it must say for itself.
    private func token(of name: String, rest: String = "") throws -> WatchedToken {
        let asker = name == "oauth2-introspection" ? ", ask_as: {credential: asker}" : ""
        let text = """
            version: 1
            tokens: {bot: {provider: \(name), secret: {credential: bot}, base_url: https://a.example.com/x/\(asker)}}
            \(rest)
            """
        return try #require(try ConfigurationLoader.load(text: text, name: "test.yaml").tokens.first)
    }

    @Test func `there are ten`() {
        #expect(
            ProviderCatalogTests.names == [
                "django-rest", "github", "gitlab", "http", "jupyterhub", "matrix", "oauth2-introspection",
                "openstack-keystone", "slack", "tallyfy",
            ]
        )
    }

    @Test(arguments: names) func `what is printed can be put into a configuration`(name: String) throws {
        let yaml = try #require(ProviderCatalog.builtIn.yaml(of: name))
        #expect(yaml.contains("\nproviders:\n  \(name):\n"))
        #expect(try token(of: name, rest: yaml) == token(of: name))
    }

    @Test(arguments: names) func `each bears few failed logins, a steady rate, and has steps to repair a token`(
        name: String
    ) throws {
        let provider = try token(of: name).provider
        #expect(provider.limits.rate != nil)
        #expect(provider.limits.failedLogins != nil)
        #expect(!provider.remedy.steps.isEmpty)
    }

    @Test(arguments: names.filter { $0 != "tallyfy" }) func `each names its sources`(name: String) throws {
        let comments = try #require(ProviderCatalog.builtIn.yaml(of: name)).split(separator: "\n").prefix {
            $0.hasPrefix("#")
        }
        #expect(comments.contains { $0.contains("https://") || $0.contains("RFC ") })
    }

    @Test(arguments: ["django-rest", "http", "jupyterhub", "matrix", "openstack-keystone"])
    func `a provider without a server of its own wants one from the token`(name: String) {
        let told = problems(in: "version: 1\ntokens: {bot: {provider: \(name), secret: {credential: bot}}}")
        #expect(told.count == 1)
        #expect(told.first?.contains("base_url is missing: provider '\(name)' has none") == true)
    }
}
