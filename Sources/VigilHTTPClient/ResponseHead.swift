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
        let values = values(of: "content-length").flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
        let lengths = Set(values.map { $0.filter { $0 != " " && $0 != "\t" } })
        return isStatusSound && lengths.count <= 1
            && lengths.allSatisfy { Int64($0) != nil && $0.first?.isNumber == true }
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
            guard field.count == name.utf8.count,
                zip(field, name.utf8).allSatisfy({ $0 == $1 || $0.lowercased == $1.lowercased })
            else { return }
            values.append(String(decoding: value, as: UTF8.self))
        }
        return values
    }

    /// All fields in the order in which they came.
    package var fields: [HeaderField] {
        var fields: [HeaderField] = []
        eachField { name, value in
            fields.append(HeaderField(String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
        }
        return fields
    }

    /// Hands over the name and the value of each field; a line without a colon or a name is none.
    private func eachField(_ body: (ArraySlice<UInt8>, ArraySlice<UInt8>) -> Void) {
        var start = bytes.startIndex
        while let end = bytes[start...].firstIndex(of: 0x0A) {
            let line = bytes[start..<end]
            start = end + 1
            guard let colon = line.firstIndex(of: 0x3A) else { continue }
            let name = line[..<colon].trimmed
            if !name.isEmpty { body(name, line[(colon + 1)...].trimmed) }
        }
    }
}

extension ArraySlice<UInt8> {
    /// Without the white space around it (RFC 9110 section 5.6.3).
    fileprivate var trimmed: ArraySlice<UInt8> {
        var slice = self
        while let first = slice.first, first == 0x20 || first == 0x09 { slice = slice.dropFirst() }
        while let last = slice.last, last == 0x20 || last == 0x09 || last == 0x0D { slice = slice.dropLast() }
        return slice
    }
}

extension UInt8 {
    fileprivate var lowercased: UInt8 { (0x41...0x5A).contains(self) ? self | 0x20 : self }
}
