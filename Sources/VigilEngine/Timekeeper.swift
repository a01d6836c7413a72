import FoundationEssentials
package import TokenHealth

/// The clock of the engine.
///
/// Contract: uptime never goes back; `sleep` returns at or after the given uptime, or throws when cancelled.
package protocol Timekeeper: Sendable {
    func now() -> Moment
    func sleep(until uptime: Duration) async throws
}

/// Real time.
package struct SystemTimekeeper: Timekeeper {
    private let origin = ContinuousClock.now

    package init() {}

    package func now() -> Moment {
        Moment(wall: Date.now, uptime: ContinuousClock.now - origin)
    }

    package func sleep(until uptime: Duration) async throws {
        try await ContinuousClock().sleep(until: origin + uptime, tolerance: .milliseconds(1))
    }
}
