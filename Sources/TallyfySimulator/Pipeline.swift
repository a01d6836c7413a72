import FoundationEssentials

/// The order of checks; the first that objects answers.
extension SimulatedTallyfy {
    /// Everything behind the faults.
    mutating func soundAnswer(_ call: Call, at now: Date) -> SimulatedAnswer {
        if call.route == .health { return .json(200, ["status": "ok"]) }
        if call.route != .tokenGrant, let refusal = edgeRefusal(call) { return refusal }
        guard !Self.acceptsJSON(call.request) else { return applicationAnswer(call, at: now) }
        switch switches.missingAccept {
        case .allow: return applicationAnswer(call, at: now)
        case .redirect: return Bodies.loginRedirect
        case .html:
            let status = applicationAnswer(call, at: now).status
            return .html(status, Bodies.page("Status \(status)"))
        }
    }

    /// The checks before the application: client header, bearer syntax, shape of the token.
    private func edgeRefusal(_ call: Call) -> SimulatedAnswer? {
        let client = call.request.header("X-Tallyfy-Client") ?? ""
        let known = switches.clientHeaderValues == .any ? !client.isEmpty : client == "APIClient"
        if !known {
            switch switches.missingClientHeader {
            case .allow: break
            case .edge404: return Bodies.edgeNotFound
            case .unauthorized: return Bodies.unauthenticated(.full)
            }
        }
        guard let token = call.bearer else { return Bodies.unauthenticated(switches.envelope) }
        // A token never handed out covers the malformed ones too.
        if switches.edgeChecksTokens, tokens[token] == nil { return Bodies.edgePermissionDenied }
        return nil
    }

    /// `*/*` does not count, as was seen on the real token endpoint.
    private static func acceptsJSON(_ request: SimulatedRequest) -> Bool {
        request.headers.contains {
            $0.name.lowercased() == "accept" && $0.value.lowercased().contains("application/json")
        }
    }

    /// The application: throttle, then everything else, every answer with its bookkeeping headers.
    private mutating func applicationAnswer(_ call: Call, at now: Date) -> SimulatedAnswer {
        let user = call.bearer.flatMap { tokens[$0]?.user }
        let admission = throttle.admit(
            user.map { "user \($0)" } ?? "address \(call.request.remoteAddress)",
            isGet: call.request.method == "GET",
            limits: switches,
            at: now
        )
        var answer: SimulatedAnswer
        switch admission.refusedForSeconds {
        case nil: answer = admittedAnswer(call, at: now)
        case let seconds?:
            answer = Bodies.rateLimited(.init(switches.retryAfter, seconds: seconds), at: now)
        }
        answer.headers.append(HeaderField("X-Request-Id", generator.hex(32)))
        guard switches.ratePerMinute > 0 else { return answer }
        answer.headers.append(HeaderField("X-RateLimit-Limit", String(switches.ratePerMinute)))
        if answer.header("X-RateLimit-Remaining") == nil {
            answer.headers.append(HeaderField("X-RateLimit-Remaining", String(admission.remaining)))
        }
        return answer
    }

    private mutating func admittedAnswer(_ call: Call, at now: Date) -> SimulatedAnswer {
        switch call.route {
        case .unknown: return Bodies.unknownRoute
        case .tokenGrant: return grant(call.request, at: now)
        case .health, .me, .myOrganizations, .organization, .organizationMe, .organizationTasks, .onBehalfToken: break
        }
        guard let value = call.bearer, let token = tokens[value], isAlive(value, at: now) else {
            return deadAnswer(call.bearer)
        }
        if token.kind == .application { return applicationTokenAnswer(call, token, at: now) }
        guard let person = token.user.flatMap({ people[$0] }) else { return deadAnswer(value) }
        if person.suspended { return Bodies.flat(403, "Access denied.") }
        // Only an application acts on behalf of users.
        if case .onBehalfToken = call.route { return Bodies.unauthenticated(switches.envelope) }
        guard let id = call.route.organization else { return userAnswer(call, person) }
        guard let organization = organizations[id], let membership = organization.activeMember(person.id) else {
            return wrongOrganizationAnswer
        }
        return organizationAnswer(call, person, organization, membership)
    }

    private mutating func applicationTokenAnswer(
        _ call: Call,
        _ token: IssuedToken,
        at now: Date
    ) -> SimulatedAnswer {
        if call.route.isUserScoped {
            switch switches.applicationTokenOnMe {
            case .unauthorized: return Bodies.unauthenticated(switches.envelope)
            case .allow: return .json(200, ["data": Bodies.applicationUser(client: token.client)])
            }
        }
        guard let id = call.route.organization, let organization = organizations[id] else {
            return wrongOrganizationAnswer
        }
        guard token.organization == id else {
            return Bodies.flat(403, "You don't have application's permissions for this organization!")
        }
        if case .onBehalfToken(_, let email) = call.route { return onBehalfToken(email, organization, at: now) }
        return .json(200, ["data": Bodies.organization(organization)])
    }

    /// Whether the token is good now; an idle web session takes its tokens along at this moment.
    private mutating func isAlive(_ value: String, at now: Date) -> Bool {
        guard let token = tokens[value], token.state == .live, now < token.expires else { return false }
        guard token.kind == .personal, switches.timeoutKills, switches.sessionIdleSeconds > 0,
            let index = sessions.firstIndex(where: { $0.id == token.session && $0.isOpen }),
            now.timeIntervalSince(sessions[index].lastSeen) > Double(switches.sessionIdleSeconds)
        else { return true }
        sessions[index].isOpen = false
        revoke(.timedOut, at: now) { $0.session == token.session }
        return false
    }

    private mutating func deadAnswer(_ value: String?) -> SimulatedAnswer {
        switch switches.deadStatus {
        case .unauthorized: return Bodies.unauthenticated(switches.envelope)
        case .forbidden: return Bodies.deadForbidden
        case .alternate:
            let refusals = value.flatMap { tokens[$0]?.refusals } ?? 0
            if let value { tokens[value]?.refusals += 1 }
            return refusals.isMultiple(of: 2) ? Bodies.unauthenticated(switches.envelope) : Bodies.deadForbidden
        }
    }

    private var wrongOrganizationAnswer: SimulatedAnswer {
        switch switches.wrongOrganization {
        case .notFound: Bodies.notFound
        case .forbidden: Bodies.flat(403, "Forbidden")
        }
    }
}
