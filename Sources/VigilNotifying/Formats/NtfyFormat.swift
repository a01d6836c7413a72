import FoundationEssentials
import TokenHealth

/// A message published as JSON to an ntfy server, as docs.ntfy.sh describes.
///
/// JSON is posted to the server's root and names the topic; what is configured is the topic's own address, as ntfy's
/// users know it.
struct NtfyFormat: MessageFormat {
    /// Limit of a message's text; longer ones become an attachment, where attachments are allowed at all.
    private static let longestMessage = 4000

    /// The server reads no more than 32 KiB of a JSON message.
    let maximumSize = 32_000
    let topic: String

    func message(about story: AlertStory) throws -> [UInt8] {
        let alert = story.alert
        let title = alert.summary.isEmpty ? story.sentence : alert.summary
        let text = story.paragraphs.map { paragraph in
            (paragraph.title.map { "\($0):\n" } ?? "") + paragraph.lines.joined(separator: "\n")
        }.joined(separator: "\n\n")
        let message: JSONValue = [
            "topic": .string(topic),
            "title": .string(title.fitted(to: 250, .bytes)),
            "message": .string(text.fitted(to: NtfyFormat.longestMessage, .bytes)),
            "priority": JSONValue(priority(of: story)),
            "tags": .array([.string(tag(of: story)), .string(alert.kind.rawValue)]),
            "click": JSONValue(story.repairLink?.text),
        ]
        return try message.withoutNulls.encoded()
    }

    /// From 1 to 5, where 3 is ordinary.
    private func priority(of story: AlertStory) -> Int {
        if story.isGood { return 3 }
        switch story.alert.severity {
        case .critical: return 5
        case .warning: return 4
        case .info: return 3
        }
    }

    /// Names that ntfy shows as a picture.
    private func tag(of story: AlertStory) -> String {
        if story.isGood { return "white_check_mark" }
        switch story.alert.severity {
        case .critical: return "rotating_light"
        case .warning: return "warning"
        case .info: return "information_source"
        }
    }

    /// 507 is the server's own disk; 413 is final.
    func result(of answer: WebhookAnswer, from origin: String, at now: Date) -> DeliveryResult {
        switch answer.status {
        case 401, 403: .refused("\(answer.text(from: origin)): the topic is protected; check the access token")
        default: answer.result(from: origin, at: now)
        }
    }
}

/// Server and topic in a topic's address.
struct NtfyAddress: Sendable {
    /// Where JSON is posted: the address without the topic, a query kept.
    let root: WebhookURL
    let topic: String

    /// `nil` where the address ends without a topic.
    init?(_ url: WebhookURL) {
        guard let topic = NtfyTopic(address: url.text), let root = WebhookURL(topic.root) else { return nil }
        self.root = root
        self.topic = topic.name
    }
}
