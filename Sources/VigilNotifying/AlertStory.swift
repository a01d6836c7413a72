import FoundationEssentials
import TokenHealth

/// What a person is told of an alert, in the order they need it, before any markup.
///
/// First the fact, then the evidence, what breaks, how to repair it, and last the details.
struct AlertStory: Sendable {
    /// A name and what it stands for.
    struct Fact: Sendable, Hashable {
        let name: String
        let value: String
    }

    /// Systems that depend on the tokens and are listed; the others are counted.
    private static let mostDependants = 20
    /// Tokens that are told of before anything else; a longer list comes after what is to be done.
    private static let fewTokens = 5
    /// Different explanations that are told; tokens that die together mostly share one.
    private static let mostExplanations = 3

    /// With its texts on one line each, and shortened.
    let alert: Alert
    let sentence: String
    let reassurance: String?

    init(_ alert: Alert, detail: Detail = .full) {
        let abridged = alert.abridged(to: detail)
        let sentence = AlertSentence(abridged)
        self.alert = abridged
        self.sentence = ([sentence.text] + (alert.lateness.map { [$0] } ?? [])).joined(separator: " ").oneLine
        reassurance = sentence.reassurance
    }

    private var isAboutOne: Bool { alert.tokenCount == 1 }

    /// Whether the list of tokens is so long that it must not stand between a person and the rest.
    var isLong: Bool { alert.tokenCount > AlertStory.fewTokens }
}

// MARK: - Evidence

extension AlertStory {
    /// When what happened, for an alert about one token.
    var times: [Fact] {
        guard isAboutOne, let token = alert.tokens.first else { return [] }
        return times(of: token).map { Fact(name: $0, value: $1.minuteUTC) }
    }

    /// One line for each token, for an alert about several; in a long list no more than the most important time.
    var tokenLines: [String] {
        guard !isAboutOne else { return [] }
        return alert.tokens.map { token in
            let times = times(of: token).map { "\($0.lowercased()) \($1.minuteUTC)" }
            return ([label(of: token)] + times.prefix(isLong ? 1 : times.count)).joined(separator: ", ")
        }
    }

    /// What each different explanation says, in parts.
    var explanations: [[String]] {
        guard alert.kind != .test else { return [] }
        var seen: Set<String> = []
        let different = alert.tokens.map(\.explanation).filter { seen.insert($0).inserted }
        return different.prefix(AlertStory.mostExplanations).map(parts).filter { !$0.isEmpty }
    }

    var explanationTitle: String {
        switch alert.kind {
        case .invalidated, .limited, .reminder, .identityChanged, .misconfigured, .providerIncident: "Why"
        case .blind, .recovered, .sighted, .replaced, .expiring, .providerRecovered, .notifierFailing,
            .notifierRecovered, .test:
            "What was seen"
        }
    }

    private func parts(of explanation: String) -> [String] {
        var parts = explanation.split(separator: "; ").map(String.init)
        // The causes are listed in full.
        if !alert.causes.isEmpty { parts.removeAll { $0.hasPrefix("most likely: ") } }
        return parts
    }

    private func label(of token: TokenReport) -> String {
        (token.name?.text ?? "token") + (token.reason.map { " (\($0))" } ?? "")
    }

