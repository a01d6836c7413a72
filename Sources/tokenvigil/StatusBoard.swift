import FoundationEssentials
import TokenHealth

/// The table on a screen of a certain size: what does not fit is counted, and the worst comes first.
struct StatusBoard {
    /// The newest that is known; not of now where there is trouble.
    let reading: StatusReading?
    /// Why nothing is known now.
    let trouble: String?
    let now: Date

    /// Most lines for what is wrong with the monitor and its notifiers, above the table.
    private static let mostNotices = 3

    /// At most `rows` lines of at most `columns` columns.
    func lines(columns: Int, rows: Int) -> [String] {
        let alarms = alarms.map { Terminal.alarm($0.fitted(toColumns: columns, mark: Terminal.ellipsis)) }
        let head = [heading(columns)] + alarms + [""]
        guard let reading else { return Array(head.prefix(rows)) }
        let table = BoardTable(sorted(reading), columns: columns, now: now)
        let body = capped(table, rows: rows - head.count)
        let room = rows - head.count - body.count - 1
        let rest = room > 0 ? troubles(reading, columns: columns, room: room) : []
        let lines = body + (rest.isEmpty ? [] : [""] + rest)
        return Array((head + (trouble == nil ? lines : lines.map(Terminal.faded))).prefix(max(rows, 0)))
    }

    private func heading(_ columns: Int) -> String {
        let host = reading.map { "tokenvigil on \($0.document.monitor.host)" } ?? "tokenvigil"
        let counts = reading.map { reading in
            StateName.allCases.compactMap { state in
                let count = reading.reports.count { $0.report.state == state }
                return count > 0 ? "\(count) \(state.rawValue)" : nil
            }.joined(separator: ", ")
        }
        let time = String(now.secondUTC.dropFirst(11))
        let left = ([host] + [counts].compactMap(\.self)).joined(separator: ": ").printable
        let room = columns - time.count - 2
        guard room > 10 else { return Terminal.bold(left.fitted(toColumns: columns, mark: Terminal.ellipsis)) }
        return Terminal.bold(left.fitted(toColumns: room, mark: Terminal.ellipsis).padded(toColumns: room)) + "  "
            + Terminal.dim(time)
    }

    private var alarms: [String] {
        if let trouble {
            let known = reading.map { ["below is what was known at \($0.document.generatedAt.secondUTC)"] } ?? []
            return trouble.split(separator: "\n").prefix(StatusBoard.mostNotices).map { String($0).printable } + known
        }
        let notices = (reading?.notices ?? []).map { "\($0.subject) \($0.text)".printable }
        guard notices.count > StatusBoard.mostNotices else { return notices }
        return notices.prefix(StatusBoard.mostNotices - 1)
            + ["and \(notices.count - StatusBoard.mostNotices + 1) more: tokenvigil status"]
    }

    private func sorted(_ reading: StatusReading) -> [(name: String, report: TokenReport)] {
        let ranks = Dictionary(uniqueKeysWithValues: StateName.allCases.enumerated().map { ($1, $0) })
        return reading.reports.sorted { ranks[$0.report.state, default: 0] < ranks[$1.report.state, default: 0] }
    }

    /// The table with as many rows as there is room for, and how many there are beyond.
    private func capped(_ table: BoardTable, rows: Int) -> [String] {
        let lines = table.lines
        guard lines.count > rows else { return lines }
        guard rows > 1 else { return Array(lines.prefix(max(rows, 0))) }
        return lines.prefix(rows - 1) + [Terminal.dim("and \(lines.count - rows + 1) more")]
    }

    /// Why each token that is not valid is so, and who has taken it on.
    private func troubles(_ reading: StatusReading, columns: Int, room: Int) -> [String] {
        let lines = sorted(reading).filter { $0.report.state != .valid }.map { name, report in
            let taken = report.incident?.acknowledged.map { " [acknowledged by \($0)]" } ?? ""
            let silent = report.incident?.silencedUntil.map { " [silenced until \($0.minuteUTC)]" } ?? ""
            let text = "\(name):\(taken)\(silent) \(report.explanation)".printable
            return text.fitted(toColumns: columns, mark: Terminal.ellipsis)
        }
        return Array(lines.prefix(room))
    }
}

