import FoundationEssentials
import Testing
import TokenHealth

/// Alerts as the core composes them.
enum Samples {
    static let host = "srv1.example.com"
    /// Monday.
    static let now = date("2026-11-23T10:05:07.120Z")
    static let incident = "hr-onboarding-20261123T100507120Z"

    static func date(_ text: String) -> Date {
        guard let date = Date(rfc3339: text) else { preconditionFailure("not a time: \(text)") }
        return date
    }

    static func name(_ text: String) -> TokenName {
        guard let name = TokenName(text) else { preconditionFailure("not a token name: \(text)") }
        return name
    }

    /// A dead Tallyfy token, with everything known about it.
    static func report(
        _ tokenName: String = "hr-onboarding",
        state: StateName = .invalid,
        reason: String? = "revoked",
        explanation: String? = nil
    ) -> TokenReport {
        let provider = Provider(
            name: "tallyfy",
            baseURL: "https://go.tallyfy.com/api",
            probe: ProbeTemplate(path: "/me/organizations")
        )
        let token = WatchedToken(
            name: name(tokenName),
            provider: provider,
            secret: .file(path: "/etc/tokenvigil/secrets/\(tokenName)"),
            owner: "api-bot@example.com",
            usedBy: [
                Dependant(
                    name: "Zapier new-hire flow",
                    owner: "hr-it@example.com",
                    url: "https://wiki.example.com/zapier"
                ),
                Dependant(name: "nightly payroll export", owner: nil, url: nil),
            ]
        )
        var report = TokenReport(token: token, belief: Belief(at: now), uptime: Uptime(day: 0.97), nextProbeAt: now)
        report.name = token.name
        report.state = state
        report.reason = reason
        report.explanation =
            explanation ?? """
                401 Unauthenticated, confirmed over 31 s; the same request without a token is refused alike; the token says \
                of itself to be good until 2027-02-01; most likely: its owner logged out of Tallyfy
                """
        report.fingerprint = Fingerprint(text: "k1:9f2c41d0a7be")
        report.identity = Identity(id: "12345", name: "api-bot@example.com")
        report.lastProbe = LastProbe(at: now, verdict: .rejected, httpStatus: 401, latencyMilliseconds: 84)
        report.lastAcceptedAt = date("2026-11-23T10:03:36.000Z")
        report.firstRejectedAt = date("2026-11-23T10:04:36.000Z")
        report.expiresAt = date("2027-02-01T00:00:00.000Z")
        report.incident = IncidentReport(id: incident, openedAt: now)
        return report
    }

    static let remedy = AlertRemedy(
        url: "https://go.tallyfy.com/organization/settings/integrations",
        steps: [
            "Sign in to Tallyfy as the owner of the token, and do not sign out there again.",
            "Open Settings, Integrations, REST API, and copy the access token.",
            "Put it in place on this host, and in every system that holds a copy.",
        ],
        command: "sudo tokenvigil replace hr-onboarding"
    )

    /// Of a token that is watched for three weeks and has died twice.
    static let lastDays = DayBar(
        of: [
            (-20.2, -9.5, StateName.valid), (-9.5, -9.3, .invalid), (-9.3, -6.1, .valid), (-4.2, -2.9, .valid),
            (-2.9, -1.2, .blind), (-1.2, -0.03, .valid), (-0.03, 0, .invalid),
        ].map { from, to, state in
            ValidityInterval(
                start: now.addingTimeInterval(from * 86_400),
                end: now.addingTimeInterval(to * 86_400),
                state: state,
                reason: nil
            )
        },
        days: Alert.shownDays,
        until: now
    )

    /// An ordinary alert of `kind`.
    static func alert(_ kind: AlertKind) -> Alert {
        let plan = plan(for: kind)
        return Alert(
            id: "hr-onboarding-20261123T100507120Z-\(kind.idPart)",
            kind: kind,
            severity: kind == .reminder ? .critical : kind.severity,
            createdAt: now,
            incidentID: plan.hasIncident ? incident : nil,
            incidentKind: plan.hasIncident ? incidentKind(for: kind) : nil,
            summary: "\(plan.summary) on srv1",
            host: host,
            tokens: plan.tokens,
            remedy: plan.remedy,
            causes: kind == .invalidated ? ["its owner logged out of the web app", "an administrator deleted it"] : [],
            lastedSeconds: plan.lasted,
            lastDays: kind == .invalidated || kind == .recovered ? [name("hr-onboarding"): lastDays] : [:]
        )
    }

