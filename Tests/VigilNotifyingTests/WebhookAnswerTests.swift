import TokenHealth
import Testing

@testable import VigilNotifying

@Suite struct `The answer of a webhook` {
    private let origin = "https://hooks.example.com"

    private func result(_ status: Int, retryAfter: String? = nil) -> DeliveryResult {
        WebhookAnswer(status: status, retryAfter: retryAfter).result(
            from: origin,
            at: Samples.date("2026-11-23T10:05:07.000Z")
        )
    }

    /// The contract, written again as a table.
    private enum Expected { case delivered, failed, refused, gone }

    private func expected(_ status: Int) -> Expected {
        switch status {
        case 200...299: .delivered
        case 410: .gone
        case 407, 408, 425, 429, 500...599: .failed
        case 300...499: .refused
        default: .failed
        }
    }

    @Test(arguments: 100...599)
    func `decides by its status alone`(_ status: Int) {
        let result = result(status)
        switch (expected(status), result) {
        case (.delivered, .delivered), (.failed, .failed), (.refused, .refused), (.gone, .gone): break
        default: reject("HTTP \(status) became \(result)")
        }
        #expect(result.detail.contains("HTTP \(status)"))
        #expect(result.detail.contains(origin))
    }

    @Test func `of a proxy that wants a login says so, and is no word of the receiver`() {
        #expect(
            result(407)
                == .failed(
                    "\(origin) answered HTTP 407: the proxy wants a login, put it into HTTPS_PROXY in the environment of "
                        + "the service"
                )
        )
    }

    @Test(
        arguments: [
            ("30", .seconds(30)), ("0", .zero), (" 30 ", .seconds(30)), ("99999999999999999999", RetryAfter.cap),
            ("Mon, 23 Nov 2026 10:06:07 GMT", .seconds(60)), ("Mon, 23 Nov 2026 10:00:00 GMT", .zero),
            ("Tue, 24 Nov 2026 10:00:00 GMT", RetryAfter.cap), ("-5", nil), ("soon", nil), ("", nil),
            ("1.5", .seconds(2)),
        ] as [(String, Duration?)]
    )
    func `may ask for patience, within limits`(_ field: String, wait: Duration?) {
        for status in [429, 503] {
            let result = result(status, retryAfter: field)
            #expect(result == .failed("\(origin) answered HTTP \(status)", retryAfter: wait))
        }
    }

    @Test(arguments: [
        #"{"errcode":310000,"errmsg":"keywords not in content"}"#,
        #"{"code":19024,"data":{},"msg":"Key Words Not Found"}"#,
        #"{"errcode":45009,"errmsg":"api freq out of limit"}"#, #"{"success":false,"error":"invalid-channel"}"#,
        #"{"ok":false,"description":"chat not found"}"#, #"{"result":"error","msg":"x"}"#, #"{"status":"error"}"#,
        #"{"status":"Failed"}"#, #"{"status":500}"#, #"{"error":"no such channel"}"#, #"{"error":{"code":"x"}}"#,
        #"{"errors":["x"]}"#, #"{"StatusCode":19001,"StatusMessage":"x"}"#, #" {"errcode":"40001"} "#,
        #"{"Success":false}"#, #"{"retcode":1}"#, #"{"accepted":false}"#, #"{"error":true}"#,
    ])
    func `with a body that says no is a refusal`(_ body: String) {
        for status in [200, 201, 202] {
            let answer = WebhookAnswer(status: status, retryAfter: nil, body: body, remark: body)
            guard case .refused(let text) = answer.result(from: origin, at: Samples.now) else {
                return reject("\(body) is taken for a yes")
            }
            #expect(text.hasPrefix("\(origin) answered HTTP \(status), but did not take the message"))
        }
    }

    @Test(arguments: [
        "", "ok", "1", "true", "{}", "[]", #"{"errcode":0,"errmsg":"ok"}"#, #"{"code":0,"msg":"success","data":{}}"#,
        #"{"StatusCode":0,"StatusMessage":"success"}"#, #"{"code":200,"message":"success"}"#, #"{"ok":true}"#,
        #"{"success":true,"code":1000}"#, #"{"status":"success"}"#, #"{"status":1,"request":"x"}"#,
        #"{"result":"success"}"#, #"{"error":null}"#, #"{"errors":[]}"#, #"{"error":""}"#, #"{"error":0}"#,
        #"{"id":"x","event":"message"}"#, #"{"status":"queued"}"#, #"{"code":"00000"}"#, "{broken", "error",
        #"<?xml version="1.0"?><Response/>"#, #"{"data":{"error":"x"}}"#,
    ])
    func `with any other body is a yes`(_ body: String) {
        let answer = WebhookAnswer(status: 200, retryAfter: nil, body: body, remark: body)
        #expect(answer.result(from: origin, at: Samples.now) == .delivered("\(origin) answered HTTP 200"))
    }

    @Test(arguments: ["<!DOCTYPE html><html><title>Sign in</title>", "\n <HTML>", "<!doctype HTML public>"])
    func `with a web page is none of the receiver's, and tried again`(_ body: String) {
        let answer = WebhookAnswer(status: 200, retryAfter: nil, body: body, remark: body)
        guard case .failed(let text, nil) = answer.result(from: origin, at: Samples.now) else {
            return reject("taken for a yes")
        }
        #expect(text.contains("web page"))
    }

    @Test func `that is final is not delayed by a Retry-After`() {
        #expect(result(204, retryAfter: "60") == .delivered("\(origin) answered HTTP 204"))
        guard case .refused = result(400, retryAfter: "60") else { return reject("400 is not final") }
    }
}

@Suite struct `The address of a webhook` {
    @Test(arguments: [
        ("https://hooks.example.com/services/T0/B0/xyz?k=v", "https://hooks.example.com"),
        ("HTTPS://Hooks.Example.COM/x", "https://hooks.example.com"),
        ("https://user:pass@hooks.example.com:8443/x", "https://hooks.example.com"),
        ("https://user:p@ss@hooks.example.com/x", "https://hooks.example.com"),
        ("http://[::1]:8080/x", "http://[::1]"),
        ("https://hooks.example.com?k=v", "https://hooks.example.com"),
        ("https://hooks.example.com#k", "https://hooks.example.com"),
        ("https://hooks.example.com", "https://hooks.example.com"),
    ])
    func `shows scheme and host`(_ text: String, origin: String) {
        #expect(WebhookURL(text)?.origin == origin)
    }

    @Test(arguments: [
        "", "hooks.example.com/x", "ftp://hooks.example.com/x", "https://", "https:///x", "file:///etc/x",
        "https://:80/",
    ])
    func `needs a scheme and a host`(_ text: String) {
        #expect(WebhookURL(text) == nil)
    }

    @Test func `is kept out of messages, whole and in parts`() throws {
        let url = try #require(WebhookURL("https://u:p@hooks.example.com/services/T0KEN/abcdef?key=value"))
        for message in [
            "cannot GET https://u:p@hooks.example.com/services/T0KEN/abcdef?key=value",
            "no route for /services/T0KEN/abcdef?key=value",
            "no route for /services/T0KEN/abcdef", "T0KEN unknown", "abcdef\r\nunknown", "value?",
        ] {
            let redacted = url.redacted(message)
            for part in ["T0KEN", "abcdef", "value", "u:p"] { #expect(!redacted.contains(part), "\(redacted)") }
            #expect(!redacted.contains("\n") && !redacted.contains("\r"))
        }
    }
}
