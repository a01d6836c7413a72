package import TokenHealth

/// A URL that may itself be a secret, as those of chat systems are.
package enum SecretOrLiteral: Sendable, Hashable {
    case source(SecretSource)
    /// Written in the file itself.
    case literal(String)
}

extension SecretOrLiteral: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Where the URL comes from, or its host: never its path, which may be a secret.
    package var description: String {
        switch self {
        case .source(let source): source.description
        case .literal(let text): (try? WebAddress(text)).map { "the URL at \($0.host)" } ?? "a URL"
        }
    }

    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension Setting {
    private var sources: String {
        "one of {file: PATH}, {credential: NAME}, {env: NAME} or {command: [PATH, WORD…]}"
    }

    /// Where a secret comes from.
    ///
    /// No message shows a value from here: it may be the secret itself.
    func secretSource() -> SecretSource? {
        switch node.content {
        case .scalar(let scalar) where !scalar.isNull:
            report("\(key) must not stand in this file: put it elsewhere and say where, with \(sources)")
            return nil
        case .scalar, .sequence:
            report("\(key) is \(node.kind): expected \(sources)")
            return nil
        case .mapping(let members):
            return source(in: members)
        }
    }

    private func source(in members: [ConfigurationNode.Member]) -> SecretSource? {
        let known = ConfigurationSection.secret.keys
        for member in members where !known.contains(member.key) {
            let near = Wording.nearest(to: member.key, in: known)
            let guess = near.map { "unknown key \(Wording.shown(member.key)); did you mean '\($0)'?" }
            log.error(guess ?? "unknown key in \(key): expected \(sources)", at: member.keyPlace, path: path)
        }
        guard members.allSatisfy({ known.contains($0.key) }) else { return nil }
        func setting(_ member: ConfigurationNode.Member) -> Setting {
            Setting(node: member.value, key: member.key, path: "\(path).\(member.key)", log: log)
        }
        let origins = members.filter { $0.key != "cache" && $0.key != "allow_world_readable" }
        guard let member = origins.first, origins.count == 1 else {
            report("\(key) has \(origins.isEmpty ? "no source" : "several sources"): expected \(sources)")
            return nil
        }
        let value = setting(member)
        let cache = members.first { $0.key == "cache" }.map(setting)
        let leave = members.first { $0.key == "allow_world_readable" }.map(setting)
        if let leave, member.key != "file" {
            leave.report("allow_world_readable goes with file: \(member.key) is no file")
            return nil
        }
        if let cache, member.key != "command" {
            cache.report("cache goes with command: a \(member.key) is read anew every time")
            return nil
        }
        switch member.key {
        case "file":
            let isAllowed = leave?.flag() ?? false
            return value.absolutePath(isConfidential: true).map { .file(path: $0, allowsWorldReadable: isAllowed) }
        case "credential": return value.credentialName().map { .credential(name: $0) }
        case "env": return value.variableName().map { .environment(variable: $0) }
        case "command":
            return value.argv().flatMap { argv in
                guard let cache else { return .command(argv: argv) }
                return cache.duration(atLeast: .zero).map { .command(argv: argv, cache: $0) }
            }
        default: preconditionFailure("a kind of secret source is listed and not read: \(member.key)")
        }
    }

    private func credentialName() -> String? {
        guard let name = text("the name of a systemd credential") else { return nil }
        guard !name.contains("/"), name != ".", name != "..", name.utf8.count <= 255 else {
            report("credential is not the name of a systemd credential: a file name without /")
            return nil
        }
        return name
    }

    private func variableName() -> String? {
        guard let name = text("the name of an environment variable") else { return nil }
        let isName = name.utf8.allSatisfy { $0.isLetterOrDigit || $0 == UInt8(ascii: "_") }
        guard isName, name.first?.isNumber == false, name.utf8.count <= 255 else {
            let form =
                name.hasPrefix("$") ? "without $ and braces" : "letters, digits and _, not beginning with a digit"
            report("env is not the name of an environment variable: \(form)")
            return nil
        }
        return name
    }

    /// A URL from a secret source, or written in the file.
    ///
    /// - Parameter allowsPlaintext: `nil` where nothing can allow it.
    /// - Returns: `nil` where it is neither.
    func secretURL(allowsPlaintext: Bool?) -> SecretOrLiteral? {
        if case .scalar(let scalar) = node.content, !scalar.isNull {
            return webAddress(allowsPlaintext: allowsPlaintext, allowsQuery: true).map { .literal($0.text) }
        }
        return secretSource().map { .source($0) }
    }
}
