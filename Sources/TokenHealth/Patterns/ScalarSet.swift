/// The characters that one place of a regular expression takes.
struct ScalarSet: Sendable {
    private var ranges: [ClosedRange<UInt32>] = []
    private var kinds: [(kind: ScalarKind, isNegated: Bool)] = []
    private let isNegated: Bool
    private let ignoresCase: Bool
    /// Whether the cases of a character have to be found out for each that is read; else they are listed.
    private var mapsCases = false

    static let any = ScalarSet(isNegated: true)

    static func one(_ scalar: Unicode.Scalar, ignoresCase: Bool = false) -> ScalarSet {
        var set = ScalarSet(ignoresCase: ignoresCase)
        set.insert(scalar.value...scalar.value)
        return set
    }

    static func kind(_ kind: ScalarKind, isNegated: Bool = false) -> ScalarSet {
        var set = ScalarSet()
        set.insert(kind, isNegated: isNegated)
        return set
    }

    init(isNegated: Bool = false, ignoresCase: Bool = false) {
        self.isNegated = isNegated
        self.ignoresCase = ignoresCase
    }

    mutating func insert(_ range: ClosedRange<UInt32>) {
        ranges.append(range)
        guard ignoresCase else { return }
        guard range.count <= 256 else {
            mapsCases = true
            return
        }
        for scalar in range.lazy.compactMap(Unicode.Scalar.init) {
            for other in scalar.otherCases where !range.contains(other.value) {
                ranges.append(other.value...other.value)
            }
        }
    }

    mutating func insert(_ kind: ScalarKind, isNegated: Bool) {
        kinds.append((kind, isNegated))
        if case .category = kind, ignoresCase { mapsCases = true }
    }

    func contains(_ value: UInt32) -> Bool { holds(value) != isNegated }

    private func holds(_ value: UInt32) -> Bool {
        guard let scalar = Unicode.Scalar(value) else { return false }
        if lists(scalar) { return true }
        return mapsCases && scalar.otherCases.contains(where: lists)
    }

    private func lists(_ scalar: Unicode.Scalar) -> Bool {
        ranges.contains { $0.contains(scalar.value) } || kinds.contains { $0.kind.holds(for: scalar) != $0.isNegated }
    }
}

/// What characters can have in common.
enum ScalarKind: Sendable {
    case digit, word, space, horizontalSpace, verticalSpace
    /// A general category of Unicode, or a whole group of them by its letter.
    case category(String)

    func holds(for scalar: Unicode.Scalar) -> Bool {
        switch self {
        case .digit: scalar.isASCII ? ("0"..."9").contains(scalar) : scalar.properties.generalCategory == .decimalNumber
        case .word: ScalarKind.isWord(scalar)
        case .space: scalar.properties.isWhitespace
        case .horizontalSpace: scalar == "\t" || scalar.properties.generalCategory == .spaceSeparator
        case .verticalSpace: (0x0A...0x0D).contains(scalar.value) || [0x85, 0x2028, 0x2029].contains(scalar.value)
        case .category(let name): scalar.properties.generalCategory.code.hasPrefix(name)
        }
    }

    /// Letters, marks, digits and what connects them.
    static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        guard !scalar.isASCII else {
            return ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
                || scalar == "_"
        }
        switch scalar.properties.generalCategory {
        case .decimalNumber, .connectorPunctuation, .nonspacingMark, .spacingMark, .enclosingMark: return true
        default: return scalar.properties.isAlphabetic
        }
    }

    /// The category that `name` stands for, as in `\p{Lu}`; `nil` where there is none.
    init?(category name: String) {
        guard (1...2).contains(name.utf8.count), Unicode.GeneralCategory.all.contains(where: { $0.hasPrefix(name) })
        else { return nil }
        self = .category(name)
    }
}

extension Unicode.Scalar {
    /// The same letter in upper or lower case, where that is one character.
    fileprivate var otherCases: [Unicode.Scalar] {
        [properties.lowercaseMapping, properties.uppercaseMapping].compactMap { mapped in
            let scalars = mapped.unicodeScalars
            return scalars.count == 1 ? scalars.first : nil
        }
    }
}

extension Unicode.GeneralCategory {
    static let all = [
        "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po",
        "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn",
    ]

    /// Two letters, as Unicode has them.
    var code: String {
        switch self {
        case .uppercaseLetter: "Lu"
        case .lowercaseLetter: "Ll"
        case .titlecaseLetter: "Lt"
        case .modifierLetter: "Lm"
        case .otherLetter: "Lo"
        case .nonspacingMark: "Mn"
        case .spacingMark: "Mc"
        case .enclosingMark: "Me"
        case .decimalNumber: "Nd"
        case .letterNumber: "Nl"
        case .otherNumber: "No"
        case .connectorPunctuation: "Pc"
        case .dashPunctuation: "Pd"
        case .openPunctuation: "Ps"
        case .closePunctuation: "Pe"
        case .initialPunctuation: "Pi"
        case .finalPunctuation: "Pf"
        case .otherPunctuation: "Po"
        case .mathSymbol: "Sm"
        case .currencySymbol: "Sc"
        case .modifierSymbol: "Sk"
        case .otherSymbol: "So"
        case .spaceSeparator: "Zs"
        case .lineSeparator: "Zl"
        case .paragraphSeparator: "Zp"
        case .control: "Cc"
        case .format: "Cf"
        case .surrogate: "Cs"
        case .privateUse: "Co"
        case .unassigned: "Cn"
        @unknown default: "Cn"
        }
    }
}
