import FoundationEssentials
import Glibc
import Testing
import TokenHealth
import VigilEngine

@testable import VigilControl

/// Commands over a real socket.
@Suite struct ControlServerTests {
    private func ask(
        _ path: String,
        _ method: String,
        _ target: String,
        _ body: String = ""
    ) async throws -> ControlClient.Answer {
        try await blocking { try ControlClient(path: path, timeLimit: 20).ask(method, target, Array(body.utf8)) }
    }

    private static let person = getuid() == 0 ? "root" : "uid \(getuid())"

    @Test func `every command reaches its action`() async throws {
        let actions = RecordingActions()
        try await withServer(actions) { path in
            #expect(try await ask(path, "GET", "/v1/status").text.contains(#""schema":"tokenvigil.status/1""#))
            #expect(try await ask(path, "POST", "/v1/tokens/bot/probe").text.contains(#""state":"pending""#))
            let word = #"{"by": "ann", "new_identity": true}"#
            let replaced = try await ask(path, "POST", "/v1/tokens/bot/replaced", word)
            #expect(replaced.status == 200)
            #expect(replaced.text.contains(#""new_fingerprint":"k1:new""#))
            #expect(replaced.text.contains(#""old_fingerprint":null"#))
            #expect(replaced.text.contains(#""others":{"twin":{"#))
            let ack = try await ask(path, "POST", "/v1/tokens/bot/ack", #"{"reason": "on it", "by": "ann"}"#)
            #expect((ack.status, ack.text) == (200, "{\"tokens\":[\"bot\"]}\n"))
            let body = #"{"token": "bot", "for": "2h", "reason": "rotation"}"#
            let silence = try await ask(path, "POST", "/v1/silences", body)
            #expect(silence.status == 201)
            #expect(silence.text.contains("\"until\":\"\(RecordingActions.now.advanced(by: .seconds(7200)).rfc3339)\""))
            let many = #"{"tokens": ["a", "b"], "for": "1d", "reason": "r"}"#
            #expect(try await ask(path, "POST", "/v1/silences", many).status == 201)
            let whole = #"{"provider": "tallyfy", "for": "1d", "reason": "r"}"#
            #expect(try await ask(path, "POST", "/v1/silences", whole).status == 201)
            #expect(try await ask(path, "DELETE", "/v1/silences/bot").status == 200)
            #expect(try await ask(path, "GET", "/v1/silences").text == "{\"silences\":[]}\n")
            #expect(try await ask(path, "GET", "/v1/outbox?x=1").text == "{\"outbox\":[\"a\",\"b\"]}\n")
            #expect(try await ask(path, "POST", "/v1/reload").text == "{\"tokens\":2}\n")
        }
        let by = Self.person
        #expect(
            actions.calls == [
                "probe bot", "replaced bot by ann (\(by)), new identity", "ack bot by ann (\(by)): on it",
                "silence tokens([\"bot\"]) for 2h by \(by): rotation",
                "silence tokens([\"a\", \"b\"]) for 1d by \(by): r", "silence provider(\"tallyfy\") for 1d by \(by): r",
                "unsilence bot by \(by)", "outbox", "reload",
            ]
        )
    }

