package import FoundationEssentials

/// Where a picture of a stretch of time has its marks: at round times of the clock on the wall.
package struct TimeAxis: Sendable {
    /// One mark.
    package struct Tick: Sendable, Hashable {
        package let at: Date
        /// `14:00`, or at the beginning of a day `23 Nov`, of a month `Nov`, of a year `2026`.
        package let label: String

        package init(at: Date, label: String) {
            self.at = at
            self.label = label
        }
    }

    /// In order; none where the time has no length.
    package let ticks: [Tick]

    /// - Parameters:
    ///   - from: the beginning.
    ///   - until: the end.
    ///   - most: about how many ticks there is room for.
    ///   - clock: the one on the wall.
    package init(from: Date, until: Date, most: Int, on clock: WallClock) {
        let span = until.timeIntervalSince(from)
        guard span > 0, span < 1e10 else {
            ticks = []
            return
        }
        let step = Step.ladder.first { span <= Double($0.seconds * max(most, 1)) } ?? .months(120)
        ticks = step.dates(from: from, until: until, on: clock).map {
            Tick(at: $0, label: step.label(of: $0, on: clock))
        }
    }
}

/// The time from one tick to the next.
private enum Step {
    /// A part of a day that divides it, in seconds.
    case seconds(Int)
    case days(Int)
    case months(Int)

    static let ladder: [Step] =
        [1, 5, 15, 30, 60, 300, 600, 1800, 3600, 10_800, 21_600, 43_200].map(Step.seconds)
        + [1, 2, 7, 14].map(Step.days) + [1, 2, 3, 6, 12, 24, 60, 120].map(Step.months)

    var seconds: Int {
        switch self {
        case .seconds(let seconds): seconds
        case .days(let days): days * 86_400
        case .months(let months): months * 31 * 86_400
        }
    }

    func dates(from: Date, until: Date, on clock: WallClock) -> [Date] {
        switch self {
        case .seconds(let step):
            // Clocks are ahead of UTC by whole quarters of an hour: every round time is met, also around a change.
            let quantum = Double(min(step, 900))
            let first = (from.timeIntervalSince1970 / quantum).rounded(.up) * quantum
            return stride(from: first, through: until.timeIntervalSince1970, by: quantum)
                .map(Date.init(timeIntervalSince1970:))
                .filter { clock.seconds(at: $0).flooredRemainder(dividingBy: step) == 0 }
        case .days(let step):
            // Weeks begin on a Monday; 1970 began on a Thursday.
            let days = clock.days(from: from, until: until)
            return days.filter { ($0 + 3).flooredRemainder(dividingBy: step) == 0 }.map(clock.start(ofDay:))
        case .months(let step):
            return clock.days(from: from, until: until)
                .filter { day in
                    let date = CalendarDay(day)
                    return date.day == 1 && (date.year * 12 + date.month - 1).flooredRemainder(dividingBy: step) == 0
                }
                .map(clock.start(ofDay:))
        }
    }

    func label(of date: Date, on clock: WallClock) -> String {
        let day = CalendarDay(clock.day(at: date))
        switch self {
        case .seconds(let step):
            let time = clock.shifted(date).secondUTC.dropFirst(11).prefix(step < 60 ? 8 : 5)
            return clock.seconds(at: date).flooredRemainder(dividingBy: 86_400) == 0 ? day.text : String(time)
        case .days: return day.text
        case .months: return day.month == 1 ? "\(day.year)" : day.monthName
        }
    }
}

extension WallClock {
    /// The days that begin within a stretch of time.
    fileprivate func days(from: Date, until: Date) -> [Int] {
        let (first, last) = (day(at: from), day(at: until))
        guard first <= last else { return [] }
        return (first...last).filter { (from...until).contains(start(ofDay: $0)) }
    }
}

/// A day of the Gregorian calendar.
private struct CalendarDay {
    let year: Int
    let month: Int
    let day: Int

    /// - `number`: days since 1970-01-01.
    init(_ number: Int) {
        let parts = Date(timeIntervalSince1970: Double(number) * 86_400).dayUTC.split(separator: "-").map { Int($0) }
        year = parts.first.flatMap(\.self) ?? 0
        month = parts.dropFirst().first.flatMap(\.self) ?? 1
        day = parts.dropFirst(2).first.flatMap(\.self) ?? 1
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    var monthName: String { CalendarDay.months[(month - 1).flooredRemainder(dividingBy: 12)] }
    var text: String { "\(day) \(monthName)" }
}
