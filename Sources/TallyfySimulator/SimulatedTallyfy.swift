package import FoundationEssentials

/// The imitated API as a value: requests and control actions go in, answers come out, no socket and no clock inside.
///
/// Every `at now` is wall time; the offset of the simulated clock is added within.
package struct SimulatedTallyfy: Sendable {
    /// The behaviours of the moment.
    package var switches: Switches
    /// The requests so far, oldest first; the oldest half is dropped at 20,000.
    package private(set) var log: [LoggedRequest] = []
    /// How far the simulated clock runs ahead of wall time, in seconds.
    package private(set) var clockOffset = 0.0

    var people: [Int: Person] = [:]
    var organizations: [String: Organization] = [:]
    /// In order of creation, the order of lists.
    var organizationOrder: [String] = []
    var sessions: [WebSession] = []
    var tokens: [String: IssuedToken] = [:]
    var refreshTokens: [String: RefreshToken] = [:]
    var faults = FaultLedger()
    var throttle = Throttle()
    var generator: SeededGenerator
    private let initialSwitches: Switches
    private let longestLog = 20_000

    /// Starts with nobody in it; the seed makes identifiers and tokens reproducible.
    package init(switches: Switches = Switches(), seed: UInt64 = .random(in: 0 ... .max)) {
        self.switches = switches
        initialSwitches = switches
        generator = SeededGenerator(seed: seed)
    }

    /// Forgets everything but the first switches; tokens handed out before are unknown after.
    package mutating func reset() {
        let fresh = SimulatedTallyfy(switches: initialSwitches, seed: generator.next())
        self = fresh
    }

    /// The simulated time at a moment of wall time.
    package func simulatedTime(at now: Date) -> Date { now.addingTimeInterval(clockOffset) }

    /// Moves the simulated clock; throws when it would leave the years 1970 to 2200.
    package mutating func advanceClock(by seconds: Double, at now: Date) throws(ControlError) {
        let moved = simulatedTime(at: now).timeIntervalSince1970 + seconds
        guard reckonableSeconds.contains(moved) else {
            throw .invalid("the clock cannot leave the years 1970 to 2200")
        }
        clockOffset += seconds
    }

    /// Starts a fault; throws when it cannot be played.
    package mutating func inject(_ fault: Fault, at now: Date) throws(ControlError) {
        if let problem = fault.problem { throw .invalid(problem) }
        faults.add(fault, at: simulatedTime(at: now))
    }

    /// Ends all faults.
    package mutating func clearFaults() { faults = FaultLedger() }

    /// Answers one request of the public port.
    package mutating func answer(_ request: SimulatedRequest, at now: Date) -> SimulatedAnswer {
        let now = simulatedTime(at: now)
        let call = Call(request)
        var answer = faultyAnswer(call, at: now)
        if answer.visibleStatus != nil {
            answer.headers += [HeaderField("Server", "cloudflare"), HeaderField("CF-Ray", generator.hex(16) + "-SIM")]
        }
        record(call, status: answer.visibleStatus, at: now)
        return answer
    }

    private mutating func record(_ call: Call, status: Int?, at now: Date) {
        if log.count >= longestLog { log.removeFirst(longestLog / 2) }
        log.append(
            LoggedRequest(
                connection: call.request.connection,
                method: call.request.method,
                path: call.target.path,
                headerNames: call.request.headers.map(\.name),
                userAgent: call.request.header("User-Agent"),
                hasAuthorization: call.request.header("Authorization") != nil,
                tokenFingerprint: call.bearer.map(SimulatedTallyfy.fingerprint(of:)),
                grantType: call.route == .tokenGrant
                    ? formFields(String(decoding: call.request.body, as: UTF8.self))["grant_type"] : nil,
                status: status,
                at: now
            )
        )
    }
}

/// A request with what the pipeline asks of it, read once.
struct Call {
    let request: SimulatedRequest
    let target: Target
    let route: Route
    /// The token, when the header has the one accepted form.
    let bearer: String?

    init(_ request: SimulatedRequest) {
        self.request = request
        target = Target(request.target)
        route = Route(method: request.method, segments: target.segments)
        bearer = Self.bearer(request.header("Authorization"))
    }

    /// Exactly `Bearer`, one space and something without spaces.
    private static func bearer(_ header: String?) -> String? {
        guard let header, header.hasPrefix("Bearer ") else { return nil }
        let token = header.dropFirst("Bearer ".count)
        return token.isEmpty || token.contains(" ") ? nil : String(token)
    }
}

/// Where a request goes.
enum Route: Equatable {
    case health
    case tokenGrant
    case me
    case myOrganizations
    case organization(String)
    case organizationMe(String)
    case organizationTasks(String)
    case onBehalfToken(organization: String, email: String)
    case unknown

    init(method: String, segments: [String]) {
        let last = segments.indices.contains(1) ? segments[1] : ""
        switch (method, segments.count, segments.first) {
        case ("GET", 1, "health"), ("HEAD", 1, "health"): self = .health
        case ("POST", 2, "oauth") where last == "token": self = .tokenGrant
        case ("GET", 1, "me"): self = .me
        case ("GET", 2, "me") where last == "organizations": self = .myOrganizations
        case ("GET", 2, "organizations"): self = .organization(last)
        case ("GET", 3, "organizations") where segments[2] == "me": self = .organizationMe(last)
        case ("GET", 4, "organizations") where segments[2] == "me" && segments[3] == "tasks":
            self = .organizationTasks(last)
        case ("POST", 5, "applications") where segments[2] == "users" && segments[4] == "token":
            self = .onBehalfToken(organization: last, email: segments[3])
        case _: self = .unknown
        }
    }

    /// Whether it speaks of the user behind the token.
    var isUserScoped: Bool {
        switch self {
        case .me, .myOrganizations, .organizationMe, .organizationTasks: true
        case .health, .tokenGrant, .organization, .onBehalfToken, .unknown: false
        }
    }

    /// The organization named in the path.
    var organization: String? {
        switch self {
        case .organization(let id), .organizationMe(let id), .organizationTasks(let id), .onBehalfToken(let id, _): id
        case .health, .tokenGrant, .me, .myOrganizations, .unknown: nil
        }
    }
}
