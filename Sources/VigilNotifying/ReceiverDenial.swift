import TokenHealth

/// What a receiver says in the body of an answer whose status says yes.
///
/// Chat services in particular answer 200 and have their own code for a refusal: `{"errcode": 310000}` of DingTalk and
/// WeCom, `{"code": 19024}` of Feishu, `{"success": false}` of Rocket.Chat, `{"ok": false}` of Slack and Telegram,
/// `{"result": "error"}` of Zulip.
extension WebhookAnswer {
    /// Whether the body is a whole web page: a proxy or a login page has answered, not the receiver.
    var isWebPage: Bool {
        let beginning = body.drop(while: \.isWhitespace).prefix(20).lowercased()
        return beginning.hasPrefix("<!doctype html") || beginning.hasPrefix("<html")
    }

    /// Whether the body is a JSON object that says no.
    var saysNo: Bool {
        guard case .object(let members)? = document else { return false }
        let fields = Dictionary(members.map { ($0.key.lowercased(), $0.value) }) { first, _ in first }
        let verdicts = WebhookAnswer.verdicts.compactMap { fields[$0] }
        if verdicts.contains(.bool(false)) { return true }
        if verdicts.contains(.bool(true)) { return false }
        return ["status", "result"].contains { fields[$0].map(WebhookAnswer.isFailure) ?? false }
            || WebhookAnswer.codes.contains { fields[$0].map(WebhookAnswer.isErrorCode) ?? false }
            || ["error", "errors"].contains { fields[$0].map(WebhookAnswer.isError) ?? false }
    }

    private static let verdicts = ["ok", "success", "succeeded", "accepted", "delivered", "sent"]
    private static let codes = ["errcode", "errno", "error_code", "errorcode", "retcode", "statuscode", "code"]

    private static func isFailure(_ value: JSONValue) -> Bool {
        switch value {
        case .string(let text):
            ["error", "err", "fail", "failed", "failure", "rejected", "denied"].contains(text.lowercased())
        case .number(let number): number.value >= 400
        case .bool(let flag): !flag
        case .null, .array, .object: false
        }
    }

    /// Zero says that there is no error; some repeat the status of HTTP.
    private static func isErrorCode(_ value: JSONValue) -> Bool {
        let code: Double? =
            switch value {
            case .number(let number): number.value
            case .string(let text): Double(text)
            case .null, .bool, .array, .object: nil
            }
        return code.map { $0 != 0 && !(200..<300).contains($0) } ?? false
    }

    private static func isError(_ value: JSONValue) -> Bool {
        switch value {
        case .null: false
        case .bool(let flag): flag
        case .number(let number): number.value != 0
        case .string(let text): !["", "0", "ok", "none", "null", "false"].contains(text.lowercased())
        case .array(let elements): !elements.isEmpty
        case .object(let members): !members.isEmpty
        }
    }
}
