import FoundationEssentials
import NIOCore
import Synchronization
import Testing
import TokenHealth

/// Answers that come compressed although the request forbids it.
@Suite(.timeLimit(.minutes(5))) struct PackedAnswerTests {
    private static let gzip = "H4sIAAAAAAACA6tWSkksSVSyqlbKTFGyMq/VUUpNzshXslIqyc/WNTA0MjYxNTO3sFSqBQCZReyNKQAAAA=="
    private static let zlib = "eJyrVkpJLElUsqpWykxRsjKv1VFKTc7IV7JSKsnP1jUwNDI2MTUzt7BUqgUAA68LoA=="
    /// A quarter of a mebibyte of nothing.
    private static let bomb = """
        H4sIAAAAAAACA+3BMQEAAADCoPVP7W0HoAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA3gAi6g7iAAAEAA==
        """

    private func answer(_ packed: [UInt8], encoding: String) async throws -> Answer {
        let answers = Mutex<[Answer]>([])
        try await withServer { caller in
            guard try await caller.head() != nil else { return }
            try await caller.send(
                "HTTP/1.1 200 OK\r\nContent-Encoding: \(encoding)\r\nContent-Length: \(packed.count)\r\n\r\n"
            )
            try await caller.send(packed)
        } _: { port async throws in
            let secret = try SecretLint.secret(in: "tok-0123456789".utf8, source: "test")
            try await withProber { prober async throws in
                let exchange = try await prober.probe("http://127.0.0.1:\(port)/api", secret: secret)
                if case .answered(let found) = exchange.outcome { answers.withLock { $0.append(found) } }
            }
        }
        return try #require(answers.withLock { $0.first })
    }

    private func bytes(_ text: String) throws -> [UInt8] { Array(try #require(Data(base64Encoded: text))) }

    @Test(arguments: [("gzip", gzip), ("GZIP", gzip), ("x-gzip", gzip), ("deflate", zlib)])
    func `one that is packed is read, and the secret struck out of it`(encoding: String, text: String) async throws {
        let answer = try await answer(bytes(text), encoding: encoding)
        #expect(String(decoding: answer.body, as: UTF8.self) == #"{"data":{"id":7},"echo":"[secret]"}"#)
        #expect(answer.document != nil)
        #expect(!answer.headers.contains { $0.name.lowercased() == "content-encoding" })
    }

    @Test func `one that would fill the memory stays packed`() async throws {
        let answer = try await answer(bytes(PackedAnswerTests.bomb), encoding: "gzip")
        #expect(answer.body.count < 20_000)
        #expect(answer.document == nil)
    }

    @Test(arguments: [("br", 0), ("gzip, gzip", 0), ("gzip", 9), ("gzip", -1)])
    func `one that is damaged, cut short or packed otherwise stays as it is`(encoding: String, flaw: Int) async throws {
        var packed = try bytes(PackedAnswerTests.gzip)
        if flaw > 0 { packed[packed.count - flaw] ^= 0xFF }
        if flaw < 0 { packed.removeLast(10) }
        let answer = try await answer(packed, encoding: encoding)
        #expect(answer.headers.contains { $0.name == "Content-Encoding" })
        #expect(answer.document == nil)
    }
}