    /// What the incident is about that an alert of `kind` belongs to.
    private static func incidentKind(for kind: AlertKind) -> AlertKind {
        switch kind {
        case .recovered, .reminder: .invalidated
        case .sighted: .blind
        case .providerRecovered: .providerIncident
        case .notifierRecovered: .notifierFailing
        case .invalidated, .limited, .expiring, .blind, .identityChanged, .replaced, .misconfigured,
            .providerIncident, .notifierFailing, .test:
            kind
        }
    }

    /// Many tokens of one owner that died together, as the core composes it: the first ones, and a number.
    static func many(_ count: Int) -> Alert {
        Alert(
            id: "hr-onboarding-20261123T100507120Z-invalidated",
            kind: .invalidated,
            severity: .critical,
            createdAt: now,
            incidentID: incident,
            incidentKind: .invalidated,
            summary: "INVALID \(count) tokens (revoked) on srv1",
            host: host,
            tokens: (1...Alert.mostTokens).map { report("token-\($0)") },
            omittedTokens: count - Alert.mostTokens,
            openTokens: count,
            remedy: remedy,
            causes: ["its owner logged out of the web app"]
        )
    }

    private struct Plan {
        var summary: String
        var tokens: [TokenReport]
        var remedy = AlertRemedy()
        var hasIncident = true
        var lasted: Int?
    }

    private static let patience = AlertRemedy(steps: [
        "Check the provider's status page and this host's network, DNS, proxy and clock.",
        "Nothing need be done about the token itself: nothing is known to be wrong with it.",
    ])

    private static func healthy() -> TokenReport {
        var report = report(state: .valid, reason: nil, explanation: "accepted: 200")
        report.lastProbe = LastProbe(at: now, verdict: .accepted, httpStatus: 200, latencyMilliseconds: 80)
        report.lastAcceptedAt = now
        report.firstRejectedAt = nil
        report.incident = nil
        return report
    }

    private static func plan(for kind: AlertKind) -> Plan {
        switch kind {
        case .invalidated:
            return Plan(summary: "INVALID hr-onboarding (revoked)", tokens: [report()], remedy: remedy)
        case .limited:
            let explanation = "403 with insufficient_scope: the token is alive and lacks a scope"
            let token = report(state: .limited, reason: "scope", explanation: explanation)
            return Plan(summary: "LIMITED hr-onboarding (scope)", tokens: [token], remedy: remedy)
        case .recovered:
            return Plan(summary: "RECOVERED hr-onboarding after 3 h 20 min", tokens: [healthy()], lasted: 12_000)
        case .reminder:
            var token = report()
            token.incident = IncidentReport(id: incident, openedAt: date("2026-11-23T09:05:07.120Z"))
            token.lastAcceptedAt = date("2026-11-23T09:03:36.000Z")
            token.firstRejectedAt = date("2026-11-23T09:04:36.000Z")
            let summary = "STILL INVALID hr-onboarding (revoked) for 60 min"
            return Plan(summary: summary, tokens: [token], remedy: remedy, lasted: 3600)
        case .expiring:
            var token = healthy()
            token.expiresAt = date("2026-11-30T10:05:07.120Z")
            token.expirySource = .estimate
            let summary = "EXPIRING hr-onboarding in 7 d (estimated)"
            return Plan(summary: summary, tokens: [token], remedy: remedy, hasIncident: false)
        case .blind:
            let explanation = "no answer within 10 s; this says nothing about the token"
            var token = report(state: .blind, reason: "timeout", explanation: explanation)
            token.lastProbe = LastProbe(at: now, verdict: .indeterminate, httpStatus: nil, latencyMilliseconds: nil)
            token.firstRejectedAt = nil
            return Plan(summary: "BLIND hr-onboarding (timeout)", tokens: [token], remedy: patience)
        case .sighted:
            return Plan(summary: "SIGHT REGAINED hr-onboarding after 45 min", tokens: [healthy()], lasted: 2700)
        case .identityChanged:
            var token = report(
                reason: "wrong_identity",
                explanation: "200, as mallory@example.com instead of api-bot@example.com"
            )
            token.identity = Identity(id: "666", name: "mallory@example.com")
            return Plan(summary: "IDENTITY CHANGED hr-onboarding", tokens: [token], remedy: remedy)
        case .replaced:
            return Plan(summary: "REPLACED hr-onboarding", tokens: [healthy()], hasIncident: false)
        case .misconfigured:
            let explanation = SecretProblem.empty(source: "file /etc/tokenvigil/secrets/hr-onboarding").sentence
            var token = report(state: .misconfigured, reason: "secret_empty", explanation: explanation)
            token.lastProbe = nil
            token.firstRejectedAt = nil
            let steps = ["Correct this: \(explanation)", "tokenvigil probe hr-onboarding"]
            let summary = "MISCONFIGURED hr-onboarding (secret_empty)"
            return Plan(summary: summary, tokens: [token], remedy: AlertRemedy(steps: steps))
        case .providerIncident:
            let tokens = ["hr-onboarding", "finance-sync", "crm-bridge", "it-desk"].map { report($0) }
            return Plan(summary: "PROVIDER tallyfy rejects 4 of 4 tokens", tokens: tokens, remedy: patience)
        case .providerRecovered:
            return Plan(summary: "PROVIDER tallyfy accepts its tokens again", tokens: [healthy()], lasted: 600)
        case .notifierFailing:
            let summary = "notifier oncall: 3 alerts wait since 2026-11-23 09:00 UTC"
            return Plan(summary: summary, tokens: [], remedy: AlertRemedy(steps: ["tokenvigil notify outbox"]))
        case .notifierRecovered:
            return Plan(summary: "notifier oncall delivers again", tokens: [], lasted: 3600)
        case .test:
            return Plan(summary: "TEST of notifier oncall", tokens: [], hasIncident: false)
        }
    }

