package import FoundationEssentials

/// What an administrator and a browser do: people, organizations, sessions and what becomes of tokens.
extension SimulatedTallyfy {
    /// Adds an organization with an application that may act for it; returns its 32-digit id.
    package mutating func addOrganization(name: String, at now: Date) -> String {
        let id = generator.hex(32)
        organizations[id] = Organization(
            id: id,
            name: name,
            created: simulatedTime(at: now),
            clientID: 100 + organizationOrder.count,
            clientSecret: generator.hex(40)
        )
        organizationOrder.append(id)
        return id
    }

    /// Adds a user, who joins `organization` if one is given; returns the user's id.
    package mutating func addUser(
        email: String,
        id: Int? = nil,
        organization: String? = nil,
        role: MemberRole = .standard,
        firstName: String = "Svc",
        lastName: String = "Account",
        at now: Date
    ) throws(ControlError) -> Int {
        if let organization { _ = try existing(organization: organization) }
        let chosen = id ?? max(people.keys.max() ?? 0, 12_344) &+ 1
        guard chosen > 0 else { throw .invalid("a user id must be positive") }
        guard people[chosen] == nil else { throw .duplicateUser(String(chosen)) }
        guard user(email: email) == nil else { throw .duplicateUser(email) }
        people[chosen] = Person(
            id: chosen,
            email: email,
            firstName: firstName,
            lastName: lastName,
            created: simulatedTime(at: now)
        )
        if let organization { try addMember(user: chosen, organization: organization, role: role) }
        return chosen
    }

    /// Puts a user into an organization.
    package mutating func addMember(user: Int, organization: String, role: MemberRole = .standard) throws(ControlError)
    {
        _ = try existing(user: user)
        _ = try existing(organization: organization)
        organizations[organization]?.members[user] = Membership(role: role)
    }

    /// Makes a member active or disabled; other organizations are not touched.
    package mutating func setMember(
        user: Int,
        organization: String,
        active: Bool,
        at now: Date
    ) throws(ControlError) {
        _ = try existing(user: user)
        guard try existing(organization: organization).members[user] != nil else {
            throw .notAMember(user: user, organization: organization)
        }
        organizations[organization]?.members[user]?.active = active
        if !active, switches.deactivateKillsMe {
            revoke(.memberDisabled, at: simulatedTime(at: now)) { $0.user == user }
        }
    }

    /// Suspends a user, or ends the suspension.
    package mutating func suspend(user: Int, _ suspended: Bool = true) throws(ControlError) {
        _ = try existing(user: user)
        people[user]?.suspended = suspended
    }

    /// Opens a web session and returns its new personal access token; without an organization, the user's first one.
    package mutating func login(user: Int, organization: String?, at now: Date) throws(ControlError) -> String {
        _ = try existing(user: user)
        if let organization, try existing(organization: organization).activeMember(user) == nil {
            throw .notAMember(user: user, organization: organization)
        }
        let now = simulatedTime(at: now)
        let first = organizationOrder.first { organizations[$0]?.activeMember(user) != nil }
        let session = WebSession(
            id: (sessions.last?.id ?? 0) + 1,
            user: user,
            organization: organization ?? first,
            lastSeen: now
        )
        sessions.append(session)
        people[user]?.lastLogin = now
        return issuePersonalToken(user: user, session: session.id, at: now)
    }

    /// Ends the latest web session, or all of them; returns the new token where logging out makes one.
    package mutating func logout(user: Int, all: Bool = false, at now: Date) throws(ControlError) -> String? {
        _ = try existing(user: user)
        let now = simulatedTime(at: now)
        let open = sessions.indices.filter { sessions[$0].user == user && sessions[$0].isOpen }
        let closing = all ? open : Array(open.suffix(1))
        let ids = closing.map { sessions[$0].id }
        for index in closing { sessions[index].isOpen = false }
        revoke(.loggedOut, at: now) { token in
            // A token made by logging out belongs to no session and goes with the next logout.
            token.kind == .personal && token.user == user && token.session.map(ids.contains) ?? true
        }
        switch switches.logoutMode {
        case .delete: return nil
        case .regenerate: return issuePersonalToken(user: user, session: nil, at: now)
        }
    }

