import FoundationEssentials
import TokenHealth

extension Alert {
    /// Alerts of every kind, about no, one and several tokens, to try a template with.
    static var templateSamples: [Alert] {
        AlertKind.allCases.flatMap { kind in [0, 1, 3].map { sample(kind, tokens: $0) } }
    }

    private static func sample(_ kind: AlertKind, tokens count: Int) -> Alert {
        let begin = Date(timeIntervalSince1970: 1_800_000_000)
        return Alert(
            id: "sample",
            kind: kind,
            severity: kind.severity,
            createdAt: begin.addingTimeInterval(600),
            incidentID: count == 0 ? nil : "incident",
            summary: "a \"sample\" \\ of \(kind.rawValue)",
            host: "srv1",
            tokens: (0..<count).compactMap { TokenName("token-\($0)").map { sampleReport($0, at: begin) } },
            remedy: count == 0
                ? AlertRemedy() : AlertRemedy(url: "https://example.com/", steps: ["one", "two"], command: "true"),
            causes: count == 0 ? [] : ["a cause", "another"],
            lastedSeconds: 600
        )
    }

    private static func sampleReport(_ name: TokenName, at time: Date) -> TokenReport {
        let token = WatchedToken(
            name: name,
            provider: Provider(name: "api", baseURL: "https://example.com", probe: ProbeTemplate(path: "/")),
            secret: .credential(name: "sample"),
            owner: "owner@example.com",
            usedBy: [
                Dependant(name: "a \"job\"", owner: nil, url: "https://example.com/"),
                Dependant(name: "another", owner: "them@example.com", url: nil),
            ]
        )
        var report = TokenReport(token: token, belief: Belief(at: time), uptime: Uptime(day: 1), nextProbeAt: time)
        report.name = name
        report.explanation = "\"401\" \\ seen"
        return report
    }
}
