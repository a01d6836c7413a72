import FoundationEssentials
import TokenHealth
import VigilServing
import VigilStorage

/// The record of the past as lines of blocks, one line a token; without colour or Unicode, as letters.
struct TimelineText {
    /// Narrower is of no use, wider no easier to read.
    private static let widths = 20...200

    private let history: PicturedHistory
    private let width: Int
    private let cells: [TokenName: StateCells]

    /// - `width`: of the terminal; two columns stay free before the line.
    init(_ history: PicturedHistory, width: Int = Terminal.width) {
        self.history = history
        let width = min(max(width - 2, TimelineText.widths.lowerBound), TimelineText.widths.upperBound)
        self.width = width
        let cells = history.records.map { record in
            (
                record.token,
                StateCells(of: record.intervals, from: history.from, until: history.until, count: width)
            )
        }
        self.cells = Dictionary(cells) { first, _ in first }
    }

    private var hasBlocks: Bool { Terminal.isColoured && Terminal.isUnicode }

    // MARK: The line

    /// The line, the marks of deaths where there are any, and the axis; nothing where nothing is recorded.
    func lines(of token: TokenName) -> [String] {
        guard let record = history.records.first(where: { $0.token == token }), !record.intervals.isEmpty,
            let cells = cells[token]
        else { return [] }
        let line = cells.runs.map { cell, length in
            Terminal.painted(String(repeating: character(for: cell), count: length), as: cell.state)
        }.joined()
        let deaths = record.deathMarks.map(\.at).filter { $0 >= history.from && $0 <= history.until }
        return [line] + (deaths.isEmpty ? [] : [marks(at: deaths)]) + [Terminal.dim(axis)]
    }

    private func character(for cell: StateCells.Cell) -> Character {
        guard hasBlocks else { return cell.letter }
        guard cell.state != nil else { return "·" }
        return cell.isPart ? "▄" : "█"
    }

    private var deathMark: Character { Terminal.isUnicode ? "▲" : "^" }

    private func marks(at dates: [Date]) -> String {
        var line = [Character](repeating: " ", count: width)
        for date in dates { line[column(of: date)] = deathMark }
        return String(line).trimmingTrailingSpaces
    }

    private func column(of date: Date) -> Int {
        let share = date.timeIntervalSince(history.from) / max(history.until.timeIntervalSince(history.from), 1)
        return min(max(Int(share * Double(width)), 0), width - 1)
    }

    /// Each tick under its cell, with its word behind it where there is room for the whole word.
    private var axis: String {
        let tick: Character = Terminal.isUnicode ? "╵" : "|"
        var line = [Character](repeating: " ", count: width)
        var free = 0
        for mark in TimeAxis(from: history.from, until: history.until, most: width / 9, on: .utc).ticks {
            let column = column(of: mark.at)
            guard column >= free, column + 1 + mark.label.count <= width else { continue }
            line.replaceSubrange(column...column + mark.label.count, with: [tick] + Array(mark.label))
            free = column + mark.label.count + 2
        }
        return String(line).trimmingTrailingSpaces
    }

    // MARK: What it means

    /// What the lines show, once for all of them.
    var legend: [String] {
        let all = cells.values.flatMap(\.cells)
        guard all.contains(where: { $0.state != nil }) else { return [] }
        let cell = Duration.seconds(history.until.timeIntervalSince(history.from) / Double(width))
        let span = "\(history.from.minuteUTC) to \(history.until.minuteUTC), one column is \(cell.short)"
        let seen = Set(all.map(\.state))
        var entries = StateName.allCases.filter(seen.contains).map { entry(for: $0, $0.rawValue) }
        if seen.contains(nil) { entries.append(entry(for: nil, "not watched")) }
        if all.contains(where: \.isPart) {
            entries.append(hasBlocks ? "▄ less than half of it seen" : "a capital: less than half of it seen")
        }
        if history.records.contains(where: { record in record.deathMarks.contains { $0.at >= history.from } }) {
            entries.append("\(deathMark) died")
        }
        return [Terminal.dim(span), entries.joined(separator: "  "), ""]
    }

    private func entry(for state: StateName?, _ words: String) -> String {
        let cell = StateCells.Cell(state: state, isPart: false)
        return "\(Terminal.painted(String(character(for: cell)), as: state)) \(words)"
    }
}

extension String {
    fileprivate var trimmingTrailingSpaces: String {
        var text = self
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }
}
