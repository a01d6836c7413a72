/// A regular expression as the states that a search can be in.
struct PatternProgram: Sendable {
    /// Most states of one expression with all that it looks around for.
    static let largest = 500

    enum Step: Sendable {
        /// Takes one character of the set with this number.
        case take(Int)
        /// Goes on at both.
        case fork(Int, Int)
        case jump(Int)
        case position(PatternPosition)
        /// Goes on where the look-around with this number holds, or does not.
        case look(Int, isNegated: Bool)
        case found
    }

    /// Something that must stand behind or ahead of a place.
    struct Look: Sendable {
        /// Of an expression read backwards, where it looks ahead.
        let program: PatternProgram
        let isAhead: Bool
    }

    private(set) var steps: [Step] = []
    private(set) var sets: [ScalarSet] = []
    /// A bit for each ASCII character, two words for each set.
    private(set) var masks: [UInt64] = []
    private(set) var looks: [Look] = []

    /// - Throws: that it is too large.
    init(_ node: PatternNode) throws(PatternProblem) {
        guard node.size <= PatternProgram.largest else {
            throw PatternProblem("is too large: with its repetitions more than \(PatternProgram.largest) parts")
        }
        self.init(node, isBackward: false)
    }

    private init(_ node: PatternNode, isBackward: Bool) {
        append(node, isBackward: isBackward)
        steps.append(.found)
    }

    private mutating func append(_ node: PatternNode, isBackward: Bool) {
        switch node {
        case .scalar(let set): append(set)
        case .sequence(let parts):
            for part in isBackward ? parts.reversed() : parts { append(part, isBackward: isBackward) }
        case .choice(let branches): append(anyOf: branches[...], isBackward: isBackward)
        case .repetition(let part, let least, let most):
            append(part, least: least, most: most, isBackward: isBackward)
        case .position(let position): steps.append(.position(position))
        case .look(let part, let isAhead, let isNegated):
            looks.append(Look(program: PatternProgram(part, isBackward: isAhead), isAhead: isAhead))
            steps.append(.look(looks.count - 1, isNegated: isNegated))
        }
    }

    private mutating func append(_ set: ScalarSet) {
        steps.append(.take(sets.count))
        sets.append(set)
        for half: UInt32 in [0, 64] {
            masks.append((0..<64).reduce(0) { $0 | (set.contains(half + $1) ? 1 << UInt64($1) : 0) })
        }
    }

    private mutating func append(anyOf branches: ArraySlice<PatternNode>, isBackward: Bool) {
        var ends: [Int] = []
        for branch in branches.dropLast() {
            let fork = steps.count
            steps.append(.fork(fork + 1, fork + 1))
            append(branch, isBackward: isBackward)
            ends.append(steps.count)
            steps.append(.jump(0))
            steps[fork] = .fork(fork + 1, steps.count)
        }
        if let last = branches.last { append(last, isBackward: isBackward) }
        for end in ends { steps[end] = .jump(steps.count) }
    }

    private mutating func append(_ part: PatternNode, least: Int, most: Int?, isBackward: Bool) {
        for _ in 0..<least { append(part, isBackward: isBackward) }
        guard let most else {
            let fork = steps.count
            steps.append(.fork(fork + 1, fork + 1))
            append(part, isBackward: isBackward)
            steps.append(.jump(fork))
            steps[fork] = .fork(fork + 1, steps.count)
            return
        }
        var forks: [Int] = []
        for _ in least..<most {
            forks.append(steps.count)
            steps.append(.fork(0, 0))
            append(part, isBackward: isBackward)
        }
        for fork in forks { steps[fork] = .fork(fork + 1, steps.count) }
    }
}

extension PatternNode {
    /// How many states it takes, at least; very large ones are not counted out.
    fileprivate var size: Int {
        let most = PatternProgram.largest + 1
        switch self {
        case .scalar, .position: return 1
        case .sequence(let parts): return parts.reduce(0) { min($0 + $1.size, most) }
        case .choice(let branches): return branches.reduce(0) { min($0 + $1.size + 2, most) }
        case .repetition(let part, let least, let bound):
            // An empty part is repeated as well.
            let certain = max(part.size, 1) * least
            return min(certain + (part.size + 1) * max((bound ?? least + 1) - least, 0), most)
        // Each is a pass over the text, and has a list of places.
        case .look(let part, _, _): return min(part.size + 50, most)
        }
    }
}
