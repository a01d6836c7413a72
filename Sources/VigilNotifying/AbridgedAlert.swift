import FoundationEssentials
import TokenHealth

/// How much of an alert is told.
struct Detail: Sendable, Hashable {
    /// Most tokens named.
    let tokens: Int
    /// Longest text, in bytes of UTF-8.
    let text: Int

    /// Whether there is room for what was asked and answered, which is not shortened.
    var hasEvidence: Bool { text >= 500 }

    /// What a message holds where there is room for all of it.
    static let full = Detail(tokens: Alert.mostTokens, text: 8000)

    /// From much to next to nothing: the first that fits a service's limit is sent, and the last fits every one.
    static let ladder = [
        full,
        Detail(tokens: Alert.mostTokens, text: 500),
        Detail(tokens: Alert.mostTokens, text: 150),
        Detail(tokens: 20, text: 500),
        Detail(tokens: 20, text: 150),
        Detail(tokens: 10, text: 150),
        Detail(tokens: 5, text: 80),
        Detail(tokens: 2, text: 60),
        Detail(tokens: 0, text: 60),
        Detail(tokens: 0, text: 24),
    ]

    /// `text` on one line, and not longer than it may be.
    fileprivate func short(_ text: String) -> String {
        // What is far too long is cut first: it need not be read to its end.
        let beginning =
            text.utf8.count > self.text * 8 ? String(decoding: text.utf8.prefix(self.text * 8), as: UTF8.self) : text
        return beginning.oneLine.fitted(to: self.text, .bytes)
    }
}

extension Alert {
    /// Entries of a list that belongs to one token or to the remedy; more would tell nobody more.
    private static let mostEntries = 20

    /// The same alert with fewer tokens, counted, and with shorter texts, each on one line.
    ///
    /// Its id and its incident's id stay what they are, unless nobody could have made them here.
    func abridged(to detail: Detail) -> Alert {
        let tokens = tokens.prefix(detail.tokens).map { $0.abridged(to: detail, entries: Alert.mostEntries) }
        let short = { (text: String) in detail.short(text) }
        let identifier = { (text: String) in text.oneLine.fitted(to: 250, .bytes) }
        return Alert(
            id: identifier(id),
            kind: kind,
            severity: severity,
            createdAt: createdAt,
            incidentID: incidentID.map(identifier),
            incidentKind: incidentKind,
            formerKind: formerKind,
            otherKinds: otherKinds,
            ending: ending,
            labels: labels.mapValues { IncidentLabels(provider: short($0.provider), owner: $0.owner.map(short)) },
            summary: short(summary),
            host: host.oneLine.fitted(to: min(detail.text, 250), .bytes),
            tokens: tokens,
            omittedTokens: tokenCount - tokens.count,
            openTokens: openTokens,
            remedy: AlertRemedy(
                // Half an address or half a command does harm: it is told whole or not at all.
                url: remedy.url.flatMap { $0.utf8.count <= detail.text ? $0.oneLine : nil },
                steps: remedy.steps.prefix(Alert.mostEntries).map(short),
                command: remedy.command.flatMap { $0.utf8.count <= detail.text ? $0.oneLine : nil }
            ),
            causes: causes.prefix(Alert.mostEntries).map(short),
            lastedSeconds: lastedSeconds,
            evidence: detail.hasEvidence ? Array(evidence.prefix(detail.tokens)) : [],
            lastDays: lastDays
        )
    }
}

extension TokenReport {
    fileprivate func abridged(to detail: Detail, entries: Int) -> TokenReport {
        let short = { (text: String) in detail.short(text) }
        var report = self
        report.reason = reason.map(short)
        report.explanation = short(explanation)
        report.provider = short(provider)
        report.owner = owner.map(short)
        report.fingerprint = fingerprint.map { Fingerprint(text: short($0.text)) }
        report.identity = identity.map { Identity(id: short($0.id), name: $0.name.map(short)) }
        report.incident?.id = incident.map { $0.id.oneLine.fitted(to: 250, .bytes) } ?? ""
        report.usedBy = usedBy.prefix(entries).map { dependant in
            Dependant(
                name: short(dependant.name),
                owner: dependant.owner.map(short),
                url: dependant.url.flatMap { $0.utf8.count <= detail.text ? $0.oneLine : nil }
            )
        }
        return report
    }
}
