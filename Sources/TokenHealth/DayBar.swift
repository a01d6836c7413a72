package import FoundationEssentials

/// What a token was on each of the last days: one letter a day, in UTC, oldest first.
///
/// A day is what counts most in it: dead, misconfigured or limited for however short, else what it was for longest. The
/// letter is the first one of the state, `-` where nothing was seen, and a capital where less than half of the day was.
package struct DayBar: Sendable, Hashable {
    /// Such as `--Vvvivvv`.
    package let text: String

    /// - Parameters:
    ///   - intervals: of one token, oldest first.
    ///   - days: how many, the day of `now` included.
    ///   - now: the end of the last day, so far.
    package init(of intervals: some Collection<ValidityInterval>, days: Int, until now: Date) {
        let first = DayBar.firstDay(of: days, until: now)
        var tallies = [DayTally](repeating: DayTally(), count: days)
        for interval in intervals {
            let start = max(interval.start.timeIntervalSince(first), 0)
            let end = min(interval.end.timeIntervalSince(first), now.timeIntervalSince(first))
            guard start <= end, start < Double(days) * 86_400 else { continue }
            for day in Int(start / 86_400)...min(Int(end / 86_400), days - 1) {
                let (from, to) = (Double(day) * 86_400, Double(day + 1) * 86_400)
                tallies[day].add(interval.state, seconds: min(end, to) - max(start, from))
            }
        }
        let lastDay = now.timeIntervalSince(first) - Double(days - 1) * 86_400
        text = String(
            tallies.enumerated().map { $1.letter(outOf: $0 == days - 1 ? lastDay : 86_400) }
        )
    }

    /// The beginning of the first of so many days.
    package static func firstDay(of days: Int, until now: Date) -> Date {
        let today = (now.timeIntervalSince1970 / 86_400).rounded(.down)
        return Date(timeIntervalSince1970: (today - Double(days - 1)) * 86_400)
    }
}

/// How long a token was in each state on one day.
private struct DayTally {
    private var seconds: [StateName: Double] = [:]

    mutating func add(_ state: StateName, seconds length: Double) {
        seconds[state, default: 0] += length
    }

    /// - `length`: of the day so far, in seconds.
    func letter(outOf length: Double) -> Character {
        let grave = [StateName.invalid, .misconfigured, .limited].first { seconds[$0] != nil }
        // Of two that lasted alike, the worse one.
        let longest = StateName.allCases.filter { seconds[$0] != nil }
            .max { (seconds[$0] ?? 0) < (seconds[$1] ?? 0) }
        guard let state = grave ?? longest else { return "-" }
        let isHalf = seconds.values.reduce(0, +) * 2 >= length
        return isHalf ? state.letter : Character(state.letter.uppercased())
    }
}

extension StateName {
    fileprivate var letter: Character {
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
}
