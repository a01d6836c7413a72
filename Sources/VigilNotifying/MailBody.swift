import FoundationEssentials
import TokenHealth

/// What a person reads: first the fact, then the evidence, what breaks, how to repair it, and last the details.
struct MailBody: Sendable {
    /// Tokens of one alert that are described; the others are counted.
    private static let maximumTokens = 20

    private let alert: Alert
    private let tokens: ArraySlice<TokenReport>

    init(_ alert: Alert) {
        self.alert = alert
        tokens = alert.tokens.prefix(MailBody.maximumTokens)
    }

    /// The whole text; every line ends with `\n`.
    var text: String {
        let sections = [fact, evidence, causes, dependants, remedy, reasoning, details]
        return sections.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") + "\n" }.joined(separator: "\n")
    }

    private var fact: [String] {
        let sentence = AlertSentence(alert)
        let reassurance = sentence.reassurance.map { [""] + Paragraph.lines($0) } ?? []
        return Paragraph.lines(sentence.text) + reassurance
    }
}

// MARK: - Evidence

extension MailBody {
    private var evidence: [String] {
        guard let first = tokens.first else { return [] }
        if alert.tokens.count == 1 { return times(of: first).map { "\($0): \($1.minuteUTC)" } + why(first) }
        var lines = tokens.flatMap { token in
            let times = times(of: token).map { "\($0.lowercased()) \($1.minuteUTC)" }
            return Paragraph.lines(([label(of: token)] + times).joined(separator: ", "), first: "- ")
        }
        let omitted = alert.tokenCount - tokens.count
        if omitted > 0 { lines.append("and \(omitted) more: tokenvigil status") }
        var seen: Set<String> = []
        for token in tokens where seen.insert(token.explanation).inserted { lines += why(token) }
        return lines
    }

    private func label(of token: TokenReport) -> String {
        (token.name?.text ?? "token") + (token.reason.map { " (\($0))" } ?? "")
    }

    private func times(of token: TokenReport) -> [(String, Date)] {
        var facts: [(String, Date?)] = []
        switch alert.kind {
        case .test, .notifierFailing, .notifierRecovered:
            return []
        case .recovered, .sighted, .replaced, .providerRecovered:
            facts = [("Works since", token.since), ("Last accepted", token.lastAcceptedAt)]
        case .expiring:
            facts = [("Expires", token.expiresAt), ("Last accepted", token.lastAcceptedAt)]
        case .invalidated, .limited, .reminder, .blind, .identityChanged, .misconfigured, .providerIncident:
            let start = token.incident?.openedAt ?? token.since
            facts = [
                ("Since", start),
                ("Last accepted", token.lastAcceptedAt),
                ("First rejected", token.firstRejectedAt),
            ]
        }
        return facts.compactMap { name, date in date.map { (name, $0) } }
    }

    private func why(_ token: TokenReport) -> [String] {
        var parts = token.explanation.oneLine.split(separator: "; ")
        // The causes are listed in full below.
        if !alert.causes.isEmpty { parts.removeAll { $0.hasPrefix("most likely: ") } }
        guard !parts.isEmpty, alert.kind != .test else { return [] }
        guard parts.count > 1 else { return Paragraph.lines(String(parts[0]), first: "\(evidenceTitle): ") }
        return ["\(evidenceTitle):"] + parts.flatMap { Paragraph.lines(String($0), first: "- ") }
    }

    private var evidenceTitle: String {
        switch alert.kind {
        case .invalidated, .limited, .reminder, .identityChanged, .misconfigured, .providerIncident: "Why"
        case .blind, .recovered, .sighted, .replaced, .expiring, .providerRecovered, .notifierFailing,
            .notifierRecovered, .test:
            "What was seen"
        }
    }

    private var causes: [String] {
        guard !alert.causes.isEmpty else { return [] }
        return ["What usually causes this, most likely first:"]
            + alert.causes.flatMap { Paragraph.lines($0, first: "- ") }
    }
}

// MARK: - The reasoning

