import FoundationEssentials

/// Writes JSON straight into bytes: what is written often, and by the hundred thousand, has no time for an encoder.
package struct JSONText: Sendable {
    package private(set) var bytes: [UInt8] = []
    /// Whether the next member or element is the first of its container.
    private var isFirst = true

    package init() {}

    /// Forgets the bytes and keeps their room.
    package mutating func clear() { bytes.removeAll(keepingCapacity: true) }

    /// What is written as it is: the caller sees to it that it is JSON.
    mutating func raw(_ text: StaticString) {
        unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    // MARK: - Containers

    mutating func beginObject() {
        bytes.append(UInt8(ascii: "{"))
        isFirst = true
    }

    mutating func endObject() {
        bytes.append(UInt8(ascii: "}"))
        isFirst = false
    }

    mutating func beginArray() {
        bytes.append(UInt8(ascii: "["))
        isFirst = true
    }

    mutating func endArray() {
        bytes.append(UInt8(ascii: "]"))
        isFirst = false
    }

    /// `body` writes each of the elements.
    mutating func array<Element>(_ elements: [Element], _ body: (inout JSONText, Element) -> Void) {
        beginArray()
        for each in elements {
            element()
            body(&self, each)
        }
        endArray()
    }

    /// The name of a member, which needs no escapes; its value follows.
    mutating func member(_ name: StaticString) {
        let isFirst = isFirst
        self.isFirst = false
        bytes.append(addingCapacity: name.utf8CodeUnitCount + 4) { text in
            if !isFirst { text.append(UInt8(ascii: ",")) }
            text.append(UInt8(ascii: "\""))
            unsafe text.append(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
            text.append(UInt8(ascii: "\""))
            text.append(UInt8(ascii: ":"))
        }
    }

    /// The name of a member that is data.
    mutating func member(named name: String) {
        element()
        string(name)
        bytes.append(UInt8(ascii: ":"))
    }

    /// Begins an element of an array; its value follows.
    mutating func element() {
        if isFirst { isFirst = false } else { bytes.append(UInt8(ascii: ",")) }
    }

    // MARK: - Values

    mutating func null() { raw("null") }

    mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }

    mutating func number(_ value: some FixedWidthInteger) { bytes.append(contentsOf: String(value).utf8) }

    /// A number that is finite; anything else is `null`.
    mutating func number(_ value: Double) {
        guard value.isFinite else { return null() }
        if value == 1 { return bytes.append(UInt8(ascii: "1")) }
        bytes.append(contentsOf: "\(value)".utf8)
    }

    mutating func date(_ value: Date) {
        guard let timestamp = TimestampText(value) else { return string(value.rfc3339) }
        bytes.append(addingCapacity: TimestampText.length + 2) { text in
            text.append(UInt8(ascii: "\""))
            timestamp.append(to: &text)
            text.append(UInt8(ascii: "\""))
        }
    }

    mutating func string(_ value: String) {
        var value = value
        value.withUTF8 { characters in
            guard unsafe characters.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") })
            else {
                bytes.append(UInt8(ascii: "\""))
                unsafe characters.forEach { escape($0) }
                return bytes.append(UInt8(ascii: "\""))
            }
            bytes.append(addingCapacity: characters.count + 2) { text in
                text.append(UInt8(ascii: "\""))
                unsafe text.append(characters)
                text.append(UInt8(ascii: "\""))
            }
        }
    }

    /// RFC 8259 section 7.
    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): raw("\\\"")
        case UInt8(ascii: "\\"): raw("\\\\")
        case 0x0A: raw("\\n")
        case 0x0D: raw("\\r")
        case 0x09: raw("\\t")
        case 0..<0x20:
            raw("\\u00")
            for digit in [byte >> 4, byte & 0xF] {
                bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            }
        default: bytes.append(byte)
        }
    }

    // MARK: - What may be absent

    /// `body` writes the value, or there is `null`.
    mutating func optional<Value>(_ value: Value?, _ body: (inout JSONText, Value) -> Void) {
        if let value { body(&self, value) } else { null() }
    }

    mutating func string(_ value: String?) { optional(value) { $0.string($1) } }

    mutating func date(_ value: Date?) { optional(value) { $0.date($1) } }

    mutating func number(_ value: Int?) { optional(value) { $0.number($1) } }

    mutating func number(_ value: Double?) { optional(value) { $0.number($1) } }
}

extension OutputSpan<UInt8> {
    /// Appends all of `bytes`, for which there is room.
    @inline(__always)
    fileprivate mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        unsafe withUnsafeMutableBufferPointer { text, count in
            let room = unsafe text[count...]
            _ = unsafe UnsafeMutableBufferPointer(rebasing: room).initialize(fromContentsOf: bytes)
            count += bytes.count
        }
    }
}
