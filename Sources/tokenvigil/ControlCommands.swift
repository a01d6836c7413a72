import ArgumentParser
import FoundationEssentials
import Glibc
import TokenHealth
import VigilConfiguration
import VigilControl

/// The running daemon as the commands reach it.
struct DaemonLine {
    let path: String

    init(_ common: CommonOptions) throws {
        self.init(path: try common.load().controlSocket)
    }

    init(path: String) { self.path = path }

    /// Asks, and returns the members of the answer.
    ///
    /// - Throws: ``Failure`` where the daemon is not there, refuses, or may not be asked.
    func ask(_ method: String, _ target: String, _ body: some Encodable) throws -> [String: JSONValue] {
        let answer: ControlClient.Answer
        do throws(ControlSocketError) {
            answer = try exchange(method, target, body)
        } catch {
            throw failure(for: error)
        }
        guard case .object(let members)? = answer.json else {
            throw Failure("what answers at \(path) is not this program's daemon", code: .unavailable)
        }
        guard (200..<300).contains(answer.status) else {
            let message = members["error"]?.scalarText ?? "HTTP \(answer.status)"
            throw Failure("refused: \(message)", code: .failure)
        }
        return members
    }

    private func encoded(_ body: some Encodable) -> Data {
        (try? Wire.encoder().encode(body)) ?? Data()
    }

    /// Asks, and returns the answer as it came.
    ///
    /// - Throws: ``ControlSocketError`` where there is none.
    func exchange(_ method: String, _ target: String, _ body: some Encodable) throws(ControlSocketError)
        -> ControlClient.Answer
    {
        try ControlClient(path: path).ask(method, target, Array(encoded(body)))
    }

    func failure(for error: ControlSocketError) -> Failure {
        switch error {
        case .failed(_, ENOENT), .failed(_, ECONNREFUSED):
            Failure(
                "the daemon is not running: nothing listens at \(path) (systemctl status tokenvigil)",
                code: .unavailable
            )
        case .failed(_, EACCES), .failed(_, EPERM):
            Failure(
                "you may not command the daemon at \(path): only root and the group '\(group)' may; "
                    + "use sudo, or: sudo usermod -aG \(group) \(Host.userName)",
                code: .refused
            )
        case .failed, .occupied, .answered:
            Failure("\(error)", code: .unavailable)
        }
    }

    /// The group that may, as far as it can be seen.
    private var group: String {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, let entry = unsafe getgrgid(status.st_gid) else { return "tokenvigil" }
        return unsafe String(cString: entry.pointee.gr_name)
    }
}

extension JSONValue {
    /// The texts of a list, with commas.
    fileprivate var list: String {
        guard case .array(let elements) = self else { return "" }
        return elements.compactMap(\.scalarText).joined(separator: ", ")
    }
}

private let talk = """
    The daemon must be running, and only root and the group of its control socket may ask it.
    Exit code: 0 done, 1 refused, 69 the daemon is not running, 77 not permitted, 78 bad configuration.
    """

/// A name that stands in a path as it is.
private func checked(_ name: String) throws -> String {
    guard TokenName(name) != nil else { throw Failure("no token is called '\(name)'", code: .failure) }
    return name
}

/// Takes an incident on.
struct Ack: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say that you have taken an incident on: reminders and escalation stop until it is over.",
        discussion: talk
    )

    @OptionGroup var common: CommonOptions
    @Option(help: "What is being done about it; it is shown in the status, and kept in the history.") var reason: String
    @Option(help: "Who you are.") var by = Host.userName
    @Argument(help: ArgumentHelp("The token, or one of those the alert names.", valueName: "name")) var name: String

    func run() throws {
        let line = try DaemonLine(common)
        let answer = try line.ask("POST", "/v1/tokens/\(checked(name))/ack", ["reason": reason, "by": by])
        print("acknowledged: \(answer["tokens"]?.list ?? name)")
    }
}

/// Keeps quiet for a while.
struct SilenceCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "silence",
        abstract: "Say nothing of tokens for a while; what happens meanwhile is told in one message at the end.",
        discussion: "A silence ends at its time, at the recovery from an incident, or by unsilence.\n" + talk
    )

    @OptionGroup var common: CommonOptions
    @Option(name: .customLong("for"), help: ArgumentHelp("How long: 30m, 2h, 1d; at most 90d.", valueName: "duration"))
    var length: String
    @Option(help: "Why; it is kept in the history.") var reason: String
    @Option(help: "Who you are.") var by = Host.userName
    @Option(help: "All tokens of this provider.") var provider: String?
    @Argument(help: ArgumentHelp("The tokens.", valueName: "name")) var names: [String] = []

    func validate() throws {
        guard names.isEmpty != (provider == nil) else {
            throw ValidationError("name the tokens, or with --provider the provider of all of them")
        }
        guard DurationText.parse(length) != nil else {
            throw ValidationError("--for takes a number with a unit, such as 30m or 2h, not '\(length)'")
        }
    }

    private struct Body: Encodable {
        let tokens: [String]?
        let provider: String?
        let length: String
        let reason: String
        let by: String

        private enum CodingKeys: String, CodingKey {
            case tokens, provider, reason, by
            case length = "for"
        }
    }

    func run() throws {
        let line = try DaemonLine(common)
        let body = Body(
            tokens: provider == nil ? names : nil,
            provider: provider,
            length: length,
            reason: reason,
            by: by
        )
        let answer = try line.ask("POST", "/v1/silences", body)
        print("silenced until \(answer["until"]?.scalarText ?? "then"): \(answer["tokens"]?.list ?? "")")
    }
}

/// Speaks again.
struct Unsilence: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "End a silence now; what happened in it is told.",
        discussion: talk
    )

    @OptionGroup var common: CommonOptions
    @Option(help: "Who you are.") var by = Host.userName
    @Argument(help: ArgumentHelp("The token.", valueName: "name")) var name: String

    func run() throws {
        let line = try DaemonLine(common)
        _ = try line.ask("DELETE", "/v1/silences/\(checked(name))", ["by": by])
        print("no longer silenced: \(name)")
    }
}
