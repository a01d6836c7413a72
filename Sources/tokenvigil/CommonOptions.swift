import ArgumentParser
import FoundationEssentials
import TokenHealth
import VigilConfiguration
import VigilSystemd

/// The options every command takes.
struct CommonOptions: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("The configuration file.", valueName: "file"))
    var config = Configuration.defaultPath

    /// Loads the configuration; whoever does may read secrets, which no core must hold.
    ///
    /// - Throws: ``Failure`` with every problem and `code`.
    func load(failingWith code: ExitCode = .configuration) throws -> Configuration {
        try? ProcessHardening.disableCoreDumps()
        do throws(ConfigurationErrors) {
            return try ConfigurationLoader.load(path: config) { $0.problem }
        } catch {
            throw Failure("the configuration cannot be used\n\(error)", code: code)
        }
    }
}

extension Configuration {
    /// The warnings, one for each place in a file: a default may be wrong for a thousand tokens.
    var warningSentences: [String] {
        var places: [String] = []
        var byPlace: [String: [Problem]] = [:]
        for warning in warnings {
            let place = "\(warning.file):\(warning.line ?? 0):\(warning.column ?? 0)"
            if byPlace[place] == nil { places.append(place) }
            byPlace[place, default: []].append(warning)
        }
        return places.compactMap { place in
            guard let alike = byPlace[place], let first = alike.first else { return nil }
            let more = alike.count > 1 ? " (and \(alike.count - 1) more like this)" : ""
            return "\(first)\(more)"
        }
    }

    /// Tells the warnings to a person.
    func tellWarnings() {
        for sentence in warningSentences { Terminal.complain("warning: \(sentence)") }
    }

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
