import FoundationEssentials

/// The answers of the real API, as far as they are known.
enum Bodies {
    static func unauthenticated(_ envelope: Switches.Envelope) -> SimulatedAnswer {
        switch envelope {
        case .short: .json(401, ["message": "Unauthenticated."])
        case .full: flat(401, "Unauthenticated.")
        }
    }

    static func flat(_ status: Int, _ message: String, code: String? = nil) -> SimulatedAnswer {
        guard let code else { return .json(status, ["error": true, "message": .string(message)]) }
        return .json(status, ["error": true, "message": .string(message), "code": .string(code)])
    }

    static let edgeNotFound = SimulatedAnswer.json(404, ["message": "Not found. Error Code: apsh546."])
    static let edgePermissionDenied = flat(401, "Permission denied. Error Code: apsh213.")
    static let unknownRoute = flat(404, "API endpoint not found", code: "ENDPOINT_NOT_FOUND")
    static let notFound = flat(404, "Resource not found", code: "RESOURCE_NOT_FOUND")
    static let deadForbidden = flat(403, "Access denied. Token is invalid or expired.")
    static let businessRule = flat(403, "You cannot perform this action.")
    static let loginRedirect = redirect(to: "https://account.example.test/login", status: 302)

    static func redirect(to location: String, status: Int) -> SimulatedAnswer {
        .html(status, page("Redirecting"), headers: [HeaderField("Location", location)])
    }

    static func rateLimited(_ retryAfter: Fault.RetryAfter, at now: Date) -> SimulatedAnswer {
        let message = "You've reached the limit for API calls. Please try again later."
        return .json(
            429,
            ["message": .string(message), "code": "RATE_LIMIT_EXCEEDED"],
            headers: retryAfter.header(at: now) + [HeaderField("X-RateLimit-Remaining", "0")]
        )
    }

    static func maintenance(html: Bool, retryAfterSeconds: Int?) -> SimulatedAnswer {
        let headers = retryAfterSeconds.map { [HeaderField("Retry-After", String($0))] } ?? []
        return html
            ? .html(503, page("We are down for maintenance"), headers: headers)
            : .json(503, ["message": "Service Unavailable"], headers: headers)
    }

    static func challenge(_ status: Int) -> SimulatedAnswer {
        .html(status, page("Just a moment..."), headers: [HeaderField("CF-Mitigated", "challenge")])
    }

    /// The text with the full stop comes as plain text, the others as JSON.
    static func nonCredential(_ text: Fault.NonCredentialText) -> SimulatedAnswer {
        switch text {
        case .unauthorizedFullStop:
            SimulatedAnswer(
                401,
                headers: [HeaderField("Content-Type", "text/plain; charset=UTF-8")],
                body: Array(text.rawValue.utf8)
            )
        case .unauthorized: flat(401, text.rawValue, code: "UNAUTHORIZED")
        case .unauthorizedAction, .samlNotEnabled: flat(401, text.rawValue)
        }
    }

    /// What usually comes with a status.
    static func usual(_ status: Int, _ switches: Switches, at now: Date) -> SimulatedAnswer {
        switch status {
        case 401: unauthenticated(switches.envelope)
        case 402: flat(402, "Trial limit reached.")
        case 403: deadForbidden
        case 404: notFound
        case 429: rateLimited(.init(switches.retryAfter, seconds: 30), at: now)
        case 503: maintenance(html: switches.maintenanceBody == .html, retryAfterSeconds: nil)
        case 500...: flat(status, "Internal error")
        case 301, 302, 303, 307, 308: redirect(to: "https://account.example.test/login", status: status)
        case _: flat(status, "Status \(status)")
        }
    }

    static func page(_ title: String) -> String {
        "<!DOCTYPE html><html><head><title>\(title)</title></head><body><h1>\(title)</h1></body></html>"
    }
}

/// The objects of the API.
extension Bodies {
    static func user(_ person: Person, role: MemberRole?, status: String) -> WireJSON {
        var members: [WireJSON.Member] = [
            .init("id", .integer(person.id)), .init("email", .string(person.email)),
            .init("username", .string(person.username)), .init("first_name", .string(person.firstName)),
            .init("last_name", .string(person.lastName)),
            .init("full_name", .string("\(person.firstName) \(person.lastName)")),
            .init("timezone", "UTC"), .init("locale", "en"), .init("active", true),
            .init("is_suspended", .bool(person.suspended)), .init("status", .string(status)),
        ]
        if let role { members.append(.init("role", .string(role.rawValue))) }
        members.append(.init("last_login_at", .optional(person.lastLogin.map(timestamp))))
        members.append(.init("created_at", .string(timestamp(person.created))))
        return .object(members)
    }

    /// Somebody nobody knows.
    static let stranger: WireJSON = [
        "id": 999_999, "email": "stranger@example.test", "username": "stranger", "first_name": "Some",
        "last_name": "Stranger", "full_name": "Some Stranger", "active": true, "is_suspended": false,
        "status": "active", "role": "standard",
    ]

    static func applicationUser(client: Int) -> WireJSON {
        [
            "id": .integer(client), "email": .string("application-\(client)@example.test"),
            "full_name": .string("Application \(client)"), "active": true, "status": "active",
        ]
    }

    static func organization(_ organization: Organization) -> WireJSON {
        [
            "id": .string(organization.id), "name": .string(organization.name),
            "created_at": .string(timestamp(organization.created)),
        ]
    }

    /// 32 digits, the same for the same task.
    private static func taskID(_ number: Int, _ organization: String) -> String {
        SimulatedTallyfy.fingerprint(of: "\(organization) \(number)") + organization.prefix(20)
    }

    static func task(_ number: Int, organization: String) -> WireJSON {
        let day = 1 + number % 28
        return [
            "id": .string(taskID(number, organization)),
            "title": .string("Task \(number + 1)"), "status": number.isMultiple(of: 3) ? "completed" : "not-started",
            "deadline": .string("2027-01-\(day < 10 ? "0" : "")\(day)T17:00:00.000Z"),
        ]
    }
}

extension Fault.RetryAfter {
    /// The form a switch asks for, with the wait it should tell where it tells one.
    init(_ form: Switches.RetryAfterForm, seconds: Int) {
        switch form {
        case .seconds: self = .seconds(seconds)
        case .date: self = .date(inSeconds: seconds)
        case .absent: self = .absent
        case .garbage: self = .garbage
        case .huge: self = .huge
        }
    }

    func header(at now: Date) -> [HeaderField] {
        switch self {
        case .seconds(let seconds): [HeaderField("Retry-After", String(seconds))]
        case .date(let seconds):
            [HeaderField("Retry-After", httpDate(now.addingTimeInterval(min(max(Double(seconds), -1e9), 1e9))))]
        case .absent: []
        case .garbage: [HeaderField("Retry-After", "soon, perhaps")]
        case .huge: [HeaderField("Retry-After", "86400")]
        case .literal(let text): [HeaderField("Retry-After", text)]
        }
    }
}
