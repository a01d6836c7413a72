import TokenHealth

extension Setting {
    /// Where an API grants tokens.
    func oauth(allowsPlaintext: Bool) -> OAuthTemplate? {
        guard let fields = mapping(.oauth) else { return nil }
        var template = OAuthTemplate()
        template.tokenURL = fields["token_url"]?.webAddress(allowsPlaintext: allowsPlaintext, allowsQuery: true)?.text
        template.scope = fields["scope"]?.text("scopes, separated by spaces")
        template.authentication = fields["authentication"]?.clientAuthentication() ?? template.authentication
        template.remedy = fields["remedy"]?.mapping(.remedy)?.remedy()
        if let delegation = fields["on_behalf_of"]?.mapping(.delegation) {
            let purpose = "the path of the request, with {user} for the user"
            let setting = delegation.required("path", purpose)
            template.delegationPath = setting?.probePath()
            template.delegationHeaders = delegation.jsonHeaders()
            if let path = template.delegationPath, !path.contains("{user}") {
                setting?.report("path has no {user}: nothing would say whose token is asked for")
            }
        }
        return template
    }

    fileprivate func clientAuthentication() -> ClientAuthentication? {
        let known = ClientAuthentication.allCases.map(\.rawValue)
        guard let text = text(Wording.choice(known)) else { return nil }
        if let authentication = ClientAuthentication(rawValue: text) { return authentication }
        report("authentication \(Wording.shown(text)) is not known\(Wording.suggestion(for: text, in: known))")
        return nil
    }

    /// How the token that is used comes from the secret.
    ///
    /// - Parameters:
    ///   - provider: whose endpoint grants it, unless the token names its own.
    ///   - isProbed: whether the token asks for a probe by its name.
    /// - Returns: `nil` where it is wrong.
    fileprivate func grant(of provider: Provider, isProbed: Bool) -> Grant? {
        guard let fields = mapping(.grant) else { return nil }
        let kinds = ["client_credentials", "refresh_token"]
        guard let type = fields.required("type", Wording.choice(kinds)), let kind = type.text(Wording.choice(kinds))
        else { return nil }
        switch kind {
        case "client_credentials": return fields.clientCredentials(of: provider, isProbed: isProbed)
        case "refresh_token":
            for entry in fields.entries where entry.name != "type" && fields.section.keys.contains(entry.name) {
                entry.value.report(
                    "\(entry.name) is of no use with refresh_token: the access token is watched, and the refresh token "
                        + "is never touched"
                )
            }
            return .refreshToken
        default:
            type.report("type \(Wording.shown(kind)) is not known\(Wording.suggestion(for: kind, in: kinds))")
            return nil
        }
    }
}

extension Fields {
    fileprivate func clientCredentials(of provider: Provider, isProbed: Bool) -> Grant? {
        let clientID = required("client_id", "the id of the OAuth client")?.text("the id of the OAuth client")
        let own = self["token_url"]?.webAddress(allowsPlaintext: provider.allowsPlaintext, allowsQuery: true)?.text
        let tokenURL = own ?? (self["token_url"] == nil ? provider.oauth?.tokenURL : nil)
        if tokenURL == nil, self["token_url"] == nil {
            setting.report("token_url is missing: provider '\(provider.name)' names no token endpoint of its own")
        }
        let delegation = self["on_behalf_of"]?.delegation(of: provider)
        guard let clientID, let tokenURL else { return nil }
        var client = ClientCredentials(clientID: clientID, tokenURL: tokenURL)
        client.scope = self["scope"]?.text("scopes, separated by spaces") ?? provider.oauth?.scope
        client.authentication =
            self["authentication"]?.clientAuthentication() ?? provider.oauth?.authentication ?? .body
        client.every = self["every"]?.duration(atLeast: .seconds(1)) ?? client.every
        client.delegation = delegation
        client.rejected = self["rejected"]?.matchers(.rejections) ?? []
        client.limited = self["limited"]?.matchers(.limitations) ?? []
        client.unrelated = self["unrelated"]?.matchers(.others) ?? []
        client.isProbed = isProbed || delegation != nil
        return .clientCredentials(client)
    }

    /// Reads `grant`, and what follows from it for the whole token.
    func grant(_ token: inout WatchedToken) {
        guard let setting = self["grant"] else { return }
        guard let grant = setting.grant(of: token.provider, isProbed: self["probe"] != nil) else { return }
        token.grant = grant
        switch grant {
        case .clientCredentials(let client):
            // The life of a token says nothing about the client that gets new ones.
            token.provider.lifetime = nil
            token.provider.remedy = token.provider.oauth?.remedy ?? .clientSecret
            for name in client.delegation?.path.parameterNames ?? []
            where name != "user" && token.parameters[name] == nil {
                setting.report("\(name) is missing in the token: asking on behalf of a user needs it")
            }
        case .refreshToken:
            token.provider.lifetime = nil
            token.provider.remedy = token.provider.remedy.forRenewedTokens
            // It expires all the time, and is renewed: only one that is not is worth a word.
            if self["expiry_steps"] == nil { token.expirySteps = [] }
        }
    }

    /// The headers of a request for JSON.
    func jsonHeaders() -> [HeaderField] {
        let headers = self["headers"]?.headers() ?? []
        guard !headers.contains(where: { $0.name.lowercased() == "accept" }) else { return headers }
        return headers + [HeaderField("Accept", "application/json")]
    }
}

extension Setting {
    fileprivate func delegation(of provider: Provider) -> Delegation? {
        guard let user = text("a user's name or address") else { return nil }
        guard user != ".", user != ".." else {
            report("\(key) would change the path of the request")
            return nil
        }
        guard let path = provider.oauth?.delegationPath else {
            report("provider '\(provider.name)' does not say how to ask for a token on behalf of a user")
            return nil
        }
        return Delegation(path: path, headers: provider.oauth?.delegationHeaders ?? [], user: user)
    }
}

extension Remedy {
    /// For a client whose provider says nothing better.
    fileprivate static let clientSecret = Remedy(
        steps: [
            "Ask whoever runs the provider's OAuth clients whether this one still exists and may ask for tokens",
            "Put its present secret into the file of the secret on this host; it is noticed within one interval",
        ],
        causes: ["its secret was changed", "the client was disabled or deleted"]
    )

    /// For an access token that another program renews.
    fileprivate var forRenewedTokens: Remedy {
        let steps = [
            "Find out why the program that renews this access token does not: whether it runs, what it logs",
            "Where its refresh token has been revoked or used up, log that program in again",
        ]
        let causes = [
            "the program that renews it has stopped",
            "its refresh token was revoked, or used by somebody else",
        ]
        return Remedy(url: url, steps: steps, causes: causes + self.causes)
    }
}
