package import TokenHealth

/// The header fields of an answer, taken in line by line as libcurl hands them over: raw, with the heads of interim
/// answers and the trailers among them.
package struct ResponseHead {
    /// Most bytes of all lines together: no server of an API needs more.
    package static let longest = 65_536
    /// Most interim answers (RFC 9110 section 15.2) before the final one.
    package static let mostInterim = 16

    /// Where in ``bytes`` a field is.
    private struct Field {
        let name: Range<Int>
        let value: Range<Int>
    }

    /// `name:value` of each field, one after the other, ended by a line feed; never one inside.
    private var bytes: [UInt8] = []
    /// Where the last line begins, with all that continues it.
    private var lastLine = 0
    /// In the order in which they came; a line without a colon or a name is none.
    private var places: [Field] = []
    private var received = 0
    private var heads = 0
    /// Whether the empty line after the fields has come: what follows are trailers, or the next head.
    private var isComplete = false
    private var isStatusSound = true

    /// Whether the status line is one, and the length of the body is said once, as a number: an answer that contradicts
    /// itself says nothing (RFC 9112 sections 4 and 6.3).
    package var isSound: Bool {
        var lengths: Set<Int64?> = []
        for field in places where isName(field.name, "content-length") {
            for part in bytes[field.value].split(separator: 0x2C, omittingEmptySubsequences: false) {
                let digits = bytes[trimmed(part.startIndex..<part.endIndex)]
                let isNumber = digits.allSatisfy { (0x30...0x39).contains($0) }
                lengths.insert(isNumber ? Int64(String(decoding: digits, as: UTF8.self)) : nil)
            }
        }
        return isStatusSound && lengths.count <= 1 && !lengths.contains(nil)
    }

    /// Whether the head of an answer that is not an interim one is complete; the caller knows its status.
    package var isFinal: Bool { isComplete && heads > 0 }

    package init() {}

    /// Makes it ready for another answer; the memory is kept.
    package mutating func reset() {
        removeFields()
        received = 0
        heads = 0
        isComplete = false
        isStatusSound = true
    }

    /// Takes in one line, with or without its end.
    ///
    /// - Returns: whether to go on; `false` where there is more than anybody should send.
    package mutating func take(_ line: Span<UInt8>) -> Bool {
        received += line.count
        guard received <= ResponseHead.longest else { return false }
        var end = line.count
        while end > 0, line[end - 1] == 0x0A || line[end - 1] == 0x0D { end -= 1 }
        if ResponseHead.isStatusLine(line) {
            heads += 1
            removeFields()
            isComplete = false
            isStatusSound = ResponseHead.hasThreeDigits(line, to: end)
            return heads <= ResponseHead.mostInterim
        }
        if end == 0 {
            isComplete = true
        } else if !isComplete {
            append(line, to: end)
        }
        return true
    }

    private static func isStatusLine(_ line: Span<UInt8>) -> Bool {
        let start: StaticString = "HTTP/"
        guard line.count >= start.utf8CodeUnitCount else { return false }
        for index in 0..<start.utf8CodeUnitCount where unsafe line[index] != start.utf8Start[index] { return false }
        return true
    }

    /// Whether what stands between the first space and the next is three digits: `HTTP/2 200`, `HTTP/1.1 401 Unauthorized`.
    private static func hasThreeDigits(_ line: Span<UInt8>, to end: Int) -> Bool {
        var start = 0
        while start < end, line[start] != 0x20 { start += 1 }
        guard start + 3 < end else { return false }
        for index in start + 1...start + 3 where !(0x30...0x39).contains(line[index]) { return false }
        return start + 4 >= end || line[start + 4] == 0x20
    }

    private mutating func removeFields() {
        bytes.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
        lastLine = 0
    }

    /// Adds a field, or what continues the last one: a fold is replaced by a space (RFC 9112 section 5.2).
    private mutating func append(_ line: Span<UInt8>, to end: Int) {
        if line[0] == 0x20 || line[0] == 0x09 {
            // A fold before any field continues nothing.
            guard bytes.last == 0x0A else { return }
            bytes[bytes.count - 1] = 0x20
            if let last = places.last, last.name.lowerBound >= lastLine { places.removeLast() }
        } else {
            lastLine = bytes.count
        }
        // A line feed ends a field here, and cannot stand in one.
        for index in 0..<end { bytes.append(line[index] == 0x0A || line[index] == 0 ? 0x20 : line[index]) }
        let whole = lastLine..<bytes.count
        bytes.append(0x0A)
        guard let colon = bytes[whole].firstIndex(of: 0x3A) else { return }
        let name = trimmed(whole.lowerBound..<colon)
        guard !name.isEmpty else { return }
        places.append(Field(name: name, value: trimmed(colon + 1..<whole.upperBound)))
    }

    /// All values of a field in the order in which they came, whatever the case of its name.
    package func values(of name: String) -> [String] {
        var values: [String] = []
        for field in places where isName(field.name, name) { values.append(text(at: field.value)) }
        return values
    }

    /// All fields in the order in which they came.
    package var fields: [HeaderField] { places.map { HeaderField(text(at: $0.name), text(at: $0.value)) } }

    private func text(at range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self).streamSafe }

    /// Whether the bytes there are `name`, in whatever case.
    private func isName(_ range: Range<Int>, _ name: String) -> Bool {
        guard range.count == name.utf8.count else { return false }
        var index = range.lowerBound
        for byte in name.utf8 {
            guard bytes[index].lowercasedASCII == byte.lowercasedASCII else { return false }
            index += 1
        }
        return true
    }

    /// Without the white space around it (RFC 9110 section 5.6.3).
    private func trimmed(_ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, bytes[start] == 0x20 || bytes[start] == 0x09 { start += 1 }
        while start < end, bytes[end - 1] == 0x20 || bytes[end - 1] == 0x09 || bytes[end - 1] == 0x0D { end -= 1 }
        return start..<end
    }
}