    /// Text as an attacker would like it to be in a header, in an environment, in a terminal.
    static let hostileTexts: [HostileText] = [
        "x\r\nBcc: everybody@example.com",
        "x\nBcc: everybody@example.com\n\nbody",
        "x\rBcc: everybody@example.com",
        "x\u{0}y",
        "x\u{2028}Bcc: everybody@example.com",
        "x\u{85}Bcc: everybody@example.com",
        "x\u{0B}\u{0C}\u{1B}[2J",
        "=?utf-8?B?DQpCY2M6IGV2ZXJ5Ym9keUBleGFtcGxlLmNvbQ==?=",
        "\u{202E}txt.exe",
        "",
        " ",
        ".",
        "From somebody",
        String(repeating: "a", count: 5000),
        String(repeating: "ü 👨‍👩‍👧‍👦 ", count: 500),
    ].map(HostileText.init)

    /// An alert with `text` wherever a text can be.
    static func hostile(_ text: String) -> Alert {
        var token = report(explanation: text)
        token.reason = text
        token.provider = text
        token.owner = text
        token.identity = Identity(id: text, name: text)
        token.fingerprint = Fingerprint(text: text)
        token.usedBy = [Dependant(name: text, owner: text, url: text)]
        return Alert(
            id: text,
            kind: .invalidated,
            severity: .critical,
            createdAt: now,
            incidentID: text,
            summary: text,
            host: text,
            tokens: [token],
            remedy: AlertRemedy(url: text, steps: [text], command: text),
            causes: [text],
            lastedSeconds: 5
        )
    }

    /// Texts that are also far too long, or are one character however long they are.
    static let hugeTexts: [HostileText] = [
        String(repeating: "a", count: 100_000),
        String(repeating: "\"\\\u{1F}", count: 33_000),
        String(repeating: "👨‍👩‍👧‍👦", count: 4000),
        "a" + String(repeating: "\u{301}", count: 50_000),
        String(repeating: "<&>*_`|@everyone ", count: 6000),
        String(repeating: "\u{202E}ü", count: 30_000),
        "https://example.com/" + String(repeating: "x", count: 100_000),
    ].map(HostileText.init)

    /// An alert about more tokens than fit anywhere.
    static func crowd(of count: Int) -> Alert {
        Alert(
            id: "crowd",
            kind: .providerIncident,
            severity: .critical,
            createdAt: now,
            incidentID: incident,
            summary: "PROVIDER tallyfy rejects \(count) tokens",
            host: host,
            tokens: (1...count).map { report("token-\($0)") }
        )
    }
}

/// A text that a test report can show.
struct HostileText: Sendable, CustomTestStringConvertible {
    let text: String

    var testDescription: String { String(text.debugDescription.prefix(40)) }
}
