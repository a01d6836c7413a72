import FoundationEssentials
import Synchronization
import TokenHealth
import VigilEngine

/// Time that stands still until a test moves it.
final class ManualTimekeeper: Timekeeper {
    /// A whole number of milliseconds: the resolution of everything that is written.
    static let start = Date(timeIntervalSince1970: 1_795_428_000)

    private struct Sleeper {
        let until: Duration
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var uptime = Duration.zero
        var wallOffset = 0.0
        var sleepers: [Int: Sleeper] = [:]
        var cancelled: Set<Int> = []
        var count = 0
        var observers: [(sleepers: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    func now() -> Moment {
        state.withLock { state in
            Moment(
                wall: ManualTimekeeper.start.addingTimeInterval(state.uptime.inSeconds + state.wallOffset),
                uptime: state.uptime
            )
        }
    }

    func sleep(until uptime: Duration) async throws {
        let id = state.withLock { state in
            state.count += 1
            return state.count
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                begin(Sleeper(until: uptime, continuation: continuation), id: id)
            }
        } onCancel: {
            let sleeper = state.withLock { state -> Sleeper? in
                if let sleeper = state.sleepers.removeValue(forKey: id) { return sleeper }
                state.cancelled.insert(id)
                return nil
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    private func begin(_ sleeper: Sleeper, id: Int) {
        var outcome: Result<Void, any Error>?
        let observers = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            if state.cancelled.remove(id) != nil {
                outcome = .failure(CancellationError())
            } else if sleeper.until <= state.uptime {
                outcome = .success(())
            } else {
                state.sleepers[id] = sleeper
            }
            let asleep = state.sleepers.count
            let satisfied = state.observers.filter { $0.sleepers <= asleep }.map(\.continuation)
            state.observers.removeAll { $0.sleepers <= asleep }
            return satisfied
        }
        if let outcome { sleeper.continuation.resume(with: outcome) }
        for observer in observers { observer.resume() }
    }

    /// Returns when so many sleep at once.
    func untilAsleep(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isSatisfied = state.withLock { state -> Bool in
                if state.sleepers.count >= count { return true }
                state.observers.append((count, continuation))
                return false
            }
            if isSatisfied { continuation.resume() }
        }
    }

    /// Moves time, and wakes whoever has slept long enough.
    func advance(by duration: Duration) {
        let due = state.withLock { state -> [Sleeper] in
            state.uptime += duration
            let due = state.sleepers.filter { $0.value.until <= state.uptime }
            for id in due.keys { state.sleepers[id] = nil }
            return Array(due.values)
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    /// Sets the clock on the wall, and no other.
    func setWall(by seconds: Double) {
        state.withLock { $0.wallOffset += seconds }
    }

    var sleepers: Int { state.withLock { $0.sleepers.count } }
}

/// Counts, and lets others wait for a count.
final class Tally: Sendable {
    private struct State {
        var count = 0
        var observers: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    var count: Int { state.withLock { $0.count } }

    func add() {
        let satisfied = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.count += 1
            let satisfied = state.observers.filter { $0.count <= state.count }.map(\.continuation)
            state.observers.removeAll { $0.count <= state.count }
            return satisfied
        }
        for observer in satisfied { observer.resume() }
    }

    func reach(_ count: Int) async {
        await withCheckedContinuation { continuation in
            let isSatisfied = state.withLock { state -> Bool in
                if state.count >= count { return true }
                state.observers.append((count, continuation))
                return false
            }
            if isSatisfied { continuation.resume() }
        }
    }
}

/// Keeps whoever comes until it is opened, or until they are cancelled.
final class Gate: Sendable {
    private let wakeup = Wakeup()
    private let timekeeper = ManualTimekeeper()
    /// How many have come.
    let arrivals = Tally()

    func pass() async {
        arrivals.add()
        await wakeup.wait(until: .seconds(1), on: timekeeper)
    }

    func open() { wakeup.signal() }
}
