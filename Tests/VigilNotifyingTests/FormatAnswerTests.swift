import FoundationEssentials
import TokenHealth
import Testing

@testable import VigilNotifying

@Suite struct `The answer of a service` {
    struct Case: Sendable, CustomTestStringConvertible {
        enum Fate: Sendable { case delivered, failed(Duration?), refused, gone }

        let form: String
        let status: Int
        let body: String
        let fate: Fate

        init(_ form: String, _ status: Int, _ body: String, _ fate: Fate) {
            (self.form, self.status, self.body, self.fate) = (form, status, body, fate)
        }

        var testDescription: String { "\(form) \(status) \(body)" }
    }

    static let cases = [
        Case("slack", 200, "ok", .delivered), Case("slack", 200, "", .delivered),
        Case("slack", 200, "{\"success\":true}", .delivered),
        Case("slack", 200, "<html>Please sign in</html>", .failed(nil)),
        Case("slack", 200, "{\"ok\":false,\"error\":\"invalid_blocks\"}", .refused),
        Case("slack", 400, "invalid_payload", .refused), Case("slack", 403, "action_prohibited", .gone),
        Case("slack", 404, "no_service", .gone), Case("slack", 410, "channel_is_archived", .gone),
        Case("slack", 404, "<html>nginx</html>", .refused), Case("slack", 403, "", .refused),
        Case("slack", 429, "rate_limited", .failed(nil)), Case("slack", 500, "rollup_error", .failed(nil)),
        Case("discord", 204, "", .delivered), Case("discord", 400, "{\"code\":50006}", .refused),
        Case("discord", 401, "{\"code\":50027}", .gone), Case("discord", 404, "{\"code\":10015}", .gone),
        Case("discord", 404, "", .refused), Case("discord", 401, "<html>", .refused),
        Case("discord", 429, "{\"retry_after\":0.529,\"global\":false}", .failed(.milliseconds(529))),
        Case("discord", 429, "{\"retry_after\":1e30}", .failed(RetryAfter.cap)),
        Case("discord", 429, "{\"retry_after\":-1}", .failed(nil)), Case("discord", 429, "<html>", .failed(nil)),
        Case("discord", 502, "", .failed(nil)),
        Case("teams", 202, "", .delivered), Case("teams", 200, "1", .delivered),
        Case("teams", 200, "Webhook message delivery failed with error: HTTP error 429", .failed(nil)),
        Case("teams", 400, "Bad payload", .refused), Case("teams", 404, "", .refused),
        Case("teams", 404, "{\"error\":{\"code\":\"WorkflowNotFound\"}}", .gone), Case("teams", 413, "", .refused),
        Case("teams", 429, "", .failed(nil)), Case("teams", 502, "", .failed(nil)),
        Case("pagerduty", 202, "{\"status\":\"success\"}", .delivered),
        Case("pagerduty", 400, "{\"status\":\"invalid event\"}", .refused), Case("pagerduty", 429, "", .failed(nil)),
        Case("pagerduty", 500, "", .failed(nil)),
        Case("ntfy", 200, "{\"id\":\"x\"}", .delivered), Case("ntfy", 401, "", .refused),
        Case("ntfy", 403, "", .refused), Case("ntfy", 413, "", .refused), Case("ntfy", 429, "", .failed(nil)),
        Case("ntfy", 507, "", .failed(nil)),
        Case("cloudevents", 202, "", .delivered), Case("cloudevents", 415, "", .refused),
        Case("cloudevents", 410, "", .gone), Case("alertmanager", 200, "", .delivered),
        Case("template", 201, "", .delivered), Case("template", 404, "", .refused),
    ]

    @Test(arguments: cases) func `decides the fate of a delivery`(_ sample: Case) throws {
        let answer = WebhookAnswer(status: sample.status, retryAfter: nil, body: sample.body, remark: sample.body)
        let result = try Forms.named(sample.form).result(of: answer, from: "https://x.example", at: Samples.now)
        switch (sample.fate, result) {
        case (.delivered, .delivered), (.refused, .refused), (.gone, .gone): break
        case (.failed(let expected), .failed(_, let retryAfter)): #expect(expected == retryAfter)
        default: reject("\(result)")
        }
        #expect(result.detail.contains("https://x.example") && !result.detail.contains("\n"))
    }

    @Test(arguments: Forms.names) func `of any kind is understood`(_ form: String) throws {
        let format = try Forms.named(form)
        for status in 100...599 {
            for body in ["", "ok", "{}", "[", "<html>", "{\"retry_after\":\"x\"}", "\u{0}"] {
                let answer = WebhookAnswer(status: status, retryAfter: "5", body: body, remark: body)
                let isDelivered: Bool
                switch format.result(of: answer, from: "https://x.example", at: Samples.now) {
                case .delivered: isDelivered = true
                case .failed, .refused, .gone: isDelivered = false
                }
                #expect(!isDelivered || (200...299).contains(status), "\(status) \(body)")
            }
        }
    }
}

@Suite struct `The address of a topic` {
    @Test(arguments: [
        ("https://ntfy.sh/tokens", "https://ntfy.sh/", "tokens"),
        ("https://ntfy.example.com:8443/tokens/", "https://ntfy.example.com:8443/", "tokens"),
        ("http://127.0.0.1/base/my_topic-1?auth=x", "http://127.0.0.1/base/?auth=x", "my_topic-1"),
    ])
    func `is taken apart`(_ text: String, root: String, topic: String) throws {
        let address = try #require(WebhookURL(text).flatMap(NtfyAddress.init))
        #expect(address.root.text == root)
        #expect(address.topic == topic)
    }

    @Test(arguments: ["https://ntfy.sh", "https://ntfy.sh/", "https://ntfy.sh/a%20b", "https://ntfy.sh/?x=/a"])
    func `needs a topic`(_ text: String) throws {
        let url = try #require(WebhookURL(text))
        #expect(NtfyAddress(url) == nil)
    }
}
