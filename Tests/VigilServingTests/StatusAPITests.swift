import FoundationEssentials
import Testing
import TokenHealth
import VigilHTTP

@testable import VigilServing

/// What each address answers.
@Suite struct StatusAPITests {
    @Test(arguments: ["/status.json", "/metrics"]) func `before the first look nothing is known`(path: String) async {
        let (answer, body) = await answer(path, bulletin: Bulletin())
        #expect(answer.status == 503)
        #expect(answer.header("Retry-After") == "1")
        #expect(body.contains("nothing is known yet"))
    }

    @Test func `the status is the newest document`() async throws {
        let bulletin = Bulletin()
        await bulletin.publish(document([.pending]))
        await bulletin.publish(document([.valid]))
        let body = await answer("/status.json", bulletin: bulletin).body
        let read = try Wire.decoder().decode(StatusDocument.self, from: Data(body.utf8))
        #expect(read == document([.valid]))
    }

    @Test(arguments: [(0.0, [String](), 200), (-61, [], 503), (0, ["the disk is full"], 503)])
    func `the monitor is healthy while its word is fresh and it has no problem`(
        age: Double,
        problems: [String],
        status: Int
    ) async {
        let bulletin = Bulletin()
        await bulletin.publish(document(generatedAt: noon.addingTimeInterval(age), problems: problems))
        let (answer, body) = await answer("/healthz", bulletin: bulletin)
        #expect(answer.status == status)
        #expect(answer.header("Content-Type") == "application/health+json")
        #expect(body.contains(status == 200 ? #""status":"pass""# : #""status":"fail""#))
        for problem in problems { #expect(body.contains(problem)) }
    }

    @Test func `health before the first look is a failure`() async {
        #expect(await answer("/healthz", bulletin: Bulletin()).answer.status == 503)
    }

    @Test func `history is asked for what is wanted`() async {
        let bulletin = Bulletin()
        await bulletin.publish(document())
        #expect(await answer("/api/v1/history", bulletin: bulletin).body.contains(#""since":"2026-08-25""#))
        let one = await answer("/api/v1/history?since=1d&token=valid%2Dbot", bulletin: bulletin)
        #expect(one.body == "{\"since\":\"2026-11-22\",\"token\":\"valid-bot\"}\n")
        #expect(await answer("/api/v1/history?token=other", bulletin: bulletin).answer.status == 404)
        let refusal = EchoingArchive(refusal: ArchiveRefusal("the disk is gone"))
        let refused = await answer("/api/v1/history", bulletin: bulletin, archive: refusal)
        #expect(refused.answer.status == 503)
        #expect(refused.body.contains("the disk is gone"))
    }

    @Test(arguments: ["since=", "since=soon", "since=400d", "since=-1d", "since=%31%zz"])
    func `a length that makes no sense is refused`(query: String) async {
        #expect(await answer("/api/v1/history?\(query)", bulletin: Bulletin()).answer.status == 400)
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "get", "OPTIONS"])
    func `nothing can be changed`(method: String) async {
        let bulletin = Bulletin()
        await bulletin.publish(document())
        let answer = await answer("/status.json", method: method, bulletin: bulletin).answer
        #expect(answer.status == 405)
        #expect(answer.header("Allow") == "GET, HEAD")
    }

    @Test(arguments: ["/status.json", "/metrics", "/healthz", "/", "/nothing"])
    func `every answer is protected`(path: String) async throws {
        let bulletin = Bulletin()
        await bulletin.publish(document())
        let answer = await answer(path, bulletin: bulletin).answer
        #expect(answer.header("X-Content-Type-Options") == "nosniff")
        #expect(answer.header("Cache-Control") == "no-store")
        let policy = try #require(answer.header("Content-Security-Policy"))
        #expect(policy.hasPrefix("default-src 'none'"))
        #expect(!policy.contains("unsafe"))
    }

    @Test func `another name is refused before anything is told`() async {
        let bulletin = Bulletin()
        await bulletin.publish(document())
        let (answer, body) = await answer("/status.json", host: "evil.example.net", bulletin: bulletin)
        #expect(answer.status == 421)
        #expect(!body.contains("valid-bot"))
    }
}
