package import FoundationEssentials

/// The control calls: JSON in, JSON out, for tests and demonstrations in other processes.
extension SimulatedTallyfy {
    /// Answers one request of the control port.
    package mutating func control(_ request: SimulatedRequest, at now: Date) -> SimulatedAnswer {
        do {
            guard let answer = try perform(request, at: now) else {
                let call = "\(request.method) \(Target(request.target).path)"
                return .json(404, ["error": .string("there is no control call \(call)")])
            }
            return .json(200, answer)
        } catch {
            return .json(400, ["error": .string(error.description)])
        }
    }

    /// Does what is asked; nil when there is no such call.
    private mutating func perform(_ request: SimulatedRequest, at now: Date) throws(ControlError) -> WireJSON? {
        let path = Target(request.target).path
        guard path.hasPrefix("/_sim/") else { return nil }
        let name = String(path.dropFirst("/_sim/".count))
        switch (request.method, name) {
        case ("GET", "state"): return stateReport(at: now)
        case ("GET", "requests"): return ["requests": .array(log.map(Self.report))]
        case ("DELETE", "fault"):
            clearFaults()
            return ["ok": true]
        case ("POST", _):
            if let answer = try seed(name, request.body, at: now) { return answer }
            if let answer = try act(name, request.body, at: now) { return answer }
            return try steer(name, request.body, at: now)
        case _: return nil
        }
    }

    /// Users, organizations, members.
    private mutating func seed(_ name: String, _ body: [UInt8], at now: Date) throws(ControlError) -> WireJSON? {
        switch name {
        case "users":
            let keys = ["email", "id", "org", "role", "first_name", "last_name"]
            let fields = try ControlFields(body, allowing: keys)
            let id = try addUser(
                email: fields.text("email"),
                id: fields.optionalInteger("id"),
                organization: fields.optionalText("org"),
                role: fields.optionalChoice("role", MemberRole.self) ?? .standard,
                firstName: fields.optionalText("first_name") ?? "Svc",
                lastName: fields.optionalText("last_name") ?? "Account",
                at: now
            )
            return ["id": .integer(id), "password": .optional(people[id]?.password)]
        case "orgs":
            let id = addOrganization(name: try ControlFields(body, allowing: ["name"]).text("name"), at: now)
            return [
                "id": .string(id), "client_id": .optional(organizations[id].map { String($0.clientID) }),
                "client_secret": .optional(organizations[id]?.clientSecret),
            ]
        case "client_secret":
            let organization = try ControlFields(body, allowing: ["org"]).text("org")
            return ["client_secret": .string(try changeApplicationSecret(organization: organization))]
        case "members":
            let fields = try ControlFields(body, allowing: ["user", "org", "role"])
            try addMember(
                user: user(in: fields),
                organization: fields.text("org"),
                role: fields.optionalChoice("role", MemberRole.self) ?? .standard
            )
            return ["ok": true]
        case _: return nil
        }
    }

    /// What users and their administrators do.
    private mutating func act(_ name: String, _ body: [UInt8], at now: Date) throws(ControlError) -> WireJSON? {
        func fields(_ more: String...) throws(ControlError) -> ControlFields {
            try ControlFields(body, allowing: ["user"] + more)
        }
        switch name {
        case "login":
            let fields = try fields("org")
            return Self.handedOut(
                try login(user: user(in: fields), organization: fields.optionalText("org"), at: now)
            )
        case "logout": return Self.handedOut(try logout(user: user(in: fields()), at: now))
        case "logout_all": return Self.handedOut(try logout(user: user(in: fields()), all: true, at: now))
        case "clear_cookies": return Self.handedOut(try clearCookies(user: user(in: fields()), at: now))
        case "switch_org":
            let fields = try fields("org")
            return Self.handedOut(try switchOrganization(user: user(in: fields), to: fields.text("org"), at: now))
        case "idle":
            let fields = try fields("seconds")
            try idle(user: user(in: fields), seconds: fields.number("seconds"))
        case "password_reset":
            let user = try user(in: fields())
            try resetPassword(user: user, at: now)
            return ["password": .optional(people[user]?.password)]
        case "delete_all_tokens": try deleteAllTokens(user: user(in: fields()), at: now)
        case "deactivate_member", "reactivate_member":
            let fields = try fields("org")
            let active = name == "reactivate_member"
            try setMember(user: user(in: fields), organization: fields.text("org"), active: active, at: now)
        case "suspend":
            let fields = try fields("suspended")
            try suspend(user: user(in: fields), fields.optionalTruth("suspended") ?? true)
        case _: return nil
        }
        return ["ok": true]
    }

    /// Clock, faults, switches, and starting over.
    private mutating func steer(_ name: String, _ body: [UInt8], at now: Date) throws(ControlError) -> WireJSON? {
        switch name {
        case "reset":
            _ = try ControlFields(body, allowing: [])
            reset()
        case "clock":
            try setClock(ControlFields(body, allowing: ["advance_s", "set"]), at: now)
            return ["now": .string(timestamp(simulatedTime(at: now)))]
        case "fault": try inject(Fault(ControlFields(body, allowing: Fault.controlKeys)), at: now)
        case "config": try configure(body)
        case _: return nil
        }
        return ["ok": true]
    }

    private mutating func setClock(_ fields: ControlFields, at now: Date) throws(ControlError) {
        switch (try fields.optionalNumber("advance_s"), fields["set"]) {
        case (let seconds?, nil): try advanceClock(by: seconds, at: now)
        case (nil, let moment?):
            let parsed = moment.string.flatMap { try? Date($0, strategy: .iso8601) }?.timeIntervalSince1970
            guard let seconds = moment.double ?? parsed else {
                throw .invalid("'set' must be seconds since 1970 or a date such as '2026-01-31T12:00:00Z'")
            }
            try advanceClock(by: seconds - simulatedTime(at: now).timeIntervalSince1970, at: now)
        case _: throw .invalid("give either 'advance_s' or 'set'")
        }
    }

    /// A user named by id or by email.
    private func user(in fields: ControlFields) throws(ControlError) -> Int {
        switch fields["user"] {
        case .integer(let id)?: return try existing(user: id).id
        case .string(let name)?:
            guard let person = user(email: name) ?? Int(name).flatMap({ people[$0] }) else { throw .unknownUser(name) }
            return person.id
        case nil: throw .invalid("'user' is missing")
        case .null?, .bool?, .number?, .array?, .object?: throw .invalid("'user' must be an id or an email")
        }
    }

    private static func handedOut(_ token: String?) -> WireJSON {
        ["token": .optional(token), "token_fp": .optional(token.map(SimulatedTallyfy.fingerprint(of:)))]
    }
}
