import FoundationEssentials
import TokenHealth

/// What a receiver said, reduced to what decides the fate of a delivery.
struct WebhookAnswer: Sendable, Hashable {
    let status: Int
    /// The field value as received.
    let retryAfter: String?

    /// Whether the alert has arrived, and whether another attempt may help.
    ///
    /// - Parameters:
    ///   - origin: scheme and host, for the text.
    ///   - now: when the answer came, for a `Retry-After` that is a date.
    /// - Returns: delivered for 2xx alone; gone for 410; failed for what may pass; refused for the rest.
    func result(from origin: String, at now: Date) -> DeliveryResult {
        let answer = "\(origin) answered HTTP \(status)"
        switch status {
        case 200...299:
            return .delivered(answer)
        case 410:
            return .gone("\(answer): this webhook is closed for good; give the notifier a new URL")
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
