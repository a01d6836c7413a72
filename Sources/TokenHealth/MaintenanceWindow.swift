package import FoundationEssentials

/// A day of the week, as the configuration writes it.
package enum Weekday: String, Sendable, Hashable, CaseIterable {
    case mon, tue, wed, thu, fri, sat, sun

    /// - `dayNumber`: days since 1970-01-01, which was a Thursday.
    fileprivate init(dayNumber: Int) {
        let index = ((dayNumber + 3) % 7 + 7) % 7
        self = Weekday.allCases[index]
    }
}

/// A time that comes again every week in which a token is not spoken of, by the clock on the wall of one zone.
package struct MaintenanceWindow: Sendable, Hashable {
    package let name: String
    package let reason: String
    /// The days on which it begins.
    package let days: Set<Weekday>
    /// Minutes after midnight.
    package let from: Int
    /// Minutes after midnight; on the next day where it is not after ``from``.
    package let to: Int
    package let zone: TimeZone

    package init(name: String, reason: String, days: Set<Weekday>, from: Int, to: Int, zone: TimeZone) {
        self.name = name
        self.reason = reason
        self.days = days
        self.from = from
        self.to = to
        self.zone = zone
    }

    /// When the window that is open at `now` ends; `nil` where none is.
    package func end(at now: Date) -> Date? {
        let second = Int(now.timeIntervalSince1970.rounded(.down))
        let today = zone.day(of: second)
        // One that began yesterday may last until today; a shift of the clock moves neither by more than a day.
        return (today - 2...today + 1).compactMap { day -> Int? in
            guard days.contains(Weekday(dayNumber: day)) else { return nil }
            let start = zone.instant(of: day * 86_400 + from * 60, last: false)
            let end = zone.instant(of: (to > from ? day : day + 1) * 86_400 + to * 60, last: true)
            return start <= second && second < end ? end : nil
        }.max().map { Date(timeIntervalSince1970: Double($0)) }
    }
}

extension [MaintenanceWindow] {
    /// When the windows open at `now` are over, those that follow without a gap included; `nil` where none is open.
    package func end(at now: Date) -> Date? {
        var end: Date?
        // Windows of a week that leave no gap would go on for ever: two weeks are long enough to look ahead.
        for _ in 0..<15 {
            guard let next = compactMap({ $0.end(at: end ?? now) }).max() else { break }
            end = next
        }
        return end
    }
}

extension TimeZone {
    fileprivate func offset(at second: Int) -> Int {
        secondsFromGMT(for: Date(timeIntervalSince1970: Double(second)))
    }

    /// Days from 1970-01-01 to the local day.
    fileprivate func day(of second: Int) -> Int {
        let local = second + offset(at: second)
        return local >= 0 ? local / 86_400 : (local - 86_399) / 86_400
    }

    /// When the clock on the wall shows `local`, in seconds since 1970-01-01 00:00 by that clock.
    ///
    /// A time that comes twice is the first or the last of the two; one that is skipped is the moment of the skip.
    fileprivate func instant(of local: Int, last: Bool) -> Int {
        // Offsets lie between -12 and +14 hours: a day and a half away both sides of a change are seen.
        let before = offset(at: local - 129_600)
        let after = offset(at: local + 129_600)
        let hits = [local - before, local - after].filter { $0 + offset(at: $0) == local }
        if let hit = last ? hits.max() : hits.min() { return hit }
        var low = local - Swift.max(before, after)
        var high = local - Swift.min(before, after)
        let offsetAtLow = offset(at: low)
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if offset(at: middle) == offsetAtLow { low = middle } else { high = middle }
        }
        return high
    }
}
