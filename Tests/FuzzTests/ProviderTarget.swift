import TokenHealth
import VigilConfiguration

/// Everything that the text of a configuration goes through: YAML, the schema, providers, and the use of what is read.
enum ProviderTarget {
    /// Runs one input; whatever it is, this returns.
    static func run(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        let configuration: Configuration
        do {
            configuration = try ConfigurationLoader.load(text: text, name: "fuzz.yaml")
        } catch {
            precondition(!error.problems.isEmpty, "refused without a reason")
            for problem in error.problems { precondition(!problem.description.isEmpty, "a problem without words") }
            return
        }
        for warning in configuration.warnings { _ = warning.description }
        for token in configuration.tokens {
            let judge = Judge(token: token)
            for exchange in exchanges {
                _ = judge.finding(on: exchange, control: exchanges[0])
                _ = judge.controlResult(of: exchange)
                _ = judge.needsControl(for: exchange)
            }
            precondition(!ProbeRecipe(for: token).note.isEmpty, "a recipe without a word")
            _ = token.siblings(among: configuration.tokens) { _ in nil }
        }
    }

    /// Short: a pattern may take long with a long text, and that is its author's doing.
    private static let exchanges = [200, 401, 403, 404].map { status in
        let body = Array(#"{"data":{"id":7},"message":"no"}"#.utf8)
        let headers = [HeaderField("Content-Type", "application/json"), HeaderField("X-Error", "a b")]
        return Exchange(.answered(Answer(status: status, headers: headers, body: body)))
    }
}
