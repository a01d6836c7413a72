import FoundationEssentials
import VigilHTTPClient
import VigilPlatform

/// The difference that a proxy makes between a command in a shell and the service: each takes its own environment.
enum ShellProxy {
    /// Says on standard error that the service asks by a proxy that this shell does not name; says nothing where that is
    /// not so, or cannot be known.
    ///
    /// - `environment`: of this process.
    static func tellDifference(_ environment: [String: String], unit: String = "tokenvigil.service") async {
        guard ProxyEnvironment(environment).routes.isEmpty, let sandbox = await UnitSandbox(of: unit),
            let variable = ProxyEnvironment(sandbox.environment).routes.first?.variable,
            case .success(let proxy) = variable.address
        else { return }
        let value = "\(proxy.scheme.rawValue)://\(proxy)"
        Terminal.complain(
            "this shell names no proxy, the service uses \(proxy): sudo \(variable.name)=\(value) tokenvigil …"
        )
    }
}

extension UnitSandbox {
    /// What the unit sets by `Environment=` and by those files of `EnvironmentFile=` that this user can read.
    var environment: [String: String] {
        var variables: [String: String] = [:]
        var files: [String] = []
        for property in properties {
            let value = property.drop { $0 != "=" }.dropFirst()
            if property.hasPrefix("Environment=") {
                if value.isEmpty { variables = [:] }
                for word in UnitSandbox.words(in: value) { UnitSandbox.take(word, into: &variables) }
            } else if property.hasPrefix("EnvironmentFile=") {
                if value.isEmpty { files = [] } else { files.append(String(value.drop { $0 == "-" })) }
            }
        }
        // What stands in a file comes last, systemd.exec(5).
        for file in files {
            let bytes = (try? RegularFile.contents(of: file, atMost: 1 << 16)) ?? []
            for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
            where !line.hasPrefix("#") && !line.hasPrefix(";") {
                UnitSandbox.words(in: line).first.map { UnitSandbox.take($0, into: &variables) }
            }
        }
        return variables
    }

    private static func take(_ word: String, into variables: inout [String: String]) {
        guard let equals = word.firstIndex(of: "=") else { return }
        variables[String(word[..<equals])] = String(word[word.index(after: equals)...])
    }

    /// Words between spaces, without the quotes around them or their values; `%%` is a percent sign (systemd.syntax(7)).
    private static func words(in text: Substring) -> [String] {
        var words: [String] = []
        var (word, quote): (String, Character?) = ("", nil)
        for character in text {
            switch (character, quote) {
            case ("\"", nil), ("'", nil): quote = character
            case (let mark, let open?) where mark == open: quote = nil
            case (" ", nil), ("\t", nil):
                if !word.isEmpty { words.append(word) }
                word = ""
            default: word.append(character)
            }
        }
        if !word.isEmpty { words.append(word) }
        return words.map { $0.replacing("%%", with: "%") }
    }
}
