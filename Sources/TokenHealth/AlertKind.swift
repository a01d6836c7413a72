/// What an alert is about.
package enum AlertKind: String, Sendable, Hashable, Codable, CaseIterable {
    case invalidated = "token.invalidated"
    case limited = "token.limited"
    case recovered = "token.recovered"
    case reminder = "token.reminder"
    case expiring = "token.expiring"
    case blind = "token.blind"
    case sighted = "token.sighted"
    case identityChanged = "token.identity_changed"
    case replaced = "token.replaced"
    case misconfigured = "token.misconfigured"
    case providerIncident = "provider.incident"
    case providerRecovered = "provider.recovered"
    case notifierFailing = "notifier.failing"
    case notifierRecovered = "notifier.recovered"
    case test

    /// What is the same for all alerts of this kind: the one list of it.
    package var traits: AlertTraits {
        switch self {
        case .invalidated: AlertTraits(.critical, .begins, about: .token)
        case .limited: AlertTraits(.warning, .begins, about: .token, mayFlap: true)
        case .blind: AlertTraits(.warning, .begins, about: .token, mayFlap: true)
        case .misconfigured: AlertTraits(.warning, .begins, about: .token, mayFlap: true)
        case .identityChanged: AlertTraits(.warning, .begins, about: .token)
        case .providerIncident: AlertTraits(.critical, .begins, about: .provider)
        case .notifierFailing: AlertTraits(.warning, .begins, about: .monitor)
        case .expiring: AlertTraits(.warning, .warns, about: .token)
        case .reminder: AlertTraits(.info, .reminds, about: .token)
        // With other kinds in between, the alert itself says what it ends.
        case .recovered: AlertTraits(.info, .ends(.invalidated), about: .token)
        case .sighted: AlertTraits(.info, .ends(.blind), about: .token)
        case .providerRecovered: AlertTraits(.info, .ends(.providerIncident), about: .provider)
        case .notifierRecovered: AlertTraits(.info, .ends(.notifierFailing), about: .monitor)
        case .replaced: AlertTraits(.info, .reports, about: .token)
        case .test: AlertTraits(.info, .reports, about: .monitor)
        }
    }

    package var severity: Severity { traits.severity }

    /// Whether it says that an incident is there.
    package var beginsIncident: Bool { traits.role == .begins }

    /// Whether whoever is told it takes an incident for open from then on.
    package var opens: Bool { [.begins, .reminds, .warns].contains(traits.role) }

    /// Whether it says that an incident is over.
    package var endsIncident: Bool { endedKind != nil }

    /// What kind of incident it ends, unless the alert says another; `nil` where it ends none.
    package var endedKind: AlertKind? {
        if case .ends(let kind) = traits.role { kind } else { nil }
    }

    /// Whether it may come and go without that being news every time.
    var mayFlap: Bool { traits.mayFlap }

    /// For ids and file names: `invalidated`, but `provider-recovered`.
    package var idPart: String {
        rawValue.hasPrefix("token.") ? String(rawValue.dropFirst(6)) : rawValue.replacing(".", with: "-")
    }
}

/// What is the same for all alerts of a kind.
package struct AlertTraits: Sendable, Hashable {
    /// What an alert does with an incident.
    package enum Role: Sendable, Hashable {
        /// Says that one is there.
        case begins
        /// Says that one of this kind is over.
        case ends(AlertKind)
        /// Says that one is still there.
        case reminds
        /// Says that there will be one.
        case warns
        /// Has nothing to do with one.
        case reports
    }

    /// What an alert is about.
    package enum Subject: Sendable, Hashable {
        case token, provider
        /// This program: its notifiers, its store, its configuration.
        case monitor
    }

    package let severity: Severity
    package let role: Role
    package let subject: Subject
    /// Whether it may come and go without that being news every time.
    package let mayFlap: Bool

    init(_ severity: Severity, _ role: Role, about subject: Subject, mayFlap: Bool = false) {
        self.severity = severity
        self.role = role
        self.subject = subject
        self.mayFlap = mayFlap
    }
}
