import Testing
import TokenHealth

@testable import VigilEngine

/// How many looks may be under way at each host.
struct PlacesTests {
    private var places = Places(limit: 1024)
    private var turn = 0

    private func realm(_ name: String) -> RealmName { RealmName(provider: "example", origin: "https://\(name)") }

    /// Begins as many looks at `host` as there is room for, `most` at most.
    @discardableResult
    private mutating func fill(_ host: String, atMost most: Int = 5000, at now: Duration) -> [TokenName] {
        var begun: [TokenName] = []
        var hold = places.hold(at: now)
        while begun.count < most {
            let name = Sample.name("\(host)-\(turn)")
            guard places.take(name, at: realm(host), beside: &hold) else { break }
            turn += 1
            begun.append(name)
        }
        return begun
    }

    private mutating func end(_ names: some Sequence<TokenName>, _ news: Places.News, at now: Duration) {
        for name in names {
            places.note(news, of: name, now: now)
            _ = places.end(name, now: now)
        }
    }

    @Test mutating func `a host of which nothing is known gets a few places`() {
        #expect(fill("new", at: .zero).count == 64)
    }

    @Test mutating func `with its answers a host gets half of all places`() {
        for round in 0..<20 {
            let now = Duration.milliseconds(round * 100)
            end(fill("busy", at: now), .answered, at: now + .milliseconds(50))
        }
        #expect(fill("busy", at: .seconds(3)).count == 512)
    }

    @Test mutating func `a window that nobody needed for minutes is closed`() {
        for round in 0..<20 { end(fill("busy", at: .seconds(round)), .answered, at: .seconds(round)) }
        #expect(fill("busy", at: .seconds(3600)).count == 64)
    }

    @Test mutating func `a busy host that begins to hang gets no more than a share`() {
        for round in 0..<20 { end(fill("busy", at: .seconds(round)), .answered, at: .seconds(round)) }
        let hanging = fill("busy", at: .seconds(30))
        #expect(hanging.count == 512)
        #expect(fill("busy", at: .seconds(32)).isEmpty)
        let others = fill("other", at: .seconds(32))
        #expect(others.count == 64)
        end(others, .answered, at: .seconds(32))
        end(hanging, .silent, at: .seconds(40))
        #expect(fill("busy", at: .seconds(40)).count == 256)
    }

    @Test mutating func `an answer to a newer question ends the hanging, whatever is still open`() {
        end(fill("host", at: .zero), .silent, at: .seconds(10))
        fill("host", atMost: 200, at: .seconds(10))
        end(fill("host", atMost: 1, at: .seconds(15)), .answered, at: .seconds(15))
        #expect(places.hold(at: .seconds(15)).hosts == 0)
        end(fill("host", at: .seconds(16)), .answered, at: .seconds(16))
        #expect(places.hold(at: .seconds(16)).hosts == 0)
    }

    @Test mutating func `all that hang together hold a quarter, however many they are, and each gets its turn`() {
        let hosts = (0..<400).map { "hang-\($0)" }
        for host in hosts { end(fill(host, atMost: 1, at: .zero), .silent, at: .seconds(10)) }
        var held = 0
        var hold = places.hold(at: .seconds(20))
        for host in hosts + hosts where places.take(Sample.name("\(host)-\(held)"), at: realm(host), beside: &hold) {
            held += 1
        }
        #expect(held == 256)
        #expect(fill("healthy", at: .seconds(20)).count == 64)
        // In equal parts, once they are seen to hang again.
        for host in hosts { #expect(places.room(at: realm(host), beside: places.hold(at: .seconds(25))) == 0) }
    }

    @Test mutating func `busy hosts that hang all of a sudden leave a place for one more`() {
        for host in 0..<200 { end(fill("host-\(host)", atMost: 1, at: .zero), .answered, at: .milliseconds(10)) }
        let begun = (0..<200).flatMap { fill("host-\($0)", at: .seconds(1)) }
        #expect(places.isFull)
        end(begun.prefix(1), .answered, at: .milliseconds(1010))
        #expect(fill("late", at: .milliseconds(1010)).count == 1)
    }

    @Test mutating func `hosts that have never answered leave connections for those that do`() {
        places = Places(limit: 1024, connections: 64)
        end(fill("known", atMost: 1, at: .zero), .answered, at: .milliseconds(10))
        func held() -> Int { places.count }
        for host in 0..<200 { fill("new-\(host)", atMost: 1, at: .seconds(1)) }
        #expect(held() == 32)
        #expect(fill("known", at: .seconds(1)).count == 64)
        end((0..<64).map { Sample.name("known-\(33 + $0)") }, .answered, at: .milliseconds(1010))
        // Some are known to hang by now, and others are tried.
        for host in 0..<200 { fill("later-\(host)", atMost: 1, at: .seconds(3)) }
        #expect(held() == 48)
        for host in 0..<200 { fill("last-\(host)", atMost: 1, at: .seconds(5)) }
        #expect(held() == 48)
        #expect(fill("known", at: .seconds(5)).count >= 64)
    }

    @Test mutating func `the end of one that was not known makes room for others`() {
        places = Places(limit: 1024, connections: 4)
        let begun = fill("first", at: .zero) + fill("second", at: .zero)
        #expect(begun.count == 2)
        places.note(.answered, of: begun[0], now: .milliseconds(10))
        #expect(places.end(begun[0], now: .milliseconds(10))?.wasShared == true)
        #expect(fill("second", at: .milliseconds(10)).count == 1)
    }

    @Test mutating func `a slow API is no hanging one`() {
        var now = Duration.zero
        for _ in 0..<60 {
            let begun = fill("slow", at: now)
            now += .seconds(3)
            #expect(places.hold(at: now).hosts <= 1)
            end(begun, .answered, at: now)
        }
        let begun = fill("slow", at: now)
        #expect(begun.count > 400)
        #expect(places.hold(at: now + .seconds(5)).hosts == 0)
        #expect(places.hold(at: now + .seconds(10)).hosts == 1)
    }

    @Test mutating func `a sleep of the host teaches no patience`() {
        end(fill("host", atMost: 10, at: .zero), .answered, at: .seconds(30_000))
        for second in 0..<60 {
            end(fill("host", atMost: 1, at: .seconds(30_000 + second)), .answered, at: .seconds(30_000 + second))
        }
        fill("host", atMost: 1, at: .seconds(40_000))
        #expect(places.hold(at: .seconds(40_002)).hosts == 1)
    }
}
