import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import TallyfySimulator
import Testing

@Suite struct SocketTests {
    @Test func `many requests share one kept-alive connection`() async throws {
        let simulator = try await TallyfySimulator.start()
        let organization = simulator.addOrganization(name: "Acme")
        let user = simulator.addUser(email: "svc@example.test", organization: organization)
        let token = simulator.login(user: user)
        for _ in 1...5 {
            let reply = try await get("\(simulator.apiURL)/me", token: token)
            #expect(reply.status == 200)
        }
        let log = simulator.requests()
        #expect(log.count == 5)
        #expect(Set(log.map(\.connection)).count == 1)
        #expect(log.first?.tokenFingerprint == fingerprint(of: token))
        #expect(log.first?.userAgent == "test")
        #expect(log.first?.hasAuthorization == true)
        #expect(log.first?.status == 200)
        await simulator.stop()
    }
}

struct Reply {
    let status: Int
    let body: [UInt8]
}

func get(_ url: String, token: String?) async throws -> Reply {
    var request = HTTPClientRequest(url: url)
    request.headers.add(name: "Accept", value: "application/json")
    request.headers.add(name: "X-Tallyfy-Client", value: "APIClient")
    request.headers.add(name: "User-Agent", value: "test")
    if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(5))
    let body = try await response.body.collect(upTo: 10_000_000)
    return Reply(status: Int(response.status.code), body: Array(body.readableBytesView))
}