/// The columns of the board: the least important one goes first where it is narrow.
private struct BoardTable {
    private struct Column {
        let title: String
        var cells: [String]
        /// Width below which it is of no use.
        let least: Int
        var width: Int

        init(_ title: String, least: Int, _ cells: [String]) {
            self.title = title
            self.cells = cells.map(\.printable)
            self.least = least
            width = self.cells.reduce(title.columns) { max($0, $1.columns) }
        }
    }

    private static let gap = 2
    /// For how many of the columns names and states are rather cut.
    private static let essential = 4
    private let columns: [Column]
    private let states: [StateName]

    init(_ reports: [(name: String, report: TokenReport)], columns width: Int, now: Date) {
        func age(_ date: Date?) -> String {
            guard let date else { return "never" }
            let age = now.timeIntervalSince(date)
            return age < 1 ? "now" : Duration.seconds(age).short + " ago"
        }
        states = reports.map(\.report.state)
        let all = [
            Column("TOKEN", least: 12, reports.map(\.name)),
            Column(
                "STATE",
                least: 13,
                reports.map { $0.report.state.rawValue + ($0.report.reason.map { " (\($0))" } ?? "") }
            ),
            Column("FOR", least: 6, reports.map { age($0.report.since).replacing(" ago", with: "") }),
            Column("PROBED", least: 8, reports.map { age($0.report.lastProbe?.at) }),
            Column("ACCEPTED", least: 8, reports.map { age($0.report.lastAcceptedAt) }),
            Column("OWNER", least: 12, reports.map { $0.report.owner ?? "-" }),
            Column("EXPIRES", least: 10, reports.map { $0.report.expiresAt?.dayUTC ?? "-" }),
        ]
        columns = BoardTable.fitted(all, to: width)
    }

    private static func fitted(_ all: [Column], to width: Int) -> [Column] {
        var columns = all
        func total() -> Int { columns.reduce(-gap) { $0 + $1.width + gap } }
        // Owners are cut first, then columns go from the last on, then names and states are cut.
        while total() > width {
            let excess = total() - width
            let owner = columns.firstIndex { $0.title == "OWNER" && $0.width > $0.least }
            let longest = columns.indices.prefix(2).filter { columns[$0].width > columns[$0].least }
                .max { columns[$0].width < columns[$1].width }
            if let cut = owner ?? (columns.count > essential ? nil : longest) {
                columns[cut].width = max(columns[cut].least, columns[cut].width - excess)
            } else if columns.count > 2 {
                columns.removeLast()
                // What was cut for the sake of that one may be whole again.
                for index in columns.indices { columns[index].width = all[index].width }
            } else {
                // Hardly a terminal any more.
                let room = max(width - gap, 2)
                columns[0].width = room / 2
                columns[1].width = room - room / 2
                break
            }
        }
        return columns
    }

    var lines: [String] {
        let header = line(columns.map(\.title), paint: { $1 })
        return [Terminal.dim(header)]
            + states.indices.map { row in
                line(columns.map { $0.cells[row] }) { $0 == 1 ? Terminal.coloured($1, as: states[row]) : $1 }
            }
    }

    private func line(_ cells: [String], paint: (Int, String) -> String) -> String {
        zip(columns, cells).enumerated().map { index, pair in
            let (column, cell) = pair
            let fitted = cell.fitted(toColumns: column.width, mark: Terminal.ellipsis)
            let padding = index == columns.count - 1 ? 0 : column.width - fitted.columns
            return paint(index, fitted) + String(repeating: " ", count: max(0, padding))
        }.joined(separator: String(repeating: " ", count: BoardTable.gap))
    }
}
