package import FoundationEssentials

/// What a token was in each of the cells that a stretch of time is cut into, oldest first.
///
/// A cell is what counts most in it: dead, misconfigured or limited for however short, else what it was for longest.
package struct StateCells: Sendable, Hashable {
    /// One of them.
    package struct Cell: Sendable, Hashable {
        /// `nil` where nothing was seen.
        package let state: StateName?
        /// Whether less than half of it was seen.
        package let isPart: Bool

        package init(state: StateName?, isPart: Bool) {
            self.state = state
            self.isPart = isPart
        }

        /// Reads ``letter``; anything else is a cell in which nothing was seen.
        package init(letter: Character) {
            state = StateName(letter: letter)
            isPart = state != nil && letter.isUppercase
        }

        /// The first one of the state, `-` where nothing was seen, a capital where less than half was.
        package var letter: Character {
            guard let state else { return StateName.unseenLetter }
            return isPart ? Character(state.letter.uppercased()) : state.letter
        }
    }

    package let cells: [Cell]

    /// Cuts the time between the first and the last border.
    ///
    /// A cell begins with its border and ends before the next one; only the last holds its end, too. What a token was
    /// until a border is not what it was behind it.
    ///
    /// - Parameters:
    ///   - intervals: of one token, oldest first.
    ///   - borders: in order, one more than there are cells. Cells need not be alike: a day of summer time has 23 hours.
    package init(of intervals: some Collection<ValidityInterval>, borders: [Date]) {
        guard let first = borders.first, let last = borders.last, borders.count > 1 else {
            cells = []
            return
        }
        var tallies = [CellTally](repeating: CellTally(), count: borders.count - 1)
        for interval in intervals {
            let (start, end) = (max(interval.start, first), min(interval.end, last))
            // A single look has no length, and counts; what ended at the first border does not.
            guard start < end || (interval.start == interval.end && start == end) else { continue }
            var cell = min(borders.partition(after: start), tallies.count) - 1
            repeat {
                let seen = min(end, borders[cell + 1]).timeIntervalSince(max(start, borders[cell]))
                tallies[cell].add(interval.state, seconds: max(seen, 0))
                cell += 1
            } while cell < tallies.count && borders[cell] < end
        }
        cells = tallies.enumerated().map { index, tally in
            tally.cell(outOf: borders[index + 1].timeIntervalSince(borders[index]))
        }
    }

    /// So many cells of the same length.
    package init(of intervals: some Collection<ValidityInterval>, from: Date, until: Date, count: Int) {
        self.init(of: intervals, borders: StateCells.borders(from: from, until: until, count: count))
    }

    /// The borders of so many cells of the same length.
    package static func borders(from: Date, until: Date, count: Int) -> [Date] {
        guard count > 0, from <= until else { return [] }
        let step = until.timeIntervalSince(from) / Double(count)
        return (0..<count).map { from.addingTimeInterval(step * Double($0)) } + [until]
    }

    /// One letter a cell.
    package var text: String { String(cells.map(\.letter)) }

    /// Neighbours that are alike, each with how many there are.
    package var runs: [(cell: Cell, length: Int)] {
        var runs: [(cell: Cell, length: Int)] = []
        for cell in cells {
            if let last = runs.last, last.cell == cell {
                runs[runs.count - 1].length += 1
            } else {
                runs.append((cell, 1))
            }
        }
        return runs
    }
}

/// How long a token was in each state within one cell.
private struct CellTally {
    private var seconds: [StateName: Double] = [:]

    mutating func add(_ state: StateName, seconds length: Double) {
        seconds[state, default: 0] += length
    }

    /// - `length`: of the cell, in seconds.
    func cell(outOf length: Double) -> StateCells.Cell {
        let grave = [StateName.invalid, .misconfigured, .limited].first { seconds[$0] != nil }
        // Of two that lasted alike, the worse one.
        let longest = StateName.allCases.filter { seconds[$0] != nil }
            .max { (seconds[$0] ?? 0) < (seconds[$1] ?? 0) }
        guard let state = grave ?? longest else { return StateCells.Cell(state: nil, isPart: false) }
        return StateCells.Cell(state: state, isPart: seconds.values.reduce(0, +) * 2 < length)
    }
}

extension StateName {
    /// For a cell in which nothing was seen.
    package static let unseenLetter: Character = "-"

    /// No two states have the same.
    package var letter: Character {
        switch self {
        case .invalid: "i"
        case .misconfigured: "m"
        case .limited: "l"
        case .blind: "b"
        case .suspect: "s"
        case .unknown: "u"
        case .pending: "p"
        case .valid: "v"
        }
    }

    /// The state with this letter, small or capital; `nil` for any other.
    package init?(letter: Character) {
        let small = Character(letter.lowercased())
        guard let state = StateName.allCases.first(where: { $0.letter == small }) else { return nil }
        self = state
    }
}

extension [Date] {
    /// Index of the first one after `date`, in a list that is in order.
    fileprivate func partition(after date: Date) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = low + (high - low) / 2
            if self[middle] <= date { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
