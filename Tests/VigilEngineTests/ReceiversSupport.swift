import TokenHealth

/// What those make of alerts who are told by one notifier: the same alerts in the same order, each in their own way.
struct Receivers {
    let name: String
    private(set) var faults: [String] = []
    private var pages = PagerModel()
    private var rules = AlertmanagerModel()
    private var reader = ReaderModel()
    private var mailbox = MailboxModel()
    /// Alerts by id: one that comes again is the same.
    private var known: [String: Alert] = [:]

    /// Whether warnings of an expiry are kept open until their end is told.
    private let keepsWarnings: Bool

    init(name: String, keepsWarnings: Bool) {
        self.name = name
        self.keepsWarnings = keepsWarnings
    }

    /// Takes what is delivered.
    mutating func take(_ alert: Alert) {
        if let before = known[alert.id], (before.kind, before.incidentID) != (alert.kind, alert.incidentID) {
            fault("the id \(alert.id) is used twice")
        }
        let isRepetition = known.updateValue(alert, forKey: alert.id) != nil
        if alert.kind != .expiring || keepsWarnings {
            for fault in pages.take(alert) { self.fault(fault) }
            rules.take(alert)
        } else if alert.endsWarning {
            fault("the end of a warning is told where nobody keeps it: \(alert.id)")
        }
        // Programs and people know a repetition by its id.
        guard !isRepetition else { return }
        reader.take(alert)
        for fault in mailbox.take(alert) { self.fault(fault) }
    }

    /// What is open, each with the tokens it is about; of a provider's incident there are none.
    var open: [String: Set<String>] { pages.open }

    /// Compares with what is so: nothing may be open but what is about these tokens.
    ///
    /// - `open`: the incidents and warnings that are open, and of which tokens: one may have come to another token than those
    ///   that this receiver heard of.
    mutating func close(leaving dead: Set<String>, open: [String: Set<String>]) {
        for (incident, tokens) in pages.open where tokens.isDisjoint(with: dead) && open[incident] == nil {
            fault("nobody closes \(incident) at PagerDuty")
        }
        for (labels, token) in rules.firing where !dead.contains(token) {
            if labels[0] == AlertKind.expiring.rawValue, open[labels[1]]?.contains(token) ?? false { continue }
            fault("nobody ends \(labels) at Alertmanager")
        }
        for token in reader.open.keys.sorted() where !dead.contains(token) {
            fault("a program takes \(token) for in trouble: \(reader.open[token] ?? [])")
        }
        for (token, alert) in mailbox.last where alert.tellsTrouble && !dead.contains(token) {
            fault("the last mail about \(token) is \(alert.summary)")
        }
    }

    private mutating func fault(_ text: String) { faults.append("\(name): \(text)") }
}

/// PagerDuty: an incident is known by its key; what was resolved is opened again by a trigger.
private struct PagerModel {
    private(set) var open: [String: Set<String>] = [:]
    private var closed: Set<String> = []

    mutating func take(_ alert: Alert) -> [String] {
        guard let incident = alert.incidentID else { return [] }
        if alert.endsIncident, alert.openTokens == 0 {
            // What was never told has an end alone.
            open[incident] = nil
            closed.insert(incident)
            return []
        }
        open[incident, default: []].formUnion(alert.tokens.compactMap(\.name?.text))
        return closed.contains(incident) ? ["\(alert.id) opens \(incident) again"] : []
    }
}

/// Alertmanager: an alert is known by its labels.
private struct AlertmanagerModel {
    /// By its labels, the token it is about.
    private(set) var firing: [[String]: String] = [:]

    mutating func take(_ alert: Alert) {
        guard let incident = alert.incidentID else { return }
        for token in alert.tokens {
            let name = token.name?.text ?? ""
            let known = alert.labels[name] ?? IncidentLabels(provider: token.provider, owner: token.owner)
            func labels(_ kind: AlertKind?) -> [String] {
                [kind?.rawValue ?? "", incident, name, known.provider, known.owner ?? ""]
            }
            if alert.kind == .providerIncident || alert.kind == .providerRecovered { continue }
            for former in [alert.formerKind].compactMap(\.self) + (alert.otherKinds ?? []) {
                firing[labels(former)] = nil
            }
            firing[labels(alert.incidentKind)] = alert.endsIncident ? nil : name
        }
    }
}

/// A program that keeps, for each token, what it was told to be open.
private struct ReaderModel {
    private(set) var open: [String: Set<String>] = [:]

    mutating func take(_ alert: Alert) {
        guard let incident = alert.incidentID else { return }
        // A warning is a message.
        for name in alert.tokens.compactMap(\.name?.text) where alert.kind.isAboutTokens && alert.kind != .expiring {
            if alert.endsIncident {
                open[name]?.remove(incident)
                if open[name]?.isEmpty ?? false { open[name] = nil }
            } else {
                open[name, default: []].insert(incident)
            }
        }
    }
}

/// A person who reads mails in the order in which they come, and believes the last one.
private struct MailboxModel {
    /// The last mail about each token that tells how it is.
    private(set) var last: [String: Alert] = [:]

    mutating func take(_ alert: Alert) -> [String] {
        guard alert.kind.isAboutTokens, alert.kind.beginsIncident || alert.kind.endsIncident else { return [] }
        var faults: [String] = []
        for name in alert.tokens.compactMap(\.name?.text) {
            if let before = last[name], alert.createdAt < before.createdAt {
                // Whoever reads it late is told what is so by now, where that is another thing, and goes on to believe that.
                if alert.lateness == nil, alert.tellsTrouble != before.tellsTrouble {
                    faults.append("\(alert.id) comes after \(before.id) and does not say so")
                }
            } else {
                last[name] = alert
            }
        }
        return faults
    }
}

extension Alert {
    fileprivate var tellsTrouble: Bool { kind.beginsIncident }
}

extension AlertKind {
    fileprivate var isAboutTokens: Bool {
        switch self {
        case .invalidated, .limited, .recovered, .reminder, .expiring, .blind, .sighted, .identityChanged, .replaced,
            .misconfigured:
            true
        case .providerIncident, .providerRecovered, .notifierFailing, .notifierRecovered, .test: false
        }
    }
}
