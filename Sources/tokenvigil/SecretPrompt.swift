import Glibc
import TokenHealth

/// Takes a secret from whoever is there: a terminal, without showing it, or standard input.
struct SecretPrompt {
    /// What is asked for.
    let subject: String

    /// How messages name where it came from.
    static let source = "standard input"

    /// - Throws: ``SecretProblem`` for what cannot be a token, ``Failure`` where nobody answers.
    func secret() throws -> Secret {
        let bytes = isatty(STDIN_FILENO) == 1 ? try typed() : piped()
        return try SecretLint.secret(in: bytes, source: SecretPrompt.source)
    }

    /// A little more than the longest secret, so that one that is too long is noticed.
    private static let most = SecretLint.maximumLength + 256

    private func piped() -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < SecretPrompt.most, let piece = SecretPrompt.read() { bytes += piece }
        return bytes
    }

    /// Reads one line key by key: by whole lines the kernel would take 4095 bytes at most (termios(3)), and an interrupt
    /// would leave the terminal mute.
    private func typed() throws -> [UInt8] {
        var usual = termios()
        guard unsafe tcgetattr(STDIN_FILENO, &usual) == 0 else { return piped() }
        var mute = usual
        mute.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
        SecretPrompt.say("\(subject) (it is not shown; Enter ends it): ")
        // What was pasted after the line break must not reach the shell, hence FLUSH.
        guard unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &mute) == 0 else { return piped() }
        defer {
            _ = unsafe tcsetattr(STDIN_FILENO, TCSAFLUSH, &usual)
            SecretPrompt.say("\n")
        }
        var line: [UInt8] = []
        while line.count < SecretPrompt.most {
            guard let keys = SecretPrompt.read() else { throw Failure("nothing was changed", code: .interrupted) }
            for key in keys {
                switch key {
                case 0x0A, 0x0D, 0x04: return line
                case 0x03, 0x1C: throw Failure("nothing was changed", code: .interrupted)
                case 0x08, 0x7F: _ = line.popLast()
                case 0x15: line = []
                default: line.append(key)
                }
            }
        }
        return line
    }

    /// Some bytes of standard input; `nil` at its end.
    private static func read() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 1024)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe Glibc.read(STDIN_FILENO, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            return count > 0 ? Array(buffer.prefix(count)) : nil
        }
    }

    private static func say(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
