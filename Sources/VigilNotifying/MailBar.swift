import TokenHealth

/// The last days of a token as a row of coloured cells, for a mail.
///
/// Many readers, Outlook above all, draw neither SVG nor what only a style sheet says: each cell has its colour and its
/// measures as attributes and inline. What it shows stands in words below it, too.
struct MailBar: Sendable {
    private static let width = 9
    /// Of a whole day; one of which less than half was seen is half as high, with a gap of one between the halves.
    private static let height = 25
    private static let half = 12

    private let days: [StateCells.Cell]
    private let words: String

    /// - `words`: what it shows, for those who do not see it.
    init(_ days: [StateCells.Cell], words: String) {
        self.days = days
        self.words = words
    }

    var lines: [String] {
        let measures = "cellpadding=\"0\" cellspacing=\"1\" border=\"0\" style=\"border-collapse:separate\""
        let hasHalves = days.contains(where: \.isPart)
        let upper = days.map { day in
            day.isPart
                ? cell(nil, height: MailBar.half) : cell(day.state, height: MailBar.height, spans: hasHalves)
        }
        let lower = days.filter(\.isPart).map { cell($0.state, height: MailBar.half) }
        return ["<table role=\"img\" \(measures) aria-label=\"\(HTMLText.escaped(words))\">", "<tr>"] + upper + [
            "</tr>"
        ]
            + (hasHalves ? ["<tr>"] + lower + ["</tr>"] : []) + ["</table>"]
    }

    /// - `spans`: whether it stands beside two halves, one above the other.
    private func cell(_ state: StateName?, height: Int, spans: Bool = false) -> String {
        let colour = StateColour(of: state).light
        let size = "width:\(MailBar.width)px;height:\(height)px;line-height:\(height)px;mso-line-height-rule:exactly"
        return "<td class=\"\(MailBar.style(of: state))\" bgcolor=\"\(colour)\" width=\"\(MailBar.width)\" "
            + "height=\"\(height)\"\(spans ? " rowspan=\"2\"" : "") "
            + "style=\"\(size);font-size:0;background:\(colour)\">&nbsp;</td>"
    }

    private static func style(of state: StateName?) -> String { "day-\(state?.rawValue ?? "none")" }

    /// The lines that darken the cells of `bars`.
    static func darkStyle(of bars: [AlertStory.LastDays]) -> [String] {
        let seen = Set(bars.flatMap(\.days).map(\.state))
            .union(bars.flatMap(\.days).contains(where: \.isPart) ? [nil] : [])
        return (StateName.allCases.map(Optional.some) + [nil]).filter { seen.contains($0) }.map { state in
            ".\(style(of: state)) { background: \(StateColour(of: state).dark) !important; }"
        }
    }
}
