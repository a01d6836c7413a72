import Synchronization

/// When each loop last came round.
///
/// The watchdog is fed only while all of them do.
package final class Progress: Sendable {
    /// The loops that must not stand still.
    package enum Loop: CaseIterable, Sendable {
        case probing, delivering, publishing
    }

    /// Longest time a loop sleeps when it has nothing to do.
    package let longestPause: Duration

    private let marks = Mutex<[Loop: Duration]>([:])

    /// Makes a record for a supervisor that wants a sign of life every `watchdogInterval`, if it wants one.
    package init(watchdogInterval: Duration? = nil) {
        longestPause = min(.seconds(5), (watchdogInterval ?? .seconds(60)) / 4)
    }

    /// Notes that `loop` came round at this uptime.
    package func mark(_ loop: Loop, at uptime: Duration) {
        marks.withLock { $0[loop] = uptime }
    }

    /// Notes that `loop` has ended, for this program is told to stop: nobody waits for it any more.
    package func end(_ loop: Loop) { mark(loop, at: .seconds(Int64.max / 2)) }

    /// The loops that have not come round since this uptime.
    package func stalled(since uptime: Duration) -> [Loop] {
        marks.withLock { marks in Loop.allCases.filter { marks[$0].map { $0 < uptime } ?? true } }
    }
}
