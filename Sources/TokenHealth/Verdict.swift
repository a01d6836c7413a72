/// What one exchange says about the token.
package enum Verdict: Sendable, Hashable {
    case accepted(Identity?)
    case limited(Limitation)
    case rejected(Rejection)
    case indeterminate(Uncertainty)
    case misconfigured(Misconfiguration)

    /// Whether it says something of the token, and not of what is on the way to it.
    var isAboutToken: Bool {
        switch self {
        case .accepted, .limited, .rejected: true
        case .indeterminate, .misconfigured: false
        }
    }

    /// Whether the API is said to know whose the token is.
    var isOfKnownAccount: Bool {
        switch self {
        case .accepted, .rejected(.wrongIdentity): true
        case .limited, .rejected(.credential), .indeterminate, .misconfigured: false
        }
    }

    /// The word for it in the status file.
    package var name: VerdictName {
        switch self {
        case .accepted: .accepted
        case .limited: .limited
        case .rejected: .rejected
        case .indeterminate: .indeterminate
        case .misconfigured: .misconfigured
        }
    }
}

/// The five verdicts without what they carry.
package enum VerdictName: String, Sendable, Hashable, Codable, CaseIterable {
    case accepted, limited, rejected, indeterminate, misconfigured
}

/// Alive, but not for everything.
package enum Limitation: String, Sendable, Hashable, Codable {
    /// A stronger login is asked for (RFC 9470).
    case stepUp = "step_up"
    case scope
    case plan
    /// The token is recognised, and this request forbidden to it.
    case forbidden
    /// The account is locked for a time; the token is as good as before once it is unlocked.
    case locked
    /// Accepted, with fewer scopes than before or than configured.
    case scopesShrunk = "scopes_shrunk"
    /// Accepted, and its account is no longer in the configured organization.
    case organizationLost = "organization_lost"
    /// The application is accepted, and may not act for the user it is to act for.
    case delegationRefused = "delegation_refused"
}

/// A determinate no.
package enum Rejection: Sendable, Hashable {
    case credential
    /// Accepted, as somebody else.
    case wrongIdentity(Identity)
}

/// Why nothing can be known.
package enum Uncertainty: String, Sendable, Hashable, Codable, CaseIterable {
    case dns, network, timeout, tls
    case unexpected, redirected, blocked, captive
    case rateLimited = "rate_limited"
    case serverError = "server_error"
    /// This host is short of something, or does not get at the secret.
    case hostFailure = "host_failure"

    init(_ failure: TransportFailure.Kind) {
        switch failure {
        case .dns: self = .dns
        case .network: self = .network
        case .timeout: self = .timeout
        case .tls: self = .tls
        }
    }
}

/// A mistake on our side, not the token's.
package enum Misconfiguration: Sendable, Hashable, Codable {
    case secret(SecretProblem)
    case missingHeader(String)
    /// The credential that asks about the token is refused, not the token.
    case asker
    case endpoint
    /// A token endpoint does not understand what it is asked for: the code of RFC 6749 section 5.2.
    case grant(String)
    /// The endpoint answers alike with and without a token: it proves nothing.
    case publicEndpoint

    /// The word for it in the status file.
    package var code: String {
        switch self {
        case .secret(let problem): problem.code
        case .missingHeader: "missing_header"
        case .asker: "asker_refused"
        case .endpoint: "endpoint"
        case .grant(let code): code
        case .publicEndpoint: "public_endpoint"
        }
    }
}

/// Why a token is rejected, as far as evidence goes.
package enum RejectionReason: String, Sendable, Hashable, Codable {
    case expired, revoked, rejected
    /// No longer accepted, by an API that answers a dead token and one without rights alike.
    case refused
    case wrongIdentity = "wrong_identity"
}

/// A verdict with the observation behind it, in words.
package struct Finding: Sendable, Hashable {
    package let verdict: Verdict
    /// What was seen, such as `HTTP 401 "Unauthenticated."`.
    package let observation: String
    /// How long the server asked to be left alone, uncapped.
    package let retryAfter: RetryAfter?
    /// Why the token is rejected, where the provider itself says so.
    package let statedReason: RejectionReason?
    /// Whether the answer proves that the token is alive, where it limits it.
    package let showsLife: Bool

    package init(
        _ verdict: Verdict,
        _ observation: String,
        retryAfter: RetryAfter? = nil,
        statedReason: RejectionReason? = nil,
        showsLife: Bool = true
    ) {
        self.verdict = verdict
        self.observation = observation
        self.retryAfter = retryAfter
        self.statedReason = statedReason
        self.showsLife = showsLife
    }
}

extension Finding {
    /// Nothing was asked, for there is no secret to ask with.
    init(_ problem: SecretProblem) {
        switch problem {
        case .unavailable: self.init(.indeterminate(.hostFailure), problem.sentence)
        case .missing, .unreadable, .worldReadable, .empty, .tooLong, .containsWhitespace, .quoted, .bearerPrefix,
            .placeholder, .notPrintable:
            self.init(.misconfigured(.secret(problem)), problem.sentence)
        }
    }
}
