import FoundationEssentials
import Glibc
import Logging
import ServiceLifecycle
import Testing
import TokenHealth
import VigilEngine
import VigilHTTP

@testable import VigilServing

/// The hour is noon; time passes from there.
struct RunningTimekeeper: Timekeeper {
    private let start = ContinuousClock.now

    func now() -> Moment { Moment(wall: noon, uptime: start.duration(to: .now)) }
    func sleep(until uptime: Duration) async throws { try await Task.sleep(until: start + uptime) }
}

/// Serves a bulletin on a port of the loopback while `body` runs.
func withStatusServer(_ bulletin: Bulletin, _ body: @Sendable (UInt16) async throws -> Void) async throws {
    let (ports, port) = AsyncStream<Int>.makeStream()
    let server = StatusServer(
        listener: .address(host: "127.0.0.1", port: 0),
        hosts: [],
        bulletin: bulletin,
        tally: Tally(),
        archive: EchoingArchive(),
        timekeeper: RunningTimekeeper(),
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        listening: { port.yield($0 ?? 0) }
    )
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await server.run() }
        for await number in ports {
            try await body(UInt16(number))
            break
        }
        group.cancelAll()
        try? await group.waitForAll()
    }
}

/// A document of so many tokens, as large as those of a real host.
func document(tokens count: Int, generatedAt: Date = noon) -> StatusDocument {
    var whole = document([.valid], generatedAt: generatedAt)
    let report = whole.tokens["valid-bot"]
    for number in 0..<count { whole.tokens["token-number-\(number)"] = report }
    return whole
}

/// How much memory this process has.
func residentBytes() -> Int {
    let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
    let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * 4096
}

/// Tries again and again until it is so.
func eventually(_ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(20)
    while ContinuousClock.now < deadline {
        if (try? await condition()) == true { return }
    }
    Issue.record("it has not come true")
}

/// One connection.
final class Caller: Sendable {
    private let descriptor: CInt

    /// Connects with a small window, and sends.
    init(port: UInt16, sending text: String) throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var size: CInt = 4096
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<CInt>.size))
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            _ = unsafe setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let connected = unsafe withUnsafeBytes(of: &address) { bytes in
            unsafe connect(
                descriptor,
                bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self),
                socklen_t(bytes.count)
            )
        }
        try #require(connected == 0)
        if !text.isEmpty { _ = send(text) }
    }

    convenience init(port: UInt16, asking path: String) throws {
        try self.init(port: port, sending: "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
    }

    deinit { close(descriptor) }

    /// Whether all of it could be sent.
    private func send(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let sent = unsafe rest.withUnsafeBytes { bytes in
                unsafe Glibc.send(descriptor, bytes.baseAddress, bytes.count, CInt(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }

    /// Sends the same again and again.
    ///
    /// - Returns: how many bytes were taken.
    @concurrent func sendUntilRefused(_ text: String, most: Int) async -> Int {
        var sent = 0
        while sent < most, send(text) { sent += text.utf8.count }
        return sent
    }

    /// Waits until an answer has begun, or the connection has ended.
    @concurrent func hasSomethingToRead() async -> Bool {
        var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe poll(&waited, 1, 10_000) == 1
    }

    /// All that comes, with the head.
    @concurrent func readAll() async -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { return bytes }
            bytes += buffer.prefix(count)
        }
    }
}

/// The body of a whole answer.
func wholeAnswer(_ path: String, port: UInt16) async throws -> String {
    let bytes = try await Caller(port: port, asking: path).readAll()
    let text = String(decoding: bytes, as: UTF8.self)
    let end = try #require(text.firstRange(of: "\r\n\r\n"))
    return String(text[end.upperBound...])
}
