import FoundationEssentials
import TokenHealth

/// An alert as other programs see it: the body of a webhook, and what a command reads from its standard input.
///
/// Absent facts are `null`, never missing. Only `tokens_omitted` appears when there is something to say.
struct AlertDocument: Sendable {
    /// Standard Webhooks advises less than 20 kB.
    static let maximumSize = 20_000

    let alert: Alert

    /// The document as JSON of at most ``maximumSize`` bytes: as many tokens as fit, and how many more there are.
    ///
    /// - Throws: when a value has no JSON form.
    func encoded() throws -> [UInt8] {
        let whole = try Array(Wire.encoder().encode(Envelope(alert: alert, tokens: alert.tokens)))
        guard whole.count > AlertDocument.maximumSize else { return whole }
        let without = try Wire.encoder().encode(Envelope(alert: alert, tokens: [])).count
        var room = AlertDocument.maximumSize - without
        var tokens: [TokenReport] = []
        for token in alert.tokens {
            let evidence = alert.evidence.filter { $0.name == token.name }
            room -= try Wire.encoder().encode(token).count + Wire.encoder().encode(evidence).count + 2
            guard room >= 0 else { break }
            tokens.append(token)
        }
        return try Array(Wire.encoder().encode(Envelope(alert: alert, tokens: tokens)))
    }

    private struct Envelope: Encodable {
        let alert: Alert
        let tokens: [TokenReport]

        private enum CodingKeys: String, CodingKey { case type, timestamp, data }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(alert.kind, forKey: .type)
            try container.encode(alert.createdAt, forKey: .timestamp)
            try container.encode(Contents(alert: alert, tokens: tokens), forKey: .data)
        }
    }

    private struct Contents: Encodable {
        let alert: Alert
        let tokens: [TokenReport]

        private enum CodingKeys: String, CodingKey {
            case severity, summary, host, tokens, remedy, evidence
            case alertID = "alert_id"
            case incidentID = "incident_id"
            case tokensOmitted = "tokens_omitted"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(alert.id, forKey: .alertID)
            try container.encode(alert.incidentID, forKey: .incidentID)
            try container.encode(alert.severity, forKey: .severity)
            try container.encode(alert.summary, forKey: .summary)
            try container.encode(alert.host, forKey: .host)
            try container.encode(tokens, forKey: .tokens)
            try container.encode(alert.remedy, forKey: .remedy)
            let told = Set(tokens.map(\.name))
            try container.encode(alert.evidence.filter { told.contains($0.name) }, forKey: .evidence)
            let omitted = alert.tokenCount - tokens.count
            if omitted > 0 { try container.encode(omitted, forKey: .tokensOmitted) }
        }
    }
}
