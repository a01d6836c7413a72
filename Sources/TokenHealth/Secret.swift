/// The value of a token: it can be sent, and nothing else.
///
/// It has no `Codable`, its description and its mirror are empty of it, and interpolating one does not compile.
/// The only way to the value is ``withExposedValue(_:)``, so every place that touches it can be found by name.
package struct Secret: Sendable, Hashable {
    private let value: String

    /// Wraps a value that has passed ``SecretLint``.
    init(linted value: String) {
        self.value = value
    }

    /// Hands the value to `body`, which must not let it out.
    package func withExposedValue<Result, Failure: Error>(
        _ body: (String) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(value)
    }

    /// Number of UTF-8 bytes.
    package var length: Int { value.utf8.count }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package static let redaction = "[secret]"
    package var description: String { Secret.redaction }
    package var debugDescription: String { Secret.redaction }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

extension DefaultStringInterpolation {
    /// A secret is never part of a text.
    @available(*, unavailable, message: "a secret is never interpolated")
    package mutating func appendInterpolation(_ secret: Secret) {}
}

/// Where a secret comes from.
///
/// The configuration holds this, never the secret itself.
package enum SecretSource: Sendable, Hashable {
    /// A file, read again for every probe; `allowsWorldReadable` where every user of the host may read it, which in a
    /// container is nobody else.
    case file(path: String, allowsWorldReadable: Bool = false)
    /// A systemd credential, read from `$CREDENTIALS_DIRECTORY`.
    case credential(name: String)
    /// An environment variable of the daemon, removed from what children inherit.
    case environment(variable: String)
    /// The standard output of a command, used again for as long as `cache` says.
    case command(argv: [String], cache: Duration = .zero)
}

extension SecretSource: CustomStringConvertible {
    /// Where to look, for a person: never what is there.
    package var description: String {
        switch self {
        case .file(let path, _): "file \(path)"
        case .credential(let name): "credential \(name)"
        case .environment(let variable): "environment variable \(variable)"
        case .command(let argv, _): "command \(argv.first ?? "")"
        }
    }
}
