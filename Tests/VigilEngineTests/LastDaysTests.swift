import FoundationEssentials
import Testing
import TokenHealth
import VigilEngine

@Suite struct `The last days of a token` {
    @Test func `go with the alert, the death that it tells included`() async throws {
        let bench = try WatchBench()
        await bench.watch.tick()
        await bench.pass(60)
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(60)
        await bench.pass(30, inStepsOf: 15)
        let alert = try #require(bench.store.healthy.alerts.first)
        #expect(alert.kind == .invalidated)
        let bar = try #require(alert.lastDays[Sample.name()])
        #expect(bar.text == String(repeating: "-", count: Alert.shownDays - 1) + "I")
    }

    @Test func `are kept with it in the outbox, and missing in an alert of an older version`() async throws {
        let bench = try WatchBench()
        bench.prober.answer(Reply.unauthenticated)
        await bench.watch.tick()
        await bench.pass(60, inStepsOf: 15)
        let alert = try #require(bench.store.healthy.alerts.first)
        let document = try Wire.encoder().encode(alert)
        #expect(try Wire.decoder().decode(Alert.self, from: document) == alert)
        let text = String(decoding: document, as: UTF8.self)
        let field = try #require(text.firstRange(of: "\"last_days\""))
        let old = text.replacingCharacters(in: field, with: "\"once\"")
        let read = try Wire.decoder().decode(Alert.self, from: Data(old.utf8))
        #expect(read.lastDays.isEmpty)
        #expect(read.evidence == alert.evidence)
    }
}

extension String {
    fileprivate func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
        String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
    }
}
