import FoundationEssentials

extension Wire {
    /// `value` as the database keeps it: what ``decoder()`` reads, in a fraction of the time that ``encoder(pretty:)`` takes.
    ///
    /// Members come in the order in which the value names them, those of a dictionary in any.
    ///
    /// - Throws: `EncodingError` for a number that JSON has not, and whatever `value` throws.
    package static func stored(_ value: some Encodable) throws -> String {
        let draft = DocumentDraft()
        try draft.encode(value)
        return String(decoding: draft.text.bytes, as: UTF8.self)
    }
}

/// The bytes of a document, and which of its containers are still open.
private final class DocumentDraft {
    enum Container { case object, array }

    private(set) var text = JSONText()
    /// The innermost last.
    private var open: [Container] = []

    /// How many containers are open.
    var depth: Int { open.count }

    /// Writes one value, whole.
    func encode<Value: Encodable>(_ value: Value) throws {
        if Value.self == Date.self, let date = value as? Date { return text.date(date) }
        let outside = depth
        try value.encode(to: DocumentEncoder(draft: self, outside: outside))
        // Neither an object without members nor any other container says when it is complete.
        close(to: outside)
    }

    func writeNull() { text.null() }

    func write(_ value: String) { text.string(value) }

    func write(_ value: Bool) { text.bool(value) }

    func write(_ value: some FixedWidthInteger) { text.number(value) }

    func write(_ value: some BinaryFloatingPoint) throws {
        let number = Double(value)
        guard number.isFinite else {
            throw EncodingError.invalidValue(value, .init(codingPath: [], debugDescription: "not a number of JSON"))
        }
        text.number(number)
    }

    /// The name of the next member of the innermost object.
    func member(_ name: String) { text.member(named: name) }

    /// Begins the next element of the innermost array.
    func element() { text.element() }

    /// Opens a container within so many others; one that is open there already is written on.
    func begin(_ container: Container, within outside: Int) {
        guard depth == outside || open[outside] != container else { return close(to: outside + 1) }
        switch container {
        case .object: text.beginObject()
        case .array: text.beginArray()
        }
        open.append(container)
    }

    /// Closes containers until so many are open.
    func close(to outside: Int) {
        while depth > outside {
            switch open.removeLast() {
            case .object: text.endObject()
            case .array: text.endArray()
            }
        }
    }
}

/// Hands a value the container that it asks for.
private struct DocumentEncoder: Encoder, SingleValueEncodingContainer {
    let draft: DocumentDraft
    /// How many containers the value is in.
    let outside: Int

    // Only errors would tell it, and those of this encoder name the value.
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        draft.begin(.object, within: outside)
        return KeyedEncodingContainer(DocumentMembers(draft: draft, inside: outside + 1))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        draft.begin(.array, within: outside)
        return DocumentElements(draft: draft, inside: outside + 1)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func encodeNil() { draft.writeNull() }
    func encode(_ value: String) { draft.write(value) }
    func encode(_ value: Bool) { draft.write(value) }
    func encode<Number: FixedWidthInteger & Encodable>(_ value: Number) { draft.write(value) }
    func encode<Number: BinaryFloatingPoint & Encodable>(_ value: Number) throws { try draft.write(value) }
    func encode<Value: Encodable>(_ value: Value) throws { try draft.encode(value) }
}

/// The members of an object.
private struct DocumentMembers<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let draft: DocumentDraft
    /// How many containers are open with this one.
    let inside: Int

    var codingPath: [any CodingKey] { [] }

    private func name(_ key: some CodingKey) {
        draft.close(to: inside)
        draft.member(key.stringValue)
    }

    func encodeNil(forKey key: Key) {
        name(key)
        draft.writeNull()
    }

    func encode(_ value: String, forKey key: Key) {
        name(key)
        draft.write(value)
    }

    func encode(_ value: Bool, forKey key: Key) {
        name(key)
        draft.write(value)
    }

    func encode<Number: FixedWidthInteger & Encodable>(_ value: Number, forKey key: Key) {
        name(key)
        draft.write(value)
    }

    func encode<Number: BinaryFloatingPoint & Encodable>(_ value: Number, forKey key: Key) throws {
        name(key)
        try draft.write(value)
    }

    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        name(key)
        try draft.encode(value)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        name(key)
        return DocumentEncoder(draft: draft, outside: inside).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        name(key)
        return DocumentEncoder(draft: draft, outside: inside).unkeyedContainer()
    }

    func superEncoder(forKey key: Key) -> any Encoder {
        name(key)
        return DocumentEncoder(draft: draft, outside: inside)
    }

    func superEncoder() -> any Encoder {
        preconditionFailure("no document has the members of a class and those of its superclass")
    }
}

/// The elements of an array.
private struct DocumentElements: UnkeyedEncodingContainer {
    let draft: DocumentDraft
    /// How many containers are open with this one.
    let inside: Int
    private(set) var count = 0

    init(draft: DocumentDraft, inside: Int) {
        self.draft = draft
        self.inside = inside
    }

    var codingPath: [any CodingKey] { [] }

    private mutating func next() {
        draft.close(to: inside)
        draft.element()
        count += 1
    }

    mutating func encodeNil() {
        next()
        draft.writeNull()
    }

    mutating func encode(_ value: String) {
        next()
        draft.write(value)
    }

    mutating func encode(_ value: Bool) {
        next()
        draft.write(value)
    }

    mutating func encode<Number: FixedWidthInteger & Encodable>(_ value: Number) {
        next()
        draft.write(value)
    }

    mutating func encode<Number: BinaryFloatingPoint & Encodable>(_ value: Number) throws {
        next()
        try draft.write(value)
    }

    mutating func encode<Value: Encodable>(_ value: Value) throws {
        next()
        try draft.encode(value)
    }

    mutating func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        next()
        return DocumentEncoder(draft: draft, outside: inside).container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        next()
        return DocumentEncoder(draft: draft, outside: inside).unkeyedContainer()
    }

    mutating func superEncoder() -> any Encoder {
        next()
        return DocumentEncoder(draft: draft, outside: inside)
    }
}
