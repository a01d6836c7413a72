import FoundationEssentials
import TokenHealth
import Testing

/// What is written by hand must be what an encoder would write.
struct StatusTextTests {
    private func report(_ number: Int, _ state: StateName) -> TokenReport {
        var history = History()
        history.observe(.acceptedOwner, at: 0)
        if state == .invalid { history.die(at: 60) }
        var report = TokenReport(
            token: Sample.token(),
            belief: history.belief,
            uptime: Uptime(day: 0.9731, week: 1, month: nil),
            nextProbeAt: Sample.start.addingTimeInterval(0.0499)
        )
        report.state = state
        report.owner = number.isMultiple(of: 2) ? nil : "a \"quoted\" \\ näme\u{1}\n\u{2028}😀"
        report.expiresAt = Date(timeIntervalSince1970: number.isMultiple(of: 2) ? 0.0005 : 32_503_680_000)
        report.expirySource = .estimate
        report.usedBy = [
            Dependant(name: "a flow", owner: nil, url: "https://wiki.example.test/a"),
            Dependant(name: "", owner: "hr", url: nil),
        ]
        return report
    }

    private func head(_ problems: [String] = []) -> StatusHead {
        var monitor = MonitorReport(version: "0.1.0", pid: 4711, host: "srv1", startedAt: Sample.start)
        monitor.problems = problems
        monitor.healthy = problems.isEmpty
        return StatusHead(
            generatedAt: Sample.start,
            validUntil: Sample.start.addingTimeInterval(120),
            monitor: monitor,
            notifiers: [
                "oncall": NotifierReport(
                    state: .failing,
                    pending: 2,
                    oldestPendingAt: Sample.start,
                    lastError: "\"503\""
                ),
                "journal": NotifierReport(),
            ]
        )
    }

    /// The whole file, its tokens handed over in portions of two.
    private func file(_ head: StatusHead, _ tokens: [(name: TokenName, report: TokenReport)]) -> [UInt8] {
        var text = StatusText(head)
        let first = text.head(head)
        var rest: [UInt8] = []
        for start in stride(from: 0, to: tokens.count, by: 2) {
            rest += text.tokens(tokens[start..<min(start + 2, tokens.count)])
        }
        let last = text.head(head)
        #expect(first.count == last.count)
        return last + rest + StatusText.end
    }

    /// So many tokens as a document, and as they are written.
    private func written(_ count: Int) -> (document: StatusDocument, text: [UInt8]) {
        let states = StateName.allCases
        let tokens = (0..<count).map { (name: Sample.name("bot-\($0)"), report: report($0, states[$0 % states.count])) }
        let head = head(count == 5 ? ["a \"problem\"\nof two lines"] : [])
        let document = StatusDocument(
            generatedAt: head.generatedAt,
            validUntil: head.validUntil,
            monitor: head.monitor,
            tokens: Dictionary(uniqueKeysWithValues: tokens.map { ($0.name, $0.report) }),
            notifiers: head.notifiers
        )
        return (document, file(head, tokens))
    }

    @Test(arguments: [0, 1, 2, 5, 1000]) func `it is the document`(count: Int) throws {
        let (document, text) = written(count)
        let expected = try Wire.encoder().encode(document)
        #expect(JSONValue(parsing: text) == JSONValue(parsing: Array(expected)))
        #expect(try Wire.decoder().decode(StatusDocument.self, from: Data(text)).summary == document.summary)
    }

    @Test(arguments: [0, 1000]) func `all but the tokens can be read without reading them`(count: Int) throws {
        let (whole, text) = written(count)
        var expected = whole
        expected.tokens = [:]
        #expect(try StatusDocument(of: [], in: Data(text)) == expected)
        let foreign = try Wire.encoder().encode(whole)
        #expect(try StatusDocument(of: [], in: foreign).monitor == whole.monitor)
        #expect(throws: DecodingError.self) { try StatusDocument(of: [], in: Data(text.prefix(50))) }
    }

    @Test(arguments: [["bot-0"], ["bot-1"], ["bot-4"], ["bot-4", "bot-0", "bot-4"], ["bot-2", "bot-3", "bot-1"]])
    func `some tokens can be read without reading the others`(names: [String]) throws {
        let (_, text) = written(5)
        var expected = try Wire.decoder().decode(StatusDocument.self, from: Data(text))
        expected.tokens = expected.tokens.filter { names.contains($0.key) }
        #expect(expected.tokens.count == Set(names).count)
        #expect(try StatusDocument(of: names, in: Data(text)) == expected)
        // The bytes of a slice are not counted from zero.
        let padded = Data([UInt8](repeating: 0x20, count: 5000) + text)
        #expect(try StatusDocument(of: names, in: padded[5000...]) == expected)
    }

