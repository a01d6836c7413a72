import FoundationEssentials
import TokenHealth
import Testing
import VigilEngine
import VigilHTTPClient

@testable import VigilNotifying

@Suite struct `The heartbeat` {
    private static let source = SecretSource.file(path: "/secrets/heartbeat")

    private func send(
        _ sign: SignOfLife,
        to behaviour: ScriptedReceiver.Behaviour = .answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK"),
        url: (ScriptedReceiver) -> String? = { $0.url }
    ) async throws -> (result: DeliveryResult, requests: [ScriptedReceiver.Request]) {
        try await ScriptedReceiver.run(behaviour) { receiver in
            let client = try HTTPClient(environment: [:])
            let secrets = ScriptedSecrets(values: url(receiver).map { [Self.source: $0] } ?? [:])
            let heartbeat = HTTPHeartbeat(
                .secret(Self.source),
                client: client,
                secrets: secrets,
                version: "0.1.0",
                timeLimit: .seconds(1)
            )
            let result = await heartbeat.send(sign)
            await client.shutdown()
            #expect(!result.detail.contains("S3CRET"), "\(result)")
            return (result, receiver.requests.values)
        }
    }

    @Test func `posts to the address when all is well`() async throws {
        let (result, requests) = try await send(.well)
        #expect(result == .delivered("http://127.0.0.1 answered HTTP 200"))
        let request = try #require(requests.first)
        #expect(requests.count == 1)
        #expect(request.head.hasPrefix("POST /hooks/S3CRET-PATH?key=S3CRET-QUERY HTTP/1.1\r\n"))
        #expect(request.field("user-agent") == "tokenvigil/0.1.0")
        #expect(request.body.isEmpty)
    }

    @Test func `posts what is wrong to the address with fail behind its path`() async throws {
        let (_, requests) = try await send(.unwell(["the disk is full", "an alert waits\nsince long"]))
        let request = try #require(requests.first)
        #expect(request.head.hasPrefix("POST /hooks/S3CRET-PATH/fail?key=S3CRET-QUERY HTTP/1.1\r\n"))
        #expect(String(decoding: request.body, as: UTF8.self) == "the disk is full\nan alert waits since long")
    }

    @Test(arguments: ["/", "//"]) func `a slash at the end makes no difference`(end: String) async throws {
        let (_, requests) = try await send(.unwell(["x"])) { "http://127.0.0.1:\($0.port)/uuid\(end)" }
        #expect(requests.first?.head.hasPrefix("POST /uuid/fail HTTP/1.1\r\n") == true)
    }

    @Test func `a long list of problems is cut off`() async throws {
        let (_, requests) = try await send(.unwell((0..<10_000).map { "problem \($0)" }))
        let request = try #require(requests.first)
        #expect(request.body.count <= 10_010)
        #expect(request.body.starts(with: Array("problem 0\nproblem 1\n".utf8)))
    }

    @Test(arguments: ["OK (not found)", "OK (rate limited)", #"{"ok":false,"msg":"x"}"#, "<!DOCTYPE html><html>"])
    func `is not taken for counted where the answer says that it was not`(_ body: String) async throws {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        for sign in [SignOfLife.well, .unwell(["x"])] {
            let (result, _) = try await send(sign, to: .answer(answer))
            if case .delivered = result { reject("\(body) is taken for a yes") }
        }
    }

    @Test(arguments: ["OK", "ok\n", "", #"{"ok":true}"#, "Got it, thanks!", "OK (new)"])
    func `is counted by any other`(_ body: String) async throws {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        #expect(try await send(.well, to: .answer(answer)).result == .delivered("http://127.0.0.1 answered HTTP 200"))
    }

    @Test func `says what is in the way, without the address`() async throws {
        let refused = try await send(.well, to: .answer("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")).result
        #expect(refused.detail.contains("HTTP 404"))
        let hanging = try await send(.well, to: .hang).result
        #expect(hanging == .failed("http://127.0.0.1 did not answer within 1 s"))
        let missing = try await send(.well) { _ in nil }.result
        #expect(missing == .failed("the heartbeat URL is missing (file /secrets/heartbeat)"))
        let plain = try await send(.well) { _ in "http://hc.example.com/S3CRET" }.result
        #expect(plain.detail.contains("plain http"))
    }
}
