/// A value kept once, which copies share until one of them changes it.
///
/// For what is large and the same in many: of a hundred thousand tokens, most have one provider.
@propertyWrapper
package struct Kept<Value: Sendable & Hashable>: Sendable, Hashable {
    private final class Box: Sendable {
        let value: Value
        init(_ value: Value) { self.value = value }
    }

    private var box: Box

    package init(wrappedValue: Value) { box = Box(wrappedValue) }

    package var wrappedValue: Value {
        _read { yield box.value }
        set { box = Box(newValue) }
    }

    /// Itself, to be shared.
    package var projectedValue: Kept<Value> {
        get { self }
        set { self = newValue }
    }

    package static func == (left: Kept<Value>, right: Kept<Value>) -> Bool {
        left.box === right.box || left.box.value == right.box.value
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(box.value) }

    /// Takes the place of this one where both are equal.
    package mutating func share(with other: Kept<Value>) {
        if self == other { self = other }
    }
}

/// A value that is mostly absent, and takes no room then.
@propertyWrapper
package struct Rare<Value: Sendable & Hashable>: Sendable, Hashable {
    private var kept: Kept<Value>?

    package init(wrappedValue: Value?) { kept = wrappedValue.map { Kept(wrappedValue: $0) } }

    package var wrappedValue: Value? {
        get { kept?.wrappedValue }
        set { kept = newValue.map { Kept(wrappedValue: $0) } }
    }
}

extension KeyedEncodingContainer {
    /// As an optional is encoded: not at all where it is absent.
    package mutating func encode<Value: Encodable>(_ rare: Rare<Value>, forKey key: Key) throws {
        try encodeIfPresent(rare.wrappedValue, forKey: key)
    }
}

extension KeyedDecodingContainer {
    /// As an optional is decoded.
    package func decode<Value: Decodable>(_ type: Rare<Value>.Type, forKey key: Key) throws -> Rare<Value> {
        Rare(wrappedValue: try decodeIfPresent(Value.self, forKey: key))
    }
}

extension Rare: Codable where Value: Codable {
    package init(from decoder: any Decoder) throws {
        self.init(wrappedValue: try decoder.singleValueContainer().decode(Value.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(wrappedValue)
    }
}
