import FoundationEssentials
import TokenHealth

/// A message for a webhook of Discord, as discord.com/developers describes.
///
/// Limits: content 2000; title 256, description 4096, field value 1024, footer 2048, and 6000 in all of an embed.
struct DiscordFormat: MessageFormat {
    /// Of a request without files; the embed's own limits are far below.
    let maximumSize = 100_000

    func message(about story: AlertStory) throws -> [UInt8] {
        let title = story.alert.summary.isEmpty ? story.sentence : story.alert.summary
        let text = story.paragraphs.map { paragraph in
            let heading = paragraph.title.map { "\($0):\n" } ?? ""
            return heading + paragraph.lines.joined(separator: "\n")
        }.joined(separator: "\n\n")
        let embed: JSONValue = [
            "title": .string(title.fitted(to: 256, escaping: DiscordFormat.escape)),
            "description": .string(text.fitted(to: 4096, escaping: DiscordFormat.escape)),
            "url": JSONValue(story.repairLink?.text),
            "color": JSONValue(story.color),
            "timestamp": .string(story.alert.createdAt.rfc3339),
            // No markup has an effect in a footer.
            "footer": ["text": .string(story.footer.fitted(to: 1000))],
        ]
        let message: JSONValue = [
            "content": .string(story.sentence.fitted(to: 2000, escaping: DiscordFormat.escape)),
            "embeds": [embed.withoutNulls],
            // Nobody is called by what a provider or a name says.
            "allowed_mentions": ["parse": []],
        ]
        return try message.encoded()
    }

    /// A backslash takes the meaning from every character that has one in Discord's Markdown.
    private static func escape(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\\", "*", "_", "~", "`", "|", ">", "<", "#", "[", "]", "(", ")", "@", "-", "+", ":": "\\\(scalar)"
        default: String(scalar)
        }
    }

    /// 204; on 429 the body's `retry_after` counts, in seconds with a fraction; 401 and 404 with a code of Discord's own
    /// for a webhook that is no more, without one it was a proxy.
    func result(of answer: WebhookAnswer, from origin: String, at now: Date) -> DeliveryResult {
        switch answer.status {
        case 410:
            return .gone("\(answer.text(from: origin)): the webhook is deleted; make a new one in Discord")
        case 401 where answer.document?.member("code") != nil, 404 where answer.document?.member("code") != nil:
            return .gone("\(answer.text(from: origin)): the webhook is deleted; make a new one in Discord")
        case 429:
            guard case .number(let number)? = answer.document?.member("retry_after"), number.value >= 0 else {
                return answer.result(from: origin, at: now)
            }
            let wait = min(number.value, RetryAfter.cap.inSeconds)
            return .failed(answer.text(from: origin), retryAfter: .milliseconds(Int64((wait * 1000).rounded(.up))))
        default:
            return answer.result(from: origin, at: now)
        }
    }
}
