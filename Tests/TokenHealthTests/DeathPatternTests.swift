import FoundationEssentials
import TokenHealth
import Testing

@Suite struct `The pattern of deaths` {
    private static let utc = WallClock(zone: "UTC") { _ in 0 }
    /// Germany in 2026: daylight saving time from 29 March to 25 October, 01:00 UTC.
    private static let berlin = WallClock(zone: "Europe/Berlin") { date in
        let summer = 1_774_746_000.0..<1_792_890_000.0
        return summer.contains(date.timeIntervalSince1970) ? 7200 : 3600
    }

    private static func date(_ text: String) -> Date {
        guard let date = Date(rfc3339: text) else { preconditionFailure("\(text) is no date") }
        return date
    }

    private func deaths(
        _ dates: [String],
        lived days: [Double?] = [],
        _ reason: RejectionReason = .revoked,
        seenBefore seconds: Double? = 60
    ) -> [RecordedDeath] {
        dates.enumerated().map { index, text in
            let died = Self.date(text)
            return RecordedDeath(
                token: Sample.name(),
                lastAcceptedAt: seconds.map { died.addingTimeInterval(-$0) },
                diedAt: died,
                lived: days.indices.contains(index) ? days[index].map { .seconds($0 * 86_400) } : nil,
                reason: reason
            )
        }
    }

    /// Monday to Friday, about nine days apart.
    private static let atWork = [
        "2026-06-01T09:10:00Z", "2026-06-10T13:40:00Z", "2026-06-19T15:05:00Z", "2026-06-29T08:20:00Z",
        "2026-07-08T11:00:00Z",
    ]

    @Test func `of three deaths is none`() {
        let three = deaths(Array(Self.atWork.prefix(3)), lived: [9, 9, 9])
        #expect(DeathPattern(of: three, on: Self.utc) == nil)
        #expect(DeathPattern(of: [], on: Self.utc) == nil)
    }

