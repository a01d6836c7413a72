/// A description, as data, of one API: how to ask, what the answers mean, and how a person repairs a token.
package struct Provider: Sendable, Hashable {
    package var name: String
    /// Absolute URL without a trailing slash; `nil` where every token says for itself where its server is.
    package var baseURL: String?
    package var probe: ProbeTemplate
    /// Other requests a token may choose by name instead of ``probe``.
    package var otherProbes: [String: ProbeTemplate]
    package var authorization: AuthorizationTemplate
    /// Known life of a token from its issue, where the API has one.
    package var lifetime: Duration?
    package var limits: ProviderLimits
    package var remedy: Remedy
    /// How to ask what an account belongs to, where the API tells.
    package var membership: MembershipTemplate?
    /// Where this API grants tokens, where it does.
    package var oauth: OAuthTemplate?
    package var certificateAuthorities: String?
    /// Whether plain `http` to an address that is not loopback is accepted.
    package var allowsPlaintext: Bool

    /// Whether asking takes a credential of its own, beside the token that is asked about.
    package func needsAsker(for probe: ProbeTemplate) -> Bool {
        ([authorization.value] + (probe.body?.texts ?? [])).contains { SecretPlace.asker.isIn($0) }
    }

    package init(
        name: String,
        baseURL: String? = nil,
        probe: ProbeTemplate,
        otherProbes: [String: ProbeTemplate] = [:],
        authorization: AuthorizationTemplate = AuthorizationTemplate(),
        lifetime: Duration? = nil,
        limits: ProviderLimits = ProviderLimits(),
        remedy: Remedy = Remedy(),
        certificateAuthorities: String? = nil,
        allowsPlaintext: Bool = false
    ) {
        self.name = name
        self.baseURL = baseURL
        self.probe = probe
        self.otherProbes = otherProbes
        self.authorization = authorization
        self.lifetime = lifetime
        self.limits = limits
        self.remedy = remedy
        self.certificateAuthorities = certificateAuthorities
        self.allowsPlaintext = allowsPlaintext
    }
}

/// One request, and what its answers say about the token.
package struct ProbeTemplate: Sendable, Hashable {
    package var method: String
    /// Begins with a slash, or is empty where the base URL is the whole one; `{name}` stands for a parameter of the token.
    package var path: String
    package var headers: [HeaderField]
    package var body: BodyTemplate?
    /// Headers without which this API answers as if the token were wrong.
    package var requiredHeaders: [String]
    package var accepted: [Matcher]
    package var rejected: [Matcher]
    package var limited: [Matcher]
    /// Answers that look like a rejection and are about something else.
    package var unrelated: [Matcher]
    /// What the API itself answers without a token, where that is known; another refusal is then not its own.
    package var withoutToken: [Matcher] = []
    package var origin = RuleOrigin.builtIn
    package var identity: IdentityPointers?
    /// Where an accepted answer says when the token expires.
    package var expiry: ExpiryPlace?
    /// Where an accepted answer lists the token's scopes.
    package var scopes: ScopePlace?

    package init(
        method: String = "GET",
        path: String,
        headers: [HeaderField] = [],
        body: BodyTemplate? = nil,
        requiredHeaders: [String] = [],
        accepted: [Matcher] = [Matcher(status: .success)],
        rejected: [Matcher] = [Matcher(status: .exactly(401))],
        limited: [Matcher] = [],
        unrelated: [Matcher] = [],
        identity: IdentityPointers? = nil
    ) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.requiredHeaders = requiredHeaders
        self.accepted = accepted
        self.rejected = rejected
        self.limited = limited
        self.unrelated = unrelated
        self.identity = identity
    }

    /// Whether the body carries the token.
    package var hasTokenInBody: Bool { body?.texts.contains { SecretPlace.token.isIn($0) } ?? false }

    /// The first header this API requires and this request does not have.
    package var missingRequiredHeader: String? {
        requiredHeaders.first { name in
            !headers.contains { $0.name.lowercased() == name.lowercased() && !$0.value.isEmpty }
        }
    }
}

/// Who wrote the rules, and so how much they know of the API.
package enum RuleOrigin: Sendable, Hashable {
    /// Written from an API's documentation: nothing counts against a token but what is listed.
    case builtIn
    /// For APIs of which nothing is known but that they follow the RFCs: what an answer says in words counts, too.
    case general
    /// The administrator's: they decide over the guards, and words count where none of them matches.
    case own
}

/// Which header carries the secret, and how.
package struct AuthorizationTemplate: Sendable, Hashable {
    package var header: String
    /// With ``SecretPlace`` in it.
    package var value: String
    /// Further headers that carry the same value.
    package var alsoIn: [String]

    package init(header: String = "Authorization", value: String = "Bearer {token}", alsoIn: [String] = []) {
        self.header = header
        self.value = value
        self.alsoIn = alsoIn
    }
}

/// Where in an accepted answer the identity stands.
package struct IdentityPointers: Sendable, Hashable {
    package var id: JSONPointer
    package var name: JSONPointer?

    package init(id: JSONPointer, name: JSONPointer? = nil) {
        self.id = id
        self.name = name
    }

    /// The identity in `document`, or `nil` where its id is absent.
    func identity(in document: JSONValue) -> Identity? {
        guard let id = text(at: id, in: document), !id.isEmpty else { return nil }
        return Identity(id: id, name: name.flatMap { text(at: $0, in: document) })
    }

    /// Short and on one line: it is shown in logs, mails and on terminals, and a server may send anything.
    private func text(at pointer: JSONPointer, in document: JSONValue) -> String? {
        document[pointer]?.scalarText.map { String($0.unicodeScalars.filter(\.isShowable).prefix(200)) }
    }
}

/// So many events in so much time.
package struct Rate: Sendable, Hashable {
    package let count: Int
    package let per: Duration

    package init(count: Int, per: Duration) {
        self.count = count
        self.per = per
    }
}

/// What a provider bears from one host.
package struct ProviderLimits: Sendable, Hashable {
    package var rate: Rate?
    package var failedLogins: Rate?
    /// Shortest interval the provider's documentation advises; a shorter one is a warning.
    package var advisedInterval: Duration?

    package init(rate: Rate? = nil, failedLogins: Rate? = nil, advisedInterval: Duration? = nil) {
        self.rate = rate
        self.failedLogins = failedLogins
        self.advisedInterval = advisedInterval
    }
}

/// How a person brings a token back to life.
package struct Remedy: Sendable, Hashable, Codable {
    package var url: String?
    package var steps: [String]
    /// What usually ends the life of such a token, most likely first.
    package var causes: [String]

    package init(url: String? = nil, steps: [String] = [], causes: [String] = []) {
        self.url = url
        self.steps = steps
        self.causes = causes
    }
}
