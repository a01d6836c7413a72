import FoundationEssentials
import TokenHealth

/// What a receiver said, reduced to what decides the fate of a delivery.
struct WebhookAnswer: Sendable, Hashable {
    let status: Int
    /// The field value as received.
    let retryAfter: String?
    /// The beginning of what it said, for decisions.
    let body: String
    /// The same on one short line and without secrets, for people.
    private let remark: String

    init(status: Int, retryAfter: String?, body: String = "", remark: String = "") {
        self.status = status
        self.retryAfter = retryAfter
        self.body = body
        self.remark = remark
    }

    /// What it said, where that is JSON.
    var document: JSONValue? { JSONValue(parsing: Array(body.utf8)) }

    /// Whether it is a page for people: a proxy or a portal, and not the service.
    var looksLikePage: Bool { body.drop(while: \.isWhitespace).hasPrefix("<") }

    /// `https://hooks.example.com answered HTTP 404: no_service`.
    func text(from origin: String) -> String { "\(origin) answered HTTP \(status)\(quotation)" }

    /// What it said, after a colon; empty where it said nothing that a person could read.
    var quotation: String {
        remark.isEmpty || looksLikePage ? "" : ": \(remark.shortened(to: 80))"
    }

    /// Whether the alert has arrived, and whether another attempt may help.
    ///
    /// - Parameters:
    ///   - origin: scheme and host, for the text.
    ///   - now: when the answer came, for a `Retry-After` that is a date.
    /// - Returns: delivered for 2xx alone, and only where the body does not say no; gone for 410; failed for what may
    ///   pass; refused for the rest.
    func result(from origin: String, at now: Date) -> DeliveryResult {
        let answer = "\(origin) answered HTTP \(status)"
        switch status {
        case 200...299 where isWebPage:
            return .failed("\(answer) with a web page: a proxy or a login page is in the way, or the URL is wrong")
        case 200...299 where saysNo:
            return .refused("\(answer), but did not take the message\(quotation)")
        case 200...299:
            return .delivered(answer)
        case 410:
            return .gone("\(answer): this webhook is closed for good; give the notifier a new URL")
        case 407:
            let remedy = "put it into HTTPS_PROXY in the environment of the service"
            return .failed("\(answer): the proxy wants a login, \(remedy)")
        case 408, 425, 429, 500...:
            let wait = retryAfter.flatMap(RetryAfter.init)?.wait(at: now)
            return .failed(answer, retryAfter: wait)
        case 300...399:
            return .refused("\(answer): redirects are not followed; configure the final URL")
        case 401, 403:
            return .refused("\(answer): the receiver does not accept this sender; check the URL and the signing secret")
        case 404:
            return .refused("\(answer): nobody receives there; check the URL")
        case 400...499:
            return .refused("\(answer): the receiver does not accept this message")
        default:
            return .failed("\(answer), which is no answer to a webhook")
        }
    }
}

extension JSONValue {
    /// The value of a member, where this is an object that has it.
    func member(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members[name]
    }
}
