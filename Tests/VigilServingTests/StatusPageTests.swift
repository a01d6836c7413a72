import FoundationEssentials
import Testing
import TokenHealth
import VigilHTTP

@testable import VigilServing

/// The page for people.
@Suite struct StatusPageTests {
    private func bulletin(_ states: [TokenState] = [.valid, .pending]) async -> Bulletin {
        let bulletin = Bulletin()
        await bulletin.publish(document(states))
        return bulletin
    }

    /// What stands between two texts.
    private func part(of html: String, from start: String, to end: String) throws -> String {
        let from = try #require(html.firstRange(of: start)).upperBound
        let to = try #require(html[from...].firstRange(of: end)).lowerBound
        return String(html[from..<to])
    }

    private func facts(in html: String) throws -> JSONValue {
        let json = try part(of: html, from: "<script type=\"application/json\" id=\"facts\">", to: "</script>")
        return try #require(JSONValue(parsing: Array(json.utf8)))
    }

    @Test func `the page holds what it shows, and needs nothing else`() async throws {
        let (answer, html) = await answer("/", bulletin: await bulletin())
        #expect(answer.status == 200)
        #expect(answer.header("Content-Type") == "text/html; charset=utf-8")
        let facts = try facts(in: html)
        #expect(
            JSONPointer("/bars/tokens/valid-bot").flatMap { facts[$0] } == .string(String(repeating: "v", count: 90))
        )
        #expect(JSONPointer("/status/tokens/pending-bot/state").flatMap { facts[$0] } == .string("pending"))
        #expect(JSONPointer("/live").flatMap { facts[$0] } == .bool(true))
        #expect(!html.contains("{{"))
        for outside in ["src=", "@import", "url(", "//cdn"] { #expect(!html.contains(outside), "\(outside)") }
    }

    @Test func `its policy allows its own script and style, and nothing unsafe`() async throws {
        let policy = try #require(
            await answer("/", bulletin: await bulletin()).answer.header("Content-Security-Policy")
        )
        #expect(policy.contains("script-src 'sha256-"))
        #expect(policy.contains("style-src 'sha256-"))
        #expect(policy.contains("connect-src 'self'"))
        #expect(!policy.contains("unsafe"))
        #expect(!policy.contains("*"))
    }

    @Test func `a page is about one token where it is asked for`() async throws {
        let bulletin = await bulletin()
        let html = await answer("/token/valid%2Dbot", bulletin: bulletin).body
        let facts = try facts(in: html)
        #expect(JSONPointer("/history/token").flatMap { facts[$0] } == .string("valid-bot"))
        #expect(!html.contains("pending-bot"))
        #expect(await answer("/token/other", bulletin: bulletin).answer.status == 404)
        #expect(await answer("/token/%zz", bulletin: bulletin).answer.status == 404)
        #expect(await answer("/token/", bulletin: bulletin).answer.status == 404)
    }

    @Test func `no text can leave the place it stands in`() async throws {
        let hostile = "</script><script>alert(1)</script>"
        var document = document()
        document.tokens["valid-bot"]?.owner = hostile
        document.tokens["valid-bot"]?.explanation = "<!--"
        let page = try StatusPage(live: document, bars: DayBars(of: [:], until: noon))
        let html = String(decoding: page.html, as: UTF8.self)
        #expect(!html.contains(hostile))
        #expect(!html.contains("<!--"))
        #expect(JSONPointer("/status/tokens/valid-bot/owner").flatMap { try? facts(in: html)[$0] } == .string(hostile))
    }

    @Test func `a page that is kept has its policy in it, and nobody to ask`() throws {
        let page = try StatusPage(
            kept: document(),
            bars: DayBars(of: [:], until: noon),
            history: ["tokens": [String]()]
        )
        let html = String(decoding: page.html, as: UTF8.self)
        let policy = try part(of: html, from: "<meta http-equiv=\"Content-Security-Policy\" content=\"", to: "\"")
        #expect(policy.contains("connect-src 'none'"))
        #expect(JSONPointer("/live").flatMap { try? facts(in: html)[$0] } == .bool(false))
    }

    @Test func `without its past there is no page, but a sentence`() async {
        let archive = EchoingArchive(refusal: ArchiveRefusal("the disk is gone"))
        let (answer, body) = await answer("/", bulletin: await bulletin(), archive: archive)
        #expect(answer.status == 503)
        #expect(body.contains("the disk is gone"))
        #expect(await VigilServingTests.answer("/", bulletin: Bulletin()).answer.status == 503)
    }
}
