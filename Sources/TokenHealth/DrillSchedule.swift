package import FoundationEssentials

/// When a drill is due: every so often, and where that is whole days, at a time of day by the clock of one zone.
package struct DrillSchedule: Sendable, Hashable {
    package let every: Duration
    /// Minutes after midnight.
    package let minute: Int
    package let zone: TimeZone

    package init(every: Duration, minute: Int = 9 * 60, zone: TimeZone = .gmt) {
        self.every = every
        self.minute = minute
        self.zone = zone
    }

    /// The same for the same settings: another one begins anew.
    package var text: String { "\(DurationText.format(every)) \(minute) \(zone.identifier)" }

    /// The first drill of a daemon that has had none.
    package func first(after now: Date) -> Date {
        guard wholeDays != nil else { return now.advanced(by: every) }
        let today = day(of: now)
        let due = (today...today + 2).map(instant).first { $0 > now }
        return due ?? now.advanced(by: every)
    }

    /// The next drill after one that was due at `due`: those missed since are not made up for.
    package func following(_ due: Date, after now: Date) -> Date {
        let passed = max(0, now.timeIntervalSince(due)) / every.inSeconds
        var count = max(1, Int(passed))
        var next = step(due, by: count)
        // The time of day may have come or gone with daylight saving.
        for _ in 0..<3 where next <= now {
            count += 1
            next = step(due, by: count)
        }
        return next
    }

    private func step(_ due: Date, by count: Int) -> Date {
        guard let wholeDays else { return due.addingTimeInterval(every.inSeconds * Double(count)) }
        return instant(day(of: due) + wholeDays * count)
    }

    private var wholeDays: Int? {
        let seconds = every.components.seconds
        return every >= .seconds(86_400) && seconds.isMultiple(of: 86_400) ? Int(seconds / 86_400) : nil
    }

    /// Days from 1970-01-01 to the local day.
    private func day(of date: Date) -> Int {
        Int(((date.timeIntervalSince1970 + Double(zone.secondsFromGMT(for: date))) / 86_400).rounded(.down))
    }

    /// When the clock on the wall shows the time of the drill; where that is skipped, an hour beside it.
    private func instant(_ day: Int) -> Date {
        let local = Date(timeIntervalSince1970: Double(day) * 86_400 + Double(minute) * 60)
        let guess = local.addingTimeInterval(-Double(zone.secondsFromGMT(for: local)))
        return local.addingTimeInterval(-Double(zone.secondsFromGMT(for: guess)))
    }
}
