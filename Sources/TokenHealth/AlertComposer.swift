package import FoundationEssentials

/// Puts a notice about a token into an alert.
package struct AlertComposer: Sendable {
    /// Name of this host, in every alert.
    package let host: String

    package init(host: String) {
        self.host = host
    }

    /// The alert for `notice`.
    ///
    /// - `report`: the token as it is now, after the decision.
    /// - `belief`: the same, as the core knows it.
    package func alert(
        for notice: Notice,
        token: WatchedToken,
        belief: Belief,
        report: TokenReport,
        at now: Date
    ) -> Alert {
        let lasted = notice.incident.map { Duration.seconds(now.timeIntervalSince($0.openedAt)) }
        let isOngoing = notice.incident != nil && notice.incident?.openedAt != now
        let severity = notice.kind == .reminder ? notice.incident?.kind.severity : nil
        return Alert(
            id: "\(token.name)-\(now.compactUTC)-\(notice.kind.shortName)",
            kind: notice.kind,
            severity: severity ?? notice.kind.severity,
            createdAt: now,
            incidentID: notice.incident?.id,
            summary: summary(of: notice, token: token, belief: belief, lasted: lasted, at: now) + " on \(host)",
            host: host,
            tokens: [report.named(token.name)],
            remedy: remedy(for: notice, token: token, belief: belief),
            causes: belief.state.name == .invalid ? token.provider.remedy.causes : [],
            lastedSeconds: isOngoing ? lasted.map { Int($0.components.seconds) } : nil
        )
    }

    private func summary(
        of notice: Notice,
        token: WatchedToken,
        belief: Belief,
        lasted: Duration?,
        at now: Date
    ) -> String {
        let reason = belief.state.reason.map { " (\($0))" } ?? ""
        let length = lasted.map(\.short) ?? ""
        switch notice.kind {
        case .invalidated: return "INVALID \(token.name)\(reason)"
        case .limited: return "LIMITED \(token.name)\(reason)"
        case .recovered: return "RECOVERED \(token.name) after \(length)"
        case .reminder: return "STILL \(belief.state.name.rawValue.uppercased()) \(token.name)\(reason) for \(length)"
        case .expiring: return "EXPIRING \(token.name) \(expiry(of: belief, at: now))"
        case .blind: return "BLIND \(token.name)\(reason)"
        case .sighted: return "SIGHT REGAINED \(token.name) after \(length)"
        case .identityChanged: return "IDENTITY CHANGED \(token.name)"
        case .replaced: return "REPLACED \(token.name)"
        case .misconfigured: return "MISCONFIGURED \(token.name)\(reason)"
        case .providerIncident, .providerRecovered, .notifierFailing, .notifierRecovered, .test:
            return "\(notice.kind.rawValue) \(token.name)"
        }
    }

    private func expiry(of belief: Belief, at now: Date) -> String {
        guard let expiresAt = belief.expiresAt else { return "soon" }
        let left = Duration.seconds(expiresAt.timeIntervalSince(now))
        let estimate = belief.expiryIsEstimated ? " (estimated)" : ""
        return left > .zero ? "in \(left.short)\(estimate)" : "since \(expiresAt.dayUTC)\(estimate)"
    }

    private func remedy(for notice: Notice, token: WatchedToken, belief: Belief) -> AlertRemedy {
        switch notice.kind {
        case .recovered, .sighted, .replaced, .providerRecovered, .notifierRecovered, .test:
            return AlertRemedy()
        case .blind, .providerIncident, .notifierFailing:
            return AlertRemedy(steps: [
                "Check the provider's status page and this host's network, DNS, proxy and clock.",
                "Nothing need be done about the token itself: nothing is known to be wrong with it.",
            ])
        case .misconfigured:
            return AlertRemedy(steps: ["Correct this: \(belief.explanation)", "tokenvigil probe \(token.name)"])
        case .invalidated, .identityChanged, .limited, .reminder, .expiring:
            return AlertRemedy(
                url: token.provider.remedy.url,
                steps: token.provider.remedy.steps,
                command: replacement(of: token)
            )
        }
    }

    /// The command that puts a new secret in place; it keeps the file's owner and mode, and nothing is echoed.
    private func replacement(of token: WatchedToken) -> String? {
        guard case .file(let path) = token.secret, path.utf8.allSatisfy(isPlain) else { return nil }
        return "sudo sh -c 'stty -echo; head -n 1 > \"\(path)\"; stty echo'"
    }

    /// Characters that mean nothing to a shell.
    private func isPlain(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || byte >= 0x80 || "/._-+@%".utf8.contains(byte)
    }
}
