import Testing
import TokenHealth
import VigilEngine

/// What a host bears holds over restarts and kills, over the database on disk.
@Suite(.timeLimit(.minutes(2))) struct StopsAndKillsTests {
    /// Ten failed logins in ten minutes, of thirty tokens that are all refused.
    private func refused(_ count: Int = 30, limits: ProviderLimits) -> [WatchedToken] {
        (0..<count).compactMap { index in
            guard let name = TokenName("bot-\(index)") else { return nil }
            return WatchedToken(
                name: name,
                provider: Provider(
                    name: "example",
                    baseURL: "https://api.example.test",
                    probe: ProbeTemplate(path: "/me", rejected: [Matcher(status: .exactly(401))]),
                    limits: limits
                ),
                secret: .environment(variable: "X"),
                owner: "owner-\(index)"
            )
        }
    }

    /// The most there were in any stretch of this many seconds.
    private func most(_ times: [Double], within seconds: Double) -> Int {
        times.indices.map { first in times[first...].prefix { $0 < times[first] + seconds }.count }.max() ?? 0
    }

    @Test(arguments: [10, 3, 30]) func `kills between the looks spend no more failed logins than the budget has`(
        budget: Int
    ) async throws {
        let limits = ProviderLimits(failedLogins: Rate(count: budget, per: .seconds(600)))
        let world = try RestartWorld(refused(limits: limits))
        for _ in 0..<8 {
            try world.start()
            for _ in 0..<9 { await world.pass(5) }
            world.kill()
        }
        #expect(most(world.provider.times, within: 600) <= budget)
        #expect(!world.provider.times.isEmpty)
        // And they come back when it is over.
        try world.start()
        let before = world.provider.times.count
        for _ in 0..<300 { await world.pass(5) }
        #expect(world.provider.times.count > before)
        #expect(most(world.provider.times, within: 600) <= budget)
    }

    @Test(arguments: 0..<6)
    func `nor do kills in the middle of looks`(seed: Int) async throws {
        var chance = SeededGenerator(seed: UInt64(seed))
        let limits = ProviderLimits(failedLogins: Rate(count: 10, per: .seconds(600)))
        let world = try RestartWorld(refused(limits: limits))
        for _ in 0..<40 {
            try world.start()
            for _ in 0..<Int.random(in: 0...6, using: &chance) {
                await world.pass(Int.random(in: 1...30, using: &chance))
            }
            await world.killInTheMiddle(after: Int.random(in: 1...40, using: &chance))
        }
        #expect(most(world.provider.times, within: 600) <= 10)
    }

    @Test func `kills exceed no ceiling of requests`() async throws {
        let limits = ProviderLimits(rate: Rate(count: 12, per: .seconds(60)))
        let world = try RestartWorld(refused(limits: limits))
        for _ in 0..<20 {
            try world.start()
            for _ in 0..<3 { await world.pass(2) }
            await world.killInTheMiddle(after: 2)
        }
        #expect(most(world.provider.times, within: 60) <= 12)
    }

    @Test func `after a stop in order a healthy token is asked as if there had been none`() async throws {
        let limits = ProviderLimits(failedLogins: Rate(count: 3, per: .seconds(600)))
        let world = try RestartWorld(refused(1, limits: limits))
        world.provider.answer(.accepted)
        for _ in 0..<20 {
            try world.start()
            await world.pass(61)
            await world.stop()
        }
        #expect(world.provider.times.count == 20)
    }

    @Test func `a wait that a provider asks for holds over a restart, and over a kill`() async throws {
        let world = try RestartWorld(refused(1, limits: ProviderLimits()))
        try world.start()
        world.provider.answer(.busy(1800))
        await world.pass(0)
        #expect(world.provider.times == [0])
        for _ in 0..<20 {
            world.kill()
            try world.start()
            await world.pass(80)
        }
        #expect(world.provider.times == [0])
        for _ in 0..<5 { await world.pass(80) }
        #expect(world.provider.times.count > 1)
        #expect(world.provider.times[1] >= 1800)
    }

    @Test func `a clock that was set back makes such a wait no longer than an hour`() async throws {
        let world = try RestartWorld(refused(1, limits: ProviderLimits()))
        try world.start()
        world.provider.answer(.busy(1800))
        await world.pass(0)
        world.kill()
        world.timekeeper.setWall(by: .seconds(-40 * 86_400))
        try world.start()
        for _ in 0..<59 { await world.pass(60) }
        #expect(world.provider.times == [0])
        for _ in 0..<3 { await world.pass(60) }
        #expect(world.provider.times.count == 2)
    }

    @Test func `a new secret is asked about all the same, and then the wait is forgotten`() async throws {
        let world = try RestartWorld(refused(1, limits: ProviderLimits()))
        try world.start()
        world.provider.answer(.busy(3600))
        await world.pass(0)
        world.kill()
        world.provider.answer(.accepted)
        world.secrets.put("second")
        try world.start()
        await world.pass(60)
        #expect(world.provider.times == [0, 60])
        world.kill()
        try world.start()
        await world.pass(60)
        #expect(world.provider.times.count >= 3)
    }
}
