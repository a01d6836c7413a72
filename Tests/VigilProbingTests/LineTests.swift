import NIOHPACK
import TallyfySimulator
import Testing
import TokenHealth
import VigilEngine
import VigilProbing

/// What is asked beside each other on kept HTTP/2 connections, and every way in which that can go wrong.
@Suite(.timeLimit(.minutes(5))) struct LineTests {
    @Test func `an answer like the last is known again, and any other is read`() async throws {
        try await withLines { request in
            request.path.hasSuffix("=1") ? .answer(status: 401, body: #"{"message":"Unauthenticated."}"#) : .answer()
        } _: { bench async throws in
            let tokens = try (0..<3).map { try bench.token($0) }
            let glances = try await bench.glances(at: tokens, expecting: bench.exchange(tokens[0]).mark)
            #expect(glances.map(\.isSame) == [true, false, true])
            #expect(glances[1].exchange?.status == 401)
            // One of the general client, one line.
            #expect(bench.server.connections == 2)
        }
    }

    @Test func `what a line reads is what the general client reads`() async throws {
        try await withLines { request in
            let echo = #"{"echo":"tok-4f8b1c2d3e4f5a6b7c8d9e0f"}"#
            return request.path.hasSuffix("=9") ? .answer() : .answer(status: 403, body: echo)
        } _: { bench async throws in
            let token = try bench.token(0)
            let other = await bench.exchange(try bench.token(9)).mark
            let unknown = ProbeRequest(token: try bench.token(9), secret: bench.secret)
            var found: [AnswerMark?] = []
            for await results in bench.prober.glances(at: [GlanceRequest(unknown, expecting: nil)]) {
                found += results.map(\.glance.exchange?.mark)
            }
            #expect(found == [other])
            let read = try #require(try await bench.glances(at: [token], expecting: other).first?.exchange)
            let known = await bench.exchange(token)
            #expect(read.answer?.status == known.answer?.status)
            // The general client says HTTP/2 in the words of HTTP/1.1.
            let codings = TokenHealth.HeaderField("transfer-encoding", "chunked")
            #expect(read.answer?.headers == known.answer?.headers.filter { $0 != codings })
            #expect(read.answer?.body == known.answer?.body)
            #expect(read.mark == known.mark)
            // Neither holds the secret that the server has sent back.
            let text = String(decoding: try #require(read.answer).body, as: UTF8.self)
            #expect(!text.contains("tok-4f8b"))
        }
    }

    @Test func `the same request is sent, and no table of the server keeps the secret`() async throws {
        try await withLines { _ in
            .answer()
        } _: { bench async throws in
            let token = try bench.token(5)
            let mark = await bench.exchange(token).mark
            #expect(try await bench.glances(at: [token], expecting: mark).map(\.isSame) == [true])
            let sent = bench.server.requests.map { request in
                Set(request.headers.map { "\($0.name): \($0.value)" })
            }
            #expect(sent.count == 2)
            #expect(sent.first == sent.last)
            let secret = bench.server.requests.last?.headers.first { $0.name == "authorization" }
            #expect(secret?.value == "Bearer tok-4f8b1c2d3e4f5a6b7c8d9e0f")
            guard case .neverIndexed? = secret?.indexable else {
                Issue.record("the authorization field may be indexed: \(String(describing: secret?.indexable))")
                return
            }
        }
    }

    @Test func `many are asked at once over few connections`() async throws {
        try await withLines { _ in
            .answer()
        } _: { bench async throws in
            let tokens = try (0..<300).map { try bench.token($0) }
            let mark = await bench.exchange(tokens[0]).mark
            for _ in 0..<3 {
                #expect(try await bench.glances(at: tokens, expecting: mark).allSatisfy(\.isSame))
            }
            #expect(bench.server.connections == 1 + 5)
            #expect(bench.server.requests.count == 901)
        }
    }

    @Test func `more than the windows hold flows on`() async throws {
        let body = #"{"data":"\#(String(repeating: "x", count: 60_000))"}"#
        try await withLines { _ in
            .answer(body: body)
        } _: { bench async throws in
            let tokens = try (0..<60).map { try bench.token($0) }
            let mark = await bench.exchange(tokens[0]).mark
            #expect(try await bench.glances(at: tokens, expecting: mark).allSatisfy(\.isSame))
            #expect(bench.server.connections == 2)
        }
    }

    @Test func `an answer that is too long is read to its limit`() async throws {
        let body = String(repeating: "x", count: 2 * Answer.bodyLimit + 1)
        try await withLines {
            $0.path.hasSuffix("=1") ? .answer(body: body) : .answer()
        } _: { bench async throws in
            let mark = await bench.exchange(try bench.token(0)).mark
            let glances = try await bench.glances(at: [bench.token(1), bench.token(2)], expecting: mark)
            #expect(glances[0].exchange?.answer?.isCut == true)
            #expect(glances[1].isSame)
        }
    }

    @Test func `what comes of answers that were given up does not use the line up`() async throws {
        let body = String(repeating: "x", count: 2 * Answer.bodyLimit + 1)
        try await withLines { request in
            request.path.hasPrefix("/long") ? .answer(body: body) : .answer()
        } _: { bench async throws in
            let mark = await bench.exchange(try bench.token(0)).mark
            let long = try (0..<30).map { try bench.token($0, path: "/long") }
            for _ in 0..<2 {
                #expect(
                    try await bench.glances(at: long, expecting: mark).allSatisfy { $0.exchange?.answer?.isCut == true }
                )
            }
            #expect(try await bench.glances(at: [bench.token(1)], expecting: mark)[0].isSame)
            #expect(bench.server.requests.filter { $0.connection == 1 }.count == 61)
        }
    }

    @Test func `a handshake that never ends is given up, and asked elsewhere in time`() async throws {
        try await withLines(mute: [1]) { _ in
            .answer()
        } _: { bench async throws in
            let token = try bench.token(0)
            let mark = await bench.exchange(token).mark
            for _ in 0..<3 { #expect(try await bench.glances(at: [token], expecting: mark)[0].isSame) }
            #expect(bench.server.requests.map(\.connection) == [0, 0, 0, 0])
        }
    }

    @Test func `interim answers and trailers are passed over`() async throws {
        try await withLines {
            $0.connection == 0 ? .answer() : .answerInterim
        } _: { bench async throws in
            let token = try bench.token(0)
            #expect(try await bench.glances(at: [token], expecting: bench.exchange(token).mark)[0].isSame)
        }
    }

    @Test(arguments: [LineServer.Deed.reset, .close])
    func `what a line cannot say is asked once more elsewhere`(deed: LineServer.Deed) async throws {
        try await withLines { request in
            request.connection > 0 && request.path.hasSuffix("=3") ? deed : .answer()
        } _: { bench async throws in
            let tokens = try (0..<8).map { try bench.token($0) }
            let mark = await bench.exchange(tokens[0]).mark
            #expect(try await bench.glances(at: tokens, expecting: mark).allSatisfy(\.isSame))
        }
    }

    @Test func `a server that says good-bye is asked on a new line`() async throws {
        try await withLines { request in
            request.connection == 1 && request.number == 4 ? .goAway : .answer()
        } _: { bench async throws in
            let tokens = try (0..<20).map { try bench.token($0) }
            let mark = await bench.exchange(tokens[0]).mark
            for _ in 0..<2 {
                #expect(try await bench.glances(at: tokens, expecting: mark).allSatisfy(\.isSame))
            }
            #expect(bench.server.requests.filter { $0.connection == 1 }.count == 5)
            #expect(bench.server.requests.filter { $0.connection == 2 }.count == 20)
        }
    }

    @Test func `silence ends with the time limit, and its line with it`() async throws {
        try await withLines {
            $0.connection == 1 && $0.number > 0 ? .silence : .answer()
        } _: { bench async throws in
            let token = try bench.token(0, timeout: .milliseconds(500))
            let mark = await bench.exchange(try bench.token(0)).mark
            #expect(try await bench.glances(at: [bench.token(0)], expecting: mark)[0].isSame)
            let glances = try await bench.glances(at: [token, token], expecting: mark)
            #expect(glances.map { $0.exchange?.failure } == [.timeout, .timeout])
            #expect(glances.map { $0.exchange?.latency } == [token.timeout, token.timeout])
            // Not asked again elsewhere: the time is up.
            #expect(bench.server.requests.count == 4)
            #expect(try await bench.glances(at: [bench.token(1)], expecting: mark)[0].isSame)
            #expect(bench.server.requests.last?.connection == 2)
        }
    }

    @Test func `a line that never answered is not tried again at once`() async throws {
        try await withLines {
            $0.connection == 1 ? .close : .answer()
        } _: { bench async throws in
            let token = try bench.token(0)
            let mark = await bench.exchange(token).mark
            for _ in 0..<3 { #expect(try await bench.glances(at: [token], expecting: mark)[0].isSame) }
            #expect(bench.server.connections == 2)
        }
    }

    @Test func `one that is slow does not keep the others waiting`() async throws {
        try await withLines { request in
            request.connection > 0 && request.path.hasSuffix("=0") ? .silence : .answer()
        } _: { bench async throws in
            let mark = try #require(await bench.exchange(try bench.token(9)).mark)
            let tokens = try [bench.token(0), bench.token(1)]
            let requests = tokens.map { GlanceRequest(ProbeRequest(token: $0, secret: bench.secret), expecting: mark) }
            for await results in bench.prober.glances(at: requests) {
                #expect(results.map(\.index) == [1])
                break
            }
        }
    }

    @Test func `nobody there, and a certificate of nobody, are told as the general client tells them`() async throws {
        try await withLines { _ in
            .answer()
        } _: { bench async throws in
            var (gone, untrusted) = (try bench.token(1), try bench.token(2))
            let mark = await bench.exchange(gone).mark
            gone.baseURL = "https://127.0.0.1:1"
            untrusted.certificateAuthorities = nil
            let glances = try await bench.glances(at: [gone, untrusted], expecting: mark)
            #expect(glances.map { $0.exchange?.failure } == [.network, .tls])
        }
    }

    @Test func `a server without HTTP/2 is asked by the general client`() async throws {
        let certificate = try TestCertificate(for: .address([127, 0, 0, 1]))
        let files = TallyfySimulator.TLSFiles(certificate: certificate.certificate, key: certificate.key)
        try await withBench(tls: files) { bench async throws in
            var known: Exchange?
            var asked: WatchedToken?
            let secret = try SecretLint.secret(in: bench.values[0].utf8, source: "test")
            known = try await bench.probe { token in
                token.certificateAuthorities = certificate.certificate
                asked = token
            }
            let (mark, token) = (try #require(known?.mark), try #require(asked))
            for _ in 0..<3 {
                let request = GlanceRequest(ProbeRequest(token: token, secret: secret), expecting: mark)
                for await results in bench.prober.glances(at: [request]) { #expect(results[0].glance.isSame) }
            }
            #expect(bench.tallyfy.requests().count == 4)
            // The kept one, and one attempt.
            #expect(bench.tallyfy.acceptedConnections == 2)
        }
    }

    @Test func `after the shut-down nothing is asked`() async throws {
        try await withLines { _ in
            .answer()
        } _: { bench async throws in
            let token = try bench.token(0)
            let mark = await bench.exchange(token).mark
            #expect(try await bench.glances(at: [token], expecting: mark)[0].isSame)
            await bench.prober.shutdown()
            #expect(try await bench.glances(at: [token], expecting: mark)[0].exchange?.answer == nil)
            #expect(bench.server.requests.count == 2)
        }
    }
}
