import FoundationEssentials
import TokenHealth
import Testing
import VigilEngine

/// A quiet that ends while nobody is here: what happened in it is told as one.
struct QuietRestartTests {
    private let always = MaintenanceWindow(
        name: "nightly",
        reason: "a test",
        days: Set(Weekday.allCases),
        from: 0,
        to: 1440,
        zone: .gmt
    )

    @Test(arguments: [1500, 300])
    func `two deaths of one token, both young or one of them old, are one incident, and it ends`(
        secondsBetween: Int
    ) async throws {
        let tokens = ["bot", "other"].map { name in
            var token = Sample.token(name)
            token.secret = .file(path: "/own/\(name)")
            return token
        }
        let quiet = tokens.map { token in
            var token = token
            token.maintenance = [always]
            return token
        }
        let first = try WatchBench(quiet)
        await first.watch.tick()
        first.prober.answer(Reply.unauthenticated)
        await first.pass(secondsBetween, inStepsOf: 15)
        first.secrets.put("another", in: .file(path: "/own/bot"))
        await first.pass(600, inStepsOf: 15)
        #expect(first.told.isEmpty)

        let second = try WatchBench(tokens, store: first.store, timekeeper: first.timekeeper)
        second.secrets.put("another", in: .file(path: "/own/bot"))
        second.prober.answer(Reply.unauthenticated)
        await second.pass(120, inStepsOf: 15)
        #expect(Set(second.told) == [.invalidated])
        second.prober.answer(Reply.accepted)
        for name in ["bot", "other"] { _ = try await second.watch.probe(name) }
        await second.pass(60, inStepsOf: 15)
        let alerts = second.store.healthy.alerts
        let ended = alerts.filter { $0.endsIncident && $0.openTokens == 0 }.map(\.incidentID)
        #expect(alerts.filter { !$0.endsIncident }.allSatisfy { ended.contains($0.incidentID) })
        let own = alerts.filter { $0.tokens.contains { $0.name?.text == "bot" } }
        #expect(own.count == 2)
        #expect(Set(own.map(\.incidentID)).count == 1)
    }
}
