import FoundationEssentials
import Testing
import TokenHealth
import VigilEngine

@testable import VigilServing

/// What Prometheus reads.
@Suite struct ExpositionTests {
    private let counts: Tally.Counts = {
        let tally = Tally()
        guard let name = TokenName("bot") else { return tally.counts }
        for milliseconds in [5, 84, 20_000] {
            let observation = Observation(
                Finding(.accepted(nil), "accepted"),
                latency: .milliseconds(milliseconds),
                at: Moment(wall: noon, uptime: .zero)
            )
            tally.note(observation, of: name)
        }
        tally.note(.delivered(at: noon), by: "oncall")
        tally.note(.postponed(until: noon, error: "x"), by: "oncall")
        tally.note(.postponed(until: noon, error: "x"), by: "oncall")
        return tally.counts
    }()

    private func lines(_ dialect: Exposition.Dialect = .text, counts: Tally.Counts? = nil) -> [Substring] {
        Exposition.text(of: document([.valid, .pending]), counts: counts, in: dialect).split(separator: "\n")
    }

    @Test func `a token is in one state`() {
        let states = lines().filter { $0.hasPrefix("tokenvigil_token_state{token=\"valid-bot\"") }
        #expect(states.count == StateName.allCases.count)
        #expect(
            states.filter { $0.hasSuffix(" 1") } == [
                #"tokenvigil_token_state{token="valid-bot",provider="example",state="valid"} 1"#
            ]
        )
    }

    @Test func `what is not known has no line`() {
        #expect(!lines().contains { $0.hasPrefix("tokenvigil_token_expiry_timestamp_seconds{") })
        #expect(
            lines().contains(#"tokenvigil_token_last_accepted_timestamp_seconds{token="valid-bot"} 1795435200.000"#)
        )
    }

    @Test func `quotes and backslashes in labels are escaped`() {
        #expect(lines().contains { $0.contains(#"owner="a \"b\" \\ c""#) })
    }

    @Test func `the outbox and the monitor are told`() {
        #expect(lines().contains(#"tokenvigil_outbox_alerts{notifier="oncall"} 2"#))
        #expect(lines().contains(#"tokenvigil_outbox_oldest_timestamp_seconds{notifier="oncall"} 1795435200.000"#))
        #expect(lines().contains("tokenvigil_healthy 1"))
        #expect(lines().contains("tokenvigil_config_last_reload_successful 1"))
        #expect(lines().contains(#"tokenvigil_build_info{version="0.0.0"} 1"#))
    }

    @Test func `probes and deliveries are counted`() {
        let lines = lines(counts: counts)
        #expect(lines.contains(#"tokenvigil_probes_total{token="bot",verdict="accepted"} 3"#))
        #expect(lines.contains(#"tokenvigil_deliveries_total{notifier="oncall",result="delivered"} 1"#))
        #expect(lines.contains(#"tokenvigil_deliveries_total{notifier="oncall",result="failed"} 2"#))
    }

    @Test func `the buckets of the histogram add up`() {
        let lines = lines(counts: counts)
        #expect(lines.contains(#"tokenvigil_probe_duration_seconds_bucket{le="0.01"} 1"#))
        #expect(lines.contains(#"tokenvigil_probe_duration_seconds_bucket{le="0.1"} 2"#))
        #expect(lines.contains(#"tokenvigil_probe_duration_seconds_bucket{le="10.0"} 2"#))
        #expect(lines.contains(#"tokenvigil_probe_duration_seconds_bucket{le="+Inf"} 3"#))
        #expect(lines.contains("tokenvigil_probe_duration_seconds_count 3"))
    }

    @Test func `OpenMetrics names the family of a counter without its suffix, and marks the end`() {
        let lines = lines(.openMetrics, counts: counts)
        #expect(lines.contains("# TYPE tokenvigil_probes counter"))
        #expect(lines.last == "# EOF")
        #expect(!self.lines().contains("# EOF"))
    }
}
