import FoundationEssentials

/// What the control API tells about the inside; tokens appear by their fingerprints only.
extension SimulatedTallyfy {
    func stateReport(at now: Date) -> WireJSON {
        [
            "now": .string(timestamp(simulatedTime(at: now))),
            "switches": switches.report,
            "orgs": .array(organizationOrder.compactMap { organizations[$0] }.map(Self.report)),
            "users": .array(people.values.sorted { $0.id < $1.id }.map(Self.report)),
            "sessions": .array(sessions.map(Self.report)),
            "tokens": .array(tokens.sorted { $0.value.issued < $1.value.issued }.map(Self.report)),
            "refresh_tokens": .integer(refreshTokens.count),
            "faults": .integer(faults.count),
            "requests": .integer(log.count),
        ]
    }

    static func report(_ request: LoggedRequest) -> WireJSON {
        [
            "connection": .integer(request.connection), "method": .string(request.method),
            "path": .string(request.path), "header_names": .array(request.headerNames.map(WireJSON.string)),
            "user_agent": .optional(request.userAgent), "has_authorization": .bool(request.hasAuthorization),
            "token_fp": .optional(request.tokenFingerprint), "grant_type": .optional(request.grantType),
            "status": request.status.map(WireJSON.integer) ?? .null,
            "at": .string(timestamp(request.at)),
        ]
    }

    private static func report(_ organization: Organization) -> WireJSON {
        let members = organization.members.sorted { $0.key < $1.key }
        return [
            "id": .string(organization.id), "name": .string(organization.name),
            "client_id": .string(String(organization.clientID)),
            "members": .array(
                members.map {
                    [
                        "user": .integer($0.key), "role": .string($0.value.role.rawValue),
                        "status": $0.value.active ? "active" : "disabled",
                    ]
                }
            ),
        ]
    }

    private static func report(_ person: Person) -> WireJSON {
        [
            "id": .integer(person.id), "email": .string(person.email), "is_suspended": .bool(person.suspended),
            "password_version": .integer(person.passwordVersion),
        ]
    }

    private static func report(_ session: WebSession) -> WireJSON {
        [
            "id": .integer(session.id), "user": .integer(session.user), "org": .optional(session.organization),
            "last_seen": .string(timestamp(session.lastSeen)), "open": .bool(session.isOpen),
        ]
    }

    private static func report(_ value: String, _ token: IssuedToken) -> WireJSON {
        [
            "token_fp": .string(SimulatedTallyfy.fingerprint(of: value)), "kind": .string(token.kind.rawValue),
            "user": token.user.map(WireJSON.integer) ?? .null, "org": .optional(token.organization),
            "state": .string(token.state.rawValue), "issued_at": .string(timestamp(token.issued)),
            "expires_at": .string(timestamp(token.expires)), "revoked_at": .optional(token.revoked.map(timestamp)),
            "session": token.session.map(WireJSON.integer) ?? .null,
        ]
    }
}
