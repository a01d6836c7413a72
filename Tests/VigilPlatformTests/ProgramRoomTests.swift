import Glibc
import Synchronization
import Testing
import VigilPlatform

/// How many programs run at once, and what the open files of this process are for.
@Suite(.timeLimit(.minutes(1))) struct ProgramRoomTests {
    /// How many are inside now, and most of them at once.
    private final class Crowd: Sendable {
        private let counts = Mutex((now: 0, most: 0))

        func enter() {
            counts.withLock { counts in
                counts.now += 1
                counts.most = max(counts.most, counts.now)
            }
        }

        func leave() { counts.withLock { $0.now -= 1 } }
        var most: Int { counts.withLock { $0.most } }
    }

    @Test func `no more run at once than there are places, and all of them run`() async throws {
        let (room, crowd) = (ProgramRoom(places: 3), Crowd())
        let done = try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await room.run {
                        crowd.enter()
                        for _ in 0..<20 { await Task.yield() }
                        crowd.leave()
                    }
                }
            }
            return try await group.reduce(0) { count, _ in count + 1 }
        }
        #expect(done == 50)
        #expect(crowd.most == 3)
    }

    @Test func `whoever waits in vain gives up when it is cancelled, and keeps no place`() async throws {
        let room = ProgramRoom(places: 1)
        let (ends, end) = AsyncStream.makeStream(of: Void.self)
        let (begins, begin) = AsyncStream.makeStream(of: Void.self)
        let first = Task {
            try await room.run {
                begin.finish()
                for await _ in ends {}
            }
        }
        for await _ in begins {}
        let second = Task { try await room.run {} }
        second.cancel()
        await #expect(throws: CancellationError.self) { try await second.value }
        end.finish()
        try await first.value
        try await room.run {}
    }

    @Test func `an error leaves the place free`() async throws {
        let room = ProgramRoom(places: 1)
        for _ in 0..<3 { await #expect(throws: SystemError.self) { try await room.run { throw SystemError(EIO) } } }
        try await room.run {}
    }

    @Test(arguments: [64, 128, 192, 256, 512, 1024, 4096, 65_536])
    func `what opens many files leaves some for the rest`(limit: Int) {
        let shares = FileShares(limit: limit)
        let taken = shares.connections + shares.pageCallers + shares.controlCallers + shares.programs * 8
        #expect(taken <= limit - limit / 8)
        #expect(shares.pageCallers >= 8 && shares.controlCallers >= 4 && shares.programs >= 1)
    }
}
