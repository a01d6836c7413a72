import FoundationEssentials
import TokenHealth

/// How the monitor itself is, in the form of draft-inadarei-api-health-check-06, section 3.
struct HealthAnswer: Encodable {
    /// Whether it does what it promises.
    enum Status: String, Encodable {
        case pass, fail
    }

    /// One thing that was looked at.
    struct Check: Encodable {
        let componentType: String
        let observedValue: Int
        let observedUnit: String
        let status: Status
        let time: Date
    }

    let status: Status
    let version: String?
    let description = "tokenvigil watches API tokens; this is its own health, not theirs"
    let output: String?
    let checks: [String: [Check]]

    /// - `document`: the newest one; `nil` where there is none yet.
    init(of document: StatusDocument?, at now: Date) {
        guard let document else {
            (status, version, output, checks) = (.fail, nil, "nothing is known yet", [:])
            return
        }
        let isStale = document.validUntil < now
        var problems = document.monitor.problems
        if isStale { problems.append("the watch stands still") }
        status = isStale || !document.monitor.healthy ? .fail : .pass
        version = document.monitor.version
        output = problems.isEmpty ? nil : problems.joined(separator: "; ")
        var checks = [
            "status:age": [
                Check(
                    componentType: "component",
                    observedValue: Int(max(0, now.timeIntervalSince(document.generatedAt).rounded(.down))),
                    observedUnit: "s",
                    status: isStale ? .fail : .pass,
                    time: now
                )
            ]
        ]
        for (name, report) in document.notifiers {
            let check = Check(
                componentType: "component",
                observedValue: report.pending,
                observedUnit: "alerts",
                status: report.state == .ok ? .pass : .fail,
                time: document.generatedAt
            )
            checks["\(name):outbox"] = [check]
        }
        self.checks = checks
    }
}
