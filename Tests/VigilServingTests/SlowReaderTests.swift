import FoundationEssentials
import Glibc
import Logging
import ServiceLifecycle
import Synchronization
import Testing
import TokenHealth
import VigilEngine
import VigilHTTP

@testable import VigilServing

/// Callers who connect and do not ask, or ask and do not read, over real sockets.
@Suite(.serialized) struct SlowReaderTests {
    /// What two hundred of them may cost, in bytes: their answers would be more than 280 MB.
    ///
    /// The daemon itself needs less than half of it: here six documents are made as well, by many threads.
    private static let allowance = 48 * 1_048_576

    @Test(arguments: ["/status.json", "/metrics", "/", "/events"])
    func `two hundred who do not read take little memory, and keep nobody waiting`(path: String) async throws {
        let bulletin = Bulletin()
        await bulletin.publish(document(tokens: 3000))
        try await withStatusServer(bulletin) { port in
            // What one reader needs, and a new edition, is there before it is measured.
            for second in 1...3 {
                await bulletin.publish(
                    document(tokens: 3000, generatedAt: noon.addingTimeInterval(Double(second)))
                )
                #expect(try await wholeAnswer("/status.json", port: port).count > 1_000_000)
                if path != "/events" { _ = try await wholeAnswer(path, port: port) }
            }
            let before = residentBytes()
            var idle: [Caller] = []
            for _ in 0..<200 { idle.append(try Caller(port: port, asking: path)) }
            // All of them hold the beginning of their answer, or have given their place away.
            for caller in idle.suffix(64) { #expect(await caller.hasSomethingToRead()) }
            let body = try await wholeAnswer("/status.json", port: port)
            #expect(body.hasSuffix("}\n"))
            // New editions, each asked for: the old ones must not stay for those who do not read.
            for minute in 1...6 {
                await bulletin.publish(
                    document(tokens: 3000, generatedAt: noon.addingTimeInterval(Double(minute) * 60))
                )
                idle.append(try Caller(port: port, asking: path))
                #expect(try await wholeAnswer("/status.json", port: port).count > 1_000_000)
            }
            #expect(residentBytes() - before < Self.allowance)
            idle.removeAll()
        }
    }

    @Test func `those who do not ask give their places to who does`() async throws {
        let bulletin = Bulletin()
        await bulletin.publish(document())
        try await withStatusServer(bulletin) { port in
            var idle: [Caller] = []
            for begin in 0..<400 {
                idle.append(try Caller(port: port, sending: begin.isMultiple(of: 2) ? "" : "GET /"))
            }
            try await eventually { try await wholeAnswer("/healthz", port: port).contains(#""status":"#) }
            idle.removeAll()
        }
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\n", "X-A: b\r\n"), ("GET /", "a"), ("GET / HTTP/1.1\r\nX: ", "a"),
        (
            "GET /status.json HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET /status.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
        ),
        ("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n"),
        ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n", "aaaa"),
    ])
    func `a request that never ends is refused before it takes memory`(beginning: String, rest: String) async throws {
        let bulletin = Bulletin()
        await bulletin.publish(document())
        try await withStatusServer(bulletin) { port in
            let before = residentBytes()
            let caller = try Caller(port: port, sending: beginning)
            let piece = String(repeating: rest, count: 65_536 / rest.utf8.count)
            let sent = await caller.sendUntilRefused(piece, most: 64 * 1_048_576)
            #expect(sent < 64 * 1_048_576)
            #expect(residentBytes() - before < Self.allowance)
            #expect(try await wholeAnswer("/healthz", port: port).contains("pass"))
        }
    }
}
