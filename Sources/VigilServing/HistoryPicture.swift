package import FoundationEssentials
package import TokenHealth

/// When each token was what, as a picture: one SVG file that needs nothing else and runs nothing.
package struct HistoryPicture: Sendable {
    /// One token.
    package struct Row: Sendable {
        let name: String
        let owner: String?
        /// Oldest first.
        let intervals: [ValidityInterval]
        let deaths: [Death]
        let uptime: Double?

        /// - Parameters:
        ///   - name: of the token.
        ///   - owner: whose it is.
        ///   - intervals: oldest first.
        ///   - deaths: each has a mark.
        ///   - uptime: share of the known time of 30 days, between 0 and 1.
        package init(
            name: String,
            owner: String?,
            intervals: [ValidityInterval],
            deaths: [Death],
            uptime: Double?
        ) {
            self.name = name
            self.owner = owner
            self.intervals = intervals
            self.deaths = deaths
            self.uptime = uptime
        }
    }

    /// When a token died, and of what.
    package struct Death: Sendable, Hashable {
        package let at: Date
        let reason: String

        package init(at: Date, reason: String) {
            self.at = at
            self.reason = reason
        }
    }

    private let rows: [Row]
    private let from: Date
    private let until: Date
    private let clock: WallClock
    private let axis: TimeAxis
    /// One cell for each unit of width.
    private let cells: [StateCells]

    /// - Parameters:
    ///   - rows: from the top down.
    ///   - from: the beginning of the time that is shown.
    ///   - until: its end.
    ///   - clock: whose times the axis shows.
    package init(of rows: [Row], from: Date, until: Date, on clock: WallClock) {
        self.rows = rows
        self.from = from
        self.until = until
        self.clock = clock
        axis = TimeAxis(from: from, until: until, most: 11, on: clock)
        cells = rows.map { StateCells(of: $0.intervals, from: from, until: until, count: Frame.plot) }
    }

    /// The whole file.
    package var svg: String {
        let size = "width=\"\(Frame.width)\" height=\"\(height)\" viewBox=\"0 0 \(Frame.width) \(height)\""
        let head = [
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
            "<svg xmlns=\"http://www.w3.org/2000/svg\" \(size) role=\"img\" aria-labelledby=\"title description\">",
            "<title id=\"title\">\(Frame.title)</title>",
            "<desc id=\"description\">\(XMLText.escaped(description))</desc>",
            PictureStyle.element,
            "<rect class=\"page\" width=\"\(Frame.width)\" height=\"\(height)\"/>",
            "<text class=\"title\" x=\"\(Frame.margin)\" y=\"32\">\(Frame.title)</text>",
            text(span, "soft", x: Frame.margin, y: 54),
        ]
        let body =
            rows.isEmpty ? [text("Nothing is recorded yet.", "soft", x: Frame.margin, y: Frame.top - 30)] : picture
        return (head + legend + body + ["</svg>"]).joined(separator: "\n") + "\n"
    }

    private var picture: [String] {
        let bottom = Frame.top + rows.count * Frame.row
        var lines = scale(labelsAt: Frame.top - 12, linesTo: bottom)
        if rows.contains(where: { $0.uptime != nil }) {
            lines.append(text("accepted, 30 d", "soft small", x: Frame.left + Frame.plot + 14, y: Frame.top - 28))
        }
        for index in rows.indices { lines += drawn(rows[index], cells[index], y: Frame.top + index * Frame.row) }
        // Of a long list, the labels at its top are out of sight.
        return lines + (rows.count > Frame.fewRows ? scale(labelsAt: bottom + 14, linesTo: nil) : [])
    }

    private var height: Int {
        guard !rows.isEmpty else { return Frame.top - 6 }
        return Frame.top + rows.count * Frame.row + (rows.count > Frame.fewRows ? 30 : 12)
    }
}

// MARK: - Words

extension HistoryPicture {
    private var span: String {
        "\(clock.minute(of: from)) to \(clock.minute(of: until)), times are those of \(clock.zone)"
    }

    /// What there is to see, for those who do not.
    private var description: String {
        let heading = "From \(span). "
        return heading + rows.map { row in "\(row.name): \(words(of: row))." }.joined(separator: " ")
    }

    private func words(of row: Row) -> String {
        let state = row.intervals.last.map { "last seen \($0.state.rawValue)" } ?? "nothing recorded"
        let deaths = shown(row.deaths).map { "died \(clock.minute(of: $0.at)) (\($0.reason))" }
        let share = row.uptime.map { ["accepted \(HistoryPicture.percent($0)) of the known time of 30 days"] } ?? []
        return ([state] + deaths + share).joined(separator: ", ")
    }

    private static func percent(_ share: Double) -> String { "\((share * 1000).rounded(.down) / 10) %" }

    /// The deaths within the time that is shown.
    private func shown(_ deaths: [Death]) -> [Death] { deaths.filter { ($0.at >= from) && $0.at <= until } }