extension MailBody {
    /// What was asked and answered, and how to ask it again, of the first token.
    ///
    /// The webhook has it of every token.
    private var reasoning: [String] {
        guard let evidence = alert.evidence.first else { return [] }
        var lines = [alert.evidence.count > 1 ? "EVIDENCE ON \(evidence.name)" : "EVIDENCE"]
        lines += evidence.lines.flatMap { Paragraph.lines("\($0.subject): \($0.text)", first: "- ") }
        lines += Paragraph.lines("To ask again, \(evidence.recipe.note):")
        return lines + [evidence.recipe.command].compactMap { $0 }.map { "  \($0.oneLine)" }
    }
}

// MARK: - What breaks, and what to do

extension MailBody {
    private var dependants: [String] {
        var seen: Set<Dependant> = []
        let all = alert.tokens.flatMap(\.usedBy).filter { seen.insert($0).inserted }
        guard !all.isEmpty else { return [] }
        var lines = [dependantsTitle]
        for dependant in all.prefix(MailBody.maximumTokens) {
            let owner = dependant.owner.map { " (\($0))" } ?? ""
            lines += Paragraph.lines(dependant.name + owner, first: "- ")
            if let url = dependant.url { lines += Paragraph.lines(url, first: "  ") }
        }
        if all.count > MailBody.maximumTokens { lines.append("and \(all.count - MailBody.maximumTokens) more") }
        return lines
    }

    private var dependantsTitle: String {
        switch alert.kind {
        case .invalidated: "WHAT BREAKS"
        case .reminder: alert.tokens.first?.state == .invalid ? "WHAT BREAKS" : "WHAT DEPENDS ON IT"
        case .limited, .providerIncident, .identityChanged: "WHAT MAY BREAK"
        case .expiring: "WHAT WILL BREAK"
        case .recovered, .sighted, .replaced, .blind, .misconfigured, .providerRecovered, .notifierFailing,
            .notifierRecovered, .test:
            "WHAT DEPENDS ON IT"
        }
    }

    private var remedy: [String] {
        let remedy = alert.remedy
        var lines: [String] = []
        for (index, step) in remedy.steps.enumerated() { lines += Paragraph.lines(step, first: "\(index + 1). ") }
        if let url = remedy.url { lines += ["Where:"] + Paragraph.lines(url, first: "  ") }
        if let command = remedy.command {
            lines += Paragraph.lines("Command, on \(alert.host) (it waits for you to paste the new token):")
            lines += ["  \(command.oneLine)"]
        }
        return lines.isEmpty ? [] : [remedyTitle] + lines
    }

    private var remedyTitle: String {
        switch alert.kind {
        case .invalidated, .limited, .reminder, .identityChanged, .misconfigured: "HOW TO REPAIR"
        case .expiring: "HOW TO RENEW"
        case .blind, .providerIncident, .notifierFailing, .recovered, .sighted, .replaced, .providerRecovered,
            .notifierRecovered, .test:
            "WHAT TO DO"
        }
    }
}

// MARK: - Details

extension MailBody {
    private var details: [String] {
        var lines = ["DETAILS"]
        if alert.tokens.count == 1, let token = tokens.first {
            lines += line("Token", token.name?.text)
            lines += line("State", token.state.rawValue + (token.reason.map { " (\($0))" } ?? ""))
            lines += line("Provider", token.provider)
            lines += line("Owner", token.owner)
            lines += line("Identity", token.identity?.label)
            lines += line("Fingerprint", token.fingerprint?.text)
            lines += line("Last answer", token.lastProbe?.httpStatus.map { "HTTP \($0)" })
            if alert.kind != .expiring { lines += line("Expires", token.expiresAt?.dayUTC) }
        } else {
            let gist = AlertGist(alert)
            lines += line("Providers", gist.providers)
            lines += line("Owners", gist.owners)
            lines += line("States", gist.states)
        }
        lines += line("Host", alert.host)
        lines += line("Severity", alert.severity.rawValue)
        lines += line("Time of this alert", alert.createdAt.minuteUTC)
        lines += line("Incident", alert.incidentID)
        lines += line("Alert", alert.id)
        return lines
    }

    private func line(_ name: String, _ value: String?) -> [String] {
        guard let value, !value.isEmpty else { return [] }
        return Paragraph.lines(value, first: "\(name): ")
    }
}
