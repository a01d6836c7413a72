import FoundationEssentials
import TallyfySimulator
import Testing

@Suite struct ThrottleTests {
    @Test func `the minute rolls`() throws {
        var world = try SmallWorld { $0.ratePerMinute = 2 }
        #expect(world.get("/me").header("X-RateLimit-Remaining") == "1")
        world.now += 20
        #expect(world.get("/me").header("X-RateLimit-Remaining") == "0")
        world.now += 10
        let refused = world.get("/me")
        #expect(refused.status == 429)
        #expect(refused.json["code"]?.string == "RATE_LIMIT_EXCEEDED")
        #expect(refused.header("Retry-After") == "30")
        #expect(refused.header("X-RateLimit-Remaining") == "0")
        #expect(refused.headers.count { $0.name == "X-RateLimit-Remaining" } == 1)
        world.now += 30
        #expect(world.get("/me").status == 200)
        #expect(world.get("/me").status == 429)
    }

    @Test func `bursts of reads have their own limit in the seed profile`() throws {
        var world = try SmallWorld(.seed)
        for _ in 1...12 { #expect(world.get("/me").status == 200) }
        #expect(world.get("/me").status == 429)
        world.now += 5
        #expect(world.get("/me").status == 200)
    }

    @Test func `users are counted apart, and strangers by address`() throws {
        var world = try SmallWorld {
            $0.ratePerMinute = 1
            $0.edgeChecksTokens = false
        }
        let other = try world.tallyfy.addUser(email: "other@example.test", at: world.now)
        let token = try world.tallyfy.login(user: other, organization: nil, at: world.now)
        #expect([world.token, token, world.token].map { world.get("/me", $0).status } == [200, 200, 429])
        let headers = [SmallWorld.json, SmallWorld.client, SmallWorld.bearer("unknown")]
        #expect(world.ask("GET", "/me", headers, from: "127.0.0.2").status == 401)
        #expect(world.ask("GET", "/me", headers, from: "127.0.0.2").status == 429)
        #expect(world.ask("GET", "/me", headers, from: "127.0.0.3").status == 401)
    }

    @Test func `no limit is no limit and sends no headers`() throws {
        var world = try SmallWorld { $0.ratePerMinute = 0 }
        for _ in 1...700 { #expect(world.get("/me").status == 200) }
        #expect(world.get("/me").header("X-RateLimit-Limit") == nil)
    }
}
