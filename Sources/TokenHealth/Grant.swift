/// How a token comes from its secret, where it is not the secret itself.
package enum Grant: Sendable, Hashable {
    /// The secret is that of an OAuth client: asking for a token is the check (RFC 6749 section 4.4).
    case clientCredentials(ClientCredentials)
    /// The secret is an access token that another program renews with a refresh token (RFC 6749 section 6).
    ///
    /// Where that refresh token is, nobody tells this program: using one up would cut the other program off.
    case refreshToken
}

/// An OAuth client that gets tokens in its own name.
package struct ClientCredentials: Sendable, Hashable {
    package var clientID: String
    /// Absolute.
    package var tokenURL: String
    package var scope: String?
    package var authentication: ClientAuthentication
    /// How often a token is asked for while all is well.
    package var every: Duration
    /// The user whose token is asked for with the client's own.
    package var delegation: Delegation?
    /// Whether the token that is got is tried with the token's probe.
    package var isProbed: Bool
    /// What the endpoint answers to a client that is no longer good, besides the known codes.
    package var rejected: [Matcher] = []
    package var limited: [Matcher] = []
    /// What looks like a refusal of the client and is about something else.
    package var unrelated: [Matcher] = []

    package init(
        clientID: String,
        tokenURL: String,
        scope: String? = nil,
        authentication: ClientAuthentication = .body,
        every: Duration = .seconds(3600),
        delegation: Delegation? = nil,
        isProbed: Bool = false
    ) {
        self.clientID = clientID
        self.tokenURL = tokenURL
        self.scope = scope
        self.authentication = authentication
        self.every = every
        self.delegation = delegation
        self.isProbed = isProbed
    }

    /// The request for a token: form-encoded, the answer as JSON (RFC 6749 sections 4.4.2 and 5.1).
    package var question: Question {
        var form = [HeaderField("grant_type", "client_credentials")]
        if let scope { form.append(HeaderField("scope", scope)) }
        if authentication == .body {
            form += [HeaderField("client_id", clientID), HeaderField("client_secret", SecretPlace.token.plain)]
        }
        return Question(
            method: "POST",
            url: tokenURL,
            headers: [HeaderField("Accept", "application/json")],
            basicUser: authentication == .basic ? clientID : nil,
            body: .form(form),
            isGrantRequest: true
        )
    }
}

/// How a client proves itself to a token endpoint, RFC 6749 section 2.3.1.
package enum ClientAuthentication: String, Sendable, Hashable, CaseIterable {
    /// Id and secret as fields of the form.
    case body
    /// HTTP Basic.
    case basic
}

/// A token for a user, asked for with an application's own token.
package struct Delegation: Sendable, Hashable {
    /// Begins with a slash; `{user}` stands for the user, `{name}` for a parameter of the token.
    package var path: String
    package var headers: [HeaderField]
    package var user: String

    package init(path: String, headers: [HeaderField], user: String) {
        self.path = path
        self.headers = headers
        self.user = user
    }
}

/// Where an API grants tokens, as its provider describes it.
package struct OAuthTemplate: Sendable, Hashable {
    /// Absolute; `nil` where each token names its own.
    package var tokenURL: String?
    package var scope: String?
    package var authentication: ClientAuthentication
    /// The path of a request for a user's token, where the API has one.
    package var delegationPath: String?
    package var delegationHeaders: [HeaderField]
    /// How a client secret is brought back to life.
    package var remedy: Remedy?

    package init(
        tokenURL: String? = nil,
        scope: String? = nil,
        authentication: ClientAuthentication = .body,
        delegationPath: String? = nil,
        delegationHeaders: [HeaderField] = [],
        remedy: Remedy? = nil
    ) {
        self.tokenURL = tokenURL
        self.scope = scope
        self.authentication = authentication
        self.delegationPath = delegationPath
        self.delegationHeaders = delegationHeaders
        self.remedy = remedy
    }
}

extension WatchedToken {
    /// Whether a new secret is an everyday event that nobody need be told of.
    package var isRenewedByOthers: Bool { grant == .refreshToken }

    /// Whether what is probed acts in a user's name: an application belongs to nobody's organizations.
    var actsAsUser: Bool {
        switch grant {
        case .clientCredentials(let client)?: client.delegation != nil
        case .refreshToken?, nil: true
        }
    }

    /// How long the network rests while all is well.
    var networkInterval: Duration {
        guard case .clientCredentials(let client)? = grant, !client.isProbed else { return habits.interval }
        return max(client.every, habits.interval)
    }

    /// The request for a user's token.
    package func question(for delegation: Delegation) -> Question {
        Question(
            method: "POST",
            url: url(of: delegation.path, others: ["user": delegation.user]),
            headers: delegation.headers,
            authorization: provider.authorization,
            isGrantRequest: true
        )
    }
}
