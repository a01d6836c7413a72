import FoundationEssentials

/// One token as a monitoring plugin tells of it.
struct TokenLook {
    let name: String
    let report: TokenReport
    let status: PluginStatus
    /// Until it expires; negative when that is over, `nil` where nobody knows.
    let secondsLeft: Int?
    private let brokenRange: PluginRange?

    init(name: String, report: TokenReport, thresholds: TokenPlugin.Thresholds, now: Date) {
        self.name = name
        self.report = report
        let seconds = report.expiresAt?.timeIntervalSince(now)
        secondsLeft = seconds.flatMap { Int(exactly: $0.rounded(.down)) }
        let broken = seconds.flatMap { thresholds.broken(by: $0 / 86_400) }
        brokenRange = broken?.range
        status = PluginStatus.worst(of: [PluginStatus(of: report.state)] + (broken.map { [$0.status] } ?? []))
    }

    /// When it expires, for a person; `nil` where nobody knows.
    var expiryText: String? {
        guard let secondsLeft else { return nil }
        let estimate = report.expirySource == .estimate ? " (an estimate)" : ""
        guard secondsLeft >= 0 else { return "expired \(Duration.seconds(-secondsLeft).short) ago\(estimate)" }
        return "expires in \(Duration.seconds(secondsLeft).short)\(estimate)"
    }

    /// What is wrong with it, in few words.
    func sentence(isExplaining: Bool) -> String {
        var parts: [String] = []
        if report.state != .valid { parts.append("\(stateText) since \(report.since.minuteUTC)") }
        if let brokenRange, let expiryText { parts.append("\(expiryText) (range \(brokenRange))") }
        let sentence = "\(name) " + parts.joined(separator: ", ")
        return isExplaining && report.state != .valid ? "\(sentence): \(report.explanation)" : sentence
    }

    private var stateText: String {
        report.state.rawValue + (report.reason.map { " (\($0))" } ?? "")
    }

    /// A line of its own; in full, all that is known below it.
    func lines(inFull: Bool) -> [String] {
        let accepted = report.lastAcceptedAt.map { "last accepted \($0.secondUTC)" } ?? "never accepted"
        let facts: [String?] = [
            "[\(status.word)] \(name) \(stateText) since \(report.since.minuteUTC)", accepted, expiryText,
            report.owner.map { "owner \($0)" }, report.incident?.acknowledged.map { "acknowledged by \($0)" },
            report.incident?.silencedUntil.map { "silenced until \($0.minuteUTC)" },
        ]
        let first = facts.compactMap { $0 }.joined(separator: "; ")
        return inFull ? [first] + fullFacts.map { "  \($0)" } : [first]
    }

    private var fullFacts: [String] {
        let identity = report.identity.map { "identity \($0.name ?? $0.id)" }
        let probe = report.lastProbe.map { probe in
            let http = probe.httpStatus.map { ", HTTP \($0)" } ?? ""
            let latency = probe.latencyMilliseconds.map { ", \($0) ms" } ?? ""
            return "last probe \(probe.at.secondUTC): \(probe.verdict.rawValue)\(http)\(latency)"
        }
        let facts: [String?] = [
            report.explanation.isEmpty ? nil : report.explanation, "provider \(report.provider)", identity, probe,
            report.nextProbeAt.map { "next probe \($0.secondUTC)" },
        ]
        let users = report.usedBy.map { "used by \($0.name)" + ($0.owner.map { " (\($0))" } ?? "") }
        return facts.compactMap { $0 } + users
    }
}
