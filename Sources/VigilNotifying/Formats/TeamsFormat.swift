import FoundationEssentials
import TokenHealth

/// An Adaptive Card for a workflow of Microsoft Teams that begins with "When a Teams webhook request is received".
///
/// All text stands in runs of a `RichTextBlock`, in which Markdown means nothing (adaptivecards.io, `TextRun`); a
/// `TextBlock` and the facts of a `FactSet` would be read as Markdown.
struct TeamsFormat: MessageFormat {
    /// Microsoft's limit of a message to a webhook is 28 KB; which one of the two it means is not said.
    let maximumSize = 28_000

    func message(about story: AlertStory) throws -> [UInt8] {
        let title = story.alert.summary.isEmpty ? story.sentence : story.alert.summary
        var body: [JSONValue] = [
            TeamsFormat.block([
                TeamsFormat.run(title, ["weight": "Bolder", "size": "Large", "color": .string(color(of: story))])
            ])
        ]
        for paragraph in story.paragraphs {
            if let heading = paragraph.title {
                body.append(TeamsFormat.block([TeamsFormat.run(heading, ["weight": "Bolder"])]))
            }
            body += paragraph.lines.map { TeamsFormat.block([TeamsFormat.run($0)], spacing: "Small") }
        }
        body.append(TeamsFormat.block([TeamsFormat.run(story.footer, ["isSubtle": true, "size": "Small"])]))
        let actions: [JSONValue] =
            story.repairLink.map {
                [["type": "Action.OpenUrl", "title": "Open the page", "url": .string($0.text)]]
            } ?? []
        let card: JSONValue = [
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            // The newest that the clients of Teams show everywhere.
            "version": "1.4",
            "fallbackText": .string(story.sentence),
            "msteams": ["width": "Full"],
            "body": .array(body),
            "actions": .array(actions),
        ]
        let attachment: JSONValue = [
            "contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": .null, "content": card,
        ]
        return try JSONValue.object(["type": "message", "attachments": [attachment]]).encoded()
    }

    private func color(of story: AlertStory) -> String {
        if story.isGood { return "Good" }
        switch story.alert.severity {
        case .critical: return "Attention"
        case .warning: return "Warning"
        case .info: return "Accent"
        }
    }

    private static func block(_ runs: [JSONValue], spacing: String = "Default") -> JSONValue {
        ["type": "RichTextBlock", "inlines": .array(runs), "spacing": .string(spacing)]
    }

    private static func run(_ text: String, _ style: [String: JSONValue] = [:]) -> JSONValue {
        .object(style.merging(["type": "TextRun", "text": .string(text)]) { $1 })
    }

    /// 202 from a workflow; the older connectors say 200 and put the failure into words.
    func result(of answer: WebhookAnswer, from origin: String, at now: Date) -> DeliveryResult {
        switch answer.status {
        case 200...299 where answer.body.lowercased().contains("delivery failed"):
            return .failed("\(origin) did not deliver the message\(answer.quotation)")
        case 410:
            return .gone("\(answer.text(from: origin)): the workflow is deleted; make a new one in Teams")
        case 404 where answer.document?.member("error") != nil:
            return .gone("\(answer.text(from: origin)): the workflow is deleted; make a new one in Teams")
        default:
            return answer.result(from: origin, at: now)
        }
    }
}
