import Glibc
import Synchronization

/// Room for the programs that this process starts: each takes descriptors as long as it runs.
///
/// A start that runs out of descriptors halfway ends this process: the library that starts programs closes what it has
/// opened by then in one way only, and traps otherwise (swift-subprocess 1.0, `IODescriptor.deinit`). So none is begun
/// without room for all of them, and no more at once than there is room for.
package final class ProgramRoom: Sendable {
    /// For programs that give secrets.
    package static let secrets = ProgramRoom(places: FileShares.ofThisProcess.programs)
    /// For programs that tell people: those that hang keep no secret from being read.
    package static let notifiers = ProgramRoom(places: FileShares.ofThisProcess.programs)

    /// Descriptors that must be free when one is started: twice what a start takes.
    private static let filesOfOne = 24

    private struct State {
        var free: Int
        var turns: UInt64 = 0
        /// Who waits, the first first.
        var waiting: [(turn: UInt64, continuation: CheckedContinuation<Void, any Error>)] = []
    }

    private let state: Mutex<State>

    package init(places: Int) { state = Mutex(State(free: max(1, places))) }

    /// Runs `body`, which starts one program and sees it end, when there is room for it.
    ///
    /// - Throws: ``SystemError`` where this process may open no more files, `CancellationError`, and what `body` throws.
    package func run<Outcome: Sendable>(_ body: @Sendable () async throws -> Outcome) async throws -> Outcome {
        try await enter()
        defer { leave() }
        do { try HostRoom.tryFiles(ProgramRoom.filesOfOne) } catch { throw SystemError(EMFILE) }
        return try await body()
    }

    private func enter() async throws {
        let turn = state.withLock { state in
            state.turns += 1
            return state.turns
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isIn = state.withLock { state -> Bool? in
                    guard !Task.isCancelled else { return nil }
                    guard state.free == 0 else {
                        state.free -= 1
                        return true
                    }
                    state.waiting.append((turn, continuation))
                    return false
                }
                switch isIn {
                case nil: continuation.resume(throwing: CancellationError())
                case true?: continuation.resume()
                case false?: break
                }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiting.firstIndex { $0.turn == turn }.map { state.waiting.remove(at: $0) }
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    private func leave() {
        let next = state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.free += 1
                return CheckedContinuation<Void, any Error>?.none
            }
            return state.waiting.removeFirst().continuation
        }
        next?.resume()
    }
}
