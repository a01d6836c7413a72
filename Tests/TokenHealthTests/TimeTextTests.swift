import FoundationEssentials
import TokenHealth
import Testing

struct DurationTextTests {
    @Test(arguments: [
        ("500ms", Duration.milliseconds(500)), ("30s", .seconds(30)), ("5m", .seconds(300)), ("2h", .seconds(7200)),
        ("7d", .seconds(604_800)), ("0s", .zero), ("0ms", .zero), ("3650d", .seconds(315_360_000)),
        ("007s", .seconds(7)),
    ])
    func `a duration is a number with a unit`(text: String, expected: Duration) {
        #expect(DurationText.parse(text) == expected)
    }

    @Test(arguments: [
        "", "5", "s", "5 s", " 5s", "5s ", "-5s", "+5s", "5S", "5sec", "1.5h", "1e3s", "5m30s", "５s", "5µs", "5ms s",
        "3651d",
        "10000000001ms", "99999999999999999999s", "9223372036854775807d", "٣s", "5\u{0}s",
    ])
    func `anything else is none`(text: String) {
        #expect(DurationText.parse(text) == nil)
    }

    @Test(arguments: ["500ms", "30s", "90s", "5m", "2h", "7d", "36h", "0ms", "1ms", "61m", "3650d"])
    func `the text of a duration is the shortest exact one`(text: String) {
        #expect(DurationText.parse(text).map(DurationText.format) == text)
    }

    @Test(arguments: [
        (Duration.milliseconds(84), "84 ms"), (.zero, "0 ms"), (.seconds(31), "31 s"), (.seconds(119), "119 s"),
        (.seconds(300), "5 min"), (.seconds(301), "5 min 1 s"), (.seconds(12_000), "3 h 20 min"),
        (.seconds(86_400), "24 h"),
        (.seconds(12 * 86_400), "12 d"), (.seconds(12 * 86_400 + 7200), "12 d 2 h"), (.seconds(-5), "0 ms"),
        (.seconds(Int64.max), "106751991167300 d 15 h"),
    ])
    func `for a person it has two units at most`(duration: Duration, expected: String) {
        #expect(duration.short == expected)
    }

    @Test func `milliseconds never overflow`() {
        #expect(Duration.seconds(Int64.max).inMilliseconds == Int.max)
        #expect(Duration.seconds(Int64.min).inMilliseconds < 0)
        #expect(Duration.milliseconds(1999).inMilliseconds == 1999)
    }
}

