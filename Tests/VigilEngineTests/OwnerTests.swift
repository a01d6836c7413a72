import FoundationEssentials
import TokenHealth
import Testing
import VigilEngine

/// Whose tokens are rejected together: one account's, or several accounts'.
@Suite(.timeLimit(.minutes(2))) struct OwnerTests {
    private static func accepted(_ id: Int) -> Exchange {
        Exchange(.answered(Answer(status: 200, body: Array(#"{"data":{"id":\#(id)}}"#.utf8))))
    }

    private func token(_ name: String, owner: String?) -> WatchedToken {
        var token = Sample.token(name)
        token.owner = owner
        token.secret = .file(path: "/secrets/\(name)")
        token.probe.rejected = [Matcher(status: .exactly(401))]
        return token
    }

    private static let teams = ["HR team", "Finance team", "Sales team"]

    /// Three tokens of these labels, secrets and accounts; without accounts where the API does not tell.
    private func bench(
        owners: [String?],
        secrets: [String],
        accounts: [Int]?,
        besides: [WatchedToken] = []
    ) async throws -> WatchBench {
        let tokens = owners.enumerated().map { index, owner in
            var token = token("bot-\(index)", owner: owner)
            if accounts == nil {
                token.probe.accepted = [Matcher(status: .exactly(200))]
                token.probe.identity = nil
            }
            return token
        }
        let bench = try WatchBench(tokens + besides)
        for (token, secret) in zip(tokens, secrets) { bench.secrets.put(secret, in: token.secret) }
        if let accounts {
            bench.prober.answer { request in
                let index = Int(request.token.name.text.dropFirst(4)) ?? 0
                return request.secret == nil ? nil : OwnerTests.accepted(accounts[index % accounts.count])
            }
        }
        await bench.pass(1)
        await bench.pass(60)
        return bench
    }

    private func logOut(_ bench: WatchBench) async {
        bench.prober.answer { _ in Reply.unauthenticated }
        await bench.pass(200, inStepsOf: 5)
    }

    @Test func `one secret under several owners is logged out in one alert`() async throws {
        let bench = try await bench(owners: OwnerTests.teams, secrets: ["one", "one", "one"], accounts: nil)
        await logOut(bench)
        #expect(bench.told == [.invalidated])
        #expect(bench.store.healthy.alerts.first?.tokens.count == 3)
        #expect(bench.store.healthy.alerts.first?.tokens.map(\.owner).contains("Finance team") == true)
    }

    @Test func `so are several secrets of one account`() async throws {
        let bench = try await bench(owners: OwnerTests.teams, secrets: ["a", "b", "c"], accounts: [7, 7, 7])
        await logOut(bench)
        #expect(bench.told == [.invalidated])
        #expect(bench.store.healthy.alerts.first?.tokens.count == 3)
    }

    @Test func `a death does not wait for one whose confirmation takes longer than anybody waits`() async throws {
        var slow = token("bot-9", owner: "Bots")
        slow.confirmation = Confirmation(rejections: 3, over: .seconds(600))
        let bench = try await bench(owners: ["Bots"], secrets: ["a"], accounts: [7], besides: [slow])
        bench.prober.answer { _ in Reply.unauthenticated }
        for _ in 0..<200 where bench.told.isEmpty { await bench.pass(1) }
        let alert = try #require(bench.store.healthy.alerts.first)
        let death = try #require(await bench.report("bot-0")?.since)
        #expect(alert.createdAt.timeIntervalSince(death) < 2)
    }

    @Test func `one label does not make several accounts one`() async throws {
        let bench = try await bench(owners: ["Bots", "Bots", "Bots"], secrets: ["a", "b", "c"], accounts: [1, 2, 3])
        await logOut(bench)
        #expect(bench.told == [.providerIncident])
    }

    @Test func `while nothing better is known the label decides`() async throws {
        let one = try await bench(owners: ["Bots", "Bots", "Bots"], secrets: ["a", "b", "c"], accounts: nil)
        await logOut(one)
        #expect(one.told == [.invalidated])
        let several = try await bench(owners: OwnerTests.teams, secrets: ["a", "b", "c"], accounts: nil)
        await logOut(several)
        #expect(several.told == [.providerIncident])
    }

    @Test func `a secret of a known account that was never accepted itself is that account's`() async throws {
        let bench = try await bench(owners: OwnerTests.teams, secrets: ["one", "two", "one"], accounts: [7, 7, 7])
        // The fourth entry is new to the process, and its first answer is a refusal.
        var late = token("bot-3", owner: "Legal team")
        late.secret = .file(path: "/secrets/bot-0")
        let others = OwnerTests.teams.enumerated().map { token("bot-\($0)", owner: $1) }
        try await bench.watch.adopt(others + [late])
        await logOut(bench)
        #expect(bench.told == [.invalidated])
        #expect(bench.store.healthy.alerts.first?.tokens.count == 4)
    }

    @Test func `a replaced secret is its new account's`() async throws {
        let bench = try await bench(owners: OwnerTests.teams, secrets: ["a", "b", "c"], accounts: [1, 2, 3])
        // All of them get the secret of the second account.
        for index in 0..<3 { bench.secrets.put("b", in: .file(path: "/secrets/bot-\(index)")) }
        await logOut(bench)
        #expect(bench.told == [.invalidated])
    }
}
