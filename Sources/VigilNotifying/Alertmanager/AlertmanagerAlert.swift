import FoundationEssentials
import TokenHealth

/// One alert as Alertmanager knows it: its labels say what it is, everything else is about it.
///
/// Labels of one incident never change, and its end has those of its beginning: Alertmanager takes another set for
/// another alert.
struct AlertmanagerAlert: Sendable, Hashable {
    let labels: [String: String]
    let annotations: [String: String]
    let startsAt: Date
    /// When it ended, or when it is to be forgotten; `nil` while it lasts.
    var endsAt: Date?
    let generatorURL: String?

    /// The incident; `nil` for what is said once.
    var incident: String? { labels["incident"] }
    /// The token; `nil` for what is about a provider or a notifier.
    var token: String? { labels["token"] }

    /// One for each token of `story`, or one for all where it is not about tokens.
    static func all(of story: AlertStory) -> [AlertmanagerAlert] {
        let tokens: [TokenReport?] = story.isAboutTokens ? story.alert.tokens.map { $0 } : [nil]
        return tokens.map { AlertmanagerAlert(story, token: $0, kind: story.incidentKind, story.incidentSeverity) }
    }

    /// The ends of what the tokens of `story` were told to have before, as of limits when they are dead now: the labels are
    /// others, and under those of before nothing would ever end.
    static func former(of story: AlertStory) -> [AlertmanagerAlert] {
        guard story.isAboutTokens else { return [] }
        let kinds = [story.alert.formerKind].compactMap(\.self) + (story.alert.otherKinds ?? [])
        return kinds.flatMap { kind in
            story.alert.tokens.map { token in
                var alert = AlertmanagerAlert(story, token: token, kind: kind, kind.severity)
                alert.endsAt = story.alert.createdAt
                return alert
            }
        }
    }

    private init(_ story: AlertStory, token: TokenReport?, kind: AlertKind, _ severity: Severity) {
        let alert = story.alert
        // As it was known when the incident began: by others, its end would be that of another alert.
        let known = token?.name.flatMap { alert.labels[$0.text] }
        labels = AlertmanagerAlert.filled([
            "alertname": kind.alertname,
            "severity": severity.rawValue,
            "host": alert.host,
            "incident": alert.incidentID,
            "token": token?.name?.text,
            "provider": known?.provider ?? token?.provider,
            "owner": known.map(\.owner) ?? token?.owner,
        ])
        annotations = AlertmanagerAlert.filled([
            "summary": alert.summary,
            "description": story.sentence,
            "explanation": token?.explanation,
            "reason": token?.reason,
            // No label: the end of a provider's incident names no token, and its labels must be those of its beginning.
            "provider": token == nil ? alert.tokens.first?.provider : nil,
            "fingerprint": token?.fingerprint?.text,
            "used_by": token?.usedBy.map(\.name).joined(separator: ", "),
            "remedy": alert.remedy.steps.enumerated().map { "\($0 + 1). \($1)" }.joined(separator: " "),
            "tokens": alert.tokenCount > 1 ? "\(alert.tokenCount)" : nil,
        ])
        let isWarning = kind == .expiring
        startsAt = (isWarning ? nil : token?.incident?.openedAt) ?? story.beganAt
        endsAt = story.isRecovery || alert.kind == .replaced ? alert.createdAt : nil
        generatorURL = story.repairLink?.text
    }

    /// Without what is not known: an empty label is none.
    private static func filled(_ facts: [String: String?]) -> [String: String] {
        facts.compactMapValues { $0.flatMap { $0.isEmpty ? nil : $0 } }
    }

    /// Sixteen hexadecimal digits: FNV-1a over the sorted labels, as `model/signature.go` of prometheus/common has it.
    var fingerprint: String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for (name, value) in labels.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }) {
            for byte in Array(name.utf8) + [0xFF] + Array(value.utf8) + [0xFF] {
                hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
            }
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension AlertStory {
    /// What its incident is about.
    fileprivate var incidentKind: AlertKind {
        // Of what a reminder reminds, older alerts do not say.
        alert.incidentKind ?? alert.kind.endedKind ?? (alert.kind == .reminder ? .invalidated : alert.kind)
    }

    fileprivate var incidentSeverity: Severity {
        alert.kind == .reminder && alert.incidentKind == nil ? alert.severity : incidentKind.severity
    }

    /// Whether it has an entry for each token.
    fileprivate var isAboutTokens: Bool {
        alert.kind.traits.subject == .token && !alert.tokens.isEmpty
    }

    /// Whether the tokens it names, or what else it is about, are in order again.
    var isRecovery: Bool {
        alert.kind.endsIncident || alert.endsWarning
    }

    /// When its incident began.
    fileprivate var beganAt: Date {
        alert.createdAt.addingTimeInterval(-Double(alert.lastedSeconds ?? 0))
    }
}

extension AlertKind {
    /// As alerting rules are named.
    fileprivate var alertname: String {
        switch self {
        case .invalidated: "TokenInvalid"
        case .limited: "TokenLimited"
        case .recovered: "TokenRecovered"
        case .reminder: "TokenReminder"
        case .expiring: "TokenExpiring"
        case .blind: "TokenBlind"
        case .sighted: "TokenSighted"
        case .identityChanged: "TokenIdentityChanged"
        case .replaced: "TokenReplaced"
        case .misconfigured: "TokenMisconfigured"
        case .providerIncident: "TokenProviderIncident"
        case .providerRecovered: "TokenProviderRecovered"
        case .notifierFailing: "TokenvigilNotifierFailing"
        case .notifierRecovered: "TokenvigilNotifierRecovered"
        case .test: "TokenvigilTest"
        }
    }
}