    @Test(arguments: [["bot-10"], ["bot"], ["bot-1", "x"], [#"bot-1":{"state"#], ["\n"], [""], ["worst"]])
    func `what is no token of the file is none of the document`(names: [String]) throws {
        let (whole, text) = written(10)
        let document = try StatusDocument(of: names, in: Data(text))
        #expect(Set(document.tokens.keys) == Set(names).intersection(["bot-1"]))
        #expect(document.monitor == whole.monitor)
    }

    @Test func `a file that ends within a line is none`() {
        let (_, text) = written(5)
        for length in stride(from: text.count - 4, to: 0, by: -7) {
            #expect(throws: DecodingError.self) { try StatusDocument(of: ["bot-4"], in: Data(text.prefix(length))) }
        }
    }

    @Test func `a census counts every state, and knows the worst`() {
        #expect(StateCensus().worst == .valid)
        var census = StateCensus()
        for (number, state) in StateName.allCases.enumerated() {
            for _ in 0...number { census.count(state) }
        }
        for (number, state) in StateName.allCases.enumerated() { #expect(census[state] == number + 1) }
        #expect(census.tokens == 36)
        #expect(census.worst == .invalid)
        #expect(StateCensus([.valid, .unknown, .pending]).worst == .unknown)
    }
}

struct TimestampTextTests {
    @Test(arguments: 0..<20) func `times are written as Foundation writes them`(seed: UInt64) throws {
        var chance = SeededGenerator(seed: seed)
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        for _ in 0..<500 {
            // Whole milliseconds from 1583, before which Foundation counts by the Julian calendar, to 9999; it cuts where it
            // should round.
            let milliseconds = Int64.random(in: -12_212_553_600_000...253_402_300_799_999, using: &chance)
            let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
            let inside = Date(timeIntervalSince1970: (Double(milliseconds) + 0.5) / 1000)
            #expect(date.rfc3339 == inside.formatted(style))
        }
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (-0.001, "1969-12-31T23:59:59.999Z"),
        (951_782_400, "2000-02-29T00:00:00.000Z"),
        (4_107_542_399.9996, "2100-03-01T00:00:00.000Z"), (1_795_428_000.0004, "2026-11-23T10:00:00.000Z"),
    ]) func `leap days and borders`(seconds: Double, text: String) {
        #expect(Date(timeIntervalSince1970: seconds).rfc3339 == text)
    }

    @Test(arguments: 0..<20) func `what is written is read again as it was`(seed: UInt64) throws {
        var chance = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let milliseconds = Int64.random(in: -12_212_553_600_000...253_402_300_799_999, using: &chance)
            let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
            #expect(Date(rfc3339: date.rfc3339) == date)
        }
    }

    @Test(arguments: [
        "2026-02-29T00:00:00.000Z", "2100-02-29T00:00:00.000Z", "2026-04-31T00:00:00.000Z", "2026-13-01T00:00:00.000Z",
        "2026-00-01T00:00:00.000Z", "2026-01-00T00:00:00.000Z", "2026-01-32T00:00:00.000Z", "2026-01-01T24:00:00.000Z",
        "2026-01-01T00:60:00.000Z", "2026-01-01T00:00:60.000Z", "2024-02-29T23:59:59.999Z", "2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00.5Z", "2026-01-01t00:00:00.000z", "2026-01-01 00:00:00.000Z", "2026-01-01T00:00:00.000+",
        "1500-03-01T00:00:00.000Z", "-026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.0 0Z", "", "2026-11-28", "now",
        "2026-01-01T00:00:00.000ZZ", "٢٠٢٦-01-01T00:00:00Z", "2026-01-01T00:00:00.000\u{0}",
    ]) func `what is read is what Foundation reads`(text: String) {
        let style = Date.ISO8601FormatStyle()
        let fractional = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        let expected = (try? Date(text, strategy: fractional)) ?? (try? Date(text, strategy: style))
        // Foundation's is now and then a little beside the millisecond.
        #expect(Date(rfc3339: text)?.rfc3339 == expected?.rfc3339)
    }

    @Test func `a year of five digits does not trap`() {
        #expect(!Date(timeIntervalSince1970: 1e15).rfc3339.isEmpty)
        #expect(!Date(timeIntervalSince1970: -1e15).rfc3339.isEmpty)
    }
}
