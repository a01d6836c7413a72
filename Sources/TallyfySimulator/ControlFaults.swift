import FoundationEssentials

/// Reading faults and switches from control calls.
extension Fault {
    static let controlKeys = ["kind", "route", "token_fp", "count", "for_s", "after", "params"]

    init(_ fields: ControlFields) throws(ControlError) {
        self.init(
            try Kind(named: fields.text("kind"), fields["params"] ?? [:]),
            route: try fields.optionalText("route"),
            count: try fields.optionalInteger("count"),
            forSeconds: try fields.optionalNumber("for_s"),
            after: try fields.optionalInteger("after") ?? 0
        )
        tokenFingerprint = try fields.optionalText("token_fp")
    }
}

extension Fault.Kind {
    init(named name: String, _ params: WireJSON) throws(ControlError) {
        func fields(_ keys: String...) throws(ControlError) -> ControlFields {
            do { return try ControlFields(params, allowing: keys) } catch {
                throw .invalid("in 'params' of \(name): \(error)")
            }
        }
        switch name {
        case "rate_limit": self = .rateLimit(try Fault.RetryAfter(fields("retry_after", "seconds")))
        case "maintenance": self = try .maintenance(fields("body", "retry_after"))
        case "waf": self = .waf(status: try fields("status").optionalInteger("status") ?? 403)
        case "status": self = try .custom(fields("status", "body", "body_base64", "html", "headers"))
        case "body":
            let variant = try fields("variant").optionalChoice("variant", Fault.BodyVariant.self)
            guard let variant else { throw .invalid("'variant' is missing in 'params'") }
            self = .body(variant)
        case "non_credential_401":
            let text = try fields("text").optionalChoice("text", Fault.NonCredentialText.self)
            self = .nonCredential401(text ?? .unauthorizedAction)
        case "business_403": self = try fields().nothing(.business403)
        case "delay": self = .delay(try fields("seconds").optionalWait("seconds") ?? .seconds(1))
        case "reset": self = try fields().nothing(.reset)
        case "refuse": self = try fields().nothing(.refuse)
        case "stall": self = try fields().nothing(.stall)
        case "slow_body":
            let fields = try fields("bytes", "pause_s")
            let pause = try fields.optionalWait("pause_s") ?? .seconds(1)
            self = .slowBody(bytes: try fields.optionalInteger("bytes") ?? 1, pause: pause)
        case "wrong_user": self = .wrongUser(try fields("user").optionalInteger("user"))
        case "flap": self = try .flap(fields("status", "pattern"))
        case "redirect":
            let fields = try fields("location", "status")
            self = .redirect(
                to: try fields.optionalText("location") ?? "https://account.example.test/login",
                status: try fields.optionalInteger("status") ?? 302
            )
        case _: throw .invalid("unknown fault kind '\(name)'")
        }
    }

    private static func maintenance(_ fields: ControlFields) throws(ControlError) -> Self {
        let body = try fields.optionalChoice("body", Switches.MaintenanceBody.self)
        return .maintenance(
            html: body.map { $0 == .html },
            retryAfterSeconds: try fields.optionalInteger("retry_after")
        )
    }

    private static func custom(_ fields: ControlFields) throws(ControlError) -> Self {
        guard let status = try fields.optionalInteger("status") else {
            throw .invalid("'status' is missing in 'params'")
        }
        var headers: [HeaderField] = []
        if let given = fields["headers"] {
            guard case .object(let members) = given else { throw .invalid("'headers' must be a JSON object") }
            for member in members {
                guard let value = member.value.string else {
                    throw .invalid("header '\(member.key)' must be a string")
                }
                headers.append(HeaderField(member.key, value))
            }
        }
        var body = try fields.optionalText("body").map { Array($0.utf8) }
        if let encoded = try fields.optionalText("body_base64") {
            guard let decoded = Data(base64Encoded: encoded) else { throw .invalid("'body_base64' is not base64") }
            body = Array(decoded)
        }
        return .status(status, body: body, html: try fields.optionalTruth("html") ?? false, headers: headers)
    }

    /// The pattern is text such as `110`: on, on, off, and again.
    private static func flap(_ fields: ControlFields) throws(ControlError) -> Self {
        let pattern = try fields.optionalText("pattern") ?? "10"
        guard pattern.allSatisfy({ "01".contains($0) }) else {
            throw .invalid("'pattern' must be made of 0 and 1")
        }
        return .flap(status: try fields.optionalInteger("status") ?? 503, pattern: pattern.map { $0 == "1" })
    }
}

extension ControlFields {
    /// For kinds without parameters: having been read strictly is all that is asked.
    fileprivate func nothing(_ kind: Fault.Kind) -> Fault.Kind { kind }
}

extension Fault.RetryAfter {
    /// `retry_after` is a number of seconds, one of the known forms, or the very text to send.
    fileprivate init(_ fields: ControlFields) throws(ControlError) {
        let seconds = try fields.optionalInteger("seconds") ?? 30
        switch fields["retry_after"] {
        case nil: self = .seconds(seconds)
        case .integer(let number)?: self = .seconds(number)
        case .string(let text)?:
            self = Switches.RetryAfterForm(rawValue: text).map { .init($0, seconds: seconds) } ?? .literal(text)
        case .null?, .bool?, .number?, .array?, .object?:
            throw .invalid("'retry_after' must be a number of seconds or a string")
        }
    }
}

extension SimulatedTallyfy {
    /// Sets a profile first, if one is named, then single switches by name; nothing changes when one is wrong.
    mutating func configure(_ body: [UInt8]) throws(ControlError) {
        let names = Switches.CodingKeys.allCases.map(\.rawValue)
        let fields = try ControlFields(body, allowing: ["profile"] + names)
        var changed = try fields.optionalChoice("profile", Profile.self).map(Switches.init) ?? switches
        for name in names {
            guard let value = fields[name] else { continue }
            changed = try changed.setting(name, to: value)
        }
        switches = changed
    }
}

extension Switches {
    /// The switches as the control API shows them.
    var report: WireJSON {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let data = try? encoder.encode(self), let json = try? WireJSON(parsing: Array(data)) else { return .null }
        return json
    }

    fileprivate func setting(_ name: String, to value: WireJSON) throws(ControlError) -> Switches {
        guard case .object(var members) = report, let index = members.firstIndex(where: { $0.key == name }) else {
            throw .invalid("unknown switch '\(name)'")
        }
        // Statuses may be given as numbers.
        var value = value
        if case (.string, .integer(let number)) = (members[index].value, value) { value = .string(String(number)) }
        if let number = value.integer, !(0...10_000_000_000).contains(number) {
            throw .invalid("'\(name)' must not be \(number)")
        }
        members[index].value = value
        let bytes = WireJSON.object(members).bytes
        guard let changed = try? JSONDecoder().decode(Switches.self, from: Data(bytes)) else {
            throw .invalid("'\(name)' cannot be \(value.text)")
        }
        return changed
    }
}
