import ArgumentParser
import Crypto
import FoundationEssentials
import TokenHealth
import VigilConfiguration
import VigilEngine
import VigilHTTPClient
import VigilProbing
import VigilStorage

/// Probes now, without the daemon.
struct Probe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Probe now, without the daemon, and explain the verdict.",
        discussion: """
            Each token is asked once, and the same is asked without the token, to see what "no token" looks like.
            Exit code: 0 all accepted, 1 limited, 2 rejected, 3 indeterminate or misconfigured; the worst counts.
            """
    )

    @OptionGroup var common: CommonOptions
    @Flag(help: "Print JSON.") var json = false
    @Argument(help: ArgumentHelp("Tokens to probe; all without a name.", valueName: "name")) var names: [String] = []

    func run() async throws {
        let configuration = try common.load(failingWith: .unknown)
        let tokens = try configuration.tokens(named: names)
        let environment = ProcessInfo.processInfo.environment
        let timekeeper = SystemTimekeeper()
        let client = try HTTPClient(environment: environment)
        let observer = TokenObserver(
            prober: HTTPProber(client: client, version: Version.text),
            secrets: HostSecretReader(environment: environment),
            fingerprinter: HMACFingerprinter(key: SymmetricKey(size: .bits256)),
            timekeeper: timekeeper
        )
        let status = try? StatusReading(configuration: configuration, names: [], now: timekeeper.now().wall)
        var reports: [ProbeReport] = []
        for token in tokens {
            let sight = await observer.sight(of: token, belief: Belief(at: timekeeper.now().wall))
            guard let observation = sight.observation else { continue }
            let report = ProbeReport(
                token: token,
                siblings: token.siblings(among: configuration.tokens) { status?.document.tokens[$0.text] },
                known: status?.document.tokens[token.name.text],
                sight: sight,
                observation: observation,
                proxies: ProxyEnvironment(environment)
            )
            reports.append(report)
            if !json { report.text.forEach { print($0) } }
        }
        await client.shutdown()
        if json { try printJSON(ProbeDocument(tokens: reports)) }
        if reports.contains(where: \.isUnanswered) { await ShellProxy.tellDifference(environment) }
        let worst = reports.map(\.exitCode.rawValue).max() ?? 0
        if worst > 0 { throw ExitCode(worst) }
    }
}

/// What `probe --json` prints.
struct ProbeDocument: Encodable {
    let schema = "tokenvigil.probe/1"
    let tokens: [ProbeReport]
}

/// One token, asked once.
struct ProbeReport: Encodable {
    let name: TokenName
    let provider: String
    let request: String
    let verdict: VerdictName
    let reason: String?
    let explanation: String
    let httpStatus: Int?
    let latencyMilliseconds: Int?
    let timing: ExchangeTiming?
    let control: ControlResult?
    let controlStatus: Int?
    let identity: Identity?
    let expiresAt: Date?
    let expirySource: ExpirySource?
    let secret: String
    let evidence: Evidence
    /// Where the proxy is by which it was asked, or what is wrong with the variable that names it; for people alone.
    private let proxy: String?
    /// What can be done about a request that failed; for people alone.
    private let remedy: String?

    /// - `siblings`: as the status file has them, where it is fresh.
    /// - `known`: what the status file says of this token.
    /// - `proxies`: by which was asked.
    init(
        token: WatchedToken,
        siblings: [SiblingEvidence],
        known: TokenReport?,
        sight: TokenObserver.Sight,
        observation: Observation,
        proxies: ProxyEnvironment
    ) {
        let decision = Belief(at: observation.at.wall).considering(observation, of: token, chance: 0)
        name = token.name
        provider = token.provider.name
        request = (sight.question ?? token.question).text
        verdict =
            switch decision.belief.state {
            case .misconfigured: .misconfigured
            case .limited: .limited
            case .pending, .valid, .suspect, .invalid, .unknown, .blind: observation.finding.verdict.name
            }
        reason = decision.belief.state.reason
        explanation =
            decision.belief.state.name == .suspect ? observation.finding.observation : decision.belief.explanation
        httpStatus = observation.httpStatus
        latencyMilliseconds = observation.latency?.inMilliseconds
        // A proxy that answers for the server leaves no step to be told of.
        timing = sight.exchange?.timing.flatMap { $0 == ExchangeTiming() ? nil : $0 }
        control = observation.control
        controlStatus = sight.control?.status
        identity = decision.belief.identity
        expiresAt = decision.belief.expiresAt
        expirySource = decision.belief.expirySource
        secret = token.secret.description
        var evidence = Evidence(token: token, belief: decision.belief, siblings: siblings)
        evidence.lastAcceptedAt = evidence.lastAcceptedAt ?? known?.lastAcceptedAt
        // A daemon that has seen it rejected before knows better since when.
        if evidence.firstRejectedAt != nil {
            evidence.firstRejectedAt = known?.firstRejectedAt ?? evidence.firstRejectedAt
        }
        self.evidence = evidence
        let way = proxies.way(to: (sight.question ?? token.question).url)
        proxy = way.flatMap { try? $0.address.get() }.map { "by the proxy \($0)" }
        remedy =
            switch sight.exchange?.outcome {
            case .failed(let failure): failure.remedy(withAuthorities: token.certificateAuthorities)
            case .answered(let answer) where answer.status == 407:
                "put the login into \(way?.name ?? "HTTPS_PROXY") in the environment of the service"
            case .answered, .withheld, nil: nil
            }
    }

