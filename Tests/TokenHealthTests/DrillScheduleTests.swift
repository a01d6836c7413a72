import Foundation
import TokenHealth
import Testing

@Suite struct DrillScheduleTests {
    private func date(_ text: String) throws -> Date { try #require(Date(rfc3339: text)) }

    private func berlin(_ every: Duration, minute: Int = 9 * 60) throws -> DrillSchedule {
        DrillSchedule(every: every, minute: minute, zone: try #require(TimeZone(identifier: "Europe/Berlin")))
    }

    private let week = Duration.seconds(7 * 86_400)

    @Test func `the first one is at the next time of day`() throws {
        let schedule = try berlin(week)
        #expect(try schedule.first(after: date("2026-11-23T07:59:59Z")) == date("2026-11-23T08:00:00Z"))
        #expect(try schedule.first(after: date("2026-11-23T08:00:00Z")) == date("2026-11-24T08:00:00Z"))
        #expect(try schedule.first(after: date("2026-07-01T23:30:00Z")) == date("2026-07-02T07:00:00Z"))
    }

    @Test func `the clock on the wall counts, in summer and in winter`() throws {
        let schedule = try berlin(week)
        let before = try date("2026-10-19T07:00:00Z")
        #expect(schedule.following(before, after: before) == (try date("2026-10-26T08:00:00Z")))
        let winter = try date("2026-03-23T08:00:00Z")
        #expect(schedule.following(winter, after: winter) == (try date("2026-03-30T07:00:00Z")))
    }

    @Test func `a time that is skipped or comes twice is one drill a day`() throws {
        let schedule = try berlin(.seconds(86_400), minute: 150)
        for start in ["2026-03-27T01:30:00Z", "2026-10-23T00:30:00Z"] {
            var due = try date(start)
            for _ in 0..<4 {
                let next = schedule.following(due, after: due)
                #expect(abs(next.timeIntervalSince(due) - 86_400) <= 3600, "\(due) \(next)")
                due = next
            }
        }
    }

    @Test func `what was missed is left out, whatever the time that has passed`() throws {
        let due = try date("2026-01-05T08:00:00Z")
        #expect(try berlin(week).following(due, after: date("2026-01-20T12:00:00Z")) == date("2026-01-26T08:00:00Z"))
        let long = try berlin(week).following(due, after: date("2046-01-20T12:00:00Z"))
        #expect(try long > date("2046-01-20T12:00:00Z"))
        #expect(try long < date("2046-01-28T12:00:00Z"))
        let hours = DrillSchedule(every: .seconds(6 * 3600))
        #expect(try hours.following(due, after: date("2026-01-06T09:00:00Z")) == date("2026-01-06T14:00:00Z"))
        #expect(try hours.first(after: due) == date("2026-01-05T14:00:00Z"))
    }
}
