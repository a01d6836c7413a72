import TallyfySimulator
import Testing
import TokenHealth
import VigilHTTPClient

@Suite struct SocketTests {
    @Test func `many requests share one kept-alive connection`() async throws {
        try await withSimulator { simulator, token async throws in
            for _ in 1...5 {
                #expect(try await get("\(simulator.apiURL)/me", token: token).status == 200)
            }
            let log = simulator.requests()
            #expect(log.count == 5)
            #expect(Set(log.map(\.connection)).count == 1)
            #expect(log.first?.tokenFingerprint == SimulatedTallyfy.fingerprint(of: token))
            #expect(log.first?.userAgent == "test")
            #expect(log.first?.hasAuthorization == true)
            #expect(log.first?.status == 200)
        }
    }

    @Test func `a connection closes when asked and the next has the next number`() async throws {
        try await withSimulator { simulator, _ async throws in
            for _ in 1...3 {
                let reply = try await exchange(
                    port: simulator.port,
                    "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                )
                #expect(reply.text.hasPrefix("HTTP/1.1 200 OK\r\n"))
                #expect(reply.text.hasSuffix(#"{"status":"ok"}"#))
                #expect(!reply.wasReset)
            }
            #expect(simulator.requests().map(\.connection) == [1, 2, 3])
            #expect(simulator.acceptedConnections == 3)
        }
    }

    @Test func `requests sent at once are answered in turn`() async throws {
        try await withSimulator { simulator, _ async throws in
            let one = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
            let last = "HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            let reply = try await exchange(port: simulator.port, one + one + last)
            #expect(reply.text.split(separator: "HTTP/1.1 200 OK").count == 3)
            #expect(reply.text.split(separator: #"{"status":"ok"}"#).count == 3)
            #expect(reply.text.hasSuffix("\r\n\r\n"))
        }
    }

    @Test func `a truncated body ends before its declared length`() async throws {
        try await withSimulator { simulator, token async throws in
            simulator.inject(Fault(.body(.truncated)))
            let reply = try await exchange(port: simulator.port, Self.me(token))
            #expect(reply.text.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(reply.text.contains(#"{"data":{"id":"#))
            #expect(!reply.wasReset)
            await #expect(throws: (any Error).self) { try await get("\(simulator.apiURL)/me", token: token) }
        }
    }

    @Test func `a reset comes in the middle of the body`() async throws {
        try await withSimulator { simulator, token async throws in
            simulator.inject(Fault(.reset))
            #expect(try await exchange(port: simulator.port, Self.me(token)).wasReset)
            await #expect(throws: (any Error).self) { try await get("\(simulator.apiURL)/me", token: token) }
            #expect(simulator.requests().first?.status == 200)
        }
    }

    @Test func `a refusal closes without a word`() async throws {
        try await withSimulator { simulator, token async throws in
            simulator.inject(Fault(.refuse, count: 1))
            let reply = try await exchange(port: simulator.port, Self.me(token))
            #expect(reply.text.isEmpty)
            #expect(!reply.wasReset)
            #expect(try await get("\(simulator.apiURL)/me", token: token).status == 200)
        }
    }

    @Test func `a slow body and a late answer arrive whole`() async throws {
        try await withSimulator { simulator, token async throws in
            simulator.inject(Fault(.slowBody(bytes: 50, pause: .milliseconds(1)), count: 2))
            simulator.inject(Fault(.delay(.milliseconds(5)), count: 2))
            for _ in 1...3 {
                let reply = try await get("\(simulator.apiURL)/me", token: token)
                #expect(reply.json["data"]?["email"]?.string == "svc@example.test")
            }
            #expect(simulator.acceptedConnections == 1)
        }
    }

    @Test func `five million bytes arrive`() async throws {
        try await withSimulator { simulator, token async throws in
            simulator.inject(Fault(.body(.huge)))
            #expect(try await get("\(simulator.apiURL)/me", token: token).body.count > 5_000_000)
        }
    }

    @Test(arguments: [204, 304])
    func `a status without a body leaves the connection in order`(status: Int) async throws {
        try await withSimulator { simulator, token async throws in
            simulator.inject(Fault(.status(status, body: Array("ignored".utf8)), count: 1))
            #expect(try await get("\(simulator.apiURL)/me", token: token).status == status)
            #expect(try await get("\(simulator.apiURL)/me", token: token).status == 200)
            #expect(simulator.acceptedConnections == 1)
        }
    }

    @Test(arguments: [
        "GARBAGE\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
        "GET /me HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        "POST /me HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET /me HTTP/1.1\r\nX: \(String(repeating: "x", count: 200_000))\r\n\r\n",
        "POST /me HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n\(String(repeating: "x", count: 3_000_000))",
    ])
    func `hostile input costs only its own connection`(input: String) async throws {
        try await withSimulator { simulator, token async throws in
            _ = try await exchange(port: simulator.port, input)
            #expect(try await get("\(simulator.apiURL)/me", token: token).status == 200)
        }
    }

    @Test func `clients that vanish are not missed`() async throws {
        try await withSimulator { simulator, token async throws in
            simulator.inject(Fault(.delay(.seconds(60)), count: 1))
            for text in [Self.me(token), "", "GET /me HT", "POST /me HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf"] {
                try await vanish(port: simulator.port, after: text)
            }
            simulator.clearFaults()
            #expect(try await get("\(simulator.apiURL)/me", token: token).status == 200)
        }
    }

    @Test func `the control calls work over their own port only`() async throws {
        try await withSimulator { simulator, _ async throws in
            let made = try await post("\(simulator.controlURL)/_sim/users", #"{"email":"new@example.test"}"#)
            #expect(made.status == 200)
            let login = try await post("\(simulator.controlURL)/_sim/login", #"{"user":"new@example.test"}"#)
            let token = try #require(login.json["token"]?.string)
            #expect(try await get("\(simulator.apiURL)/me", token: token).status == 200)
            #expect(
                try await post("\(simulator.controlURL)/_sim/logout", #"{"user":"new@example.test"}"#).status == 200
            )
            #expect(try await get("\(simulator.apiURL)/me", token: token).status == 401)
            #expect(try await get("\(simulator.controlURL)/_sim/requests", token: nil).json["requests"]?[1] != nil)
            #expect(try await post("\(simulator.controlURL)/_sim/nothing", "{}").status == 404)
            #expect(try await post("\(simulator.controlURL)/_sim/login", "{").status == 400)
            #expect(try await get("\(simulator.controlURL)/api/me", token: token).status == 404)
            #expect(try await post("\(simulator.apiURL)/_sim/reset", "{}").status == 401)
        }
    }

    @Test func `actions in process and over the wire meet the same world`() async throws {
        try await withSimulator { simulator, token async throws in
            let user = simulator.addUser(email: "b@example.test")
            let organization = simulator.addOrganization(name: "B")
            simulator.addMember(user: user, organization: organization)
            simulator.configure { $0.logoutMode = .regenerate }
            let first = simulator.login(user: user)
            let second = try #require(simulator.logout(user: user))
            #expect(try await get("\(simulator.apiURL)/me", token: first).status == 401)
            #expect(try await get("\(simulator.apiURL)/me", token: second).status == 200)
            simulator.advanceClock(by: 7201)
            #expect(try await get("\(simulator.apiURL)/me", token: token).status == 401)
            simulator.reset()
            #expect(simulator.requests().isEmpty)
        }
    }

    @Test(arguments: ["0.0.0.0", "::", "192.0.2.1", "example.test", "127.evil.test", ""])
    func `hosts that others could reach are refused`(host: String) async throws {
        var options = TallyfySimulator.Options()
        options.host = host
        await #expect(throws: TallyfySimulator.StartError.notLoopback(host: host)) {
            try await TallyfySimulator.start(options)
        }
    }

    @Test func `any host can be allowed`() async throws {
        var options = TallyfySimulator.Options()
        options.host = "0.0.0.0"
        options.allowNonLoopback = true
        let simulator = try await TallyfySimulator.start(options)
        #expect(try await get("http://127.0.0.1:\(simulator.port)/health", token: nil).status == 200)
        await simulator.stop()
    }

    @Test func `a port in use is told`() async throws {
        try await withSimulator { simulator, _ async throws in
            var options = TallyfySimulator.Options()
            options.port = simulator.port
            let error = await #expect(throws: TallyfySimulator.StartError.self) {
                try await TallyfySimulator.start(options)
            }
            #expect(error?.description.hasPrefix("cannot listen on '127.0.0.1' port \(simulator.port): ") == true)
        }
    }

    @Test func `a stalled request gets nothing, and stopping ends it`() async throws {
        let simulator = try await TallyfySimulator.start()
        simulator.inject(Fault(.stall))
        let request = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
        async let held = exchange(port: simulator.port, request)
        while simulator.requests().isEmpty { await Task.yield() }
        await simulator.stop()
        #expect(try await held.text.isEmpty)
        #expect(simulator.requests().map(\.status) == [nil])
        await #expect(throws: (any Error).self) { try await exchange(port: simulator.port, request) }
        await simulator.stop()
    }

    private static func me(_ token: String) -> String {
        "GET /me HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nX-Tallyfy-Client: APIClient\r\n"
            + "Authorization: Bearer \(token)\r\n\r\n"
    }
}

/// Starts a stand-in with one user, lends it and the user's token, and stops it.
func withSimulator(_ body: (TallyfySimulator, String) async throws -> Void) async throws {
    let simulator = try await TallyfySimulator.start()
    let organization = simulator.addOrganization(name: "Acme")
    let user = simulator.addUser(email: "svc@example.test", organization: organization)
    let token = simulator.login(user: user)
    do {
        try await body(simulator, token)
    } catch {
        await simulator.stop()
        throw error
    }
    await simulator.stop()
}

/// What an HTTP client got.
struct Reply: Sendable {
    let status: Int
    let body: [UInt8]

