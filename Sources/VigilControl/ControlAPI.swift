import FoundationEssentials
import TokenHealth
import VigilEngine
import VigilHTTP

/// One request, read whole.
struct ControlRequest: Sendable, Hashable {
    let method: String
    /// Path and query, as they came.
    let target: String
    let body: [UInt8]
    /// Who sends it, as the kernel says.
    let peer: Peer
}

/// Who is at the other end of a socket (SO_PEERCRED, unix(7)).
struct Peer: Sendable, Hashable {
    var process: Int32 = 0
    var user: UInt32
    var group: UInt32

    /// In a user namespace, which the unit sets up, everybody else but root is this one (user_namespaces(7)).
    static let overflowID: UInt32 = 65_534

    /// For the record.
    var description: String? {
        switch user {
        case Peer.overflowID: nil
        case 0: "root"
        default: "uid \(user)"
        }
    }
}

extension HTTPAnswer {
    fileprivate init(_ refusal: ControlRefusal, at now: Date) {
        self.init(refusal.status, ["error": refusal.message])
        if let retryAt = refusal.retryAt {
            headers.append(("Retry-After", String(max(1, Int(retryAt.timeIntervalSince(now).rounded(.up))))))
        }
        if !refusal.allowed.isEmpty { headers.append(("Allow", refusal.allowed.joined(separator: ", "))) }
    }
}

/// Finds out what a request wants, has it done, and says what came of it.
struct ControlAPI: Sendable {
    let actions: any ControlActions
    let now: @Sendable () -> Date

    /// Longest silence: who wants more wants a change of the configuration.
    static let longestSilence = Duration.seconds(90 * 86_400)

    func answer(to request: ControlRequest) async -> HTTPAnswer {
        do throws(ControlRefusal) {
            return try await route(request)
        } catch {
            return HTTPAnswer(error, at: now())
        }
    }

    private func route(_ request: ControlRequest) async throws(ControlRefusal) -> HTTPAnswer {
        let path = request.target.prefix { $0 != "?" && $0 != "#" }
        let parts = path.split(separator: "/", omittingEmptySubsequences: true).map { HTTPRequest.decoded($0) ?? "" }
        guard parts.first == "v1", path.hasPrefix("/") else { throw ControlRefusal(404, "there is only /v1/…") }
        switch parts.dropFirst().map({ $0 }) {
        case ["status"]:
            try allow(["GET"], request)
            return HTTPAnswer(200, await actions.status())
        case ["outbox"]:
            try allow(["GET"], request)
            return HTTPAnswer(200, OutboxAnswer(outbox: try await actions.outbox()))
        case ["reload"]:
            try allow(["POST"], request)
            return HTTPAnswer(200, ["tokens": try await actions.reload()])
        case ["silences"]:
            try allow(["GET", "POST"], request)
            guard request.method == "POST" else { return HTTPAnswer(200, ["silences": await actions.quiet()]) }
            return try await silence(Fields(request, keys: ["token", "tokens", "provider", "for", "reason", "by"]))
        case let parts where parts.count == 2 && parts[0] == "silences":
            try allow(["DELETE"], request)
            try await actions.endSilence(of: parts[1], by: try Fields(request, keys: ["by"]).person)
            return HTTPAnswer(200, ["tokens": [parts[1]]])
        case let parts where parts.count == 3 && parts[0] == "tokens" && parts[2] == "ack":
            try allow(["POST"], request)
            let fields = try Fields(request, keys: ["reason", "by"])
            let (person, reason) = (try fields.person, try fields.reason)
            let names = try await actions.acknowledge(parts[1], by: person, reason: reason)
            return HTTPAnswer(200, ["tokens": names])
        case let parts where parts.count == 3 && parts[0] == "tokens" && parts[2] == "probe":
            try allow(["POST"], request)
            return HTTPAnswer(200, try await actions.probe(parts[1]))
        case let parts where parts.count == 3 && parts[0] == "tokens" && parts[2] == "replaced":
            try allow(["POST"], request)
            return try await replaced(parts[1], Fields(request, keys: ["by", "new_identity"]))
        default:
            throw ControlRefusal(404, "there is no such thing here: see docs/control-api.md")
        }
    }

    private func replaced(_ token: String, _ fields: Fields) async throws(ControlRefusal) -> HTTPAnswer {
        let replacement = Replacement(
            token: token,
            by: try fields.person,
            acceptsNewIdentity: try fields.acceptsNewIdentity
        )
        let (record, report, others) = try await actions.replaced(replacement)
        let named = others.reduce(into: [:]) { $0[$1.key.text] = $1.value }
        return HTTPAnswer(200, ReplacementAnswer(token: report, replaced: record, others: named))
    }

