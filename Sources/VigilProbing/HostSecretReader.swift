import Glibc
package import TokenHealth
import VigilEngine

/// Reads secrets from this host: files, systemd credentials, the environment.
package struct HostSecretReader: SecretReader {
    private let credentials: String?
    private let environment: [String: String]
    private let commandLimit: Duration

    /// - Parameters:
    ///   - environment: of the daemon; `CREDENTIALS_DIRECTORY` is looked up in it.
    ///   - commandLimit: longest time a command may take.
    package init(environment: [String: String], commandLimit: Duration = .seconds(10)) {
        self.environment = environment
        self.commandLimit = commandLimit
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
        case .command(let argv):
            return try await SecretCommand(argv: argv, environment: environment, limit: commandLimit).secret(
                source: name
            )
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
