import CCurl
import TokenHealth

/// The header lines of a request in the form in which libcurl reads them: a list of texts that end with a zero.
///
/// `curl_slist_append` takes memory twice for each line; here one piece of memory serves request after request.
@safe final class HeaderLines {
    private var texts: UnsafeMutableBufferPointer<CChar>
    private var nodes: UnsafeMutableBufferPointer<curl_slist>

    init() {
        unsafe texts = .allocate(capacity: 1024)
        unsafe nodes = .allocate(capacity: 16)
        unsafe texts.initialize(repeating: 0)
        unsafe nodes.initialize(repeating: curl_slist())
    }

    deinit {
        // The secrets of the last request are in it.
        unsafe texts.update(repeating: 0)
        unsafe texts.deallocate()
        unsafe nodes.deallocate()
    }

    /// The first of them, good until the next call of ``write(_:_:)``.
    var list: UnsafeMutablePointer<curl_slist>? { unsafe nodes.baseAddress }

    /// Whether nothing in `text` ends a line before its time.
    static func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy(isPlain) }

    private static func isPlain(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7F || byte == 0x09 }

    /// Writes `fields`, and after them `extra` lines as they are, at least one of both.
    ///
    /// - Returns: whether that can be sent: `false` where a control character is in it.
    func write(_ fields: [HeaderField], _ extra: [StaticString]) -> Bool {
        let count = fields.count + extra.count
        let size =
            fields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 3 }
            + extra.reduce(0) { $0 + $1.utf8CodeUnitCount + 1 }
        makeRoom(texts: size, nodes: max(1, count))
        var end = 0
        var isPlain = true
        func append(_ bytes: some Sequence<UInt8>) {
            for byte in bytes {
                isPlain = isPlain && HeaderLines.isPlain(byte)
                unsafe texts[end] = CChar(bitPattern: byte)
                end += 1
            }
        }
        for index in 0..<count {
            unsafe nodes[index].data = unsafe texts.baseAddress?.advanced(by: end)
            unsafe nodes[index].next = index + 1 < count ? nodes.baseAddress?.advanced(by: index + 1) : nil
            if index < fields.count {
                let field = fields[index]
                append(field.name.utf8)
                // A field without a value ends with a semicolon: libcurl leaves out one that ends with a colon.
                append(field.value.isEmpty ? [0x3B] : [0x3A, 0x20])
                append(field.value.utf8)
            } else {
                let line = extra[index - fields.count]
                unsafe append(UnsafeBufferPointer(start: line.utf8Start, count: line.utf8CodeUnitCount))
            }
            unsafe texts[end] = 0
            end += 1
        }
        return isPlain
    }

    private func makeRoom(texts size: Int, nodes count: Int) {
        if unsafe texts.count < size {
            unsafe texts.update(repeating: 0)
            unsafe texts.deallocate()
            unsafe texts = .allocate(capacity: size * 2)
            unsafe texts.initialize(repeating: 0)
        }
        if unsafe nodes.count < count {
            unsafe nodes.deallocate()
            unsafe nodes = .allocate(capacity: count * 2)
            unsafe nodes.initialize(repeating: curl_slist())
        }
    }
}
