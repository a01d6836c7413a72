import ArgumentParser
import FoundationEssentials
import TokenHealth
import VigilConfiguration

/// The options every command takes.
struct CommonOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("The configuration file.", valueName: "file"))
    var config = Configuration.defaultPath

    /// Loads the configuration; warnings go to standard error.
    ///
    /// - Throws: ``Failure`` with every problem and `code`.
    func load(failingWith code: ExitCode = .configuration) throws -> Configuration {
        let configuration: Configuration
        do throws(ConfigurationErrors) {
            configuration = try ConfigurationLoader.load(path: config)
        } catch {
            throw Failure("the configuration cannot be used\n\(error)", code: code)
        }
        for warning in configuration.warnings { Terminal.complain("warning: \(warning)") }
        return configuration
    }
}

extension Configuration {
    /// The tokens called `names`, or all for none.
    ///
    /// - Throws: ``Failure`` that names the ones there are.
    func tokens(named names: [String]) throws -> [WatchedToken] {
        guard !names.isEmpty else { return tokens }
        return try names.map { name in
            guard let token = tokens.first(where: { $0.name.text == name }) else {
                let known = tokens.map(\.name.text).joined(separator: ", ")
                throw Failure("no token is called '\(name)'; there are: \(known)", code: .unknown)
            }
            return token
        }
    }
}

/// JSON to standard output, pretty, with a line break at its end.
func printJSON(_ value: some Encodable) throws {
    print(String(decoding: try Wire.encoder(pretty: true).encode(value), as: UTF8.self))
}
