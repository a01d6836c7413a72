/// Reads the text of a regular expression, from left to right.
struct PatternReader {
    /// Longest expression, in characters.
    static let longest = 4096
    /// Most groups inside each other.
    private static let deepest = 50

    var rest: ArraySlice<Unicode.Scalar>
    /// The flags in force here.
    private(set) var flags = Flags()
    private var depth = 0

    /// What (?ims) turn on.
    struct Flags {
        var ignoresCase = false
        var anchorsAtLines = false
        var dotTakesNewlines = false
        var isExtended = false
    }

    init(_ text: String) throws(PatternProblem) {
        let scalars = Array(text.unicodeScalars)
        guard scalars.count <= PatternReader.longest else {
            throw PatternProblem("is longer than \(PatternReader.longest) characters")
        }
        rest = scalars[...]
    }

    mutating func wholePattern() throws(PatternProblem) -> PatternNode {
        let node = try choice()
        guard rest.isEmpty else { throw PatternProblem("has a ) without its (: write \\) for the character") }
        return node
    }

    private mutating func choice() throws(PatternProblem) -> PatternNode {
        var branches: [PatternNode] = [try sequence()]
        while take("|") { branches.append(try sequence()) }
        return branches.count == 1 ? branches[0] : .choice(branches)
    }

    private mutating func sequence() throws(PatternProblem) -> PatternNode {
        var parts: [PatternNode] = []
        skipComments()
        while let next = rest.first, next != "|", next != ")" {
            if let atom = try atom() { parts.append(try repeated(atom)) }
            skipComments()
        }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    // MARK: - How often

    private mutating func repeated(_ atom: PatternNode) throws(PatternProblem) -> PatternNode {
        skipComments()
        guard let (least, most) = try quantity() else { return atom }
        switch atom {
        case .position, .look: throw PatternProblem("repeats what takes no character")
        case .scalar, .sequence, .choice, .repetition: break
        }
        // The shortest is found wherever the longest is.
        _ = take("?")
        guard rest.first != "+" else {
            throw PatternProblem("has a possessive repetition such as a++: leave the second sign out")
        }
        if try quantity() != nil { throw PatternProblem("repeats a repetition: put the inner one in (?: )") }
        return .repetition(atom, least: least, most: most)
    }

    private mutating func quantity() throws(PatternProblem) -> (Int, Int?)? {
        if take("*") { return (0, nil) }
        if take("+") { return (1, nil) }
        if take("?") { return (0, 1) }
        let start = rest
        guard take("{") else { return nil }
        let least = number()
        let hasComma = take(",")
        let most = hasComma ? number() : least
        guard take("}"), least != nil || most != nil else {
            rest = start
            return nil
        }
        guard (least ?? 0) <= PatternProgram.largest, (most ?? 0) <= PatternProgram.largest else {
            throw PatternProblem("repeats more than \(PatternProgram.largest) times")
        }
        if let most, most < least ?? 0 {
            throw PatternProblem("repeats at least \(least ?? 0) and at most \(most) times")
        }
        return (least ?? 0, most)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let next = rest.first, ("0"..."9").contains(next) {
            value = min((value ?? 0) * 10 + Int(next.value - 0x30), 1_000_000)
            rest.removeFirst()
        }
        return value
    }

    // MARK: - What

    /// - Returns: `nil` for what stands there only to set flags.
    private mutating func atom() throws(PatternProblem) -> PatternNode? {
        let next = rest.removeFirst()
        switch next {
        case "(": return try group()
        case "[": return .scalar(try scalarClass())
        case "\\": return try escape()
        case ".":
            return .scalar(flags.dotTakesNewlines ? .any : .kind(.verticalSpace, isNegated: true))
        case "^": return .position(flags.anchorsAtLines ? .lineStart : .textStart)
        case "$": return .position(flags.anchorsAtLines ? .lineEnd : .textEnd)
        case "*", "+", "?":
            throw PatternProblem("has a \(next) with nothing before it: write \\\(next) for the character")
        default: return .scalar(.one(next, ignoresCase: flags.ignoresCase))
        }
    }

    private mutating func group() throws(PatternProblem) -> PatternNode? {
        depth += 1
        defer { depth -= 1 }
        guard depth <= PatternReader.deepest else {
            throw PatternProblem("has more than \(PatternReader.deepest) groups inside each other")
        }
        let outer = flags
        let kind = try groupKind()
        // (?i) holds until the end of the group that it stands in.
        if case .flags = kind { return nil }
        let node = try choice()
        guard take(")") else { throw PatternProblem("has a ( without its ): write \\( for the character") }
        flags = outer
        guard case .look(let isAhead, let isNegated) = kind else { return node }
        return .look(node, isAhead: isAhead, isNegated: isNegated)
    }

    private enum GroupKind {
        case plain, flags
        case look(isAhead: Bool, isNegated: Bool)
    }

    private mutating func groupKind() throws(PatternProblem) -> GroupKind {
        guard take("?") else { return .plain }
        if take(":") { return .plain }
        if take("=") { return .look(isAhead: true, isNegated: false) }
        if take("!") { return .look(isAhead: true, isNegated: true) }
        let start = rest
        _ = take("P")
        if take("<") {
            if take("=") { return .look(isAhead: false, isNegated: false) }
            if take("!") { return .look(isAhead: false, isNegated: true) }
            let name = rest.prefix { $0 == "_" || $0.properties.isAlphabetic || ("0"..."9").contains($0) }
            rest = rest.dropFirst(name.count)
            guard !name.isEmpty, take(">") else { throw PatternProblem("has a group whose name is not closed by >") }
            return .plain
        }
        rest = start
        return try flagGroup()
    }

    private mutating func flagGroup() throws(PatternProblem) -> GroupKind {
        var isOn = true
        while let next = rest.popFirst() {
            switch next {
            case "i": flags.ignoresCase = isOn
            case "m": flags.anchorsAtLines = isOn
            case "s": flags.dotTakesNewlines = isOn
            case "x": flags.isExtended = isOn
            case "-" where isOn: isOn = false
            case ":": return .plain
            case ")": return .flags
            default:
                throw PatternProblem("has (?\(next), which is not possible: there are (?: (?= (?! (?<= (?<! and (?i)")
            }
        }
        throw PatternProblem("has a ( without its )")
    }

    // MARK: - Between the parts

    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard rest.first == scalar else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func skipComments() {
        while true {
            if rest.starts(with: "(?#".unicodeScalars) {
                rest = rest.drop { $0 != ")" }.dropFirst()
            } else if flags.isExtended, rest.first?.properties.isWhitespace == true {
                rest.removeFirst()
            } else if flags.isExtended, rest.first == "#" {
                rest = rest.drop { $0 != "\n" }
            } else {
                return
            }
        }
    }
}
