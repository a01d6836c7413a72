extension PatternReader {
    /// What follows a backslash outside of brackets.
    mutating func escape() throws(PatternProblem) -> PatternNode {
        guard let next = rest.first else { throw PatternProblem("ends with a single backslash") }
        if let position = PatternReader.positions[next] {
            rest.removeFirst()
            return .position(position)
        }
        switch next {
        case "1"..."9", "k", "g":
            throw PatternProblem("refers to a group by \\\(next), which is not possible")
        case "R":
            rest.removeFirst()
            return .choice([
                .sequence([.scalar(.one("\r")), .scalar(.one("\n"))]), .scalar(.kind(.verticalSpace)),
            ])
        case "N":
            rest.removeFirst()
            return .scalar(.kind(.verticalSpace, isNegated: true))
        case "Q":
            rest.removeFirst()
            return quotation()
        default: break
        }
        var set = ScalarSet(ignoresCase: flags.ignoresCase)
        try insertEscape(into: &set)
        return .scalar(set)
    }

    /// All of it as it stands, until \E.
    private mutating func quotation() -> PatternNode {
        var parts: [PatternNode] = []
        while !rest.isEmpty, !rest.starts(with: "\\E".unicodeScalars) {
            parts.append(.scalar(.one(rest.removeFirst(), ignoresCase: flags.ignoresCase)))
        }
        rest = rest.dropFirst(2)
        return .sequence(parts)
    }

    private static let positions: [Unicode.Scalar: PatternPosition] = [
        "A": .textStart, "z": .textEnd, "Z": .textEndOrLastLineEnd, "b": .wordBoundary, "B": .insideWordOrOutside,
    ]

    private static let kinds: [Unicode.Scalar: (ScalarKind, Bool)] = [
        "d": (.digit, false), "D": (.digit, true), "w": (.word, false), "W": (.word, true),
        "s": (.space, false), "S": (.space, true), "h": (.horizontalSpace, false), "H": (.horizontalSpace, true),
        "v": (.verticalSpace, false), "V": (.verticalSpace, true),
    ]

    private static let characters: [Unicode.Scalar: Unicode.Scalar] = [
        "t": "\t", "n": "\n", "r": "\r", "f": "\u{0C}", "a": "\u{07}", "e": "\u{1B}", "0": "\0",
    ]

    /// Adds what an escape stands for, inside brackets or outside.
    ///
    /// - Returns: the character, where it is one.
    @discardableResult
    mutating func insertEscape(into set: inout ScalarSet) throws(PatternProblem) -> Unicode.Scalar? {
        guard let next = rest.popFirst() else { throw PatternProblem("ends with a single backslash") }
        if let (kind, isNegated) = PatternReader.kinds[next] {
            set.insert(kind, isNegated: isNegated)
            return nil
        }
        if next == "p" || next == "P" {
            set.insert(try category(), isNegated: next == "P")
            return nil
        }
        let scalar = try character(escapedAs: next)
        set.insert(scalar.value...scalar.value)
        return scalar
    }

    private mutating func category() throws(PatternProblem) -> ScalarKind {
        guard take("{"), let end = rest.firstIndex(of: "}") else {
            throw PatternProblem("has \\p without a category, as in \\p{Lu}")
        }
        var name = ""
        name.unicodeScalars.append(contentsOf: rest[..<end])
        rest = rest[rest.index(after: end)...]
        guard let kind = ScalarKind(category: name) else {
            throw PatternProblem(
                "has \\p{\(name.shortened(to: 20).oneLine)}, which is none of Unicode's general categories"
            )
        }
        return kind
    }

    private mutating func character(escapedAs next: Unicode.Scalar) throws(PatternProblem) -> Unicode.Scalar {
        if let character = PatternReader.characters[next] { return character }
        switch next {
        case "x": return try character(digits: 2)
        case "u": return try character(digits: 4)
        default: break
        }
        let isLetterOrDigit = next.properties.isAlphabetic || next.properties.numericType != nil
        guard !isLetterOrDigit else { throw PatternProblem("has \\\(next), which means nothing") }
        return next
    }

    private mutating func character(digits count: Int) throws(PatternProblem) -> Unicode.Scalar {
        let isBraced = take("{")
        let digits = rest.prefix { $0.properties.isASCIIHexDigit }.prefix(isBraced ? 8 : count)
        rest = rest.dropFirst(digits.count)
        let text = String(String.UnicodeScalarView(digits))
        guard isBraced ? take("}") : digits.count == count, let value = UInt32(text, radix: 16),
            let scalar = Unicode.Scalar(value)
        else { throw PatternProblem("has a character by its number that is none: write \\x41 or \\u{1F512}") }
        return scalar
    }

    // MARK: - Brackets

    private static let posixKinds: [String: [ClosedRange<Unicode.Scalar>]] = [
        "alpha": ["a"..."z", "A"..."Z"], "digit": ["0"..."9"], "alnum": ["a"..."z", "A"..."Z", "0"..."9"],
        "upper": ["A"..."Z"], "lower": ["a"..."z"], "xdigit": ["0"..."9", "a"..."f", "A"..."F"],
        "space": ["\t"..."\r", " "..." "], "blank": [" "..." ", "\t"..."\t"],
        "punct": ["!"..."/", ":"..."@", "["..."`", "{"..."~"],
        "word": ["a"..."z", "A"..."Z", "0"..."9", "_"..."_"],
    ]

    /// What stands between [ and ].
    mutating func scalarClass() throws(PatternProblem) -> ScalarSet {
        var set = ScalarSet(isNegated: take("^"), ignoresCase: flags.ignoresCase)
        guard rest.first != "]" else { throw PatternProblem("has empty brackets: write \\] for the character ]") }
        while !take("]") {
            if try insertPosixKind(into: &set) { continue }
            for operation in ["&&", "--", "~~"] where rest.starts(with: operation.unicodeScalars) {
                throw PatternProblem("has \(operation) inside brackets: put a backslash before each")
            }
            guard let first = try classMember(of: &set), rest.first == "-", rest.dropFirst().first != "]" else {
                continue
            }
            rest.removeFirst()
            guard let last = try classMember(of: &set), first.value <= last.value else {
                throw PatternProblem("has a range inside brackets that does not go up")
            }
            set.insert(first.value...last.value)
        }
        return set
    }

    private mutating func classMember(of set: inout ScalarSet) throws(PatternProblem) -> Unicode.Scalar? {
        guard let next = rest.popFirst() else {
            throw PatternProblem("has a [ without its ]: write \\[ for the character")
        }
        guard next != "[" else { throw PatternProblem("has a [ inside brackets: write \\[ for the character") }
        if next == "\\" {
            if rest.first == "b" {
                throw PatternProblem("has \\b inside brackets: write \\x08 for the character")
            }
            return try insertEscape(into: &set)
        }
        set.insert(next.value...next.value)
        return next
    }

    /// A name such as [:alpha:].
    private mutating func insertPosixKind(into set: inout ScalarSet) throws(PatternProblem) -> Bool {
        guard rest.starts(with: "[:".unicodeScalars) else { return false }
        let name = rest.dropFirst(2).prefix { ("a"..."z").contains($0) }
        let text = String(String.UnicodeScalarView(name))
        guard rest.dropFirst(2 + name.count).starts(with: ":]".unicodeScalars),
            let ranges = PatternReader.posixKinds[text]
        else { throw PatternProblem("has a [ inside brackets: write \\[ for the character") }
        rest = rest.dropFirst(4 + name.count)
        for range in ranges { set.insert(range.lowerBound.value...range.upperBound.value) }
        return true
    }
}
