/// How a person repeats a probe by hand.
///
/// The secret goes from where it is kept to curl through a pipe: it is never an argument, where every user of the host
/// could read it, nor in the environment of a child.
package struct ProbeRecipe: Sendable, Hashable, Codable {
    /// One line for bash or zsh; `nil` where no command line can do it.
    package var command: String?
    /// What to know before typing it.
    package var note: String

    package init(command: String?, note: String) {
        self.command = command
        self.note = note
    }

    private enum CodingKeys: CodingKey { case command, note }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(command, forKey: .command)
        try container.encode(note, forKey: .note)
    }
}

extension ProbeRecipe {
    /// The recipe for the probe of `token`.
    package init(for token: WatchedToken) {
        // A client secret is for the token endpoint alone; it must not get into the header of another request.
        if case .clientCredentials? = token.grant {
            self.init(command: nil, note: "with this program, which asks for a token: tokenvigil probe \(token.name)")
            return
        }
        let template = token.provider.authorization
        // Base64, several headers and bodies with a secret in them are more than a line a person would trust.
        guard template.value.contains(SecretPlace.token.plain), template.alsoIn.isEmpty, token.probe.body == nil,
            token.asker == nil
        else {
            self.init(command: nil, note: "no command line of curl can; this does: tokenvigil probe \(token.name)")
            return
        }
        switch token.secret {
        case .file(let path, _):
            self.init(
                command: ProbeRecipe.line(for: token, file: path),
                note: "in bash, as root or as the user tokenvigil: curl reads the token through a pipe"
            )
        case .credential(let name):
            // systemd.exec(5): credentials are placed in /run/credentials/<unit name>.
            self.init(
                command: ProbeRecipe.line(for: token, file: "/run/credentials/tokenvigil.service/\(name)"),
                note: "in bash, as root, while the service runs: the token is a credential of its unit"
            )
        case .environment(let variable):
            self.init(
                command: ProbeRecipe.line(for: token),
                note: "in bash; it waits for the token, which the service has in its environment as \(variable)"
            )
        case .command(let argv, _):
            self.init(
                command: ProbeRecipe.line(for: token),
                note: "in bash; it waits for the token, which the service gets from \(argv.first ?? "a command")"
            )
        }
    }

    private static func line(for token: WatchedToken, file: String) -> String {
        let word = ShellWord(file)
        // A file that cannot be read ends it here: a request without a token would look like a dead token.
        return ": <\(word) && " + curl(for: token, assignment: "t=$(tr -d '[:space:]' <\(word)); ", variable: "$t")
    }

    private static func line(for token: WatchedToken) -> String {
        "read -rs vigil_token && " + curl(for: token, assignment: "", variable: "$vigil_token")
    }

    /// - `assignment`: the shell's own commands that put the secret into the variable, none of them another process's
    ///   argument.
    private static func curl(for token: WatchedToken, assignment: String, variable: String) -> String {
        // -q leaves out ~/.curlrc, -g takes brackets in a URL as they are; a redirect is not followed without -L.
        var words = ["curl -q -sS -i -g --max-time \(seconds(token.timeout))"]
        if token.probeURL.hasPrefix("http://") { words.append("--noproxy '*'") }
        if token.probe.method != "GET" { words.append("-X \(ShellWord(token.probe.method)) -H 'Content-Length: 0'") }
        if let path = token.certificateAuthorities { words.append("--cacert \(ShellWord(path))") }
        let names = Set(token.probe.headers.map { $0.name.lowercased() })
        if !names.contains("user-agent") { words.append("-A tokenvigil") }
        words += token.probe.headers.map { "-H \(ShellWord("\($0.name): \($0.value)"))" }
        let template = token.provider.authorization
        let parts = "\(template.header): \(template.value)".split(
            separator: "{token}",
            omittingEmptySubsequences: false
        )
        let value = parts.map { $0.isEmpty ? "" : "\(ShellWord(String($0)))" }.joined(separator: "\"\(variable)\"")
        // printf is a command of the shell itself, so that the secret is in no argument list.
        words.append("-H @<(\(assignment)printf %s \(value))")
        words.append("\(ShellWord(token.probeURL))")
        return words.joined(separator: " ")
    }

    /// With at most three decimals, as curl takes it.
    private static func seconds(_ duration: Duration) -> String {
        let milliseconds = max(1, duration.inMilliseconds)
        guard !milliseconds.isMultiple(of: 1000) else { return "\(milliseconds / 1000)" }
        let fraction = String(milliseconds % 1000)
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
    }
}
