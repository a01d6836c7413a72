import TokenHealth

/// A piece of configuration with its place, free of YAML: aliases are resolved, keys are text.
struct ConfigurationNode: Sendable {
    /// What stands there.
    enum Content: Sendable {
        case scalar(Scalar)
        case sequence([ConfigurationNode])
        case mapping([Member])
    }

    /// One key of a mapping with its value.
    struct Member: Sendable {
        let key: String
        let keyPlace: Place
        let value: ConfigurationNode
    }

    let content: Content
    let place: Place

    var isNull: Bool {
        guard case .scalar(let scalar) = content else { return false }
        return scalar.isNull
    }

    /// The value of a key; `nil` where this is no mapping that has it.
    func member(_ key: String) -> ConfigurationNode? {
        guard case .mapping(let members) = content else { return nil }
        return members.first { $0.key == key }?.value
    }

    /// What stands there, for a person.
    var kind: String {
        switch content {
        case .scalar(let scalar): scalar.isNull ? "empty" : "a single value"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}

/// A single value as it was written; its type depends on what is expected where it stands.
struct Scalar: Sendable, Hashable {
    let text: String
    /// Whether it was written without quotes, so that `true`, `null` and numbers mean more than their text.
    let isPlain: Bool

    var isNull: Bool { isPlain && ["", "~", "null", "Null", "NULL"].contains(text) }

    var flag: Bool? {
        guard isPlain else { return nil }
        switch text {
        case "true", "True", "TRUE": return true
        case "false", "False", "FALSE": return false
        default: return nil
        }
    }

    /// The number, where it was written as one.
    var number: JSONNumber? {
        let isNumeric = text.allSatisfy { $0.isASCII && ($0.isNumber || "+-.eE".contains($0)) }
        guard isPlain, isNumeric, text.contains(where: \.isNumber) else { return nil }
        return JSONNumber(parsing: text)
    }

    /// The value that JSON would have here.
    var json: JSONValue {
        if isNull { return .null }
        if let flag { return .bool(flag) }
        return number.map { .number($0) } ?? .string(text)
    }

    /// What other readers of YAML take this word for, where here it is a text.
    var otherReading: String? {
        guard isPlain, text.utf8.count <= 40, case .string = json else { return nil }
        switch text.lowercased() {
        case "yes", "on", "y": return "true"
        case "no", "off", "n": return "false"
        default:
            let number =
                /[-+]?(?:0[0-7_]+|0x[0-9a-fA-F_]+|0b[01_]+|0o[0-7]+|[0-9][0-9_]*|[0-9]+(?::[0-5]?[0-9])+|\.[0-9]+|\.inf|\.nan)/
            return text.wholeMatch(of: number.ignoresCase()) == nil ? nil : "a number"
        }
    }
}
