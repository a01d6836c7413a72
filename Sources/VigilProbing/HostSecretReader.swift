import Glibc
import Synchronization
package import TokenHealth
import VigilEngine

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
        case .file(let path):
            return try SecretLint.secret(in: read(path, source: name, isPrivate: true), source: name)
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
        // Without O_NONBLOCK a named pipe would hold the watch up for ever.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw errno == ENOENT ? .missing(source: source) : .unreadable(source: source, cause: lastError())
        }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else {
            throw .unreadable(source: source, cause: lastError())
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable(source: source, cause: "it is not a regular file")
        }
        guard !isPrivate || status.st_mode & S_IROTH == 0 else { throw .worldReadable(source: source) }
        var bytes = [UInt8](repeating: 0, count: SecretLint.maximumLength + 256)
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        }
        guard count >= 0 else { throw .unreadable(source: source, cause: lastError()) }
        return Array(bytes.prefix(count))
    }

    private func lastError() -> String {
        unsafe String(cString: strerror(errno))
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
