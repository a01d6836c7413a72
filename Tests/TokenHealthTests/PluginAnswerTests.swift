import Testing
import TokenHealth

/// What a plugin prints, whatever is in the words it is given.
struct PluginAnswerTests {
    @Test(arguments: [
        ("valid", "valid=1;;;0;2"),
        ("hr-onboarding_v2.1", "hr-onboarding_v2.1=1;;;0;2"),
        ("hr onboarding", "'hr onboarding'=1;;;0;2"),
        ("it's", "'it''s'=1;;;0;2"),
        ("a=b", "a_b=1;;;0;2"),
        ("a|b\nc", "'a/b c'=1;;;0;2"),
        ("züge", "'züge'=1;;;0;2"),
        ("", "''=1;;;0;2"),
    ])
    func `a label is quoted where it needs it, and never breaks the line`(label: String, text: String) {
        #expect(PerformanceDatum.count(label, 1, of: 2).description == text)
    }

    @Test func `numbers carry their unit, thresholds and ends`() throws {
        #expect(PerformanceDatum.length("age", milliseconds: 84).description == "age=0.084s;;;0")
        #expect(PerformanceDatum.length("age", milliseconds: 12_000).description == "age=12s;;;0")
        let day = try #require(PluginRange("86400:"))
        let hour = try #require(PluginRange("@3600"))
        let until = PerformanceDatum.until("expiry", seconds: -7, warning: day, critical: hour)
        #expect(until.description == "expiry=-7s;86400:;@3600")
        let harsh = PerformanceDatum.until("expiry", seconds: 7, warning: nil, critical: hour)
        #expect(harsh.description == "expiry=7s;;@3600")
        let plain = PerformanceDatum.until("expiry", seconds: 7, warning: nil, critical: nil)
        #expect(plain.description == "expiry=7s")
    }

    @Test func `a hostile word begins no performance data and no line`() {
        let hostile = "evil | valid=9\nTOKENVIGIL OK\u{1B}[2J\u{2028}\u{202E}x"
        let answer = PluginAnswer(.critical, hostile, data: [.count("valid", 0, of: 1)], details: ["  \(hostile)"])
        #expect(
            answer.lines == [
                "TOKENVIGIL CRITICAL - evil / valid=9 TOKENVIGIL OK [2J x | valid=0;;;0;1",
                "  evil / valid=9 TOKENVIGIL OK [2J x",
            ]
        )
    }

    @Test func `without numbers there is no separator`() {
        #expect(PluginAnswer(.unknown, "no status file").lines == ["TOKENVIGIL UNKNOWN - no status file"])
    }

    @Test func `a long text does not push out the numbers`() throws {
        let answer = PluginAnswer(.ok, String(repeating: "word ", count: 5000), data: [.count("valid", 1, of: 1)])
        let line = try #require(answer.lines.first)
        #expect(line.utf8.count < 4096)
        #expect(line.hasSuffix("... | valid=1;;;0;1"))
    }

    @Test(
        arguments: [
            ([], PluginStatus.ok), ([.ok, .warning], .warning), ([.warning, .unknown], .unknown),
            ([.unknown, .critical, .ok], .critical), ([.ok, .ok], .ok),
        ] as [([PluginStatus], PluginStatus)]
    )
    func `a death outweighs what is not known, and that what is limited`(all: [PluginStatus], worst: PluginStatus) {
        #expect(PluginStatus.worst(of: all) == worst)
    }

    @Test(arguments: [
        (StateName.valid, PluginStatus.ok), (.limited, .warning), (.suspect, .warning), (.invalid, .critical),
        (.unknown, .unknown), (.blind, .unknown), (.misconfigured, .unknown), (.pending, .unknown),
    ])
    func `each state has its exit code`(state: StateName, status: PluginStatus) {
        #expect(PluginStatus(of: state) == status)
        #expect(PluginStatus.allCases.map(\.rawValue) == [0, 1, 2, 3])
    }
}
