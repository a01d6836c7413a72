package import FoundationEssentials

/// Puts notices about tokens into an alert.
package struct AlertComposer: Sendable {
    /// Name of this host, in every alert.
    package let host: String

    package init(host: String) {
        self.host = host
    }

    /// One token of an alert, with what is to be said of it.
    package struct Subject: Sendable {
        let token: WatchedToken
        let belief: Belief
        let report: TokenReport
        package let notice: Notice
        let noticedAt: Date
        let siblings: [SiblingEvidence]
        let lastDays: DayBar?

        /// - Parameters:
        ///   - token: what is watched.
        ///   - belief: what is known of it now.
        ///   - report: the same, as programs see it.
        ///   - notice: what is to be said.
        ///   - noticedAt: when that came up.
        ///   - siblings: how tokens that share something with it are doing.
        ///   - lastDays: what it was on each of the last ``Alert/shownDays``.
        package init(
            token: WatchedToken,
            belief: Belief,
            report: TokenReport,
            notice: Notice,
            noticedAt: Date,
            siblings: [SiblingEvidence] = [],
            lastDays: DayBar? = nil
        ) {
            self.token = token
            self.belief = belief
            self.report = report
            self.notice = notice
            self.noticedAt = noticedAt
            self.siblings = siblings
            self.lastDays = lastDays
        }

        /// Of the alert that begins with it: a token has one notice of a kind at a time.
        fileprivate var id: String {
            let part = notice.ending.map { "\(notice.kind.idPart)-\($0.rawValue)" } ?? notice.kind.idPart
            return "\(token.name)-\(noticedAt.compactUTC)-\(notice.isEscalation ? "escalation" : part)"
        }

        /// Whose it was when people were first told of the incident; `nil` where it still is.
        fileprivate var formerLabels: IncidentLabels? {
            guard let labels = notice.incident?.labels else { return nil }
            return labels.provider == report.provider && labels.owner == report.owner ? nil : labels
        }

        fileprivate var evidence: Evidence { Evidence(token: token, belief: belief, siblings: siblings) }
    }

    /// The alert that tells all of `subjects`, at least one, whose notices are of one kind.
    ///
    /// `openTokens`: how many tokens of the same incident are still in a bad state.
    package func alert(telling subjects: [Subject], openTokens: Int, at now: Date) -> Alert? {
        guard let first = subjects.first else { return nil }
        let kind = first.notice.kind
        let openedAt = subjects.compactMap { $0.notice.incident?.openedAt }.min()
        let isOngoing = first.notice.incident != nil && first.notice.incident?.openedAt != first.noticedAt
        // What was over before it could be told has lasted until then, not until now.
        let end = first.notice.endsIncident ? subjects.map(\.noticedAt).max() ?? now : now
        let lasted = openedAt.map { Duration.seconds(end.timeIntervalSince($0)) }
        let severity =
            kind == .reminder ? first.notice.incident?.kind.severity : first.notice.ending == nil ? nil : Severity.info
        let isDeath = subjects.contains { $0.belief.state.name == .invalid }
        return Alert(
            id: first.id,
            kind: kind,
            severity: severity ?? kind.severity,
            createdAt: now,
            incidentID: first.notice.incident?.sharedID,
            incidentKind: first.notice.incident?.toldKind,
            formerKind: kind.beginsIncident ? first.notice.incident?.formerKind : nil,
            otherKinds: otherKinds(of: subjects),
            ending: first.notice.ending,
            labels: Dictionary(
                subjects.prefix(Alert.mostTokens).compactMap { one in one.formerLabels.map { (one.token.name.text, $0) }
                }
            ) { first, _ in first },
            summary: summary(of: subjects, lasted: lasted, at: now) + delay(of: first) + " on \(host)",
            host: host,
            tokens: subjects.prefix(Alert.mostTokens).map { $0.report.named($0.token.name) },
            omittedTokens: max(0, subjects.count - Alert.mostTokens),
            openTokens: openTokens,
            remedy: first.notice.endsIncident ? AlertRemedy() : remedy(for: kind, subjects: subjects),
            causes: isDeath ? first.token.provider.remedy.causes : [],
            lastedSeconds: isOngoing ? lasted.map { Int($0.components.seconds) } : nil,
            evidence: first.notice.ending == .removed ? [] : subjects.prefix(Alert.mostEvidence).map(\.evidence),
            lastDays: Dictionary(
                subjects.prefix(Alert.mostDayBars).compactMap { one in one.lastDays.map { (one.token.name, $0) } }
            ) { first, _ in first }
        )
    }

    /// The alert that an API rejects so many of its tokens together, or accepts them again.
    ///
    /// - Parameters:
    ///   - kind: `providerIncident` or `providerRecovered`.
    ///   - incident: the provider's.
    ///   - ending: how it ends; `nil` where all is well again.
    ///   - realm: which API.
    ///   - reports: the tokens, with their names; the first of them are shown.
    ///   - total: how many there are.
    ///   - grace: how long they are not taken for dead.
    ///   - now: the time.
    /// - Returns: the alert.
    package func providerAlert(
        _ kind: AlertKind,
        incident: ProviderIncident,
        ending: IncidentEnding? = nil,
        realm: RealmName,
        reports: [TokenReport],
        total: Int,
        grace: Duration,
        at now: Date
    ) -> Alert {
        let lasted = Duration.seconds(now.timeIntervalSince(incident.incident.openedAt))
        let hasEnded = kind.endsIncident
        let summary =
            ending == .removed
            ? "PROVIDER NO LONGER WATCHED \(realm.provider), in trouble for \(lasted.short)"
            : hasEnded
                ? "PROVIDER RECOVERED \(realm.provider) after \(lasted.short)"
                : "PROVIDER INCIDENT \(realm.provider) rejects \(total) tokens at once"
        let steps = [
            "Check the status page of \(realm.provider), and whether something between it and this host removes the "
                + "Authorization header.",
            "Replace no token yet: if this lasts longer than \(grace.short), a list of the dead ones follows.",
        ]
        return Alert(
            id: "\(incident.incident.id)-\(kind.idPart)",
            kind: kind,
            severity: kind.severity,
            createdAt: now,
            incidentID: incident.incident.id,
            incidentKind: incident.incident.kind,
            ending: ending,
            summary: summary + " on \(host)",
            host: host,
            tokens: Array(reports.prefix(Alert.mostTokens)),
            omittedTokens: max(0, total - min(reports.count, Alert.mostTokens)),
            openTokens: hasEnded ? 0 : total,
            remedy: hasEnded ? AlertRemedy() : AlertRemedy(steps: steps),
            lastedSeconds: hasEnded ? Int(lasted.components.seconds) : nil
        )
    }

    /// The alert that a notifier does not deliver, or delivers again.
    ///
    /// - Parameters:
    ///   - kind: `notifierFailing` or `notifierRecovered`.
    ///   - notifier: its name.
    ///   - incident: the notifier's.
    ///   - detail: why, in the words of the last attempt.
    ///   - ending: how it ends where the notifier does not deliver again.
    ///   - now: the time.
    /// - Returns: the alert.
    package func notifierAlert(
        _ kind: AlertKind,
        notifier: String,
        incident: Incident,
        detail: String,
        ending: IncidentEnding? = nil,
        at now: Date
    ) -> Alert {
        let lasted = Duration.seconds(now.timeIntervalSince(incident.openedAt))
        let summary =
            !kind.endsIncident
            ? "NOTIFIER FAILING \(notifier) (\(detail))"
            : ending == .removed
                ? "NOTIFIER REMOVED \(notifier), failing for \(lasted.short)"
                : "NOTIFIER RECOVERED \(notifier) after \(lasted.short)"
        let steps = [
            "tokenvigil notify outbox lists what waits, since when and why; nothing is lost meanwhile.",
            "Then: tokenvigil notify test \(notifier)",
        ]
        return Alert(
            id: "\(incident.id)-\(kind.idPart)",
            kind: kind,
            severity: kind.severity,
            createdAt: now,
            incidentID: incident.id,
            ending: ending,
            summary: summary + " on \(host)",
            host: host,
            remedy: kind.endsIncident ? AlertRemedy() : AlertRemedy(steps: steps),
            lastedSeconds: kind.endsIncident ? Int(lasted.components.seconds) : nil
        )
    }

    /// What else programs may know the incidents by that end.
    private func otherKinds(of subjects: [Subject]) -> [AlertKind]? {
        guard subjects[0].notice.endsIncident else { return nil }
        var kinds: [AlertKind] = []
        for kind in subjects.flatMap({ $0.notice.incident?.otherKindsTold ?? [] }) where !kinds.contains(kind) {
            kinds.append(kind)
        }
        return kinds.isEmpty ? nil : kinds
    }

    private func summary(of subjects: [Subject], lasted: Duration?, at now: Date) -> String {
        let first = subjects[0]
        let what = subjects.count == 1 ? first.token.name.text : crowd(subjects)
        let reason = commonReason(of: subjects).map { " (\($0))" } ?? ""
        let length = lasted.map(\.short) ?? ""
        switch first.notice.kind {
        case .invalidated:
            let isAgain = first.notice.incident?.isOfNewSecret ?? false
            return "INVALID \(what)\(reason)" + (isAgain ? ", its new secret too" : "")
        case .limited: return "LIMITED \(what)\(reason)" + frequency(of: subjects)
        case .recovered where first.notice.ending == .removed, .expiring where first.notice.ending == .removed:
            return
                "NO LONGER WATCHED \(what), \(first.notice.incident?.toldKind.stateWord ?? "in trouble") for \(length)"
        case .recovered: return "RECOVERED \(what) after \(length)" + story(of: subjects)
        case .reminder where first.notice.isEscalation:
            let state = first.belief.state.name.rawValue.uppercased()
            return "ESCALATED, not acknowledged for \(length): \(state) \(what)\(reason)"
        case .reminder: return "STILL \(first.belief.state.name.rawValue.uppercased()) \(what)\(reason) for \(length)"
        case .expiring where first.notice.ending == .outlived: return "NO LONGER EXPIRING \(what), which died before"
        case .expiring where first.notice.ending == .renewed:
            return "RENEWED \(what)"
                + (first.belief.expiresAt == nil ? "" : ", expires \(expiry(of: first.belief, at: now))")
        case .expiring: return "EXPIRING \(what) \(expiry(of: first.belief, at: now))"
        case .blind: return "BLIND \(what)\(reason)" + frequency(of: subjects)
        case .sighted: return "SIGHT REGAINED \(what) after \(length)" + story(of: subjects)
        case .identityChanged: return "IDENTITY CHANGED \(what)"
        case .replaced: return "REPLACED \(what)"
        case .misconfigured: return "MISCONFIGURED \(what)\(reason)" + frequency(of: subjects)
        case .providerIncident, .providerRecovered, .notifierFailing, .notifierRecovered, .test:
            return "\(first.notice.kind.rawValue) \(what)"
        }
    }

    /// That it comes and goes, and is told as one from now on.
    private func frequency(of subjects: [Subject]) -> String {
        guard subjects.count == 1, let count = subjects[0].notice.incident?.occurrence, count >= Belief.flapLimit else {
            return ""
        }
        return ", \(count) times within an hour: what follows is told as one, once all is well for 15 min"
    }

    /// What nobody was told of before it was over.
    private func story(of subjects: [Subject]) -> String {
        let first = subjects[0]
        if subjects.count == 1, let relapses = first.notice.incident?.relapses {
            return ", in which it came back \(relapses) \(relapses == 1 ? "time" : "times")"
        }
        guard first.notice.untold > 0, let incident = first.notice.incident else { return "" }
        guard subjects.count == 1 else { return ", all of it untold until now" }
        let span = "from \(incident.openedAt.minuteUTC) to \(first.noticedAt.minuteUTC)"
        let state = incident.kind.stateWord
        return first.notice.untold == 1
            ? ", was \(state) \(span)" : ", was \(state) \(first.notice.untold) times, the last time \(span)"
    }

    /// Since when it has been so, where it is told late.
    private func delay(of subject: Subject) -> String {
        guard subject.notice.isLate, subject.notice.kind.beginsIncident else { return "" }
        return " since \(subject.noticedAt.minuteUTC)"
    }

    /// So many tokens, and what they have in common.
    private func crowd(_ subjects: [Subject]) -> String {
        let owners = Set(subjects.map(\.token.owner))
        let owner = owners.count == 1 ? owners.first.flatMap { $0 } : nil
        let accounts = Set(subjects.map(\.belief.identity))
        let account = accounts.count == 1 ? accounts.first?.map { $0.name ?? $0.id } : nil
        return "\(subjects.count) tokens of \(owner ?? account ?? subjects[0].token.provider.name)"
    }

    private func commonReason(of subjects: [Subject]) -> String? {
        let reasons = Set(subjects.map(\.belief.state.reason))
        return reasons.count == 1 ? reasons.first.flatMap { $0 } : nil
    }

    private func expiry(of belief: Belief, at now: Date) -> String {
        guard let expiresAt = belief.expiresAt else { return "soon" }
        let left = Duration.seconds(expiresAt.timeIntervalSince(now))
        let estimate = belief.expiryIsEstimated ? " (estimated)" : ""
        return left > .zero ? "in \(left.short)\(estimate)" : "since \(expiresAt.dayUTC)\(estimate)"
    }

    private func remedy(for kind: AlertKind, subjects: [Subject]) -> AlertRemedy {
        let token = subjects[0].token
        switch kind {
        case .recovered, .sighted, .replaced, .providerRecovered, .notifierRecovered, .test:
            return AlertRemedy()
        case .blind, .providerIncident, .notifierFailing:
            return AlertRemedy(steps: [
                "Check the provider's status page and this host's network, DNS, proxy and clock.",
                "Nothing need be done about the token itself: nothing is known to be wrong with it.",
            ])
        case .misconfigured:
            let explanation = subjects[0].belief.explanation
            return AlertRemedy(steps: ["Correct this: \(explanation)", "tokenvigil probe \(token.name)"])
        case .invalidated, .identityChanged, .limited, .reminder, .expiring:
            if kind != .expiring, let steps = stepsAgainstShortfalls(of: subjects) { return AlertRemedy(steps: steps) }
            return AlertRemedy(
                url: token.provider.remedy.url,
                steps: stepsBeforeRepair(of: subjects) + token.provider.remedy.steps
                    + (subjects.count == 1 ? token.replacementSteps : []),
                command: subjects.count == 1 ? token.replacementCommand : nil
            )
        }
    }

    /// What is to be looked at before anything is replaced.
    private func stepsBeforeRepair(of subjects: [Subject]) -> [String] {
        guard subjects.contains(where: { $0.belief.state == .invalid(.refused) }) else { return [] }
        return ["See whether the account still has its rights: with them back, the old token may work again"]
    }

    /// What cures those that work and may do less than they should; `nil` where it is more than that.
    private func stepsAgainstShortfalls(of subjects: [Subject]) -> [String]? {
        var steps: [String] = []
        for subject in subjects {
            guard let own = subject.belief.stepsAgainstShortfall(of: subject.token) else { return nil }
            steps += own.filter { !steps.contains($0) }
        }
        return steps
    }
}

extension AlertKind {
    /// What a token is while such an incident lasts.
    fileprivate var stateWord: String {
        switch self {
        case .invalidated: "invalid"
        case .identityChanged: "somebody else's"
        case .limited, .recovered, .reminder, .expiring, .blind, .sighted, .replaced, .misconfigured, .providerIncident,
            .providerRecovered, .notifierFailing, .notifierRecovered, .test:
            idPart
        }
    }
}
