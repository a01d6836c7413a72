import FoundationEssentials
import Synchronization
import TokenHealth

/// How the deliveries of one notifier went, as far as this process has seen: it decides when those that wait are tried.
struct NotifierCourse: Sendable, Hashable {
    /// Whether nothing has failed since a delivery succeeded.
    private var isWorking = false
    /// What was waiting was last made due then, as it is in the outbox and as uptime.
    private var pulledTo: Date?
    private var pulledAt: Duration?
    /// Uptime until which the receiver wants to be left alone.
    private var restUntil = Duration.zero

    /// Shortest time between two pulls: an alert that fails where others succeed must not hold them up at every turn.
    private static let shortestGap = Duration.seconds(15)
    /// Longest pause of an alert that has failed although others get through.
    private static let longestPause = Duration.seconds(60)

    /// A delivery has succeeded.
    ///
    /// - Returns: when all that waits is due at the latest; `nil` where nothing can have failed meanwhile.
    mutating func succeeded(at now: Moment) -> Date? {
        guard !isWorking else { return nil }
        isWorking = true
        let earliest = max(pulledAt.map { $0 + NotifierCourse.shortestGap } ?? .zero, restUntil)
        let wait = max(.zero, earliest - now.uptime)
        pulledAt = now.uptime + wait
        pulledTo = now.wall.advanced(by: wait)
        return pulledTo
    }

    /// A delivery has failed, and the receiver may have asked for a pause.
    mutating func failed(retryAfter: Duration?, at now: Moment) {
        isWorking = false
        guard let retryAfter else { return }
        restUntil = max(restUntil, now.uptime + min(retryAfter, RetryAfter.cap))
    }

    /// The pause after another failed attempt, where the schedule has this one.
    func pause(_ scheduled: Duration, of delivery: PendingDelivery, retryAfter: Duration?) -> Duration {
        // The outbox keeps milliseconds.
        let wasPulled = pulledTo.map { abs($0.timeIntervalSince(delivery.dueAt)) < 0.002 } ?? false
        guard wasPulled, delivery.attempts > 0 else { return scheduled }
        return max(min(scheduled, NotifierCourse.longestPause), min(retryAfter ?? .zero, RetryAfter.cap))
    }
}

/// The courses of all notifiers.
final class NotifierCourses: Sendable {
    private let courses = Mutex<[String: NotifierCourse]>([:])

    func course(of notifier: String) -> NotifierCourse {
        courses.withLock { $0[notifier] ?? NotifierCourse() }
    }

    /// Changes the course of a notifier.
    func update<Value: Sendable>(_ notifier: String, _ body: (inout NotifierCourse) -> Value) -> Value {
        courses.withLock { body(&$0[notifier, default: NotifierCourse()]) }
    }

    /// It is another notifier from now on, under the same name.
    func forget(_ notifier: String) { courses.withLock { $0[notifier] = nil } }
}
