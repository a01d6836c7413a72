import FoundationEssentials
import Testing
import TokenHealth

/// What the plugin says of tokens.
struct TokenPluginTests {
    private static let day = 86_400.0
    private let now = Sample.start

    private func report(
        _ state: StateName = .valid,
        reason: String? = nil,
        daysLeft: Double? = nil,
        owner: String? = nil
    ) -> TokenReport {
        let belief = Belief(at: Sample.start)
        var report = TokenReport(token: Sample.token(), belief: belief, uptime: Uptime(), nextProbeAt: nil)
        report.state = state
        report.reason = reason
        report.explanation = "it was asked | and answered"
        report.owner = owner
        report.lastProbe = LastProbe(at: now, verdict: .accepted, httpStatus: 200, latencyMilliseconds: 84)
        report.expiresAt = daysLeft.map { now.addingTimeInterval($0 * TokenPluginTests.day) }
        return report
    }

    @Test func `a monitor that is not healthy is a warning where all tokens are asked for, and says why`() {
        var sick = document(["a": report(.valid), "b": report(.valid)], problems: ["notifier chat does not deliver"])
        sick.monitor.healthy = false
        func answer(_ names: [String]) -> PluginAnswer {
            TokenPlugin(document: sick, names: names, thresholds: .init(), now: now).answer(verbosity: 0)
        }
        #expect(answer([]).status == .warning)
        #expect(answer([]).text == "2 valid, the monitor: notifier chat does not deliver")
        #expect(answer(["a"]).status == .ok)
        sick.monitor.healthy = true
        #expect(answer([]).status == .ok)
    }

    private func document(_ reports: [String: TokenReport], problems: [String] = []) -> StatusDocument {
        let monitor = MonitorReport(
            version: "1.2.3",
            pid: 4711,
            host: "srv1",
            startedAt: now.addingTimeInterval(-60),
            problems: problems
        )
        var document = StatusDocument(
            generatedAt: now.addingTimeInterval(-2),
            validUntil: now.addingTimeInterval(60),
            monitor: monitor,
            tokens: [:],
            notifiers: [:]
        )
        document.tokens = reports
        return document
    }

    private func answer(
        _ reports: [String: TokenReport],
        names: [String] = [],
        warning: String? = nil,
        critical: String? = nil,
        verbosity: Int = 0
    ) -> PluginAnswer {
        let thresholds = TokenPlugin.Thresholds(
            warning: warning.flatMap { PluginRange($0) },
            critical: critical.flatMap { PluginRange($0) }
        )
        return TokenPlugin(
            document: document(reports, problems: ["oncall fails"]),
            names: names,
            thresholds: thresholds,
            now: now
        ).answer(verbosity: verbosity)
    }

    @Test func `all valid is one line, with the states and the age`() {
        let lines = answer(["a": report(), "b": report()]).lines
        #expect(
            lines == [
                "TOKENVIGIL OK - 2 valid | invalid=0;;;0;2 misconfigured=0;;;0;2 limited=0;;;0;2 blind=0;;;0;2 "
                    + "suspect=0;;;0;2 unknown=0;;;0;2 pending=0;;;0;2 valid=2;;;0;2 age=2s;;;0"
            ]
        )
    }

    @Test func `the worst comes first, and each says since when`() {
        let dead = report(.invalid, reason: "revoked")
        let answer = answer(["a": report(.limited, reason: "scope"), "b": dead, "c": report()])
        #expect(answer.status == .critical)
        #expect(answer.text == "b invalid (revoked) since \(now.minuteUTC), a limited (scope) since \(now.minuteUTC)")
    }

    @Test func `names leave out the others, and have numbers of their own`() {
        let reports = ["a": report(.invalid), "my b": report(daysLeft: 30)]
        let answer = answer(reports, names: ["my b"], warning: "14:", critical: "3:")
        #expect(answer.status == .ok)
        #expect(answer.text == "1 valid, next: my b expires in 30 d")
        let numbers = answer.data.map(\.description).suffix(2)
        #expect(numbers == ["'my b_latency'=0.084s;;;0", "'my b_expiry'=2592000s;1209600:;259200:"])
    }

    @Test(arguments: [
        (30.0, PluginStatus.ok, ""), (14, .ok, ""), (13.9, .warning, "expires in 13 d 21 h (range 14:)"),
        (2.5, .critical, "expires in 2 d 12 h (range 3:)"), (-1, .critical, "expired 24 h ago (range 3:)"),
    ])
    func `a token that expires soon warns, and then is critical`(days: Double, status: PluginStatus, text: String) {
        let answer = answer(["a": report(daysLeft: days)], warning: "14:", critical: "3:")
        #expect(answer.status == status)
        #expect(status == .ok || answer.text == "a \(text)")
        #expect(answer.data.last?.description == "expiry=\(Int(days * 86_400))s;1209600:;259200:")
    }

    @Test func `a token of which nobody knows when it expires breaks no range`() {
        #expect(answer(["a": report()], warning: "14:", critical: "@~:99999").status == .ok)
    }

    @Test func `an expiry never makes a dead token less than dead, nor an unknown one known`() {
        #expect(answer(["a": report(.invalid, daysLeft: 5)], warning: "14:").status == .critical)
        #expect(answer(["a": report(.blind, daysLeft: 5)], warning: "14:").status == .unknown)
        let both = answer(["a": report(.limited, daysLeft: 5)], critical: "14:")
        #expect(both.status == .critical)
        #expect(both.text == "a limited since \(now.minuteUTC), expires in 5 d (range 14:)")
    }

    @Test func `an estimate is called one`() {
        var estimated = report(daysLeft: 1)
        estimated.expirySource = .estimate
        #expect(answer(["a": estimated], warning: "14:").text == "a expires in 24 h (an estimate) (range 14:)")
    }

    @Test func `of a thousand dead tokens ten are named`() {
        let reports = (0..<1000).map { ("t\($0)", report(.invalid, daysLeft: 9)) }
        let answer = answer(Dictionary(uniqueKeysWithValues: reports))
        #expect(answer.text.hasSuffix(", and 990 more"))
        #expect(answer.lines.count == 1)
        #expect(answer.lines[0].utf8.count < 1500)
    }

    @Test func `verbose explains on the same line`() {
        let lines = answer(["a": report(.blind), "b": report()], verbosity: 1).lines
        #expect(lines.count == 1)
        let text = "a blind since \(now.minuteUTC): it was asked / and answered; the monitor: oncall fails | "
        #expect(lines[0].contains(text))
    }

    @Test func `twice verbose adds a line for each token`() {
        let reports = ["a": report(.invalid, reason: "x|y\nz", owner: "o|p"), "b": report(daysLeft: 9)]
        let lines = answer(reports, verbosity: 2).lines
        #expect(
            lines.dropFirst() == [
                "[CRITICAL] a invalid (x/y z) since \(now.minuteUTC); never accepted; owner o/p",
                "[OK] b valid since \(now.minuteUTC); never accepted; expires in 9 d",
            ]
        )
    }

    @Test(arguments: [3, 4, 100])
    func `three times verbose tells all that is known`(verbosity: Int) {
        let lines = answer(["a": report()], verbosity: verbosity).lines
        #expect(lines[2] == "  it was asked / and answered")
        #expect(lines.contains("  last probe \(now.secondUTC): accepted, HTTP 200, 84 ms"))
        #expect(lines.contains { $0.hasPrefix("the monitor: tokenvigil 1.2.3 on srv1, process 4711") })
        #expect(lines.last == "  oncall fails")
    }
}