    private enum CodingKeys: String, CodingKey {
        case name, provider, request, verdict, reason, explanation, control, identity, secret, evidence
        case httpStatus = "http_status"
        case latencyMilliseconds = "latency_ms"
        case timing = "timing_ms"
        case controlStatus = "control_http_status"
        case expiresAt = "expires_at"
        case expirySource = "expiry_source"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(provider, forKey: .provider)
        try container.encode(request, forKey: .request)
        try container.encode(verdict, forKey: .verdict)
        try container.encode(reason, forKey: .reason)
        try container.encode(explanation, forKey: .explanation)
        try container.encode(httpStatus, forKey: .httpStatus)
        try container.encode(latencyMilliseconds, forKey: .latencyMilliseconds)
        try container.encode(timing.map(TimingReport.init), forKey: .timing)
        try container.encode(control, forKey: .control)
        try container.encode(controlStatus, forKey: .controlStatus)
        try container.encode(identity, forKey: .identity)
        try container.encode(expiresAt, forKey: .expiresAt)
        try container.encode(expirySource, forKey: .expirySource)
        try container.encode(secret, forKey: .secret)
        try container.encode(evidence, forKey: .evidence)
    }

    /// Whether it was asked, and no answer came.
    var isUnanswered: Bool { httpStatus == nil && latencyMilliseconds != nil }

    var exitCode: ExitCode {
        switch verdict {
        case .accepted: .success
        case .limited: .warning
        case .rejected: .critical
        case .indeterminate, .misconfigured: .unknown
        }
    }

    /// The report for a person.
    var text: [String] {
        var lines = question + ["  secret    \(secret)"] + answer
        lines += evidence.lines.map { "  evidence  \($0.subject): \($0.text)" }
        lines.append("  repeat    \(evidence.recipe.note)")
        if let command = evidence.recipe.command { lines.append("            \(command)") }
        return lines
    }

    /// The report without the evidence and without where the secret came from.
    var summary: [String] { question + answer }

    /// What was asked, and how long it took.
    private var question: [String] {
        let state: StateName =
            switch verdict {
            case .accepted: .valid
            case .limited: .limited
            case .rejected: .invalid
            case .indeterminate: .unknown
            case .misconfigured: .misconfigured
            }
        let word = verdict.rawValue.uppercased() + (reason.map { " (\($0))" } ?? "")
        var lines = ["\(Terminal.bold(name.text))  \(Terminal.coloured(word, as: state))"]
        let course = httpStatus == nil ? "gave up after" : "answered in"
        lines.append("  asked     \(request)" + (latencyMilliseconds.map { ", \(course) \($0) ms" } ?? ""))
        if let proxy { lines.append("            \(proxy)") }
        if let timing { lines.append("  of which  \(TimingReport(timing).text)") }
        return lines
    }

    /// What came of it.
    private var answer: [String] {
        var lines = ["  because   \(explanation)"]
        if let remedy { lines.append("  remedy    \(remedy)") }
        if let control { lines.append("  control   the same without the token: \(controlText(control))") }
        if let expiry { lines.append("  expires   \(expiry)") }
        return lines
    }

    private var expiry: String? {
        guard let expiresAt else { return nil }
        switch expirySource {
        case .provider: return "\(expiresAt.minuteUTC), says the API"
        case .token: return "\(expiresAt.minuteUTC), says the token of itself"
        case .estimate, nil:
            return "before \(expiresAt.dayUTC), by an estimate: the usual life of such a token, counted from now"
        }
    }

    private func controlText(_ control: ControlResult) -> String {
        let status = controlStatus.map { " (HTTP \($0))" } ?? ""
        switch control {
        case .refused where verdict == .indeterminate && controlStatus == httpStatus:
            return "refused alike\(status), which shows nothing of the token"
        case .refused: return "refused\(status), so this endpoint does check tokens"
        case .open: return "accepted\(status), so this endpoint checks nothing"
        case .unreachable: return "no useful answer\(status)"
        case .other: return "another answer\(status)"
        }
    }
}
