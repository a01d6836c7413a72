/// One search: all the states that an expression can be in, moved over the text character by character.
///
/// No state is in the list twice, so a character costs at most as much as the expression is large.
struct PatternSearch {
    /// Unicode scalars.
    private let text: [UInt32]
    /// How many states have been looked at.
    private(set) var steps = 0

    init(text: [UInt32]) { self.text = text }

    /// Whether `program` is found anywhere in the text.
    mutating func finds(_ program: PatternProgram) -> Bool {
        !places(of: program, isBackward: false, first: true).isEmpty
    }

    /// Where a match of `program` ends, or, backwards, where it begins: one `Bool` for each place between characters.
    ///
    /// Backwards the program is one of the expression read backwards. With `first`, one match is enough. It is empty
    /// where there is no match at all.
    private mutating func places(of program: PatternProgram, isBackward: Bool, first: Bool) -> [Bool] {
        // What an expression looks around for is found first, at all places at once, and that takes linear time too.
        var looks: [[Bool]] = []
        for look in program.looks {
            looks.append(places(of: look.program, isBackward: look.isAhead, first: false))
        }
        var found: [Bool] = []
        var states = StateList(program.steps.count)
        var next = StateList(program.steps.count)
        for offset in 0...text.count {
            let place = isBackward ? text.count - offset : offset
            if spread(from: 0, into: &states, of: program, looks: looks, at: place) || states.isFound {
                if first { return [true] }
                if found.isEmpty { found = Array(repeating: false, count: text.count + 1) }
                found[place] = true
            }
            guard offset < text.count else { break }
            let scalar = text[isBackward ? place - 1 : place]
            let beyond = isBackward ? place - 1 : place + 1
            next.removeAll()
            for state in states.members {
                guard case .take(let set) = program.steps[state], program.takes(scalar, set) else { continue }
                _ = spread(from: state + 1, into: &next, of: program, looks: looks, at: beyond)
            }
            steps += states.members.count
            swap(&states, &next)
        }
        return found
    }

    /// Adds a state, and all that can be reached from it without taking a character.
    ///
    /// - Returns: whether the end of the expression is among them.
    private mutating func spread(
        from state: Int,
        into states: inout StateList,
        of program: PatternProgram,
        looks: [[Bool]],
        at place: Int
    ) -> Bool {
        states.waiting.append(state)
        while let state = states.waiting.popLast() {
            guard states.insert(state) else { continue }
            steps += 1
            switch program.steps[state] {
            case .take: states.members.append(state)
            case .fork(let one, let other):
                states.waiting.append(other)
                states.waiting.append(one)
            case .jump(let target): states.waiting.append(target)
            case .position(let position): if holds(position, at: place) { states.waiting.append(state + 1) }
            case .look(let look, let isNegated):
                let holds = looks[look].isEmpty ? false : looks[look][place]
                if holds != isNegated { states.waiting.append(state + 1) }
            case .found: states.isFound = true
            }
        }
        return states.isFound
    }

    // MARK: - Places

    private func holds(_ position: PatternPosition, at place: Int) -> Bool {
        switch position {
        case .textStart: place == 0
        case .textEnd: place == text.count
        case .textEndOrLastLineEnd:
            place == text.count || (place == text.count - 1 && isNewline(text[place]))
                || (place == text.count - 2 && text[place] == 0x0D && text[place + 1] == 0x0A)
        case .lineStart: place == 0 || (isNewline(text[place - 1]) && !isInsideLineEnd(place))
        case .lineEnd: place == text.count || (isNewline(text[place]) && !isInsideLineEnd(place))
        case .wordBoundary: isWord(place - 1) != isWord(place)
        case .insideWordOrOutside: isWord(place - 1) == isWord(place)
        }
    }

    private func isInsideLineEnd(_ place: Int) -> Bool {
        place > 0 && place < text.count && text[place - 1] == 0x0D && text[place] == 0x0A
    }

    private func isNewline(_ value: UInt32) -> Bool {
        (0x0A...0x0D).contains(value) || value == 0x85 || value == 0x2028 || value == 0x2029
    }

    private func isWord(_ index: Int) -> Bool {
        guard text.indices.contains(index), let scalar = Unicode.Scalar(text[index]) else { return false }
        return ScalarKind.isWord(scalar)
    }
}

extension PatternProgram {
    fileprivate func takes(_ scalar: UInt32, _ set: Int) -> Bool {
        guard scalar < 128 else { return sets[set].contains(scalar) }
        return masks[2 * set + Int(scalar >> 6)] >> UInt64(scalar & 63) & 1 == 1
    }
}

/// States without repetition, emptied in no time.
private struct StateList {
    /// Those that take a character.
    var members: [Int] = []
    var isFound = false
    /// Those to be looked at.
    var waiting: [Int] = []
    /// In which round each state came in.
    private var rounds: [Int]
    private var round = 1

    init(_ count: Int) { rounds = Array(repeating: 0, count: count) }

    mutating func insert(_ state: Int) -> Bool {
        guard rounds[state] != round else { return false }
        rounds[state] = round
        return true
    }

    mutating func removeAll() {
        members.removeAll(keepingCapacity: true)
        isFound = false
        round += 1
    }
}