    private func silence(_ fields: Fields) async throws(ControlRefusal) -> HTTPAnswer {
        let subject = try fields.subject
        let (length, person, reason) = (try fields.length, try fields.person, try fields.reason)
        let (names, silence) = try await actions.silence(subject, for: length, by: person, reason: reason)
        return HTTPAnswer(201, SilenceAnswer(tokens: names, until: silence.until))
    }

    private func allow(_ methods: [String], _ request: ControlRequest) throws(ControlRefusal) {
        guard methods.contains(request.method) else {
            throw ControlRefusal(405, "only \(methods.joined(separator: " and ")) here", allowed: methods)
        }
    }

    private struct OutboxAnswer: Encodable {
        let outbox: any Encodable & Sendable

        private enum CodingKeys: CodingKey { case outbox }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try outbox.encode(to: container.superEncoder(forKey: .outbox))
        }
    }

    private struct ReplacementAnswer: Encodable {
        let token: TokenReport
        let replaced: Intervention
        let others: [String: TokenReport]
    }

    private struct SilenceAnswer: Encodable {
        let tokens: [TokenName]
        let until: Date
    }
}

/// The body of a request, a JSON object.
private struct Fields {
    private let members: [String: JSONValue]
    private let peer: Peer

    /// - `keys`: those that the request may have.
    init(_ request: ControlRequest, keys: Set<String>) throws(ControlRefusal) {
        peer = request.peer
        guard !request.body.isEmpty else {
            members = [:]
            return
        }
        guard case .object(let members)? = JSONValue(parsing: request.body) else {
            throw ControlRefusal(400, "the body must be a JSON object")
        }
        if let unknown = members.keys.sorted().first(where: { !keys.contains($0) }) {
            throw ControlRefusal(400, "unknown key '\(unknown.prefix(40))': there are \(keys.sorted())")
        }
        self.members = members
    }

    /// Why, in a person's words.
    var reason: String {
        get throws(ControlRefusal) {
            guard let reason = try line("reason", atMost: 500) else {
                throw ControlRefusal(400, "reason is missing: why?")
            }
            return reason
        }
    }

    /// Who: as they call themselves, with what the kernel says.
    var person: String {
        get throws(ControlRefusal) {
            let claimed = try line("by", atMost: 100)
            guard let claimed, let certain = peer.description else { return claimed ?? peer.description ?? "somebody" }
            return claimed == certain ? claimed : "\(claimed) (\(certain))"
        }
    }

    /// Whether a new secret may be somebody else's.
    var acceptsNewIdentity: Bool {
        get throws(ControlRefusal) {
            switch members["new_identity"] {
            case nil, .null: return false
            case .bool(let value): return value
            default: throw ControlRefusal(400, "new_identity must be true or false")
            }
        }
    }

    var length: Duration {
        get throws(ControlRefusal) {
            guard let text = try line("for", atMost: 20) else { throw ControlRefusal(400, "for is missing: how long?") }
            guard let length = DurationText.parse(text), length >= .seconds(1), length <= ControlAPI.longestSilence
            else {
                throw ControlRefusal(400, "for must be a number with a unit, from 1s to 90d, as in 2h")
            }
            return length
        }
    }

    var subject: SilenceSubject {
        get throws(ControlRefusal) {
            switch (members["token"], members["tokens"], members["provider"]) {
            case (.string(let token), nil, nil): return .tokens([token])
            case (nil, .array(let elements), nil) where (1...10_000).contains(elements.count):
                var names: [String] = []
                for element in elements {
                    guard case .string(let name) = element else { throw ControlRefusal(400, "tokens must be names") }
                    names.append(name)
                }
                return .tokens(names)
            case (nil, nil, .string(let provider)): return .provider(provider)
            default: throw ControlRefusal(400, "name one token, a list of tokens, or one provider")
            }
        }
    }

    /// One line of text; `nil` where there is none.
    private func line(_ key: String, atMost limit: Int) throws(ControlRefusal) -> String? {
        guard let value = members[key], value != .null else { return nil }
        guard case .string(let text) = value, text.contains(where: { !$0.isWhitespace }), text.count <= limit,
            !text.unicodeScalars.contains(where: \.isUnprintable)
        else {
            throw ControlRefusal(400, "\(key) must be one line of text, at most \(limit) characters")
        }
        return text
    }
}

extension Unicode.Scalar {
    /// Control characters and marks of direction: they would spoil a log, a mail or a terminal.
    fileprivate var isUnprintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: true
        default: false
        }
    }
}
