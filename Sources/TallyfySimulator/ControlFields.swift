import FoundationEssentials

/// The JSON object of a control call, read key by key; every problem names its key.
struct ControlFields {
    private let object: WireJSON

    /// Reads the body; nothing at all counts as an empty object.
    init(_ body: [UInt8], allowing keys: [String]) throws(ControlError) {
        guard let parsed = try? body.isEmpty ? [:] : WireJSON(parsing: body) else {
            throw .invalid("the body is not JSON")
        }
        try self.init(parsed, allowing: keys)
    }

    init(_ object: WireJSON, allowing keys: [String]) throws(ControlError) {
        guard case .object(let members) = object else { throw .invalid("the body must be a JSON object") }
        if let stray = members.first(where: { !keys.contains($0.key) }) {
            let known = keys.isEmpty ? "no keys are known here" : "known keys: \(keys.joined(separator: ", "))"
            throw .invalid("unknown key '\(stray.key)'; \(known)")
        }
        // An explicit null says the same as silence.
        self.object = .object(members.filter { $0.value != .null })
    }

    subscript(_ key: String) -> WireJSON? { object[key] }

    func optionalText(_ key: String) throws(ControlError) -> String? {
        try optional(key, "a string") { $0.string }
    }

    func text(_ key: String) throws(ControlError) -> String { try required(key, try optionalText(key)) }

    func optionalInteger(_ key: String) throws(ControlError) -> Int? {
        try optional(key, "a whole number") { $0.integer }
    }

    func optionalNumber(_ key: String) throws(ControlError) -> Double? {
        try optional(key, "a number") { $0.double }
    }

    func number(_ key: String) throws(ControlError) -> Double { try required(key, try optionalNumber(key)) }

    func optionalTruth(_ key: String) throws(ControlError) -> Bool? {
        try optional(key, "true or false") { $0.bool }
    }

    /// A wait in seconds, at most a day.
    func optionalWait(_ key: String) throws(ControlError) -> Duration? {
        guard let seconds = try optionalNumber(key) else { return nil }
        guard (0...86_400).contains(seconds) else { throw .invalid("'\(key)' must be from 0 to 86400 seconds") }
        return .seconds(seconds)
    }

    /// One of the raw values of an enumeration.
    func optionalChoice<Choice>(_ key: String, _ type: Choice.Type) throws(ControlError) -> Choice?
    where Choice: RawRepresentable<String> & CaseIterable {
        guard let text = try optionalText(key) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let known = Choice.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            throw .invalid("'\(key)' must be one of \(known), not '\(text)'")
        }
        return choice
    }

    private func optional<Value>(
        _ key: String,
        _ expected: String,
        _ read: (WireJSON) -> Value?
    ) throws(ControlError) -> Value? {
        guard let value = object[key] else { return nil }
        guard let read = read(value) else { throw .invalid("'\(key)' must be \(expected)") }
        return read
    }

    private func required<Value>(_ key: String, _ value: Value?) throws(ControlError) -> Value {
        guard let value else { throw .invalid("'\(key)' is missing") }
        return value
    }
}