struct RetryAfterTests {
    @Test(arguments: [
        ("0", RetryAfter.seconds(0)), ("120", .seconds(120)), (" 120 ", .seconds(120)), ("0120", .seconds(120)),
        ("99999999999999999999", .seconds(.max)), ("1.5", .seconds(2)), ("5s", .seconds(5)), ("5 seconds", .seconds(5)),
        ("1500ms", .seconds(2)), ("30, 30", .seconds(30)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", .date(Date(timeIntervalSince1970: 784_111_777))),
        ("Sun Nov  6 08:49:37 1994", .date(Date(timeIntervalSince1970: 784_111_777))),
        ("Sun, 06 Nov 1994 08:49:37 GMT", .date(Date(timeIntervalSince1970: 784_111_777))),
    ])
    func `it is seconds or a date`(text: String, expected: RetryAfter) {
        #expect(RetryAfter(text) == expected)
    }

    @Test(arguments: [
        "", " ", "-5", "+5", ".5", "5h", "1.2.3", "soon", "1e3", "0x10", "５", "Sunday", "\u{0}5", "5\n\u{0}",
    ])
    func `garbage is none`(text: String) {
        #expect(RetryAfter(text) == nil)
    }

    @Test(
        arguments: [
            (429, #"{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":2000}"#, [], RetryAfter.seconds(2)),
            (429, #"{"retry_after":64.57}"#, [], .seconds(65)),
            (429, #"{"parameters":{"retry_after":35}}"#, [], .seconds(35)),
            (429, "{}", [HeaderField("retry-after-ms", "1500")], .seconds(2)),
            (503, "", [HeaderField("x-ms-retry-after-ms", "700")], .seconds(1)),
            (
                429, #"{"retry_after":9}"#, [HeaderField("Retry-After", "soon"), HeaderField("Retry-After", "7")],
                .seconds(7)
            ),
            (401, #"{"retry_after":9}"#, [], nil), (429, #"{"retry_after":-9}"#, [], nil),
        ] as [(Int, String, [HeaderField], RetryAfter?)]
    )
    func `a wait is found where servers write it`(status: Int, body: String, headers: [HeaderField], wait: RetryAfter?)
    {
        let finding = Judge(token: Sample.token()).finding(on: Reply.json(status, body, headers))
        #expect(finding.retryAfter == wait)
    }

    @Test(arguments: [
        (RetryAfter.seconds(0), Duration.zero), (.seconds(1), .seconds(1)), (.seconds(3599), .seconds(3599)),
        (.seconds(3600), .seconds(3600)), (.seconds(3601), .seconds(3600)), (.seconds(31_536_000), .seconds(3600)),
        (.seconds(.max), .seconds(3600)), (.date(Sample.start), .zero),
        (.date(Sample.start.addingTimeInterval(-1)), .zero),
        (.date(Sample.start.addingTimeInterval(90.5)), .milliseconds(90_500)),
        (.date(Sample.start.addingTimeInterval(31_536_000)), .seconds(3600)), (.date(.distantFuture), .seconds(3600)),
        (.date(.distantPast), .zero),
    ])
    func `the wait is between nothing and an hour`(value: RetryAfter, expected: Duration) {
        #expect(value.wait(at: Sample.start) == expected)
    }
}

struct HTTPDateTests {
    @Test(arguments: [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199), ("Mon, 23 Nov 2026 10:00:00 UTC", 1_795_428_000),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799), ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777),
        ("Sun Nov  6 08:49:37 1994", 784_111_777), ("Monday, 23-Nov-26 10:00:00 GMT", 1_795_428_000),
    ])
    func `the form that servers send is read`(text: String, seconds: Double) {
        #expect(HTTPDate.parse(text) == Date(timeIntervalSince1970: seconds))
    }

    @Test(arguments: [
        "", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET", "06 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 99999 08:49:37 GMT", "Sun, 06 Nov 1994 x GMT", "Sun, 06 Nov 1994 08:49 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT", "Sunday, 06-Nov 08:49:37 GMT", "Sunday Nov  6 08:49:37 1994",
        "Sun Nov  6 08:49:37 94", "1994-11-06T08:49:37Z", "Sun, 06 Nov 1994 08:49:37 GMT x", ", , , , , ",
        "Sun, 06 Nov -1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37+02:00 GMT",
    ])
    func `anything else is no date`(text: String) {
        #expect(HTTPDate.parse(text) == nil)
    }

    @Test(arguments: ["99:99:99", "24:00:00", "08:60:00", "-1:00:00", "08:49:37.5", "08:49:60"])
    func `a time that does not exist does no harm`(time: String) {
        let date = HTTPDate.parse("Sun, 06 Nov 1994 \(time) GMT")
        #expect(date.map { abs($0.timeIntervalSince1970 - 784_111_777) < 10 * 86_400 } ?? true)
    }
}

struct WrittenTimeTests {
    @Test func `a time is written in UTC with milliseconds`() {
        #expect(Sample.start.rfc3339 == "2026-11-23T10:00:00.000Z")
        #expect(Date(timeIntervalSince1970: 1_795_428_307.12).rfc3339 == "2026-11-23T10:05:07.120Z")
        #expect(Sample.start.minuteUTC == "2026-11-23 10:00 UTC")
        #expect(Sample.start.dayUTC == "2026-11-23")
    }

    @Test func `every millisecond is read as it was written`() {
        var chance = SeededGenerator(seed: 7)
        for _ in 0..<2000 {
            let milliseconds = Int64.random(in: 0...4_102_444_800_000, using: &chance)
            let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
            let text = date.rfc3339
            let fraction = String(String(milliseconds % 1000 + 1000).dropFirst())
            #expect(text.hasSuffix(".\(fraction)Z"), "\(milliseconds) is written as \(text)")
            #expect(Date(rfc3339: text).map { Int64(($0.timeIntervalSince1970 * 1000).rounded()) } == milliseconds)
        }
    }

    @Test func `writing and reading again and again moves no time`() throws {
        var chance = SeededGenerator(seed: 8)
        for _ in 0..<500 {
            let first = try #require(
                Date(rfc3339: Date(timeIntervalSince1970: Double.random(in: 0...4e9, using: &chance)).rfc3339)
            )
            let second = try #require(Date(rfc3339: first.rfc3339))
            #expect(first == second)
        }
    }

    @Test(arguments: ["", "yesterday", "2026-11-23", "10:00:00Z", "2026-13-01T00:00:00Z"])
    func `what is no time is none`(text: String) {
        #expect(Date(rfc3339: text) == nil)
    }

    @Test func `the fraction may be missing`() {
        #expect(Date(rfc3339: "2026-11-23T10:00:00Z") == Sample.start)
    }

    @Test(arguments: [
        (1, Duration.seconds(5)), (2, .seconds(30)), (3, .seconds(120)), (4, .seconds(300)), (5, .seconds(900)),
        (6, .seconds(1800)),
        (1000, .seconds(1800)), (0, .seconds(5)), (-7, .seconds(5)),
    ])
    func `a failed delivery is tried again ever later`(attempts: Int, pause: Duration) {
        #expect(RetrySchedule.pause(after: attempts, retryAfter: nil, chance: 0) == pause)
        let spread = RetrySchedule.pause(after: attempts, retryAfter: nil, chance: 0.999)
        #expect(spread > pause && spread <= pause * 1.1)
        #expect(RetrySchedule.pause(after: attempts, retryAfter: .seconds(3000), chance: 0) == .seconds(3000))
        #expect(RetrySchedule.pause(after: attempts, retryAfter: .seconds(1), chance: 0) == pause)
        #expect(RetrySchedule.pause(after: attempts, retryAfter: .seconds(100_000), chance: 0) == .seconds(3600))
    }
}