    private func times(of token: TokenReport) -> [(String, Date)] {
        var facts: [(String, Date?)] = []
        switch alert.kind {
        case .test, .notifierFailing, .notifierRecovered:
            return []
        case .recovered where alert.ending == .removed:
            facts = [("Last accepted", token.lastAcceptedAt), ("First rejected", token.firstRejectedAt)]
        case .recovered, .sighted, .replaced, .providerRecovered:
            facts = [("Works since", token.since), ("Last accepted", token.lastAcceptedAt)]
        case .expiring:
            let expires = token.expirySource == .estimate ? "Expires (estimated)" : "Expires"
            facts = [(expires, token.expiresAt), ("Last accepted", token.lastAcceptedAt)]
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
}

// MARK: - The last days

extension AlertStory {
    /// What one token was on each of the last days.
    struct LastDays: Sendable {
        /// The token, where the alert is about others as well.
        let token: TokenName?
        /// Oldest first.
        let days: [StateCells.Cell]
        let letters: String
        let words: String
    }

    /// Of the first tokens; of none where the list is long.
    var lastDays: [LastDays] {
        guard !isLong else { return [] }
        let bars = alert.lastDays
        return alert.tokens.compactMap { token in
            guard let name = token.name, let bar = bars[name], bar.text.count == Alert.shownDays else { return nil }
            return LastDays(token: isAboutOne ? nil : name, days: bar.cells, letters: bar.text, words: bar.words)
        }
    }

    var lastDaysTitle: String { "The last \(Alert.shownDays) days" }
}

// MARK: - What breaks, and what to do

extension AlertStory {
    /// Everything that depends on the tokens, each once.
    var dependants: [Dependant] { Array(allDependants.prefix(AlertStory.mostDependants)) }

    var omittedDependants: Int { max(0, allDependants.count - AlertStory.mostDependants) }

    private var allDependants: [Dependant] {
        var seen: Set<Dependant> = []
        return alert.tokens.flatMap(\.usedBy).filter { seen.insert($0).inserted }
    }

    var dependantsTitle: String {
        switch alert.kind {
        case .invalidated: "What breaks"
        case .reminder: alert.tokens.first?.state == .invalid ? "What breaks" : "What depends on it"
        case .limited, .providerIncident, .identityChanged: "What may break"
        case .expiring: "What will break"
        case .recovered, .sighted, .replaced, .blind, .misconfigured, .providerRecovered, .notifierFailing,
            .notifierRecovered, .test:
            "What depends on it"
        }
    }

    var remedyTitle: String {
        switch alert.kind {
        case .invalidated, .limited, .reminder, .identityChanged, .misconfigured: "How to repair"
        case .expiring: "How to renew"
        case .blind, .providerIncident, .notifierFailing, .recovered, .sighted, .replaced, .providerRecovered,
            .notifierRecovered, .test:
            "What to do"
        }
    }

    /// Whether there is anything to say under ``remedyTitle``.
    var hasRemedy: Bool { !alert.remedy.steps.isEmpty || alert.remedy.url != nil || alert.remedy.command != nil }
}

// MARK: - The reasoning

extension AlertStory {
    /// What was asked and answered of one token, and how to ask it again.
    struct Reasoning: Sendable {
        /// The token, where there is evidence on others as well.
        let token: TokenName?
        let facts: [Fact]
        /// What must be known before asking again.
        let note: String
        let command: String?
    }

    /// Of the first token; the webhook has it of every one.
    var reasoning: Reasoning? {
        alert.evidence.first.map { evidence in
            Reasoning(
                token: alert.evidence.count > 1 ? evidence.name : nil,
                facts: evidence.lines.map { Fact(name: $0.subject, value: $0.text.oneLine) },
                note: "To ask again, \(evidence.recipe.note):",
                command: evidence.recipe.command?.oneLine
            )
        }
    }
}

// MARK: - Details

extension AlertStory {
    /// Who and what, for somebody who searches.
    var details: [Fact] {
        let subject = isAboutOne ? alert.tokens.first.map(details) ?? [] : detailsOfAll
        let occasion: [(String, String?)] = [
            ("Host", alert.host),
            ("Severity", alert.severity.rawValue),
            ("Time of this alert", alert.createdAt.minuteUTC),
            ("Incident", alert.lastingIncidentID),
            ("Alert", alert.id),
        ]
        return (subject + occasion).compactMap { name, value in
            value.flatMap { $0.isEmpty ? nil : Fact(name: name, value: $0) }
        }
    }

    private func details(of token: TokenReport) -> [(String, String?)] {
        [
            ("Token", token.name?.text),
            ("State", token.state.rawValue + (token.reason.map { " (\($0))" } ?? "")),
            ("Provider", token.provider),
            ("Owner", token.owner),
            ("Identity", token.identity?.label),
            ("Fingerprint", token.fingerprint?.text),
            ("Last answer", token.lastProbe?.httpStatus.map { "HTTP \($0)" }),
            ("Expires", alert.kind == .expiring ? nil : expiry(of: token)),
        ]
    }

    private func expiry(of token: TokenReport) -> String? {
        let doubt = token.expirySource == .estimate ? " (estimated)" : ""
        return token.expiresAt.map { $0.dayUTC + doubt }
    }

    private var detailsOfAll: [(String, String?)] {
        let gist = AlertGist(alert)
        return [("Providers", gist.providers), ("Owners", gist.owners), ("States", gist.states)]
    }
}
