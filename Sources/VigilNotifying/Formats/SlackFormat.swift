import FoundationEssentials
import TokenHealth

/// A message for an incoming webhook of Slack, as docs.slack.dev describes; Mattermost and Rocket.Chat take it too.
///
/// Limits of Block Kit: 50 blocks, 3000 characters in a section, 150 in a header, 2000 in the text of a context.
struct SlackFormat: MessageFormat {
    /// No limit of the whole is documented; far more than 50 full blocks never arrived.
    let maximumSize = 100_000

    func message(about story: AlertStory) throws -> [UInt8] {
        let title = story.alert.summary.isEmpty ? story.sentence : story.alert.summary
        var blocks: [JSONValue] = [
            ["type": "header", "text": ["type": "plain_text", "text": .string(title.fitted(to: 150)), "emoji": false]]
        ]
        for paragraph in story.paragraphs {
            let heading = paragraph.title.map { "*\($0)*\n" } ?? ""
            let lines = paragraph.lines.joined(separator: "\n")
            blocks.append(["type": "section", "text": SlackFormat.text(heading, lines, limit: 3000)])
        }
        if let link = story.repairLink {
            let address = link.text.fitted(to: 2900, escaping: SlackFormat.escape)
            let text: JSONValue = ["type": "mrkdwn", "text": .string("<\(address)|Open the page>")]
            blocks.append(["type": "section", "text": text])
        }
        blocks.append(["type": "context", "elements": [SlackFormat.text("", story.footer, limit: 2000)]])
        let message: JSONValue = [
            "text": .string(title.fitted(to: 3000, escaping: SlackFormat.escape)),
            "blocks": .array(Array(blocks.prefix(50))),
            "unfurl_links": false,
            "unfurl_media": false,
        ]
        return try message.encoded()
    }

    /// Text in which nothing is a link, a mention or a channel: `verbatim` stops Slack from finding them.
    private static func text(_ heading: String, _ text: String, limit: Int) -> JSONValue {
        let body = text.fitted(to: limit - heading.utf16.count, escaping: escape)
        return ["type": "mrkdwn", "text": .string(heading + body), "verbatim": true]
    }

    /// The three characters that Slack has escaped: they begin and end links and mentions.
    private static func escape(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "&": "&amp;"
        case "<": "&lt;"
        case ">": "&gt;"
        default: String(scalar)
        }
    }

    /// 200 with `ok`; 403, 404 and 410 for a hook, a channel or a workspace that takes no more (changelog of
    /// 17 May 2016).
    func result(of answer: WebhookAnswer, from origin: String, at now: Date) -> DeliveryResult {
        switch answer.status {
        case 200...299 where answer.looksLikePage:
            return .failed("\(origin) answered with a page instead of \"ok\": is a proxy in the way?")
        case 200...299 where answer.document?.member("ok") == .bool(false):
            return .refused("\(origin) did not take the message\(answer.quotation)")
        case 410:
            return .gone("\(answer.text(from: origin)): the hook is dead; make a new one in Slack")
        // A proxy, or a server of its own that is being redeployed, answers so, too; Slack says which hook it means.
        case 403 where SlackFormat.isDeath(answer.body), 404 where SlackFormat.isDeath(answer.body):
            return .gone("\(answer.text(from: origin)): the hook is dead; make a new one in Slack")
        default:
            return answer.result(from: origin, at: now)
        }
    }

    private static func isDeath(_ body: String) -> Bool {
        deaths.contains(String(body.prefix { !$0.isWhitespace }))
    }

    /// docs.slack.dev, "Sending messages using incoming webhooks", errors.
    private static let deaths: Set<String> = [
        "no_service", "no_service_id", "no_team", "team_disabled", "action_prohibited", "channel_not_found",
        "channel_is_archived", "invalid_token", "user_not_found",
    ]
}
