import FoundationEssentials
import TokenHealth
import VigilEngine

/// Sees in a story what no receiver can: that something is said too late, or is not so.
struct LedgerObserver {
    private(set) var faults: [String] = []
    /// Uptime since which nothing is known of a token, within one process.
    private var darkSince: [TokenName: Duration] = [:]
    private var movedAt: [TokenName: Date] = [:]
    /// How many looks in a row found no limit.
    private var looksWithoutLimits = 0
    private var providerIncidents: Set<String> = []

    /// A process has ended, or the host has slept: what has lasted is counted anew.
    mutating func forgetTimes() { darkSince = [:] }

    /// - Parameters:
    ///   - reports: of all tokens that are watched.
    ///   - tokens: as they are configured.
    ///   - alerts: all there were.
    ///   - now: the time.
    mutating func look(at reports: [StatusEdition.Line], of tokens: [WatchedToken], alerts: [Alert], at now: Moment) {
        let configured = Dictionary(tokens.map { ($0.name, $0) }) { first, _ in first }
        for (name, report) in reports {
            guard let token = configured[name] else { continue }
            lookForBlindness(name, report, token, at: now)
            lookForMistakes(name, report, token, at: now)
            look(forTheEndOf: name, report, alerts: alerts)
        }
        for alert in alerts where alert.kind == .providerIncident && providerIncidents.insert(alert.id).inserted {
            lookForWitnesses(against: alert, reports, configured)
        }
    }

    /// The other host accepts everybody.
    private mutating func lookForMistakes(
        _ name: TokenName,
        _ report: TokenReport,
        _ token: WatchedToken,
        at now: Moment
    ) {
        guard token.baseURL == ChangedSetting.otherHost else {
            movedAt[name] = nil
            return
        }
        let since = movedAt[name] ?? now.wall
        movedAt[name] = since
        guard report.state == .suspect, let probe = report.lastProbe, probe.verdict == .rejected, probe.at >= since
        else {
            return
        }
        faults.append("\(name) is suspected for what another host has said")
    }

    /// Nobody may be in the dark for longer than `blind_after` without being told, whatever the host asks for.
    private mutating func lookForBlindness(
        _ name: TokenName,
        _ report: TokenReport,
        _ token: WatchedToken,
        at now: Moment
    ) {
        guard report.state == .unknown else {
            darkSince[name] = nil
            return
        }
        let since = darkSince[name] ?? now.uptime
        darkSince[name] = since
        guard now.uptime - since > .seconds(1200) + token.interval * 2 else { return }
        faults.append("nothing is known of \(name) for \(now.uptime - since), and it is not called blind")
    }

    /// A provider is in no trouble while it accepts others, but for one in three perhaps.
    private mutating func lookForWitnesses(
        against alert: Alert,
        _ reports: [StatusEdition.Line],
        _ configured: [TokenName: WatchedToken]
    ) {
        for report in alert.tokens {
            guard let name = report.name,
                report.state == .valid || configured[name]?.baseURL == ChangedSetting.otherHost
            else { continue }
            faults.append("\(alert.id) is about \(name), which is \(report.state), or at another host")
        }
        let doubted = Set(alert.tokens.compactMap(\.name))
        guard let began = alert.tokens.compactMap(\.firstRejectedAt).min() else { return }
        let owners = Set(alert.tokens.map(\.owner)).count
        var witnesses: Set<String?> = []
        for (name, report) in reports where !doubted.contains(name) && report.state == .valid {
            guard configured[name]?.baseURL != ChangedSetting.otherHost, let accepted = report.lastAcceptedAt,
                accepted > began, accepted < alert.createdAt
            else { continue }
            witnesses.insert(report.owner)
        }
        if witnesses.count * 3 > owners { faults.append("\(alert.id) although tokens of \(witnesses) were accepted") }
    }

    /// No token may wait for a limit that there is not.
    mutating func note(late names: [TokenName], among tokens: [WatchedToken]) {
        let isUnlimited = tokens.allSatisfy { $0.provider.limits == ProviderLimits() }
        looksWithoutLimits = isUnlimited ? looksWithoutLimits + 1 : 0
        guard looksWithoutLimits > 20, let name = names.first else { return }
        faults.append("\(name) is not probed in time")
    }

    /// The end of a death is never held back.
    private mutating func look(forTheEndOf name: TokenName, _ report: TokenReport, alerts: [Alert]) {
        guard report.state == .valid, let incident = report.incident else { return }
        let isDeath = alerts.contains {
            $0.incidentID == incident.id && ($0.kind == .invalidated || $0.kind == .identityChanged)
                && $0.tokens.contains { $0.name == name }
        }
        if isDeath { faults.append("the end of the death of \(name) is held back") }
    }
}
