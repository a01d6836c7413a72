import FoundationEssentials
import TokenHealth
import VigilConfiguration
import VigilEngine
import VigilHTTPClient
import VigilProbing

/// Which servers this process reaches, by which proxies, and what they say of its clock.
struct NetworkExamination {
    private let configuration: Configuration
    private let environment: [String: String]
    private let proxies: ProxyEnvironment

    init(configuration: Configuration, environment: [String: String]) {
        self.configuration = configuration
        self.environment = environment
        proxies = ProxyEnvironment(environment)
    }

    func findings() async -> [Finding] {
        let routes = proxies.routes.map(finding)
        do {
            return try await routes
                + HTTPClient.with(environment: environment) { client in
                    await answers(to: HTTPProber(client: client, version: Version.text))
                }
        } catch {
            return routes + [NetworkExamination.noConnections(error)]
        }
    }

    static func noConnections(_ error: any Error) -> Finding {
        .bad("network", "\(error)", remedy: "raise LimitNOFILE and TasksMax of the unit")
    }

    private func finding(on scheme: String, by variable: ProxyEnvironment.Variable) -> Finding {
        switch variable.address {
        case .success(let proxy):
            return .note("proxy", "\(scheme) requests go by the proxy \(proxy) (\(variable.name))")
        case .failure:
            return .bad("proxy", variable.problem ?? "", remedy: "correct it: sudo systemctl edit tokenvigil")
        }
    }

    /// A server, and whom to trust there: tokens that agree in both see the same.
    private struct Peer: Hashable, Comparable {
        let url: String
        let authorities: String?

        static func < (left: Peer, right: Peer) -> Bool {
            (left.url, left.authorities ?? "") < (right.url, right.authorities ?? "")
        }
    }

    private func answers(to prober: HTTPProber) async -> [Finding] {
        var tokens: [Peer: WatchedToken] = [:]
        for token in configuration.tokens {
            let peer = Peer(url: token.baseURL, authorities: token.certificateAuthorities)
            tokens[peer] = tokens[peer] ?? token
        }
        let alike = Dictionary(grouping: tokens.keys, by: \.url)
        var findings: [Finding] = []
        var isClockKnown = false
        for (peer, token) in tokens.sorted(by: { $0.key < $1.key }) {
            // Nothing about the token is in this request.
            let question = Question(method: "GET", url: peer.url + "/", headers: [])
            let exchange = await prober.exchange(ProbeRequest(token: token, question: question, secret: nil))
            let trust = alike[peer.url]?.count == 1 ? "" : " with \(peer.authorities ?? "the system's authorities")"
            findings.append(reach(of: peer, as: "provider \(peer.url)\(trust)", exchange))
            if !isClockKnown, case .answered(let answer) = exchange.outcome,
                let finding = clock(by: answer, from: peer.url)
            {
                isClockKnown = true
                findings.append(finding)
            }
        }
        return findings
    }

    private func reach(of peer: Peer, as subject: String, _ exchange: Exchange) -> Finding {
        let variable = proxies.way(to: peer.url)
        let name = variable?.name ?? "HTTPS_PROXY"
        switch exchange.outcome {
        case .answered(let answer) where answer.status == 407:
            let proxy = variable.flatMap { try? $0.address.get() }.map { "the proxy \($0)" } ?? "a proxy on the way"
            return .bad(
                subject,
                "is not reached: \(proxy) wants a login",
                remedy: "put it into \(name) in the environment of the unit"
            )
        case .answered(let answer):
            let way = peer.url.hasPrefix("https:") ? "TLS is good" : "in plain text"
            return .good(subject, "answers (\(answer.status)) in \(exchange.latency.inMilliseconds) ms, \(way)")
        case .failed(let failure):
            let remedy = failure.remedy(withAuthorities: peer.authorities) ?? usualRemedy(of: failure, variable: name)
            return .bad(subject, "does not answer: \(failure.detail)", remedy: remedy)
        case .withheld(let problem):
            return .bad(subject, "was not asked: \(problem)", remedy: "tokenvigil config check")
        }
    }

    private func usualRemedy(of failure: TransportFailure, variable: String) -> String {
        if failure.isOfProxy { return "is \(variable) in the environment of the unit right, and does the proxy work?" }
        switch failure.kind {
        case .dns: return "is the name right? then see /etc/resolv.conf"
        case .network: return "is there a firewall, or a proxy to be set in the environment of the unit?"
        case .timeout: return "is there a firewall that drops packets?"
        case .tls: return "do this host and the server share a version of TLS and a cipher? see the log of the server"
        }
    }

    /// RFC 9110 section 6.6.1: `Date` is the time at which the answer was made.
    private func clock(by answer: Answer, from url: String) -> Finding? {
        guard let text = answer.headers.first(where: { $0.name.lowercased() == "date" })?.value,
            let date = HTTPDate.parse(text)
        else { return nil }
        let seconds = abs(Int(Date.now.timeIntervalSince(date)))
        guard seconds > 30 else { return .good("clock", "agrees with \(url) to \(max(1, seconds)) s") }
        return .bad(
            "clock",
            "is \(Duration.seconds(seconds).short) away from the time at \(url)",
            remedy: "let it be set by NTP: timedatectl set-ntp true"
        )
    }
}
