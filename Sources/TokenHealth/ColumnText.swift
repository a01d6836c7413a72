/// Text in columns of equal width, as a terminal and a picture show it.
extension String {
    /// How many columns it takes: two for what is wide, none for what is put upon another character.
    package var columns: Int { reduce(0) { $0 + $1.columns } }

    /// This text without anything that moves the cursor, ends a line, or turns the direction of writing.
    package var printable: String {
        guard unicodeScalars.contains(where: \.isUnprintable) else { return self }
        return String(String.UnicodeScalarView(unicodeScalars.map { $0.isUnprintable ? " " : $0 }))
    }

    /// At most so many columns of it; what is cut off ends with `mark`.
    package func fitted(toColumns limit: Int, mark: String = "…") -> String {
        guard columns > limit else { return self }
        let room = limit - mark.columns
        guard room >= 0 else { return String(mark.prefix(max(limit, 0))) }
        var (text, width) = ("", 0)
        for character in self {
            width += character.columns
            if width > room { break }
            text.append(character)
        }
        return text + mark
    }

    /// This text with spaces behind it, so many columns in all.
    package func padded(toColumns width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - columns))
    }
}

extension Character {
    fileprivate var columns: Int {
        guard let first = unicodeScalars.first else { return 0 }
        switch first.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .control, .format: return 0
        default: break
        }
        // East Asian Wide and Fullwidth, and emoji (https://www.unicode.org/reports/tr11/).
        switch first.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
            0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F,
            0x1F680...0x1F6FF, 0x1F900...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}

extension Unicode.Scalar {
    fileprivate var isUnprintable: Bool {
        switch value {
        case 0x20...0x7E: return false
        case 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF: return true
        default: break
        }
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .unassigned: return true
        default: return false
        }
    }
}