    @Test(arguments: [
        ("GET", "/", "", 404), ("GET", "/v1", "", 404), ("GET", "/v1/nothing", "", 404),
        ("POST", "/v1/status", "", 405), ("GET", "/v1/reload", "", 405), ("PUT", "/v1/silences", "", 405),
        ("GET", "/v1/tokens/bot/ack", "", 405), ("POST", "/v1/tokens/bot/ack", "", 400),
        ("POST", "/v1/tokens/bot/ack", "{", 400), ("POST", "/v1/tokens/bot/ack", "[]", 400),
        ("POST", "/v1/tokens/bot/ack", #"{"reason": 1}"#, 400),
        ("POST", "/v1/tokens/bot/ack", #"{"reason": " "}"#, 400),
        ("POST", "/v1/tokens/bot/ack", #"{"reason": "a\nb"}"#, 400),
        ("POST", "/v1/tokens/bot/ack", #"{"reason": "a\u202eb"}"#, 400),
        ("POST", "/v1/tokens/bot/ack", #"{"raeson": "a"}"#, 400),
        ("POST", "/v1/tokens/bot/ack", #"{"reason": "a", "for": "2h"}"#, 400),
        ("GET", "/v1/tokens/bot/replaced", "", 405),
        ("POST", "/v1/tokens/bot/replaced", #"{"reason": "a"}"#, 400),
        ("DELETE", "/v1/silences/bot", #"{"token": "bot"}"#, 400),
        ("POST", "/v1/tokens/bot/replaced", #"{"new_identity": "yes"}"#, 400),
        ("POST", "/v1/silences", #"{"token": "bot", "reason": "r"}"#, 400),
        ("POST", "/v1/silences", #"{"token": "bot", "for": "2h"}"#, 400),
        ("POST", "/v1/silences", #"{"token": "bot", "for": "soon", "reason": "r"}"#, 400),
        ("POST", "/v1/silences", #"{"token": "bot", "for": "91d", "reason": "r"}"#, 400),
        ("POST", "/v1/silences", #"{"token": "bot", "for": "0s", "reason": "r"}"#, 400),
        ("POST", "/v1/silences", #"{"for": "2h", "reason": "r"}"#, 400),
        ("POST", "/v1/silences", #"{"tokens": [], "for": "2h", "reason": "r"}"#, 400),
        ("POST", "/v1/silences", #"{"tokens": [1], "for": "2h", "reason": "r"}"#, 400),
        ("POST", "/v1/silences", #"{"token": "a", "provider": "b", "for": "2h", "reason": "r"}"#, 400),
    ]) func `what makes no sense is refused with a sentence`(
        method: String,
        target: String,
        body: String,
        status: Int
    ) async throws {
        let actions = RecordingActions()
        try await withServer(actions) { path in
            let answer = try await ask(path, method, target, body)
            #expect(answer.status == status)
            #expect(!answer.error.isEmpty)
        }
        #expect(actions.calls == [])
    }

    @Test func `a name in the path may be encoded, and what is no text is no name`() async throws {
        let actions = RecordingActions()
        try await withServer(actions) { path in
            let (encoded, broken) = ("/v1/tokens/b%6Ft/probe", "/v1/tokens/%ff/probe")
            let statuses = [try await ask(path, "POST", encoded).status, try await ask(path, "POST", broken).status]
            #expect(statuses == [200, 404])
        }
        #expect(actions.calls == ["probe bot", "probe "])
    }

    @Test func `another method is told those there are`() async throws {
        try await withServer(RecordingActions()) { path in
            let request = Array("PUT /v1/silences HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
            let answer = String(decoding: try await blocking { try exchange(request, at: path) }, as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 405 "))
            #expect(answer.contains("\r\nAllow: GET, POST\r\n"))
        }
    }

    @Test func `a refusal has its status, its sentence and its time`() async throws {
        let refusal = ControlRefusal(429, "not now", retryAt: SystemTimekeeper().now().wall.advanced(by: .seconds(30)))
        try await withServer(RecordingActions(refusing: refusal)) { path in
            let request = Array("POST /v1/tokens/bot/probe HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
            let answer = String(decoding: try await blocking { try exchange(request, at: path) }, as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 429 "))
            #expect(answer.contains("Retry-After: 30\r\n") || answer.contains("Retry-After: 29\r\n"))
            #expect(answer.hasSuffix("\r\n\r\n{\"error\":\"not now\"}\n"))
        }
    }

    @Test func `a body that is too large is refused`() async throws {
        var limits = ControlServer.Limits()
        limits.body = 100
        let actions = RecordingActions()
        try await withServer(actions, limits: limits) { path in
            let reason = String(repeating: "x", count: 200)
            let answer = try await ask(path, "POST", "/v1/tokens/bot/ack", "{\"reason\": \"\(reason)\"}")
            #expect(answer.status == 413)
        }
        #expect(actions.calls == [])
    }

    @Test func `a request that does not arrive, and a command that does not end, are given up`() async throws {
        var limits = ControlServer.Limits()
        limits.arrival = .milliseconds(200)
        limits.command = .milliseconds(200)
        try await withServer(RecordingActions(probeTime: .seconds(600)), limits: limits) { path in
            let half = Array("POST /v1/reload HTTP/1.1\r\nContent-Length: 10\r\n\r\n{".utf8)
            let answer = String(decoding: try await blocking { try exchange(half, at: path) }, as: UTF8.self)
            #expect(answer.hasPrefix("HTTP/1.1 408 "))
            #expect(try await ask(path, "POST", "/v1/tokens/bot/probe").status == 504)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func `those who come when all places are taken are turned away, and it goes on`() async throws {
        var limits = ControlServer.Limits()
        limits.connections = 1
        limits.arrival = .milliseconds(500)
        try await withServer(limits: limits) { path in
            var status = 200
            var sleepers: [CInt] = []
            defer { for sleeper in sleepers { close(sleeper) } }
            // Of two who come together, either may get the place.
            while status == 200 {
                let sleeper = try ControlSocket.connect(to: path)
                status = try await ask(path, "GET", "/v1/status").status
                if status == 200 { close(sleeper) } else { sleepers.append(sleeper) }
            }
            #expect(status == 503)
            // The sleeper loses its place when its time is over.
            while status == 503 { status = try await ask(path, "GET", "/v1/status").status }
            #expect(status == 200)
        }
    }

    @Test(arguments: [
        "", "\r\n\r\n", "GET", "GET v1/status HTTP/1.1\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{0}\u{1}\u{2}",
        "GET /v1/status HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        "POST /v1/silences HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /v1/silences HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        "GET /v1/\(String(repeating: "a", count: 100_000)) HTTP/1.1\r\n\r\n",
        "GET /v1/tokens/%00%ff/ack HTTP/1.1\r\n\r\n", "GET http://[::1/v1/status HTTP/1.1\r\n\r\n",
        "GET /v1/status HTTP/1.1\r\n\(String(repeating: "X: y\r\n", count: 5000))\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ]) func `whatever comes, the next one is served`(bytes: String) async throws {
        var limits = ControlServer.Limits()
        limits.arrival = .milliseconds(200)
        try await withServer(limits: limits) { path in
            _ = try await blocking { try exchange(Array(bytes.utf8), at: path) }
            #expect(try await ask(path, "GET", "/v1/status").status == 200)
        }
    }

    @Test func `the socket is for owner and group, and gone after the end`() async throws {
        let seen = Box()
        try await withServer { path in
            var status = stat()
            #expect(unsafe lstat(path, &status) == 0)
            #expect(status.st_mode & 0o7777 == 0o660)
            seen.path = path
        }
        var status = stat()
        #expect(unsafe lstat(seen.path, &status) == -1)
    }
}
