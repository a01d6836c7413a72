import FoundationEssentials
import Glibc
import Logging
import Synchronization
import Testing
import TokenHealth
import VigilEngine
import VigilHTTP

@testable import VigilServing

/// Where five seconds are fifty milliseconds.
struct HastyTimekeeper: Timekeeper {
    private let start = ContinuousClock.now

    func now() -> Moment { Moment(wall: noon, uptime: start.duration(to: .now) * 100) }
    func sleep(until uptime: Duration) async throws { try await Task.sleep(until: start + uptime / 100) }
}

/// A socket that listens on a port; with port 0 any that is free.
func listeningSocket(port: UInt16 = 0) throws -> (descriptor: CInt, port: UInt16) {
    let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let port = unsafe withUnsafeMutableBytes(of: &address) { bytes -> UInt16? in
        let place = unsafe bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self)
        guard let place = unsafe place, unsafe bind(descriptor, place, length) == 0,
            listen(descriptor, 8) == 0, unsafe getsockname(descriptor, place, &length) == 0
        else { return nil }
        return unsafe UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
    }
    return (descriptor, try #require(port))
}

func withServer(
    at listener: HTTPListener,
    log lines: Lines,
    _ body: @Sendable (AsyncStream<Int>) async throws -> Void
) async throws {
    let bulletin = Bulletin()
    await bulletin.publish(document())
    let (ports, port) = AsyncStream<Int>.makeStream()
    let server = StatusServer(
        listener: listener,
        hosts: [],
        bulletin: bulletin,
        tally: Tally(),
        archive: EchoingArchive(),
        timekeeper: HastyTimekeeper(),
        logger: Logger(label: "test") { _ in ErrorCount(lines) },
        listening: { port.yield($0 ?? 0) }
    )
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.run() }
        try await body(ports)
        group.cancelAll()
        try? await group.waitForAll()
    }
}

/// A count.
final class Lines: Sendable {
    private let number = Mutex(0)

    var count: Int { number.withLock { $0 } }
    func add() { number.withLock { $0 += 1 } }
}

/// Counts what is logged as an error.
struct ErrorCount: LogHandler {
    let lines: Lines
    var logLevel = Logger.Level.error
    var metadata: Logger.Metadata = [:]

    init(_ lines: Lines) { self.lines = lines }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { lines.add() }
}

extension AsyncStream<Int> {
    /// The next one.
    func next() async -> Int? { await first { _ in true } }
}
