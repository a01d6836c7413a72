import FoundationEssentials
import TallyfySimulator

/// An imitated API with one organization, one user and that user's token, on a clock that only moves when told.
struct SmallWorld {
    var tallyfy: SimulatedTallyfy
    var now = Date(timeIntervalSince1970: 1_800_000_000)
    let organization: String
    let user: Int
    let token: String

    init(_ profile: Profile = .current, _ change: (inout Switches) -> Void = { _ in }) throws {
        var switches = Switches(profile)
        change(&switches)
        tallyfy = SimulatedTallyfy(switches: switches, seed: 7)
        organization = tallyfy.addOrganization(name: "Acme", at: now)
        user = try tallyfy.addUser(email: "svc@example.test", organization: organization, at: now)
        token = try tallyfy.login(user: user, organization: organization, at: now)
    }

    static let json = HeaderField("Accept", "application/json")
    static let client = HeaderField("X-Tallyfy-Client", "APIClient")

    static func bearer(_ token: String) -> HeaderField { HeaderField("Authorization", "Bearer \(token)") }

    /// Asks politely: every header there, the first token unless another is given.
    mutating func get(_ path: String, _ token: String? = nil) -> SimulatedAnswer {
        ask("GET", path, [Self.json, Self.client, Self.bearer(token ?? self.token)])
    }

    mutating func ask(
        _ method: String,
        _ path: String,
        _ headers: [HeaderField],
        body: String = "",
        from address: String = "127.0.0.1"
    ) -> SimulatedAnswer {
        let request = SimulatedRequest(
            method,
            path,
            headers: headers,
            body: Array(body.utf8),
            remoteAddress: address
        )
        return tallyfy.answer(request, at: now)
    }

    mutating func form(_ body: String) -> SimulatedAnswer {
        ask(
            "POST",
            "/oauth/token",
            [Self.json, HeaderField("Content-Type", "application/x-www-form-urlencoded")],
            body: body
        )
    }

    mutating func control(_ method: String, _ path: String, _ body: String = "") -> SimulatedAnswer {
        tallyfy.control(SimulatedRequest(method, path, body: Array(body.utf8)), at: now)
    }
}

extension SimulatedAnswer {
    var text: String { String(decoding: body, as: UTF8.self) }

    var json: WireJSON { (try? WireJSON(parsing: body)) ?? .null }
}

/// The bodies by which answers are known.
enum Known {
    static let dead = #"{"message":"Unauthenticated."}"#
    static let deadFull = #"{"error":true,"message":"Unauthenticated."}"#
    static let deadForbidden = #"{"error":true,"message":"Access denied. Token is invalid or expired."}"#
    static let edgeDenied = #"{"error":true,"message":"Permission denied. Error Code: apsh213."}"#
    static let edgeNotFound = #"{"message":"Not found. Error Code: apsh546."}"#
    static let unknownRoute = #"{"error":true,"message":"API endpoint not found","code":"ENDPOINT_NOT_FOUND"}"#
    static let notFound = #"{"error":true,"message":"Resource not found","code":"RESOURCE_NOT_FOUND"}"#
    static let forbidden = #"{"error":true,"message":"Forbidden"}"#
    static let otherApplication =
        #"{"error":true,"message":"You don't have application's permissions for this organization!"}"#
}