    @Test func `of regular deaths at work is a log-out by hand`() throws {
        let record = deaths(Self.atWork, lived: [9, 9.1, 8.9, 9.8, 9])
        let pattern = try #require(DeathPattern(of: record, on: Self.utc))
        #expect(pattern.findings == [.regular(.seconds(9 * 86_400)), .workingHours(5)])
        #expect(
            pattern.sentence == """
                dies about every 9 days, always within working hours (UTC): most likely logged out by hand; use a service \
                account that never logs out (seen in 5 deaths; a pattern, not proof)
                """
        )
        #expect(pattern.weekdays == [2, 0, 2, 0, 1, 0, 0])
        #expect(pattern.hours.enumerated().filter { $1 > 0 }.map(\.offset) == [8, 9, 11, 13, 15])
        #expect(pattern.lifetimes?.shortest == .seconds(8.9 * 86_400))
        #expect(pattern.lifetimes?.longest == .seconds(9.8 * 86_400))
    }

    @Test func `of four deaths is already one`() {
        let four = deaths(Array(Self.atWork.prefix(4)), lived: [9, 9, 9, 9])
        #expect(DeathPattern(of: four, on: Self.utc)?.findings == [.regular(.seconds(9 * 86_400)), .workingHours(4)])
    }

    @Test func `takes tokens that die together as one death`() {
        var record = deaths(Self.atWork)
        for text in Self.atWork {
            record.append(
                RecordedDeath(
                    token: Sample.name("other"),
                    lastAcceptedAt: nil,
                    diedAt: Self.date(text).addingTimeInterval(600),
                    lived: nil,
                    reason: .revoked
                )
            )
        }
        #expect(DeathPattern(of: record, on: Self.utc)?.deaths == 5)
        #expect(DeathPattern(of: record.filter { $0.diedAt < Self.date("2026-06-28T00:00:00Z") }, on: Self.utc) == nil)
    }

    @Test func `knows the local hour on both sides of a change of the clock`() {
        // 07:30 in Berlin each time: 06:30 UTC in winter, 05:30 UTC in summer.
        let record = deaths([
            "2026-03-27T06:30:00Z", "2026-03-28T06:30:00Z", "2026-03-29T05:30:00Z", "2026-03-30T05:30:00Z",
            "2026-10-24T05:30:00Z", "2026-10-25T06:30:00Z",
        ])
        let pattern = DeathPattern(of: record, on: Self.berlin)
        #expect(pattern?.hours[7] == 6)
        #expect(pattern?.findings == [.hour(7)])
        #expect(pattern?.weekdays == [1, 0, 0, 0, 1, 2, 2])
        #expect(pattern?.zone == "Europe/Berlin")
    }

    @Test(arguments: [
        ("2026-06-01T06:00:00Z", 0, 8), ("2026-05-31T22:00:00Z", 0, 0), ("2026-05-31T21:59:59Z", 6, 23),
        ("2026-03-29T00:59:59Z", 6, 1), ("2026-03-29T01:00:00Z", 6, 3), ("1969-12-31T22:59:59Z", 2, 23),
    ])
    func `counts a death in its local day and hour`(text: String, weekday: Int, hour: Int) {
        let record = deaths([text, "2026-06-01T12:00:00Z", "2026-06-02T12:00:00Z", "2026-06-03T12:00:00Z"])
        let without = deaths([
            "2027-06-02T12:00:00Z", "2026-06-01T12:00:00Z", "2026-06-02T12:00:00Z", "2026-06-03T12:00:00Z",
        ])
        let pattern = DeathPattern(of: record, on: Self.berlin)
        let rest = DeathPattern(of: without, on: Self.berlin)
        #expect(pattern.map { $0.hours[hour] - (hour == 14 ? 3 : 0) } == 1)
        #expect(
            pattern.flatMap { found in rest.map { found.weekdays[weekday] - $0.weekdays[weekday] } }
                == (weekday == 2 ? 0 : 1)
        )
    }

    @Test func `leaves a death of unknown hour out of the hours`() {
        let pattern = DeathPattern(of: deaths(Self.atWork, seenBefore: 7200), on: Self.utc)
        #expect(pattern?.deaths == 5)
        #expect(pattern?.timed == 0)
        #expect(pattern?.hours == Array(repeating: 0, count: 24))
        #expect(pattern?.sentence == nil)
        #expect(DeathPattern(of: deaths(Self.atWork, seenBefore: nil), on: Self.utc)?.timed == 0)
        #expect(DeathPattern(of: deaths(Self.atWork, seenBefore: 3600), on: Self.utc)?.timed == 5)
    }

    @Test func `says how many, where not all were at work`() {
        let mixed =
            Self.atWork + [
                "2026-07-13T09:00:00Z", "2026-07-17T10:00:00Z", "2026-07-21T14:00:00Z", "2026-07-25T03:00:00Z",
            ]
        #expect(
            DeathPattern(of: deaths(mixed), on: Self.utc)?.sentence?.hasPrefix("8 of 9 times within working") == true
        )
    }

    @Test func `of tokens that expire is that they expire`() {
        let pattern = DeathPattern(of: deaths(Self.atWork, lived: [9, 9, 9, 9, 9], .expired), on: Self.utc)
        #expect(pattern?.sentence?.contains("it expires; renew it") == true)
        #expect(pattern?.sentence?.contains("by hand") == false)
    }

    @Test func `of mixed reasons draws no conclusion`() {
        let record = deaths(Array(Self.atWork.prefix(3))) + deaths(Array(Self.atWork.suffix(2)), .wrongIdentity)
        #expect(DeathPattern(of: record, on: Self.utc)?.sentence?.contains(":") == false)
    }

    @Test func `at one hour of the night is a schedule`() {
        let record = deaths([
            "2026-06-01T23:10:00Z", "2026-06-03T00:40:00Z", "2026-06-07T23:05:00Z", "2026-06-12T23:20:00Z",
        ])
        let pattern = DeathPattern(of: record, on: Self.utc)
        #expect(pattern?.findings == [.hour(23)])
        #expect(
            pattern?.sentence?.contains("between 23:00 and 1:00 (UTC): most likely something on a schedule") == true
        )
    }

    @Test func `on one day of the week names it`() {
        let record = deaths([
            "2026-06-07T03:00:00Z", "2026-06-14T09:00:00Z", "2026-06-21T17:00:00Z", "2026-06-28T22:00:00Z",
        ])
        #expect(DeathPattern(of: record, on: Self.utc)?.sentence?.hasPrefix("always on a Sunday: ") == true)
    }

    @Test(
        arguments: [
            [9.0, 9, 9, 14], [1, 9, 9, 9], [9, 9, 9, nil], [0, 0, 0, 0], [1, 30, 3, 12, 8, 2, 44],
        ] as [[Double?]]
    )
    func `of unlike lifetimes, or of too few, has no regularity`(days: [Double?]) {
        let dates = (0..<days.count).map { "2026-06-0\($0 + 1)T0\($0):00:00Z" }
        let pattern = DeathPattern(of: deaths(dates, lived: days), on: Self.utc)
        #expect(pattern != nil)
        #expect(pattern?.findings.contains { if case .regular = $0 { true } else { false } } == false)
    }

    @Test func `is seldom claimed where chance alone ruled`() {
        var chance = Linear(state: 7)
        var claimed = 0
        for record in 0..<2000 {
            let lengths = (0..<(4 + record % 9)).map { _ in chance.next() * 20 + 0.1 }
            var day = 20_000.0
            let random = lengths.map { length in
                day += length
                let died = Date(timeIntervalSince1970: day * 86_400)
                return RecordedDeath(
                    token: Sample.name(),
                    lastAcceptedAt: died.addingTimeInterval(-60),
                    diedAt: died,
                    lived: .seconds(length * 86_400),
                    reason: .revoked
                )
            }
            if DeathPattern(of: random, on: Self.berlin)?.sentence != nil { claimed += 1 }
        }
        #expect(claimed < 60, "a pattern in \(claimed) of 2000 records of chance")
    }

    @Test func `is null to programs where there is none`() throws {
        let record = deaths([
            "2026-06-01T03:00:00Z", "2026-06-07T09:00:00Z", "2026-06-20T17:00:00Z", "2026-06-24T22:00:00Z",
        ])
        let pattern = try #require(DeathPattern(of: record, on: Self.utc))
        let document = try #require(JSONValue(parsing: Array(Wire.encoder().encode(pattern))))
        #expect(document[Sample.pointer("/sentence")] == .null)
        #expect(document[Sample.pointer("/lifetime")] == .null)
        #expect(document[Sample.pointer("/deaths")]?.scalarText == "4")
        #expect(document[Sample.pointer("/time_zone")] == .string("UTC"))
    }

    @Test func `bears a clock set to the end of time`() {
        let far = [1e15, -1e15, 9e17, 0].map { seconds in
            RecordedDeath(
                token: Sample.name(),
                lastAcceptedAt: Date(timeIntervalSince1970: seconds),
                diedAt: Date(timeIntervalSince1970: seconds),
                lived: nil,
                reason: .revoked
            )
        }
        #expect(DeathPattern(of: far, on: Self.utc)?.timed == 4)
    }
}

/// Numbers from 0 to below 1, the same in every run.
private struct Linear {
    var state: UInt64

    mutating func next() -> Double {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Double(state >> 11) / Double(1 << 53)
    }
}
