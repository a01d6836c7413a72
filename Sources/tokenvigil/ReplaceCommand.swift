import ArgumentParser
import Crypto
import FoundationEssentials
import Glibc
import TokenHealth
import VigilConfiguration
import VigilControl
import VigilEngine
import VigilHTTPClient
import VigilProbing
import VigilStorage

/// Puts a new secret in the place of a token's.
struct Replace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Replace the secret of a token: the new one is tried first, and only one that is accepted is taken.",
        discussion: """
            The new secret is read from the terminal, without showing it, or from standard input; never from an argument, \
            which every user of the host could read. It must be accepted, and belong to the same account as the one before. \
            The file is replaced in one step and keeps its owner and mode; the daemon is told, and looks at once.
            Exit code: 0 accepted and in place; otherwise nothing was changed: 1 limited, 2 rejected or somebody else's, 3 \
            nothing can be said of it, 64 no file holds it, 73 the file cannot be written, 77 not permitted. 3 also where \
            it is in place and the daemon sees it otherwise.
            """
    )

    @OptionGroup var common: CommonOptions
    @Flag(help: "The new token may belong to another account than the one before.") var newIdentity = false
    @Option(help: "Who you are; it is kept in the history.") var by = Host.userName
    @Argument(help: ArgumentHelp("The token.", valueName: "name")) var name: String
    @Argument(help: .hidden) var more: [String] = []

    func run() async throws {
        guard more.isEmpty else {
            // What stands there is not shown: it may be the secret.
            throw Failure(
                "a secret is never an argument: every user of this host could read it, and the shell has kept it. If it "
                    + "was one, have it revoked. Give the new one to the prompt, or to standard input",
                code: .usage
            )
        }
        let configuration = try common.load()
        let token = try configuration.tokens(named: [name])[0]
        guard case .file(let path, _) = token.secret, !token.isRenewedByOthers else {
            throw Failure(
                "\(token.name) has no file that could be replaced. To replace its secret:\n"
                    + token.replacementSteps.map { "  - \($0)" }.joined(separator: "\n"),
                code: .usage
            )
        }
        let file = SecretFile(path: path)
        let watch = RunningWatch(configuration: configuration, token: token)
        try explained { () throws(SecretFileError) in try file.check() }
        let secret = try offered(for: token)
        try await judge(secret, of: token, knowing: watch.identity)
        let isSame = await (try? HostSecretReader(environment: [:]).secret(from: token.secret)) == secret
        if isSame {
            print("\(path) holds this token already")
        } else {
            // From here on it takes milliseconds, and an interrupt would leave things half done.
            for number in [SIGINT, SIGTERM, SIGHUP] { signal(number, SIG_IGN) }
            let remarks = try explained { () throws(SecretFileError) in try file.replace(with: secret) }
            print("replaced  \(path)")
            remarks.forEach(Terminal.complain)
        }
        Terminal.flush()
        let replacement = Replacement(
            token: token.name.text,
            by: by,
            acceptsNewIdentity: newIdentity,
            at: SystemTimekeeper().now().wall
        )
        if isSame, !newIdentity { return try watch.lookAgain() }
        try watch.tell(replacement)
    }

    private func offered(for token: WatchedToken) throws -> Secret {
        do {
            return try SecretPrompt(subject: "new secret of \(token.name)").secret()
        } catch let problem as SecretProblem {
            throw Failure("\(problem.sentence); nothing was changed", code: .unknown)
        }
    }

    private func explained<Value>(_ work: () throws(SecretFileError) -> Value) throws -> Value {
        do throws(SecretFileError) {
            return try work()
        } catch {
            guard error.isAMatterOfRights else { throw Failure("\(error)", code: .cannotCreate) }
            throw Failure("\(error): use sudo", code: .refused)
        }
    }

    /// Tries the new secret, and explains the verdict.
    ///
    /// - Throws: ``Failure`` unless it is accepted.
    private func judge(_ secret: Secret, of token: WatchedToken, knowing identity: Identity?) async throws {
        let environment = ProcessInfo.processInfo.environment
        let timekeeper = SystemTimekeeper()
        var belief = Belief(at: timekeeper.now().wall)
        if !newIdentity { belief.identity = identity }
        let sight = try await HTTPClient.with(environment: environment) { client in
            let observer = TokenObserver(
                prober: HTTPProber(client: client, version: Version.text),
                secrets: OfferedSecret(secret, as: token.secret, others: HostSecretReader(environment: environment)),
                fingerprinter: HMACFingerprinter(key: SymmetricKey(size: .bits256)),
                timekeeper: timekeeper
            )
            return await observer.sight(of: token, belief: belief)
        }
        guard let observation = sight.observation else { throw Failure("nothing was asked", code: .unknown) }
        let report = ProbeReport(
            token: token,
            siblings: [],
            known: nil,
            sight: sight,
            observation: observation,
            proxies: ProxyEnvironment(environment)
        )
        report.summary.forEach { print($0) }
        Terminal.flush()
        if report.isUnanswered { await ShellProxy.tellDifference(environment) }
        if let found = observation.finding.verdict.stranger {
            throw Failure(stranger(found, token: token, known: identity), code: .critical)
        }
        guard report.verdict == .accepted else {
            throw Failure("the new token is \(report.verdict.rawValue): nothing was changed", code: report.exitCode)
        }
    }

    private func stranger(_ found: Identity, token: WatchedToken, known: Identity?) -> String {
        if let expected = token.expectedIdentity {
            return "the new token belongs to \(found.label), and the configuration expects \(expected): nothing was "
                + "changed. If that is intended, correct expect.identity of \(token.name) first"
        }
        return "the new token belongs to \(found.label), the one before to \(known?.label ?? "another"): nothing was "
            + "changed. If that is intended: --new-identity"
    }
}

