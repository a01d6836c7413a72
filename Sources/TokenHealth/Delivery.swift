/// What became of one attempt to deliver an alert.
package enum DeliveryResult: Sendable, Hashable {
    /// Handed over. The text says to whom: `queued by sendmail`, `HTTP 204`.
    case delivered(String)
    /// Not now; worth another attempt.
    case failed(String, retryAfter: Duration? = nil)
    /// Not taken, and by the answer never: somebody else must be told at once. It is tried again all the same: a receiver
    /// that is being replaced, or a relay whose login fails for a moment, answers so, too.
    case refused(String)
    /// The receiver wants no more of this (HTTP 410).
    case gone(String)

    /// The reason, for a person.
    package var detail: String {
        switch self {
        case .delivered(let detail), .failed(let detail, _), .refused(let detail), .gone(let detail): detail
        }
    }
}

/// When a failed delivery is tried again.
package enum RetrySchedule {
    private static let pauses: [Duration] = [.seconds(5), .seconds(30), .seconds(120), .seconds(300), .seconds(900)]
    private static let lastPause = Duration.seconds(1800)
    /// After this long an alert is set aside as undeliverable: listed and counted, never silent.
    package static let patience = Duration.seconds(3 * 86_400)
    /// And after so many attempts, about a day of them: a host that has slept for three days has not tried for three days.
    package static let attempts = 48
    /// A refusal is believed after this long, and after so many attempts.
    package static let patienceWithRefusals = Duration.seconds(86_400)
    package static let refusals = 6

    /// The pause after so many failed attempts, at least what the receiver asked for.
    ///
    /// - `attempts`: failed so far, at least 1.
    /// - `chance`: from 0 to below 1; it adds up to a tenth.
    package static func pause(after attempts: Int, retryAfter: Duration?, chance: Double) -> Duration {
        let base = attempts <= pauses.count ? pauses[max(attempts, 1) - 1] : lastPause
        return max(base * (1 + 0.1 * chance), min(retryAfter ?? .zero, RetryAfter.cap))
    }
}