    /// Clears the browser's cookies, which may be as good as logging out.
    package mutating func clearCookies(user: Int, at now: Date) throws(ControlError) -> String? {
        _ = try existing(user: user)
        return switches.cookieClearKills ? try logout(user: user, at: now) : nil
    }

    /// Makes the user's web sessions older by so many seconds; they time out when a token is next used.
    package mutating func idle(user: Int, seconds: Double) throws(ControlError) {
        _ = try existing(user: user)
        guard seconds.isFinite, (0...1e9).contains(seconds) else { throw .invalid("seconds must be from 0 to 1e9") }
        for index in sessions.indices where sessions[index].user == user && sessions[index].isOpen {
            let older = sessions[index].lastSeen.addingTimeInterval(-seconds)
            sessions[index].lastSeen = max(older, Date(timeIntervalSince1970: 0))
        }
    }

    /// Works in another organization; returns a new token where switching kills the old one.
    package mutating func switchOrganization(
        user: Int,
        to organization: String,
        at now: Date
    ) throws(ControlError) -> String? {
        _ = try existing(user: user)
        guard try existing(organization: organization).activeMember(user) != nil else {
            throw .notAMember(user: user, organization: organization)
        }
        guard let index = sessions.lastIndex(where: { $0.user == user && $0.isOpen }) else {
            throw .noOpenSession(user: user)
        }
        sessions[index].organization = organization
        guard switches.switchOrganizationKills else { return nil }
        let now = simulatedTime(at: now)
        let session = sessions[index].id
        revoke(.organizationSwitched, at: now) { $0.kind == .personal && $0.session == session }
        return issuePersonalToken(user: user, session: session, at: now)
    }

    /// Resets the password: every web session ends, and the tokens with them if the switch says so.
    package mutating func resetPassword(user: Int, at now: Date) throws(ControlError) {
        _ = try existing(user: user)
        people[user]?.passwordVersion += 1
        for index in sessions.indices where sessions[index].user == user { sessions[index].isOpen = false }
        guard switches.passwordResetKills else { return }
        revoke(.passwordReset, at: simulatedTime(at: now)) { $0.kind == .personal && $0.user == user }
    }

    /// Presses "Delete All Active Tokens": every token of the user, of whatever kind.
    package mutating func deleteAllTokens(user: Int, at now: Date) throws(ControlError) {
        _ = try existing(user: user)
        refreshTokens = refreshTokens.filter { $0.value.user != user }
        revoke(.revokedAll, at: simulatedTime(at: now)) { $0.user == user }
    }
}

/// Looking up and issuing.
extension SimulatedTallyfy {
    func existing(user: Int) throws(ControlError) -> Person {
        guard let person = people[user] else { throw .unknownUser(String(user)) }
        return person
    }

    func existing(organization: String) throws(ControlError) -> Organization {
        guard let found = organizations[organization] else { throw .unknownOrganization(organization) }
        return found
    }

    func user(email: String) -> Person? {
        people.values.first { $0.email.lowercased() == email.lowercased() }
    }

    /// Ends every live token that matches.
    mutating func revoke(_ state: IssuedToken.State, at now: Date, where matches: (IssuedToken) -> Bool) {
        for (value, token) in tokens where token.state == .live && matches(token) {
            tokens[value]?.state = state
            tokens[value]?.revoked = now
        }
    }

    private mutating func issuePersonalToken(user: Int, session: Int?, at now: Date) -> String {
        issue(.personal, user: user, session: session, seconds: switches.personalTokenSeconds, at: now)
    }

    /// Makes a token; client 1 is the web application.
    mutating func issue(
        _ kind: IssuedToken.Kind,
        user: Int? = nil,
        organization: String? = nil,
        client: Int = 1,
        session: Int? = nil,
        seconds: Int,
        at now: Date
    ) -> String {
        let token = IssuedToken(
            id: generator.hex(80),
            kind: kind,
            user: user,
            organization: organization,
            client: client,
            issued: now,
            expires: now.addingTimeInterval(min(max(Double(seconds), 0), 1e10)),
            session: session
        )
        let value =
            switches.opaqueTokens
            ? String(token.id.prefix(64))
            : TokenMint.webToken(
                id: token.id,
                audience: String(client),
                subject: user.map(String.init) ?? "",
                issued: token.issued,
                expires: token.expires,
                fractional: switches.fractionalClaims
            )
        tokens[value] = token
        return value
    }
}
