package import TokenHealth

/// The header fields of an answer, taken in line by line as libcurl hands them over: raw, with the heads of interim
/// answers and the trailers among them.
package struct ResponseHead {
    /// Most bytes of all lines together: no server of an API needs more.
    package static let longest = 65_536
    /// Most interim answers (RFC 9110 section 15.2) before the final one.
    package static let mostInterim = 16

    /// `name:value` of each field, one after the other, ended by a line feed; never one inside.
    private var bytes: [UInt8] = []
    private var received = 0
    private var heads = 0
    /// Whether the empty line after the fields has come: what follows are trailers, or the next head.
    private var isComplete = false
    private var isStatusSound = true

    /// Whether the status line is one, and the length of the body is said once, as a number: an answer that contradicts
    /// itself says nothing (RFC 9112 sections 4 and 6.3).
    package var isSound: Bool {
        var lengths: Set<Int64?> = []
        eachField { name, value in
            guard isName(name, "content-length") else { return }
            for part in bytes[value].split(separator: 0x2C, omittingEmptySubsequences: false) {
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
        bytes.removeAll(keepingCapacity: true)
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
            bytes.removeAll(keepingCapacity: true)
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

    /// Adds a field, or what continues the last one: a fold is replaced by a space (RFC 9112 section 5.2).
    private mutating func append(_ line: Span<UInt8>, to end: Int) {
        if line[0] == 0x20 || line[0] == 0x09 {
            // A fold before any field continues nothing.
            guard bytes.last == 0x0A else { return }
            bytes[bytes.count - 1] = 0x20
        }
        // A line feed ends a field here, and cannot stand in one.
        for index in 0..<end { bytes.append(line[index] == 0x0A || line[index] == 0 ? 0x20 : line[index]) }
        bytes.append(0x0A)
    }

    /// All values of a field in the order in which they came, whatever the case of its name.
    package func values(of name: String) -> [String] {
        var values: [String] = []
        eachField { field, value in
            if isName(field, name) { values.append(text(at: value)) }
        }
        return values
    }

    /// All fields in the order in which they came.
    package var fields: [HeaderField] {
        var fields: [HeaderField] = []
        eachField { name, value in
            fields.append(HeaderField(text(at: name), text(at: value)))
        }
        return fields
    }

    private func text(at range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self).streamSafe }

    /// Hands over where in ``bytes`` the name and the value of each field are; a line without a colon or a name is none.
    private func eachField(_ body: (_ name: Range<Int>, _ value: Range<Int>) -> Void) {
        let bytes = self.bytes.span
        var start = 0
        var colon: Int?
        for index in 0..<bytes.count {
            switch bytes[index] {
            case 0x3A: colon = colon ?? index
            case 0x0A:
                if let colon {
                    let name = trimmed(start..<colon)
                    if !name.isEmpty { body(name, trimmed(colon + 1..<index)) }
                }
                start = index + 1
                colon = nil
            default: break
            }
        }
    }

    /// Whether the bytes there are `name`, in whatever case.
    private func isName(_ range: Range<Int>, _ name: String) -> Bool {
        guard range.count == name.utf8.count else { return false }
        var index = range.lowerBound
        for byte in name.utf8 {
            guard bytes[index].lowercased == byte.lowercased else { return false }
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

extension UInt8 {
    fileprivate var lowercased: UInt8 { (0x41...0x5A).contains(self) ? self | 0x20 : self }
}
