import TokenHealth

/// Lines of at most 72 columns, as a phone and a terminal show them well.
enum Paragraph {
    private static let width = 72

    /// `text` on one or more lines: the first begins with `first`, the others with as many spaces.
    ///
    /// A word longer than a line, such as an address, stays whole.
    static func lines(_ text: String, first: String = "") -> [String] {
        let indent = String(repeating: " ", count: first.count)
        var lines: [String] = []
        var current = ""
        for word in text.oneLine.split(separator: " ") {
            let start = lines.isEmpty ? first : indent
            if current.isEmpty {
                current = start + word
            } else if current.count + 1 + word.count <= width {
                current += " \(word)"
            } else {
                lines.append(current)
                current = indent + word
            }
        }
        return current.isEmpty ? lines : lines + [current]
    }
}
