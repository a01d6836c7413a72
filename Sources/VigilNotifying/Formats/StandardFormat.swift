import FoundationEssentials
import TokenHealth

/// The body that Standard Webhooks describe, for programs of the user's own.
struct StandardFormat: MessageFormat {
    let maximumSize = AlertDocument.maximumSize

    func message(about story: AlertStory) throws -> [UInt8] {
        try AlertDocument(alert: story.alert).body()
    }

    func message(for alert: Alert) throws -> [UInt8] {
        try AlertDocument(alert: alert).encoded()
    }
}

/// CloudEvents 1.0 in structured mode, cloudevents.io: the standard body's data in another envelope.
struct CloudEventsFormat: MessageFormat {
    let maximumSize = AlertDocument.maximumSize
    /// JSON format for CloudEvents, section 3.
    let contentType = "application/cloudevents+json; charset=utf-8"

    func message(about story: AlertStory) throws -> [UInt8] {
        try Array(Wire.encoder().encode(Envelope(alert: story.alert)))
    }

    /// HTTP 1.1 Web Hooks for Event Delivery, section 2.2: 410 ends it, 429 says when, 415 is final.
    private struct Envelope: Encodable {
        let alert: Alert

        private enum CodingKeys: String, CodingKey {
            case specversion, id, source, type, subject, time, datacontenttype, data
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode("1.0", forKey: .specversion)
            // An empty id would be no event.
            try container.encode(alert.id.isEmpty ? "unknown" : alert.id, forKey: .id)
            try container.encode("urn:tokenvigil:\(Envelope.uriPart(alert.host))", forKey: .source)
            try container.encode("tokenvigil.\(alert.kind.rawValue)", forKey: .type)
            if alert.tokenCount == 1, let name = alert.tokens.first?.name {
                try container.encode(name, forKey: .subject)
            }
            try container.encode(alert.createdAt, forKey: .time)
            try container.encode("application/json", forKey: .datacontenttype)
            try container.encode(AlertDocument.Contents(alert: alert), forKey: .data)
        }

        /// `text` in the unreserved characters of RFC 3986, the others as percent-escapes.
        private static func uriPart(_ text: String) -> String {
            let part = PercentEscapes.escaped(text)
            return part.isEmpty ? "unknown" : part
        }
    }
}

/// Percent-escapes, RFC 3986 section 2.1.
enum PercentEscapes {
    /// `text` in unreserved characters, every other byte escaped.
    static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: return String(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                return digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }.joined()
    }
}
