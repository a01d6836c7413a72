import FoundationEssentials
import Testing
import TokenHealth

/// Marks at round times of the clock on the wall.
@Suite struct TimeAxisTests {
    /// Berlin in 2026: summer time from 29 March, 01:00 UTC to 25 October, 01:00 UTC.
    private static let berlin = WallClock(zone: "Europe/Berlin") { date in
        (1_774_746_000..<1_792_890_000).contains(date.timeIntervalSince1970) ? 7200 : 3600
    }

    private func labels(_ from: String, _ until: String, most: Int = 8, on clock: WallClock = .utc) throws -> String {
        let (from, until) = (try #require(Date(rfc3339: from)), try #require(Date(rfc3339: until)))
        return TimeAxis(from: from, until: until, most: most, on: clock).ticks.map(\.label).joined(separator: " ")
    }

    @Test func `without length there is no mark`() throws {
        #expect(try labels("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z") == "")
        #expect(try labels("2026-11-23T10:00:00Z", "2026-11-23T09:00:00Z") == "")
    }

    @Test(arguments: [
        ("2026-11-23T10:00:02Z", "2026-11-23T10:01:00Z", "10:00:15 10:00:30 10:00:45 10:01:00"),
        ("2026-11-23T10:07:00Z", "2026-11-23T12:08:00Z", "10:30 11:00 11:30 12:00"),
        ("2026-11-23T22:30:00Z", "2026-11-24T03:30:00Z", "23:00 24 Nov 01:00 02:00 03:00"),
        ("2026-11-23T10:00:00Z", "2026-11-25T10:00:00Z", "12:00 18:00 24 Nov 06:00 12:00 18:00 25 Nov 06:00"),
        ("2026-11-23T10:00:00Z", "2026-11-27T10:00:00Z", "12:00 24 Nov 12:00 25 Nov 12:00 26 Nov 12:00 27 Nov"),
        ("2026-10-28T10:00:00Z", "2026-11-27T10:00:00Z", "2 Nov 9 Nov 16 Nov 23 Nov"),
        ("2026-08-29T10:00:00Z", "2026-11-27T10:00:00Z", "7 Sep 21 Sep 5 Oct 19 Oct 2 Nov 16 Nov"),
        ("2025-11-27T10:00:00Z", "2026-11-27T10:00:00Z", "2026 Mar May Jul Sep Nov"),
        ("2016-11-27T10:00:00Z", "2026-11-27T10:00:00Z", "2018 2020 2022 2024 2026"),
    ])
    func `marks are at round times, and as many as there is room for`(from: String, until: String, expected: String)
        throws
    {
        #expect(try labels(from, until) == expected)
    }

    @Test func `they are those of the zone`() throws {
        #expect(
            try labels("2026-11-23T22:30:00Z", "2026-11-24T01:30:00Z", most: 4, on: Self.berlin) == "24 Nov 01:00 02:00"
        )
    }

    @Test func `the hour that summer time skips has none, and the one that comes twice has two`() throws {
        #expect(
            try labels("2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z", most: 4, on: Self.berlin)
                == "01:00 03:00 04:00 05:00"
        )
        #expect(
            try labels("2026-10-24T23:00:00Z", "2026-10-25T02:00:00Z", most: 4, on: Self.berlin)
                == "01:00 02:00 02:00 03:00"
        )
    }

    @Test func `days begin at midnight of the zone, also around a change`() throws {
        let from = try #require(Date(rfc3339: "2026-10-24T12:00:00Z"))
        let ticks = TimeAxis(from: from, until: from.addingTimeInterval(3 * 86_400), most: 3, on: Self.berlin).ticks
        #expect(
            ticks.map(\.at.rfc3339) == [
                "2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z", "2026-10-26T23:00:00.000Z",
            ]
        )
        #expect(ticks.map(\.label) == ["25 Oct", "26 Oct", "27 Oct"])
    }

    @Test func `no stretch of time has more marks than there is room for`() {
        let start = Date(timeIntervalSince1970: 1_774_000_000)
        for seconds in [1, 59, 3601, 86_399, 86_401, 700_000, 2_700_000, 8_000_000, 40_000_000, 315_360_000] {
            for most in [1, 2, 5, 11] {
                let until = start.addingTimeInterval(Double(seconds))
                let ticks = TimeAxis(from: start, until: until, most: most, on: Self.berlin).ticks
                // A stretch may begin and end with one; a change of the clock may add one.
                #expect(ticks.count <= most + 2, "\(seconds) s, \(most)")
                #expect(ticks.allSatisfy { $0.at >= start && $0.at <= until }, "\(seconds) s, \(most)")
            }
        }
    }
}
