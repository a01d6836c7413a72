import FoundationEssentials
package import TokenHealth
package import VigilEngine

/// What is known, as Prometheus and its like read it.
///
/// Two dialects: the text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/), which the textfile
/// collector of node_exporter reads, and OpenMetrics 1.0, where the family of a counter has no `_total`, and the end is
/// marked.
package struct Exposition {
    /// How it is written.
    package enum Dialect: Sendable, Hashable {
        case text, openMetrics

        /// The media type.
        package var type: String {
            switch self {
            case .text: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

    private let dialect: Dialect
    private var lines = ""

    /// Writes everything.
    ///
    /// - Parameters:
    ///   - document: what is known now.
    ///   - counts: what has happened; `nil` outside of the daemon.
    ///   - dialect: how it is written.
    /// - Returns: the text, with its last line break.
    package static func text(of document: StatusDocument, counts: Tally.Counts?, in dialect: Dialect) -> String {
        var exposition = Exposition(dialect: dialect)
        exposition.add(document)
        if let counts { exposition.add(counts) }
        if dialect == .openMetrics { exposition.lines += "# EOF\n" }
        return exposition.lines
    }

    private init(dialect: Dialect) {
        self.dialect = dialect
    }

    // MARK: - What is known

    private mutating func add(_ document: StatusDocument) {
        let tokens = document.tokens.sorted { $0.key < $1.key }
        family("tokenvigil_token_state", .gauge, "1 for the state the token is in, 0 for the others.")
        for (name, report) in tokens {
            for state in StateName.allCases {
                let labels = [("token", name), ("provider", report.provider), ("state", state.rawValue)]
                sample("tokenvigil_token_state", labels, report.state == state ? "1" : "0")
            }
        }
        family("tokenvigil_token_info", .gauge, "Always 1; what is known of the token, as labels.")
        for (name, report) in tokens {
            let labels = [
                ("token", name), ("provider", report.provider), ("owner", report.owner ?? ""),
                ("fingerprint", report.fingerprint?.text ?? ""),
            ]
            sample("tokenvigil_token_info", labels, "1")
        }
        times("tokenvigil_token_last_accepted_timestamp_seconds", "When the token was last accepted.", tokens) {
            $0.lastAcceptedAt
        }
        times("tokenvigil_token_expiry_timestamp_seconds", "When the token expires, where that is known.", tokens) {
            $0.expiresAt
        }
        add(document.notifiers)
        family("tokenvigil_last_cycle_timestamp_seconds", .gauge, "When the watch last looked over everything.")
        sample("tokenvigil_last_cycle_timestamp_seconds", [], document.generatedAt.secondsText)
        family("tokenvigil_healthy", .gauge, "1 while the monitor does all it promises, see monitor.problems.")
        sample("tokenvigil_healthy", [], document.monitor.healthy ? "1" : "0")
        let isReloaded = document.monitor.lastReloadSuccessful ?? true
        family("tokenvigil_config_last_reload_successful", .gauge, "1 if the configuration that was read last is used.")
        sample("tokenvigil_config_last_reload_successful", [], isReloaded ? "1" : "0")
        family("tokenvigil_build_info", .gauge, "Always 1; the version of the program.")
        sample("tokenvigil_build_info", [("version", document.monitor.version)], "1")
    }

    private mutating func add(_ notifiers: [String: NotifierReport]) {
        family("tokenvigil_outbox_alerts", .gauge, "Alerts that a notifier still has to deliver.")
        for (name, report) in notifiers.sorted(by: { $0.key < $1.key }) {
            sample("tokenvigil_outbox_alerts", [("notifier", name)], String(report.pending))
        }
        family("tokenvigil_outbox_oldest_timestamp_seconds", .gauge, "Since when the oldest of them has waited.")
        for (name, report) in notifiers.sorted(by: { $0.key < $1.key }) {
            guard let oldest = report.oldestPendingAt else { continue }
            sample("tokenvigil_outbox_oldest_timestamp_seconds", [("notifier", name)], oldest.secondsText)
        }
    }

    private mutating func times(
        _ name: String,
        _ help: String,
        _ tokens: [(key: String, value: TokenReport)],
        _ time: (TokenReport) -> Date?
    ) {
        family(name, .gauge, help)
        for (token, report) in tokens {
            guard let time = time(report) else { continue }
            sample(name, [("token", token)], time.secondsText)
        }
    }

    // MARK: - What has happened

    private mutating func add(_ counts: Tally.Counts) {
        family("tokenvigil_probes_total", .counter, "Looks at a token, by what they gave.")
        let probes = counts.probes.sorted {
            ($0.key.token, $0.key.verdict.rawValue) < ($1.key.token, $1.key.verdict.rawValue)
        }
        for (key, count) in probes {
            let labels = [("token", key.token.text), ("verdict", key.verdict.rawValue)]
            sample("tokenvigil_probes_total", labels, String(count))
        }
        family("tokenvigil_deliveries_total", .counter, "Attempts to deliver an alert, by what became of them.")
        let deliveries = counts.deliveries.sorted {
            ($0.key.notifier, $0.key.result.rawValue) < ($1.key.notifier, $1.key.result.rawValue)
        }
        for (key, count) in deliveries {
            let labels = [("notifier", key.notifier), ("result", key.result.rawValue)]
            sample("tokenvigil_deliveries_total", labels, String(count))
        }
        add(counts.durations)
    }

    private mutating func add(_ durations: Tally.Durations) {
        let name = "tokenvigil_probe_duration_seconds"
        family(name, .histogram, "How long probes took that got an answer.")
        var count = 0
        for (bound, bucket) in zip(Tally.Durations.bounds.map { "\($0)" } + ["+Inf"], durations.buckets) {
            count += bucket
            sample("\(name)_bucket", [("le", bound)], String(count))
        }
        sample("\(name)_sum", [], "\(durations.sum)")
        sample("\(name)_count", [], String(count))
    }

    // MARK: - Lines

    private enum Kind: String {
        case gauge, counter, histogram
    }

    private mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        let isBare = dialect == .openMetrics && kind == .counter && name.hasSuffix("_total")
        let family = isBare ? String(name.dropLast("_total".count)) : name
        lines += "# HELP \(family) \(help)\n# TYPE \(family) \(kind.rawValue)\n"
    }

    private mutating func sample(_ name: String, _ labels: [(String, String)], _ value: String) {
        lines += name
        if !labels.isEmpty {
            let pairs = labels.map { "\($0.0)=\"\(Exposition.escaped($0.1))\"" }
            lines += "{\(pairs.joined(separator: ","))}"
        }
        lines += " \(value)\n"
    }

    private static func escaped(_ value: String) -> String {
        guard value.utf8.contains(where: { $0 == 0x5C || $0 == 0x22 || $0 == 0x0A }) else { return value }
        return value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}

extension Date {
    /// Seconds since 1970 with milliseconds.
    fileprivate var secondsText: String {
        let milliseconds = Int64((timeIntervalSince1970 * 1000).rounded())
        let rest = abs(milliseconds % 1000)
        return "\(milliseconds / 1000).\(rest < 100 ? "0" : "")\(rest < 10 ? "0" : "")\(rest)"
    }
}
