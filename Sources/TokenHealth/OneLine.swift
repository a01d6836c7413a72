extension String {
    /// This text on one line.
    ///
    /// Control characters, line and paragraph separators and the marks that turn the direction of writing become
    /// spaces, runs of spaces one space. What comes from a provider, a child process or a configuration passes through
    /// here before it is put into a header, a mail or an error.
    package var oneLine: String {
        if utf8.isOneLine { return self }
        var line = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            let isSpace = scalar == " " || scalar.breaksLines
            if !isSpace {
                line.append(scalar)
            } else if let last = line.last, last != " " {
                line.append(" ")
            }
        }
        if line.last == " " { line.removeLast() }
        return String(line)
    }

    /// At most `limit` characters, with an ellipsis where something was cut off.
    package func shortened(to limit: Int) -> String {
        guard count > limit, limit > 3 else { return self }
        return prefix(limit - 3) + "..."
    }
}

extension Unicode.Scalar {
    /// Whether this can end a line, end a string, or reorder what a person reads.
    fileprivate var breaksLines: Bool {
        switch value {
        case 0x20...0x7E: false
        case 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF: true
        default:
            switch properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: true
            default: false
            }
        }
    }
}

extension String.UTF8View {
    /// Whether this is printable ASCII without a space to remove: nearly every text is.
    fileprivate var isOneLine: Bool {
        var wasSpace = true
        for byte in self {
            guard (0x20...0x7E).contains(byte), !(wasSpace && byte == 0x20) else { return false }
            wasSpace = byte == 0x20
        }
        return !wasSpace || isEmpty
    }
}