    var json: WireJSON { (try? WireJSON(parsing: body)) ?? .null }
}

/// Asks politely.
func get(_ url: String, token: String?) async throws -> Reply {
    var headers = [
        TokenHealth.HeaderField("Accept", "application/json"), TokenHealth.HeaderField("X-Tallyfy-Client", "APIClient"),
        TokenHealth.HeaderField("User-Agent", "test"),
    ]
    if let token { headers.append(TokenHealth.HeaderField("Authorization", "Bearer \(token)")) }
    return try await reply(to: HTTPRequest("GET", url, headers: headers, timeLimit: .seconds(5), bodyLimit: 10_000_000))
}

func post(_ url: String, _ body: String) async throws -> Reply {
    let headers = [TokenHealth.HeaderField("X-Tallyfy-Client", "APIClient")]
    return try await reply(
        to: HTTPRequest("POST", url, headers: headers, body: Array(body.utf8), timeLimit: .seconds(5))
    )
}

/// One for all, so that connections are kept.
private let client = Result { try HTTPClient(environment: [:]) }

private func reply(to request: HTTPRequest) async throws -> Reply {
    switch try await client.get().send(request).outcome {
    case .received(let response): return Reply(status: response.status, body: response.body)
    case .expected(let status): return Reply(status: status, body: [])
    case .failed(let failure): throw failure
    }
}
