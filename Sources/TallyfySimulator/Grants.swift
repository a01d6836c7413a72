package import FoundationEssentials

/// The token endpoint, and tokens on behalf of a user.
extension SimulatedTallyfy {
    private static let applicationTokenSeconds = 604_800
    private static let passwordTokenSeconds = 15_778_800
    private static let refreshTokenSeconds = 31_557_600
    private static let onBehalfTokenSeconds = 7_776_000

    /// Makes an application token without asking for the secret.
    package mutating func issueApplicationToken(organization: String, at now: Date) throws(ControlError) -> String {
        let organization = try existing(organization: organization)
        return applicationToken(organization, at: simulatedTime(at: now))
    }

    /// Gives the application of an organization another secret, and returns it; its tokens live on.
    package mutating func changeApplicationSecret(organization: String) throws(ControlError) -> String {
        _ = try existing(organization: organization)
        let secret = generator.hex(40)
        organizations[organization]?.clientSecret = secret
        return secret
    }

    /// Answers `POST /oauth/token`.
    mutating func grant(_ request: SimulatedRequest, at now: Date) -> SimulatedAnswer {
        let type = request.header("Content-Type")?.lowercased() ?? ""
        guard type.hasPrefix("application/x-www-form-urlencoded") else { return Self.refused(400, "invalid_request") }
        let form = formFields(String(decoding: request.body, as: UTF8.self))
        guard let kind = form["grant_type"], let client = form["client_id"], let secret = form["client_secret"] else {
            return Self.refused(400, "invalid_request")
        }
        guard let number = Int(client),
            let organization = organizations.values.first(where: { $0.clientID == number }),
            organization.clientSecret == secret
        else { return Self.refused(401, "invalid_client") }
        switch kind {
        case "client_credentials":
            return Self.granted(applicationToken(organization, at: now), Self.applicationTokenSeconds)
        case "password": return passwordGrant(form, client: number, at: now)
        case "refresh_token": return refreshGrant(form, client: number, at: now)
        case _:
            return .json(
                422,
                [
                    "error": true, "message": "The given data was invalid.",
                    "errors": ["grant_type": ["The selected grant type is invalid."]],
                ]
            )
        }
    }

    /// Answers for a user of the organization; 404 for nobody, 422 for somebody elsewhere.
    mutating func onBehalfToken(_ email: String, _ organization: Organization, at now: Date) -> SimulatedAnswer {
        guard let person = user(email: email) else { return Bodies.notFound }
        guard organization.activeMember(person.id) != nil else {
            let message = "The user does not belong to this organization."
            return .json(422, ["error": true, "message": .string(message), "errors": ["email": [.string(message)]]])
        }
        let seconds = Self.onBehalfTokenSeconds
        let token = issue(.onBehalf, user: person.id, client: organization.clientID, seconds: seconds, at: now)
        return Self.granted(token, seconds)
    }

    private mutating func applicationToken(_ organization: Organization, at now: Date) -> String {
        issue(
            .application,
            organization: organization.id,
            client: organization.clientID,
            seconds: Self.applicationTokenSeconds,
            at: now
        )
    }

    private mutating func passwordGrant(_ form: [String: String], client: Int, at now: Date) -> SimulatedAnswer {
        guard let username = form["username"], let password = form["password"] else {
            return Self.refused(400, "invalid_request")
        }
        guard let person = user(email: username), person.password == password else {
            return Self.refused(401, "invalid_grant")
        }
        return oauthTokens(user: person.id, client: client, withRefreshToken: true, at: now)
    }

    private mutating func refreshGrant(_ form: [String: String], client: Int, at now: Date) -> SimulatedAnswer {
        guard let value = form["refresh_token"] else { return Self.refused(400, "invalid_request") }
        guard let token = refreshTokens[value], token.client == client, now < token.expires else {
            return Self.refused(401, "invalid_grant")
        }
        if switches.rotatesRefreshTokens { refreshTokens[value] = nil }
        return oauthTokens(
            user: token.user,
            client: client,
            withRefreshToken: switches.rotatesRefreshTokens,
            at: now
        )
    }

    private mutating func oauthTokens(
        user: Int,
        client: Int,
        withRefreshToken: Bool,
        at now: Date
    ) -> SimulatedAnswer {
        let access = issue(.oauth, user: user, client: client, seconds: Self.passwordTokenSeconds, at: now)
        guard withRefreshToken else { return Self.granted(access, Self.passwordTokenSeconds) }
        let refresh = generator.hex(64)
        let expires = now.addingTimeInterval(Double(Self.refreshTokenSeconds))
        refreshTokens[refresh] = RefreshToken(user: user, client: client, expires: expires)
        return Self.granted(access, Self.passwordTokenSeconds, refresh: refresh)
    }

    private static func refused(_ status: Int, _ error: String) -> SimulatedAnswer {
        .json(status, ["error": .string(error)])
    }

    private static func granted(_ token: String, _ seconds: Int, refresh: String? = nil) -> SimulatedAnswer {
        var members: [WireJSON.Member] = [
            .init("token_type", "Bearer"), .init("expires_in", .integer(seconds)),
            .init("access_token", .string(token)),
        ]
        if let refresh { members.append(.init("refresh_token", .string(refresh))) }
        return .json(200, .object(members))
    }
}
