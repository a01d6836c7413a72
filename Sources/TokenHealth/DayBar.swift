package import FoundationEssentials

/// What a token was on each of the last days: one letter a day, in UTC, oldest first, as ``StateCells`` has them.
package struct DayBar: Sendable, Hashable {
    /// Such as `--Vvvivvv`.
    package let text: String

    /// - Parameters:
    ///   - intervals: of one token, oldest first.
    ///   - days: how many, the day of `now` included.
    ///   - now: the end of the last day, so far.
    package init(of intervals: some Collection<ValidityInterval>, days: Int, until now: Date) {
        let first = DayBar.firstDay(of: days, until: now)
        let days = (0..<max(days, 0)).map { first.addingTimeInterval(Double($0) * 86_400) }
        text = StateCells(of: intervals, borders: days + [now]).text
    }

    /// The beginning of the first of so many days.
    package static func firstDay(of days: Int, until now: Date) -> Date {
        let today = (now.timeIntervalSince1970 / 86_400).rounded(.down)
        return Date(timeIntervalSince1970: (today - Double(days - 1)) * 86_400)
    }

    /// The days, oldest first.
    package var cells: [StateCells.Cell] { text.map(StateCells.Cell.init(letter:)) }

    /// How many days there are of each kind, the worst first: `2 invalid, 27 valid, 1 not watched`.
    package var words: String {
        let counts = Dictionary(text.map { (StateName(letter: $0), 1) }, uniquingKeysWith: +)
        let states = StateName.allCases.compactMap { state in counts[state].map { "\($0) \(state.rawValue)" } }
        return (states + (counts[nil].map { ["\($0) not watched"] } ?? [])).joined(separator: ", ")
    }
}

extension DayBar: Codable {
    package init(from decoder: any Decoder) throws {
        text = try decoder.singleValueContainer().decode(String.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
