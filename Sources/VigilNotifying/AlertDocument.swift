import FoundationEssentials
import TokenHealth

/// An alert as other programs see it: the body of a webhook, and what a command reads from its standard input.
///
/// Absent facts are `null`, never missing. Only `tokens_omitted` and `ending` appear when there is
/// something to say.
struct AlertDocument: Sendable {
    /// Standard Webhooks advises less than 20 kB.
    static let maximumSize = 20_000

    let alert: Alert

    /// The document as JSON of at most ``maximumSize`` bytes: as many tokens as fit, and how many more there are.
    ///
    /// Texts are whole where that is possible, and shortened where one of them alone would fill the document.
    ///
    /// - Throws: when a value has no JSON form.
    func encoded() throws -> [UInt8] {
        let whole = try fitted()
        guard whole.count > AlertDocument.maximumSize else { return whole }
        for detail in Detail.ladder {
            let shorter = try AlertDocument(alert: alert.abridged(to: detail)).fitted()
            if shorter.count <= AlertDocument.maximumSize { return shorter }
        }
        throw FormatProblem.tooLong(AlertDocument.maximumSize)
    }

    /// The document with everything that is in the alert, however long.
    ///
    /// - Throws: when a value has no JSON form.
    func body() throws -> [UInt8] {
        try Array(Wire.encoder().encode(Envelope(contents: Contents(alert: alert))))
    }

    /// The document with as many tokens as there is room for.
    private func fitted() throws -> [UInt8] {
        var contents = Contents(alert: alert, tokens: [])
        let without = try Wire.encoder().encode(Envelope(contents: contents)).count
        // Room for the number of those left out.
        var room = AlertDocument.maximumSize - without - 30
        for token in alert.tokens {
            let evidence = alert.evidence.filter { $0.name == token.name }
            room -= try Wire.encoder().encode(token).count + Wire.encoder().encode(evidence).count + 2
            guard room >= 0 else { break }
            contents.tokens.append(token)
        }
        return try Array(Wire.encoder().encode(Envelope(contents: contents)))
    }

    private struct Envelope: Encodable {
        let contents: Contents

        private enum CodingKeys: String, CodingKey { case type, timestamp, data }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(contents.alert.kind, forKey: .type)
            try container.encode(contents.alert.createdAt, forKey: .timestamp)
            try container.encode(contents, forKey: .data)
        }
    }

    /// The facts of an alert, in whatever envelope.
    struct Contents: Encodable {
        let alert: Alert
        /// The tokens that are told of; the others are counted.
        var tokens: [TokenReport]

        init(alert: Alert, tokens: [TokenReport]? = nil) {
            self.alert = alert
            self.tokens = tokens ?? alert.tokens
        }

        private enum CodingKeys: String, CodingKey {
            case severity, summary, host, tokens, remedy, evidence, ending
            case alertID = "alert_id"
            case incidentID = "incident_id"
            case tokensOmitted = "tokens_omitted"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(alert.id, forKey: .alertID)
            try container.encode(alert.lastingIncidentID, forKey: .incidentID)
            try container.encode(alert.severity, forKey: .severity)
            try container.encode(alert.summary, forKey: .summary)
            try container.encode(alert.host, forKey: .host)
            try container.encode(tokens, forKey: .tokens)
            try container.encode(alert.remedy, forKey: .remedy)
            let told = Set(tokens.map(\.name))
            try container.encode(alert.evidence.filter { told.contains($0.name) }, forKey: .evidence)
            let omitted = alert.tokenCount - tokens.count
            try container.encodeIfPresent(alert.ending, forKey: .ending)
            if omitted > 0 { try container.encode(omitted, forKey: .tokensOmitted) }
        }
    }
}
