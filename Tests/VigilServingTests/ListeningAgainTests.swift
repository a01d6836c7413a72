import Glibc
import Testing
import VigilHTTP

@testable import VigilServing

/// A port that is lost, or cannot be had at first.
@Suite struct ListeningAgainTests {
    @Test(.timeLimit(.minutes(1))) func `a port that is taken is tried until it is free, and that is said once`()
        async throws
    {
        let (taken, port) = try listeningSocket()
        let lines = Lines()
        try await withServer(at: .address(host: "127.0.0.1", port: Int(port)), log: lines) { ports in
            try await eventually { lines.count > 0 }
            // Some attempts more.
            let later = ContinuousClock.now + .milliseconds(300)
            try await eventually { ContinuousClock.now > later }
            #expect(lines.count == 1)
            close(taken)
            let served = await ports.next()
            #expect(served == Int(port))
            #expect(try await wholeAnswer("/healthz", port: port).isEmpty == false)
            #expect(lines.count == 1)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a socket that was handed over outlives its listener`() async throws {
        let (probe, port) = try listeningSocket()
        close(probe)
        let (descriptor, _) = try listeningSocket(port: port)
        defer { close(descriptor) }
        let lines = Lines()
        try await withServer(at: .descriptor(descriptor), log: lines) { ports in
            _ = await ports.next()
            let before = try await wholeAnswer("/healthz", port: port)
            // It no longer listens, whoever has it.
            shutdown(descriptor, CInt(SHUT_RD))
            _ = await ports.next()
            let after = try await wholeAnswer("/healthz", port: port)
            #expect(!before.isEmpty && !after.isEmpty)
            #expect(lines.count == 1)
        }
    }
}
