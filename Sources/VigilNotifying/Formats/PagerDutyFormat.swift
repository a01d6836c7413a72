import FoundationEssentials
import TokenHealth

/// An event of PagerDuty's Events API v2, as developer.pagerduty.com describes.
///
/// The key is ours, so that a recovery ends what an alert began, also after a restart. A person acknowledges in
/// PagerDuty; that is not known here.
struct PagerDutyFormat: MessageFormat {
    /// Where events go unless configured.
    static let endpoint = "https://events.pagerduty.com/v2/enqueue"

    /// 512 kB, and a margin.
    let maximumSize = 500_000
    /// Says which service of PagerDuty is meant; a secret.
    let routingKey: Secret
    let version: String

    func message(about story: AlertStory) throws -> [UInt8] {
        let alert = story.alert
        // A replacement opens nothing: nobody would ever close it, and the end of what is not open changes nothing.
        let isEnd = story.endsIncident || alert.kind == .replaced
        var event: [String: JSONValue] = [
            "routing_key": .string(routingKey.withExposedValue { $0 }),
            "event_action": isEnd ? "resolve" : "trigger",
            "dedup_key": .string((alert.incidentID ?? alert.id).fitted(to: 255)),
        ]
        if !isEnd {
            event["payload"] = payload(story)
            event["client"] = .string("tokenvigil \(version)")
            event["links"] = .array(
                story.repairLink.map { [["href": .string($0.text), "text": "Open the page"]] } ?? []
            )
        }
        return try JSONValue.object(event).encoded()
    }

    private func payload(_ story: AlertStory) -> JSONValue {
        let alert = story.alert
        let summary = alert.summary.isEmpty ? story.sentence : alert.summary
        let details = Dictionary(story.details.map { ($0.name, JSONValue.string($0.value)) }) { first, _ in first }
        let text = story.paragraphs.map { (paragraph) -> JSONValue in
            .string((paragraph.title.map { "\($0):\n" } ?? "") + paragraph.lines.joined(separator: "\n"))
        }
        return JSONValue.object([
            "summary": .string(summary.fitted(to: 1024)),
            "source": .string(alert.host.isEmpty ? "tokenvigil" : alert.host),
            "severity": .string(severity(of: alert)),
            "timestamp": .string(alert.createdAt.rfc3339),
            "component": JSONValue(alert.tokenCount == 1 ? alert.tokens.first?.name?.text : nil),
            "group": JSONValue(alert.tokens.first?.provider),
            "class": .string(alert.kind.rawValue),
            "custom_details": .object(details.merging(["Text": .array(text)]) { $1 }),
        ]).withoutNulls
    }

    /// Of the incident: the news that some of its tokens work again does not make it less urgent.
    private func severity(of alert: Alert) -> String {
        (alert.incidentKind?.severity ?? alert.severity).rawValue
    }
}
