/// The configured name of a token: letters, digits, `.`, `_` and `-`.
package struct TokenName: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
    /// The name as configured.
    package let text: String

    /// Checks the characters; `nil` for an empty, over-long or unprintable name.
    package init?(_ text: String) {
        let allowed = text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || byte == 0x2D || byte == 0x2E || byte == 0x5F
        }
        guard allowed, (1...100).contains(text.utf8.count), !text.hasPrefix("-"), !text.hasPrefix(".") else {
            return nil
        }
        self.text = text
    }

    package var description: String { text }

    package static func < (left: TokenName, right: TokenName) -> Bool { left.text < right.text }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let name = TokenName(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a token name")
        }
        self = name
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// Keyed hash of a secret, safe to show: `k1:9f2c41d0a7be`.
package struct Fingerprint: Sendable, Hashable, Codable, CustomStringConvertible {
    /// Scheme, colon, twelve hexadecimal digits.
    package let text: String

    package init(text: String) { self.text = text }

    package var description: String { text }

    package init(from decoder: any Decoder) throws {
        text = try decoder.singleValueContainer().decode(String.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// Who a provider says a token belongs to.
package struct Identity: Sendable, Hashable, Codable {
    /// The provider's id of the account, always as text.
    package let id: String
    /// A name or address, where the answer holds one.
    package let name: String?

    package init(id: String, name: String?) {
        self.id = id
        self.name = name
    }

    /// Whether `expected`, an id or a name in any case, is this identity.
    package func answers(to expected: String) -> Bool {
        id == expected || name?.lowercased() == expected.lowercased()
    }

    /// What to show a person.
    package var label: String { name.map { "\($0) (id \(id))" } ?? "id \(id)" }

    private enum CodingKeys: String, CodingKey { case id, name }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(name, forKey: .name)
    }
}

/// A system that stops working when the token does.
package struct Dependant: Sendable, Hashable, Codable {
    package let name: String
    package let owner: String?
    package let url: String?

    package init(name: String, owner: String?, url: String?) {
        self.name = name
        self.owner = owner
        self.url = url
    }

    private enum CodingKeys: String, CodingKey { case name, owner, url }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(owner, forKey: .owner)
        try container.encode(url, forKey: .url)
    }
}

/// How many rejections, over how long, make a death certain.
package struct Confirmation: Sendable, Hashable {
    /// Determinate rejections needed, at least 1.
    package let rejections: Int
    /// Time from the first to the last of them.
    package let over: Duration

    package init(rejections: Int = 3, over: Duration = .seconds(30)) {
        self.rejections = rejections
        self.over = over
    }

    /// How soon to look again while a rejection is being confirmed.
    package var pause: Duration {
        rejections > 1 ? max(over / (rejections - 1), .milliseconds(100)) : max(over, .milliseconds(100))
    }
}

/// How a token is watched: in most configurations the same for nearly all.
package struct WatchHabits: Sendable, Hashable {
    package var interval: Duration = .seconds(60)
    /// Limit of one whole exchange.
    package var timeout: Duration = .seconds(10)
    package var confirmation = Confirmation()
    /// How long nothing may be known before that is itself an alert.
    package var blindAfter: Duration = .seconds(15 * 60)
    package var remind: [Duration] = [.seconds(3600), .seconds(4 * 3600), .seconds(86_400)]
    /// Remaining lifetimes at which a coming expiry is said, longest first.
    package var expirySteps: [Duration] = [30, 14, 7, 3, 1].map { .seconds($0 * 86_400) }
    /// How long an alert waits for siblings that may belong into it.
    package var groupWait: Duration = .seconds(10)
    /// How long an API may reject its tokens together before they are taken for dead.
    package var providerGrace: Duration = .seconds(10 * 60)
    /// Names of the notifiers that are told.
    package var notify: [String] = []
    /// Names of the notifiers that are told, too, when an incident is not acknowledged in time.
    package var escalate: [String] = []
    /// How long an incident may go without acknowledgement.
    package var escalateAfter: Duration = .seconds(30 * 60)
    /// When it is not spoken of.
    package var maintenance: [MaintenanceWindow] = []

    package init() {}
}

/// One token to watch, as the configuration describes it.
@dynamicMemberLookup
package struct WatchedToken: Sendable, Hashable {
    package var name: TokenName
    package var provider: Provider {
        _read { yield keptProvider.wrappedValue }
        set { keptProvider.wrappedValue = newValue }
    }
    /// The request this token is checked with: the provider's usual one, or one of its others.
    package var probe: ProbeTemplate {
        _read { yield keptProbe.wrappedValue }
        set { keptProbe.wrappedValue = newValue }
    }
    /// Values for `{name}` in the path, percent-encoded when they are put there.
    package var parameters: [String: String]
    package var secret: SecretSource
    /// The credential that asks about the token, where the provider wants one of its own for that.
    package var asker: SecretSource?
    /// Absolute URL without a trailing slash; probe paths are appended to it.
    package var baseURL: String
    /// PEM file with the authorities to trust instead of the system's.
    package var certificateAuthorities: String?
    package var owner: String?
    package var usedBy: [Dependant]
    /// An id or a name that the identity must answer to.
    package var expectedIdentity: String?
    /// Scopes that the token must have; `nil` for those it had when it was first seen.
    package var expectedScopes: [String]?
    /// How the token that is used comes from the secret, where it is not the secret itself.
    @Rare package var grant: Grant?
    package var habits: WatchHabits {
        _read { yield keptHabits.wrappedValue }
        set { keptHabits.wrappedValue = newValue }
    }

    // Not by their wrapper's syntax: what that makes of them copies the whole value for every field that is read.
    private var keptProvider: Kept<Provider>
    private var keptProbe: Kept<ProbeTemplate>
    private var keptHabits: Kept<WatchHabits>

    /// Of the habits those that are read at every look.
    package var interval: Duration {
        get { habits.interval }
        set { habits.interval = newValue }
    }
    package var timeout: Duration {
        get { habits.timeout }
        set { habits.timeout = newValue }
    }

    /// What belongs to the habits, as if it were the token's own.
    package subscript<Value>(dynamicMember habit: WritableKeyPath<WatchHabits, Value>) -> Value {
        get { habits[keyPath: habit] }
        set { habits[keyPath: habit] = newValue }
    }

    package init(
        name: TokenName,
        provider: Provider,
        secret: SecretSource,
        parameters: [String: String] = [:],
        baseURL: String? = nil,
        owner: String? = nil,
        usedBy: [Dependant] = [],
        expectedIdentity: String? = nil,
        interval: Duration = .seconds(60),
        confirmation: Confirmation = Confirmation(),
        notify: [String] = []
    ) {
        self.name = name
        keptProvider = Kept(wrappedValue: provider)
        keptProbe = Kept(wrappedValue: provider.probe)
        self.parameters = parameters
        self.secret = secret
        self.baseURL = baseURL ?? provider.baseURL ?? ""
        self.certificateAuthorities = provider.certificateAuthorities
        self.owner = owner
        self.usedBy = usedBy
        self.expectedIdentity = expectedIdentity
        var habits = WatchHabits()
        habits.interval = interval
        habits.confirmation = confirmation
        habits.notify = notify
        keptHabits = Kept(wrappedValue: habits)
    }

    /// One that is configured no more, as far as it is remembered.
    package init(name: TokenName, labels: IncidentLabels?) {
        let provider = Provider(name: labels?.provider ?? "unknown", probe: ProbeTemplate(path: ""))
        self.init(name: name, provider: provider, secret: .file(path: ""), owner: labels?.owner)
    }

    /// Who is told of an incident.
    package func audience(of incident: Incident?, isEscalation: Bool) -> [String] {
        if isEscalation { return habits.escalate }
        guard incident?.hasEscalated == true else { return habits.notify }
        return habits.notify + habits.escalate.filter { !habits.notify.contains($0) }
    }

    /// Everybody who must hear that an incident is over: whoever was told of it, and whoever would be told now.
    package func audience(ofEnd incident: Incident?) -> [String] {
        let known = incident?.recipients ?? []
        return known + audience(of: incident, isEscalation: false).filter { !known.contains($0) }
    }

    /// Keeps what is equal in both once.
    package mutating func share(with other: WatchedToken) {
        keptProvider.share(with: other.keptProvider)
        keptProbe.share(with: other.keptProbe)
        keptHabits.share(with: other.keptHabits)
        if baseURL == other.baseURL { baseURL = other.baseURL }
        if certificateAuthorities == other.certificateAuthorities {
            certificateAuthorities = other.certificateAuthorities
        }
    }

    /// The whole URL of the probe.
    package var probeURL: String { url(of: probe.path) }
}
