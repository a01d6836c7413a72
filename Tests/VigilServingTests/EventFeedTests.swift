import FoundationEssentials
import Synchronization
import Testing
import TokenHealth
import VigilEngine
import VigilHTTP

@testable import VigilServing

/// What a browser is told of what changes.
@Suite struct EventFeedTests {
    /// Stops a feed by an error, as a browser that is gone does.
    private struct Gone: Error {}

    /// What a feed writes until it has written so much.
    private func written(_ count: Int, seen: String? = nil, token: String? = nil, bulletin: Bulletin) async -> [String]
    {
        let texts = Mutex<[String]>([])
        let feed = EventFeed(
            bulletin: bulletin,
            shelf: AnswerShelf(),
            timekeeper: FixedTimekeeper(),
            token: token,
            seen: seen
        )
        await #expect(throws: Gone.self) {
            try await feed.run { piece in
                let isEnough = texts.withLock { texts in
                    texts.append(piece.text)
                    return texts.count == count
                }
                if isEnough { throw Gone() }
                // The next document comes after the first event.
                await bulletin.publish(document([.pending, .valid], generatedAt: noon.addingTimeInterval(1)))
            }
        }
        return texts.withLock { $0 }
    }

    @Test func `a browser without a document is told everything, then what changes`() async {
        let bulletin = Bulletin()
        await bulletin.publish(document([.valid]))
        let texts = await written(2, bulletin: bulletin)
        #expect(texts[0] == "retry: 2000\n\n")
        #expect(texts[1].hasPrefix("id: 2026-11-23T12:00:01.000Z\nevent: status\ndata: {"))
        #expect(texts[1].hasSuffix("}\n\n"))
        #expect(texts[1].contains("valid-bot"))
        #expect(texts[1].contains("pending-bot"))
    }

    @Test func `a browser that has the newest document is told nothing again`() async {
        let bulletin = Bulletin()
        let newest = document([.pending, .valid], generatedAt: noon.addingTimeInterval(1))
        await bulletin.publish(newest)
        let texts = await written(2, seen: newest.generatedAt.rfc3339, bulletin: bulletin)
        #expect(texts == ["retry: 2000\n\n", ": no news\n\n"])
    }

    @Test func `a browser that is gone leaves its place`() async {
        let bulletin = Bulletin()
        await bulletin.publish(document())
        for _ in 0..<(128) { _ = await written(1, bulletin: bulletin) }
        #expect(bulletin.admit(limit: 1) != nil)
    }

    @Test func `when all places are taken a browser is asked to come later`() async throws {
        let bulletin = Bulletin()
        for _ in 0..<3 { _ = bulletin.admit(limit: 3) }
        let texts = Mutex<[String]>([])
        let feed = EventFeed(
            bulletin: bulletin,
            shelf: AnswerShelf(),
            timekeeper: FixedTimekeeper(),
            token: nil,
            seen: nil,
            mostReaders: 3
        )
        try await feed.run { piece in texts.withLock { $0.append(piece.text) } }
        #expect(texts.withLock { $0 } == ["retry: 30000\n\n"])
    }

    @Test func `only what is new is told, and who is gone`() {
        let old = document([.valid, .pending])
        var new = document([.valid], generatedAt: noon.addingTimeInterval(1))
        #expect(StatusChange(to: new, from: old, token: nil).tokens.isEmpty)
        #expect(StatusChange(to: new, from: old, token: nil).gone == ["pending-bot"])
        new.tokens["valid-bot"]?.reason = "new"
        #expect(StatusChange(to: new, from: old, token: nil).tokens.keys.sorted() == ["valid-bot"])
        #expect(StatusChange(to: new, from: old, token: "other").tokens.isEmpty)
        #expect(StatusChange(to: new, from: nil, token: nil).tokens.count == 1)
    }
}