/// Gives one secret in the place of where it is to be, and all others as they are.
private struct OfferedSecret: SecretReader {
    private let secret: Secret
    private let source: SecretSource
    private let others: any SecretReader

    init(_ secret: Secret, as source: SecretSource, others: any SecretReader) {
        self.secret = secret
        self.source = source
        self.others = others
    }

    func secret(from source: SecretSource) async throws(SecretProblem) -> Secret {
        source == self.source ? secret : try await others.secret(from: source)
    }
}

/// What watches the token, running or not, as far as this command may reach it.
private struct RunningWatch {
    private let configuration: Configuration
    private let token: WatchedToken
    private let line: DaemonLine
    /// Tokens as the daemon knows them; nothing where it cannot be asked.
    private let before: [String: TokenReport]
    /// Whom the token belonged to, as far as that is known.
    let identity: Identity?

    init(configuration: Configuration, token: WatchedToken) {
        self.configuration = configuration
        self.token = token
        line = DaemonLine(path: configuration.controlSocket)
        let answer = try? line.exchange("GET", "/v1/status", [String: String]())
        let document = answer.flatMap { try? Wire.decoder().decode(StatusDocument.self, from: Data($0.body)) }
        before = document?.tokens ?? [:]
        let reader = try? HistoryReader(directory: configuration.stateDirectory)
        identity = before[token.name.text]?.identity ?? (try? reader?.belief(of: token.name))?.identity
    }

    private struct Body: Encodable {
        let by: String
        let newIdentity: Bool

        private enum CodingKeys: String, CodingKey {
            case by
            case newIdentity = "new_identity"
        }
    }

    private struct Told: Decodable {
        let token: TokenReport
        let replaced: Intervention
        /// The daemon may be an older one.
        let others: [String: TokenReport]?
    }

    /// Has the daemon record the replacement and look; shows what it sees.
    ///
    /// - Throws: an exit code where it does not see what was seen here.
    func tell(_ replacement: Replacement) throws {
        let body = Body(by: replacement.by, newIdentity: replacement.acceptsNewIdentity)
        let answer: ControlClient.Answer
        do throws(ControlSocketError) {
            answer = try line.exchange("POST", "/v1/tokens/\(token.name)/replaced", body)
        } catch {
            return leave(replacement, because: error)
        }
        guard let told = try? Wire.decoder().decode(Told.self, from: Data(answer.body)) else { return complain(answer) }
        let old = told.replaced.oldFingerprint?.text ?? "unknown"
        print("recorded  \(old) replaced by \(told.replaced.newFingerprint?.text ?? "unknown"), by \(told.replaced.by)")
        let others = (told.others ?? [:]).sorted { $0.key < $1.key }
        let shown = [shows(told.token, of: token.name.text)] + others.map { shows($1, of: $0) }
        if shown.contains(false) { throw ExitCode.unknown }
    }

    /// Has the daemon look; shows what it sees.
    ///
    /// - Throws: an exit code where it does not see what was seen here.
    func lookAgain() throws {
        let answer: ControlClient.Answer
        do throws(ControlSocketError) {
            answer = try line.exchange("POST", "/v1/tokens/\(token.name)/probe", [String: String]())
        } catch {
            return Terminal.complain(line.failure(for: error).message)
        }
        guard let report = try? Wire.decoder().decode(TokenReport.self, from: Data(answer.body)) else {
            return complain(answer)
        }
        if !shows(report, of: token.name.text) { throw ExitCode.unknown }
    }

    /// Shows how the daemon sees a token that has the new secret.
    ///
    /// - Returns: whether as it was seen here, as far as the daemon can say.
    private func shows(_ report: TokenReport, of name: String) -> Bool {
        switch report.state {
        case .valid:
            print(words(for: name, validAs: report))
        case .invalid, .limited, .misconfigured:
            Terminal.complain("the daemon sees \(name) as \(report.state.rawValue): \(report.explanation)")
            return false
        case .pending, .suspect, .unknown, .blind:
            let next = report.nextProbeAt.map { " at \($0.secondUTC)" } ?? ""
            Terminal.complain(
                "the daemon has not seen \(name) accepted yet (\(report.explanation)); it looks again\(next)"
            )
        }
        return true
    }

    private func words(for name: String, validAs report: TokenReport) -> String {
        guard let before = before[name], let incident = before.incident else {
            return "daemon    \(name) is valid: \(report.explanation)"
        }
        let length = Duration.seconds(report.since.timeIntervalSince(incident.openedAt)).short
        let reason = before.reason.map { " (\($0))" } ?? ""
        return "recovered \(name) is valid again; it was \(before.state.rawValue)\(reason) for \(length)"
    }

    private func complain(_ answer: ControlClient.Answer) {
        let words = JSONPointer("/error").flatMap { answer.json?[$0]?.scalarText } ?? "HTTP \(answer.status)"
        Terminal.complain(
            "the secret is in place, but the daemon has not recorded it: \(words). Does it know this configuration? "
                + "(systemctl reload tokenvigil)"
        )
    }

    /// Leaves word for the next daemon where there is none, and says so.
    private func leave(_ replacement: Replacement, because error: ControlSocketError) {
        Terminal.complain(line.failure(for: error).message)
        do throws(StorageError) {
            try ReplacementNotes(directory: configuration.stateDirectory).leave(replacement)
            print("the daemon will record this when it starts, and look then")
        } catch {
            Terminal.complain(
                "the secret is in place, but the history will not say who has replaced it: \(error)"
            )
        }
    }
}

extension Verdict {
    /// Whose token it is, where it is not whose it should be.
    fileprivate var stranger: Identity? {
        if case .rejected(.wrongIdentity(let identity)) = self { identity } else { nil }
    }
}
