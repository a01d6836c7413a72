/// Why a secret cannot be used, found before any use of the network.
package enum SecretProblem: Error, Sendable, Hashable, Codable {
    case missing(source: String)
    case unreadable(source: String, cause: String)
    /// The host is short of something, or does not get at it: that is nobody's mistake, and may pass.
    case unavailable(source: String, cause: String)
    case worldReadable(source: String)
    case empty(source: String)
    case tooLong(source: String)
    case containsWhitespace(source: String)
    case quoted(source: String)
    case bearerPrefix(source: String)
    case placeholder(source: String)
    case notPrintable(source: String)
}

extension SecretProblem {
    /// What gives the daemon access to a source, by the kind of it.
    private static func access(to source: String) -> String {
        if source.hasPrefix("command ") { return "run it as the service's user to see why" }
        if source.hasPrefix("credential ") { return "name it in a LoadCredential= line of the unit" }
        return "let the group tokenvigil read it (chmod 0640, chgrp tokenvigil)"
    }

    /// The word for it in the status file.
    package var code: String {
        switch self {
        case .missing: "secret_missing"
        case .unreadable: "secret_unreadable"
        case .unavailable: "secret_unavailable"
        case .worldReadable: "secret_world_readable"
        case .empty: "secret_empty"
        case .tooLong: "secret_too_long"
        case .containsWhitespace: "secret_contains_whitespace"
        case .quoted: "secret_quoted"
        case .bearerPrefix: "secret_bearer_prefix"
        case .placeholder: "secret_placeholder"
        case .notPrintable: "secret_not_printable"
        }
    }

    /// One sentence with the remedy.
    package var sentence: String {
        switch self {
        case .missing(let source):
            "the secret is missing (\(source)): put the token there, alone on one line"
        case .unreadable(let source, let cause):
            "the secret cannot be read (\(source): \(cause)): \(SecretProblem.access(to: source))"
        case .unavailable(let source, let cause):
            "this host cannot read the secret now (\(source): \(cause)), which says nothing about the token"
        case .worldReadable(let source):
            "the secret is readable by every user of this host (\(source)): chmod 0640 it, and replace the token if others use the host; where there are no others, as in a container, allow_world_readable: true"
        case .empty(let source):
            "the secret is empty (\(source)): put the token there, alone on one line"
        case .tooLong(let source):
            "the secret is longer than \(SecretLint.maximumLength) bytes (\(source)): it must hold the token alone"
        case .containsWhitespace(let source):
            "the secret has a space or a line break inside it (\(source)): it must hold the token alone, on one line"
        case .quoted(let source):
            "the secret stands in quotes (\(source)): remove the quotes"
        case .bearerPrefix(let source):
            "the secret begins with \"Bearer\" (\(source)): remove that word, it is added when the token is sent"
        case .placeholder(let source):
            "the secret is a placeholder from an example (\(source)): put the real token there"
        case .notPrintable(let source):
            "the secret has characters that no token has (\(source)): save it as plain ASCII text, without a byte order mark"
        }
    }
}

/// Finds the mistakes people make when they paste a token into a file.
package enum SecretLint {
    /// Longest token accepted, in bytes.
    ///
    /// A Passport JWT has some 1,000.
    package static let maximumLength = 8192

    /// The secret in `bytes`, trimmed of white space at both ends.
    ///
    /// - Throws: ``SecretProblem``, which never holds any of the bytes.
    package static func secret(
        in bytes: some Sequence<UInt8>,
        source: String
    ) throws(SecretProblem) -> Secret {
        let trimmed = trim(Array(bytes))
        guard !trimmed.isEmpty else { throw .empty(source: source) }
        guard trimmed.count <= maximumLength else { throw .tooLong(source: source) }
        let value = String(decoding: trimmed, as: UTF8.self)
        // No example is as long as most tokens are.
        let beginning = String(decoding: trimmed.prefix(longestPlaceholder), as: UTF8.self).lowercased()
        guard !beginning.hasPrefix("bearer ") else { throw .bearerPrefix(source: source) }
        guard trimmed.count > longestPlaceholder || !isPlaceholder(beginning) else {
            throw .placeholder(source: source)
        }
        guard !trimmed.contains(where: isSpace) else { throw .containsWhitespace(source: source) }
        guard trimmed.allSatisfy({ (0x21...0x7E).contains($0) }) else { throw .notPrintable(source: source) }
        guard !quotes.contains(trimmed[0]), !quotes.contains(trimmed[trimmed.count - 1]) else {
            throw .quoted(source: source)
        }
        return Secret(linted: value)
    }

    private static let longestPlaceholder = 128
    private static let quotes: [UInt8] = [UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "`")]

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || (0x09...0x0D).contains(byte)
    }

    private static func trim(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        guard let first = bytes.firstIndex(where: { !isSpace($0) }),
            let last = bytes.lastIndex(where: { !isSpace($0) })
        else { return [] }
        return ArraySlice(Array(bytes[first...last]))
    }

    private static func isPlaceholder(_ value: String) -> Bool {
        let exact = ["changeme", "change_me", "change-me", "secret", "token", "todo", "xxx", "placeholder"]
        if exact.contains(value) { return true }
        if value.hasPrefix("<") && value.hasSuffix(">") { return true }
        if value.hasPrefix("your_") || value.hasPrefix("your-") || value.hasPrefix("your ") { return true }
        // Searching a text is slow, and few tokens have an underscore.
        if value.utf8.contains(UInt8(ascii: "_")), value.contains("personal_access_token") { return true }
        return value.utf8.allSatisfy { "x*.".utf8.contains($0) }
    }
}
