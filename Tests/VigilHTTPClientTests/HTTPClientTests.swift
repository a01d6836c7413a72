import Testing
import TokenHealth
import VigilHTTPClient

/// Ordinary and odd peers, as one request sees them.
@Suite(.timeLimit(.minutes(5))) struct HTTPClientTests {
    /// What comes of a request to a server that answers with `answer` and closes.
    private func reply(
        to answer: String,
        _ change: @Sendable (inout HTTPRequest) -> Void = { _ in }
    ) async throws -> HTTPReply.Outcome {
        let replies = Replies()
        try await withServer { caller in
            guard try await caller.head() != nil else { return }
            try await caller.send(answer)
        } _: { port async throws in
            replies.outcomes.append(
                try await HTTPClient.with(environment: [:]) { client in
                    var request = HTTPRequest("GET", "http://127.0.0.1:\(port)/", timeLimit: .seconds(20))
                    change(&request)
                    return await client.send(request).outcome
                }
            )
        }
        return try #require(replies.outcomes.first)
    }

    /// Filled by one task.
    private final class Replies { var outcomes: [HTTPReply.Outcome] = [] }

    @Test(arguments: [
        "HTTP/1.1 000 X", "HTTP/1.1 099 X", "HTTP/1.1 -1 X", "HTTP/1.1 1000 X", "HTTP/1.1 20 X", "HTTP/1.1 X",
        "HTTP/1.1", "HTTP/9.9 200 OK", "SSH-2.0-OpenSSH_9.6", "220 mail.example.com ESMTP", "<html>", "\0\0\0", "",
    ])
    func `what is no answer of HTTP is a failure, and nothing more`(line: String) async throws {
        let outcome = try await reply(to: "\(line)\r\nContent-Length: 0\r\n\r\n")
        guard case .failed(let failure) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(failure.kind == .network)
    }

    @Test func `interim answers, folds and trailers are no part of the answer`() async throws {
        let outcome = try await reply(
            to: "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\n"
                + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Trailer: 3\r\n\r\n"
        )
        guard case .received(let response) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(response.status == 200)
        #expect(response.first("x-a") == "1  2")
        #expect(response.first("link") == nil)
        #expect(response.first("x-trailer") == nil)
        #expect(response.body == Array("{}".utf8))
        #expect(response.timing.connect != nil)
        #expect(response.timing.firstByte != nil)
    }

    @Test func `a body is read to its limit and no further`() async throws {
        let body = String(repeating: "x", count: 100_000)
        for limit in [1000, 100_000, 100_001] {
            let outcome = try await reply(to: "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n\(body)") {
                $0.bodyLimit = limit
            }
            guard case .received(let response) = outcome else {
                Issue.record("\(outcome)")
                return
            }
            #expect(response.body.count == min(limit, 100_000))
            #expect(response.isCut == (limit < 100_000))
        }
    }

    @Test func `a head without end is refused`() async throws {
        let outcome = try await reply(
            to: "HTTP/1.1 200 OK\r\n" + String(repeating: "X: \(String(repeating: "y", count: 900))\r\n", count: 100)
        )
        guard case .failed(let failure) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(
            failure
                == TransportFailure(
                    .network,
                    "the head of the answer is longer than any should be, or than this host has memory for"
                )
        )
    }

    @Test func `a body that ends too early is a failure, unless the head is enough`() async throws {
        let answer = "HTTP/1.1 202 Accepted\r\nContent-Length: 10\r\n\r\nhalf"
        guard case .failed(let failure) = try await reply(to: answer) else {
            Issue.record("it was taken")
            return
        }
        #expect(failure == TransportFailure(.network, "the connection was closed before the answer was complete"))
        guard case .received(let response) = try await reply(to: answer, { $0.isHeadEnough = true }) else {
            Issue.record("it was not taken")
            return
        }
        #expect(response.status == 202)
        #expect(response.isCut)
    }

    @Test func `an answer that is expected is not handed over`() async throws {
        let answer = "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 2\r\n\r\n{}"
        let outcome = try await reply(to: answer) { request in
            request.isExpected = { status, body, values in status == 200 && body.count == 2 && values("x-a") == ["1"] }
        }
        guard case .expected(200) = outcome else {
            Issue.record("\(outcome)")
            return
        }
    }

    @Test(arguments: ["A\r\nB", "A\nB", "A\u{0}B", "A\u{7F}B"])
    func `nothing is sent that would end a field before its time`(value: String) async throws {
        let outcome = try await reply(to: "HTTP/1.1 200 OK\r\n\r\n") {
            $0.headers = [HeaderField("X", value)]
        }
        guard case .failed(let failure) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(failure == TransportFailure(.network, "the request holds a control character"))
    }

    @Test(arguments: ["file:///etc/passwd", "ftp://127.0.0.1/", "http://user:word@127.0.0.1:1/", "nonsense://", ""])
    func `only plain addresses of HTTP are asked`(url: String) async throws {
        let outcome = try await reply(to: "HTTP/1.1 200 OK\r\n\r\n") { $0.url = url }
        guard case .failed(let failure) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(failure.kind != .tls)
        #expect(!failure.detail.contains("word@"))
    }

    @Test func `a redirect is an answer like any other`() async throws {
        let outcome = try await reply(
            to: "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
        )
        guard case .received(let response) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(response.status == 302)
    }

    @Test func `what was cancelled ends at once`() async throws {
        try await withServer { caller in
            while try await caller.piece() != nil {}
        } _: { port async throws in
            try await HTTPClient.with(environment: [:]) { client in
                let request = HTTPRequest("GET", "http://127.0.0.1:\(port)/", timeLimit: .seconds(200))
                let began = ContinuousClock.now
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { _ = await client.send(request) }
                    group.cancelAll()
                }
                #expect(ContinuousClock.now - began < .seconds(100))
            }
        }
    }

    @Test func `the shut-down ends what is under way, and nothing is sent after it`() async throws {
        let ledger = Ledger()
        try await withServer { caller in
            if let head = try await caller.head() { ledger.note(head) }
            while try await caller.piece() != nil {}
        } _: { port async throws in
            let client = try HTTPClient(environment: [:])
            let request = HTTPRequest("GET", "http://127.0.0.1:\(port)/", timeLimit: .seconds(200))
            async let reply = client.send(request)
            while ledger.entries.isEmpty { await Task.yield() }
            await client.shutdown()
            guard case .failed(let failure) = await reply.outcome else {
                Issue.record("it was answered")
                return
            }
            #expect(failure.kind == .timeout)
            guard case .failed = await client.send(request).outcome else {
                Issue.record("it was sent")
                return
            }
            await client.shutdown()
            #expect(ledger.entries.count == 1)
        }
    }

    @Test func `of many at once each is answered once, over no more connections than may be`() async throws {
        let ledger = Ledger()
        try await withServer { caller in
            ledger.note("connection")
            while let head = try await caller.head() {
                let path = head.split(separator: " ")[1]
                try await caller.send("HTTP/1.1 200 OK\r\nContent-Length: \(path.utf8.count)\r\n\r\n\(path)")
            }
        } _: { port async throws in
            var limits = HTTPClient.Limits(connections: 8)
            limits.connectionsPerHost = 4
            let client = try HTTPClient(environment: [:], limits: limits)
            let requests = (0..<300).map {
                HTTPRequest("GET", "http://127.0.0.1:\(port)/\($0)", timeLimit: .seconds(200))
            }
            let (replies, continuation) = AsyncStream.makeStream(of: [HTTPReply].self)
            _ = client.send(requests) { continuation.yield($0) }
            var seen: [Int: String] = [:]
            for await some in replies {
                for reply in some {
                    guard case .received(let response) = reply.outcome else { continue }
                    #expect(
                        seen.updateValue(String(decoding: response.body, as: UTF8.self), forKey: reply.index) == nil
                    )
                }
                if seen.count == 300 { break }
            }
            #expect(seen.allSatisfy { $1 == "/\($0)" })
            #expect((1...4).contains(ledger.entries.count))
            await client.shutdown()
        }
    }

    @Test func `requests one after the other are each sent as they are, wherever the last one went`() async throws {
        let ledger = Ledger()
        let serve: @Sendable (inout Caller) async throws -> Void = { caller in
            while let head = try await caller.head() {
                ledger.note(head)
                try await caller.send("HTTP/1.1 204 No Content\r\n\r\n")
            }
        }
        try await withServer(serve) { first async throws in
            try await withServer(serve) { second async throws in
                try await HTTPClient.with(environment: [:]) { client in
                    // Longer than what memory was taken for at first, and then shorter: nothing of the first may be left.
                    let many = (0..<40).map { HeaderField("X-\($0)", String(repeating: "s", count: 100)) }
                    let accept = HeaderField("Accept", "application/json")
                    for (port, path, headers) in [
                        (first, "/a", many), (second, "/b", [accept]), (first, "/a", [HeaderField("X-Empty", "")]),
                        (first, "/c", []), (second, "/b", many + [accept]),
                    ] {
                        let url = "http://127.0.0.1:\(port)\(path)"
                        let request = HTTPRequest("GET", url, headers: headers, timeLimit: .seconds(20))
                        guard case .received(let response) = await client.send(request).outcome else {
                            Issue.record("no answer at \(path)")
                            return
                        }
                        #expect(response.status == 204)
                        let fields = headers.map { "\($0.name):\($0.value.isEmpty ? "" : " ")\($0.value)\r\n" }
                        let expected = "GET \(path) HTTP/1.1\r\nHost: 127.0.0.1:\(port)\r\n\(fields.joined())\r\n"
                        #expect(ledger.entries.last == expected)
                    }
                    #expect(ledger.entries.count == 5)
                }
            }
        }
    }
}