    private var legend: [String] {
        let seen = Set(cells.flatMap { $0.cells.map(\.state) })
        let unknown: [StateName] = [.unknown, .blind, .pending].filter { seen.contains($0) }
        var entries = StateName.allCases.filter { seen.contains($0) && !unknown.contains($0) }
            .map { (mark: swatch(of: $0), words: $0.rawValue) }
        if let first = unknown.first {
            entries.append((swatch(of: first), unknown.map { $0.rawValue }.joined(separator: ", ")))
        }
        if seen.contains(nil) { entries.append((swatch(of: nil), "not watched")) }
        if rows.contains(where: { !shown($0.deaths).isEmpty }) { entries.append((deathMark(x: 6, y: 3), "died")) }
        var x = Frame.margin
        return entries.flatMap { entry -> [String] in
            defer { x += 34 + entry.words.columns * 7 }
            return [
                "<g transform=\"translate(\(x) 68)\">", entry.mark, text(entry.words, "soft", x: 17, y: 11), "</g>",
            ]
        }
    }

    private func swatch(of state: StateName?) -> String {
        "<rect class=\"\(PictureStyle.name(of: state))\" width=\"12\" height=\"12\" rx=\"2\"/>"
    }
}

// MARK: - Parts

extension HistoryPicture {
    /// The measures, in units of the picture.
    private enum Frame {
        static let title = "When each token was valid"
        static let width = 960
        static let margin = 20
        /// Where the bars begin, and how long they are.
        static let left = 236
        static let plot = 600
        static let top = 122
        static let row = 42
        static let bar = 20
        static let fewRows = 14
        /// Columns of text beside the bars.
        static let nameColumns = 24
        /// In smaller letters.
        static let longNameColumns = 28
        static let ownerColumns = 31
    }

    /// - `labelsAt`: the line on which the words stand.
    /// - `linesTo`: where the lines that begin under the words end; `nil` for none.
    private func scale(labelsAt y: Int, linesTo bottom: Int?) -> [String] {
        axis.ticks.flatMap { tick -> [String] in
            let x = position(of: tick.at)
            let line = bottom.map { "<path class=\"line\" d=\"M\(x) \(y + 5)V\($0)\"/>" }
            return [line, text(tick.label, "soft middle", x: x, y: y)].compactMap(\.self)
        }
    }

    private func drawn(_ row: Row, _ cells: StateCells, y: Int) -> [String] {
        var lines = ["<g class=\"token\">", "<title>\(XMLText.escaped("\(row.name): \(words(of: row))"))</title>"]
        let isLong = row.name.columns > Frame.nameColumns
        let name = row.name.printable.fitted(toColumns: isLong ? Frame.longNameColumns : Frame.nameColumns)
        let style = isLong ? "name small" : "name"
        lines.append(text(name, style, x: Frame.margin, y: y + (row.owner == nil ? 20 : 14)))
        if let owner = row.owner {
            let fitted = owner.printable.fitted(toColumns: Frame.ownerColumns)
            lines.append(text(fitted, "soft small", x: Frame.margin, y: y + 29))
        }
        lines.append(
            "<rect class=\"none\" x=\"\(Frame.left)\" y=\"\(y + 6)\" width=\"\(Frame.plot)\" height=\"\(Frame.bar)\"/>"
        )
        lines += bars(cells, y: y + 6)
        if let uptime = row.uptime {
            lines.append(text(HistoryPicture.percent(uptime), "soft", x: Frame.left + Frame.plot + 14, y: y + 20))
        }
        for death in shown(row.deaths) {
            let words = XMLText.escaped("\(row.name) died \(clock.minute(of: death.at)) (\(death.reason))")
            let mark = deathMark(x: position(of: death.at), y: Double(y) - 1)
            lines.append("<g class=\"death\"><title>\(words)</title>\(mark)</g>")
        }
        return lines + ["</g>"]
    }

    /// One path for all cells of a kind; those seen for less than half are half as high.
    private func bars(_ cells: StateCells, y: Int) -> [String] {
        var paths: [StateName: String] = [:]
        var x = Frame.left
        for (cell, length) in cells.runs {
            defer { x += length }
            guard let state = cell.state else { continue }
            let height = cell.isPart ? Frame.bar / 2 : Frame.bar
            paths[state, default: ""] += "M\(x) \(y + Frame.bar - height)h\(length)v\(height)h-\(length)z"
        }
        return StateName.allCases.compactMap { state in
            paths[state].map { "<path class=\"\(state.rawValue)\" d=\"\($0)\"/>" }
        }
    }

    /// A cross over the moment of a death: it is told from a bar without any colour.
    private func deathMark(x: Double, y: Double) -> String {
        "<path class=\"mark\" d=\"M\(x - 4) \(y)l8 8m0-8l-8 8\"/>"
    }

    private func position(of date: Date) -> Double {
        let share = date.timeIntervalSince(from) / max(until.timeIntervalSince(from), 1)
        return ((Double(Frame.left) + share * Double(Frame.plot)) * 10).rounded() / 10
    }

    private func text(_ words: String, _ style: String, x: some Numeric, y: Int) -> String {
        "<text class=\"\(style)\" x=\"\(x)\" y=\"\(y)\">\(XMLText.escaped(words))</text>"
    }
}
