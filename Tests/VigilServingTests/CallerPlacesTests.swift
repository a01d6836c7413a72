import Synchronization
import Testing

@testable import VigilHTTP

/// Who has a place at the server, by a clock of the test's own.
struct CallerPlacesTests {
    /// Who lost his connection.
    private final class Closed: Sendable {
        let names = Mutex<[String]>([])
    }

    private let places = Places(limit: 2, bytesLimit: 100)
    private let closed = Closed()

    private func admit(_ name: String, at now: Duration) -> Int? {
        places.admit(at: now) { [closed] in closed.names.withLock { $0.append(name) } }
    }

    private var losers: [String] { closed.names.withLock { $0 } }

    @Test func `a caller is turned away while nobody has been silent for long`() {
        #expect(admit("first", at: .zero) != nil)
        #expect(admit("second", at: .zero) != nil)
        #expect(admit("third", at: .milliseconds(249)) == nil)
        #expect(losers.isEmpty)
    }

    @Test func `whoever has been silent longest gives his place to the next`() {
        _ = admit("first", at: .zero)
        _ = admit("second", at: .milliseconds(1))
        #expect(admit("third", at: .milliseconds(250)) != nil)
        #expect(losers == ["first"])
    }

    @Test func `whoever waits for us keeps his place`() throws {
        for name in ["first", "second"] { places.note(try #require(admit(name, at: .zero)), waitingSince: nil) }
        #expect(admit("third", at: .seconds(3600)) == nil)
        #expect(losers.isEmpty)
    }

    @Test func `a place that is left is free at once`() throws {
        let first = try #require(admit("first", at: .zero))
        _ = admit("second", at: .zero)
        places.leave(first)
        #expect(admit("third", at: .zero) != nil)
        #expect(losers.isEmpty)
    }
}
