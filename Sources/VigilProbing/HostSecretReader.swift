import Glibc
import Synchronization
package import TokenHealth
import VigilEngine
import VigilPlatform

/// Reads secrets from this host: files, systemd credentials, the environment.
package struct HostSecretReader: SecretReader {
    private let credentials: String?
    private let environment: [String: String]
    private let commandLimit: Duration
    private let now: @Sendable () -> ContinuousClock.Instant
    private let known = KnownSecrets()

    /// - Parameters:
    ///   - environment: of the daemon; `CREDENTIALS_DIRECTORY` is looked up in it.
    ///   - commandLimit: longest time a command may take.
    ///   - now: the clock by which the outputs of commands grow old.
    package init(
        environment: [String: String],
        commandLimit: Duration = .seconds(10),
        now: @escaping @Sendable () -> ContinuousClock.Instant = { ContinuousClock.now }
    ) {
        self.environment = environment
        self.commandLimit = commandLimit
        self.now = now
        credentials = environment["CREDENTIALS_DIRECTORY"].flatMap { $0.isEmpty ? nil : $0 }
    }

    package func secret(from source: SecretSource) async throws(SecretProblem) -> Secret {
        let name = source.description
        switch source {
        case .file(let path, let allowsWorldReadable):
            let bytes = try read(path, source: name, isPrivate: !allowsWorldReadable)
            return try SecretLint.secret(in: bytes, source: name)
        case .credential(let credential):
            guard let credentials else {
                throw .unreadable(source: name, cause: "CREDENTIALS_DIRECTORY is not set, is this run by systemd?")
            }
            guard !credential.isEmpty, !credential.contains("/"), credential != ".", credential != ".." else {
                throw .unreadable(source: name, cause: "it is not the name of a credential")
            }
            // systemd decides on owner and mode, and they differ between its releases.
            let path = "\(credentials)/\(credential)"
            return try SecretLint.secret(in: read(path, source: name, isPrivate: false), source: name)
        case .environment(let variable):
            guard let value = environment[variable] else { throw .missing(source: name) }
            return try SecretLint.secret(in: value.utf8, source: name)
        case .command(let argv, let cache):
            let now = now()
            if let known = known.secret(of: argv, at: now) { return known }
            let command = SecretCommand(argv: argv, environment: environment, limit: commandLimit)
            let secret = try await command.secret(source: name)
            known.keep(secret, of: argv, until: now + cache)
            return secret
        }
    }

    /// The bytes of a file, to just above the longest secret.
    private func read(_ path: String, source: String, isPrivate: Bool) throws(SecretProblem) -> [UInt8] {
        let (isWorldReadable, bytes) = try opened(path, source: source)
        guard !isPrivate || !isWorldReadable else { throw .worldReadable(source: source) }
        return bytes
    }

    private func opened(_ path: String, source: String) throws(SecretProblem) -> (isWorldReadable: Bool, bytes: [UInt8])
    {
        do throws(RegularFile.Failure) {
            let file = try RegularFile(path)
            return (file.status.st_mode & S_IROTH != 0, try file.beginning(SecretLint.maximumLength + 256))
        } catch {
            throw SecretProblem(error, source: source)
        }
    }
}

extension SecretProblem {
    /// What keeps a secret from being read: a mistake, or a want of the host.
    init(_ failure: RegularFile.Failure, source: String) {
        switch failure {
        case .refused(let error) where error.code == ENOENT: self = .missing(source: source)
        case .refused(let error) where error.isOfTheHost: self = .unavailable(source: source, cause: "\(error)")
        case .refused, .noFile, .tooLong: self = .unreadable(source: source, cause: "\(failure)")
        }
    }
}

/// What commands have given, each for as long as its configuration allows: a password manager may be slow, or charge.
private final class KnownSecrets: Sendable {
    private let secrets = Mutex<[[String]: (secret: Secret, until: ContinuousClock.Instant)]>([:])

    func secret(of argv: [String], at now: ContinuousClock.Instant) -> Secret? {
        secrets.withLock { secrets in
            guard let known = secrets[argv] else { return nil }
            if known.until > now { return known.secret }
            secrets[argv] = nil
            return nil
        }
    }

    func keep(_ secret: Secret, of argv: [String], until end: ContinuousClock.Instant) {
        secrets.withLock { $0[argv] = (secret, end) }
    }
}
