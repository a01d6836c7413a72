// Full Foundation: FoundationEssentials knows no zone by its name.
import Foundation
import Testing
import TokenHealth

/// Windows by the clock on the wall, on ordinary days and on those on which the clock is changed.
@Suite struct MaintenanceWindowTests {
    /// A window that begins on one local day, and when it is open in truth.
    struct Case: CustomTestStringConvertible, Sendable {
        let zone: String
        let day: String
        let from: String
        let to: String
        let start: String
        let end: String

        init(_ zone: String, _ day: String, _ from: String, _ to: String, _ start: String, _ end: String) {
            (self.zone, self.day, self.from, self.to, self.start, self.end) = (zone, day, from, to, start, end)
        }

        var testDescription: String { "\(zone) \(day) \(from)-\(to)" }
    }

    /// The ends were computed by Python's zoneinfo: a time that comes twice begins with the first and ends with the
    /// second, a time that is skipped is the moment of the skip.
    static let cases = [
        // The clock goes forward from 02:00 to 03:00 on March 29, and back from 03:00 to 02:00 on October 25.
        Case("Europe/Berlin", "2026-03-28", "22:00", "02:30", "2026-03-28T21:00:00Z", "2026-03-29T01:00:00Z"),
        Case("Europe/Berlin", "2026-03-29", "02:15", "04:00", "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"),
        Case("Europe/Berlin", "2026-03-29", "01:00", "02:30", "2026-03-29T00:00:00Z", "2026-03-29T01:00:00Z"),
        Case("Europe/Berlin", "2026-10-25", "02:15", "02:45", "2026-10-25T00:15:00Z", "2026-10-25T01:45:00Z"),
        Case("Europe/Berlin", "2026-10-24", "22:00", "02:30", "2026-10-24T20:00:00Z", "2026-10-25T01:30:00Z"),
        Case("Europe/Berlin", "2026-10-25", "00:00", "24:00", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"),
        Case("Europe/Berlin", "2026-07-01", "22:00", "02:00", "2026-07-01T20:00:00Z", "2026-07-02T00:00:00Z"),
        // From 02:00 to 03:00 on March 8, from 02:00 to 01:00 on November 1.
        Case("America/New_York", "2026-03-08", "01:30", "03:30", "2026-03-08T06:30:00Z", "2026-03-08T07:30:00Z"),
        Case("America/New_York", "2026-03-08", "02:30", "04:00", "2026-03-08T07:00:00Z", "2026-03-08T08:00:00Z"),
        Case("America/New_York", "2026-11-01", "01:15", "01:45", "2026-11-01T05:15:00Z", "2026-11-01T06:45:00Z"),
        Case("America/New_York", "2026-10-31", "23:00", "01:30", "2026-11-01T03:00:00Z", "2026-11-01T06:30:00Z"),
        // Half an hour: from 02:00 to 02:30 on October 4, from 02:00 to 01:30 on April 5.
        Case("Australia/Lord_Howe", "2026-10-04", "02:10", "03:00", "2026-10-03T15:30:00Z", "2026-10-03T16:00:00Z"),
        Case("Australia/Lord_Howe", "2026-10-04", "01:00", "02:15", "2026-10-03T14:30:00Z", "2026-10-03T15:30:00Z"),
        Case("Australia/Lord_Howe", "2026-04-05", "01:40", "01:50", "2026-04-04T14:40:00Z", "2026-04-04T15:20:00Z"),
        Case("Australia/Lord_Howe", "2026-04-04", "23:00", "01:45", "2026-04-04T12:00:00Z", "2026-04-04T15:15:00Z"),
        Case("UTC", "2026-03-29", "22:00", "02:00", "2026-03-29T22:00:00Z", "2026-03-30T02:00:00Z"),
        Case("UTC", "2026-10-25", "02:15", "02:45", "2026-10-25T02:15:00Z", "2026-10-25T02:45:00Z"),
        Case("UTC", "2026-12-31", "23:30", "00:30", "2026-12-31T23:30:00Z", "2027-01-01T00:30:00Z"),
    ]

    private func minutes(_ text: String) -> Int {
        let parts = text.split(separator: ":").compactMap { Int($0) }
        return parts[0] * 60 + parts[1]
    }

    private func window(
        _ days: Set<Weekday>,
        _ from: String,
        _ to: String,
        in zone: String
    ) throws -> MaintenanceWindow {
        MaintenanceWindow(
            name: "nightly",
            reason: "a test",
            days: days,
            from: minutes(from),
            to: minutes(to),
            zone: try #require(TimeZone(identifier: zone))
        )
    }

    @Test(arguments: cases) func `it is open from its beginning until just before its end`(expected: Case) throws {
        let day = try #require(Date(rfc3339: "\(expected.day)T12:00:00Z"))
        let weekday = Weekday.allCases[(Int(day.timeIntervalSince1970) / 86_400 + 3) % 7]
        let window = try window([weekday], expected.from, expected.to, in: expected.zone)
        let start = try #require(Date(rfc3339: expected.start))
        let end = try #require(Date(rfc3339: expected.end))
        #expect(window.end(at: start) == end)
        #expect(window.end(at: end.addingTimeInterval(-1)) == end)
        #expect(window.end(at: start.addingTimeInterval(-1)) == nil)
        #expect(window.end(at: end) == nil)
    }

    @Test(arguments: [("Europe/Berlin", "2026-03-29T01:30:00Z"), ("America/New_York", "2026-03-08T07:10:00Z")])
    func `a window that lies whole in the skipped hour does not come that day`(zone: String, at: String) throws {
        let window = try window([.sun], "02:10", "02:50", in: zone)
        let skip = try #require(Date(rfc3339: at))
        for offset in stride(from: -7200.0, to: 7200, by: 60) {
            #expect(window.end(at: skip.addingTimeInterval(offset)) == nil)
        }
    }

    @Test func `days are those on which it begins`() throws {
        let window = try window([.fri], "22:00", "02:00", in: "UTC")
        #expect(window.end(at: try #require(Date(rfc3339: "2026-11-27T23:00:00Z"))) != nil)
        #expect(window.end(at: try #require(Date(rfc3339: "2026-11-28T01:00:00Z"))) != nil)
        #expect(window.end(at: try #require(Date(rfc3339: "2026-11-27T01:00:00Z"))) == nil)
        #expect(window.end(at: try #require(Date(rfc3339: "2026-11-28T23:00:00Z"))) == nil)
    }

    @Test func `from a time to the same time is a whole day`() throws {
        let window = try window([.sat], "06:00", "06:00", in: "UTC")
        let end = Date(rfc3339: "2026-11-29T06:00:00Z")
        #expect(window.end(at: try #require(Date(rfc3339: "2026-11-28T06:00:00Z"))) == end)
    }

    @Test func `windows without a gap between them end together`() throws {
        let evening = try window([.sat], "20:00", "24:00", in: "UTC")
        let night = try window([.sun], "00:00", "04:00", in: "UTC")
        let now = try #require(Date(rfc3339: "2026-11-28T21:00:00Z"))
        #expect([evening, night].end(at: now) == Date(rfc3339: "2026-11-29T04:00:00Z"))
        #expect([night].end(at: now) == nil)
    }

    @Test(arguments: [-1e11, -1, 0, 1e11]) func `far away times are no trap`(seconds: Double) throws {
        let window = try window(Set(Weekday.allCases), "00:00", "24:00", in: "Europe/Berlin")
        #expect([window].end(at: Date(timeIntervalSince1970: seconds)) != nil)
    }
}
