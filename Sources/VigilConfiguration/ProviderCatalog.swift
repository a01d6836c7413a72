import Synchronization
import TokenHealth

/// The providers that are compiled in, written exactly as a user writes one.
package final class ProviderCatalog: Sendable {
    /// The one catalog of this program.
    package static let builtIn = ProviderCatalog(
        texts: [
            "django-rest": PackageResources.django_rest_yaml,
            "github": PackageResources.github_yaml,
            "gitlab": PackageResources.gitlab_yaml,
            "http": PackageResources.http_yaml,
            "jupyterhub": PackageResources.jupyterhub_yaml,
            "matrix": PackageResources.matrix_yaml,
            "oauth2-introspection": PackageResources.oauth2_introspection_yaml,
            "openstack-keystone": PackageResources.openstack_keystone_yaml,
            "slack": PackageResources.slack_yaml,
            "tallyfy": PackageResources.tallyfy_yaml,
        ].mapValues { String(decoding: $0, as: UTF8.self) }
    )

    private let texts: [String: String]
    /// Those that somebody has asked for: reading all of them takes longer than the rest of a start.
    private let definitions = Mutex<[String: ProviderDefinition]>([:])

    private init(texts: [String: String]) { self.texts = texts }

    /// The names, sorted.
    package var names: [String] { texts.keys.sorted() }

    /// The YAML of a provider, from `providers:` on, with its comments; `nil` for a name that is not built in.
    package func yaml(of name: String) -> String? { texts[name] }

    /// What a provider is; `nil` for a name that is not built in.
    func definition(of name: String) -> ProviderDefinition? {
        guard let text = texts[name] else { return nil }
        return definitions.withLock { definitions in
            if let known = definitions[name] { return known }
            let definition = ProviderCatalog.definition(named: name, in: text)
            definitions[name] = definition
            return definition
        }
    }

    private static func definition(named name: String, in text: String) -> ProviderDefinition? {
        let log = ProblemLog()
        let root = ConfigurationFiles(log: log).tree(text: text, file: "\(name).yaml")
        let fields = root.flatMap { Setting(node: $0, key: "the file", path: "", log: log).mapping(.root) }
        let entry = fields?["providers"]?.entries("a mapping of providers")?.first { $0.name == name }
        let definition = entry?.value.provider(named: name)
        guard log.errors.isEmpty, let definition = definition?.written(by: name == "http" ? .general : .builtIn) else {
            preconditionFailure("the built-in provider \(name) is wrong: \(log.errors)")
        }
        return definition
    }
}

/// The JSON Schema of the configuration file, for editors: `tokenvigil config schema`.
package enum ConfigurationSchema {
    /// JSON Schema, draft 2020-12.
    package static let text = String(decoding: PackageResources.config_schema_json, as: UTF8.self)
}

/// The file that `tokenvigil config init` writes.
package enum StarterConfiguration {
    /// Valid as it stands, with the rest commented out.
    package static let text = String(decoding: PackageResources.starter_yaml, as: UTF8.self)
}
