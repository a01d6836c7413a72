package import FoundationEssentials

/// The clock on a wall: what hour of which day it was.
package struct WallClock: Sendable {
    /// Name of the time zone, for people.
    package let zone: String
    private let offset: @Sendable (Date) -> Int

    /// - `offset`: seconds ahead of UTC at a date, daylight saving time included.
    package init(zone: String, offset: @escaping @Sendable (Date) -> Int) {
        self.zone = zone
        self.offset = offset
    }

    /// The clock that never changes.
    package static let utc = WallClock(zone: "UTC") { _ in 0 }

    /// Hours since Monday, 00:00: 0 to 167.
    func hourOfWeek(at date: Date) -> Int {
        // 1970 began on a Thursday.
        let hours = (seconds(at: date) + 3 * 86_400).flooredQuotient(dividingBy: 3600)
        return hours - hours.flooredQuotient(dividingBy: 168) * 168
    }

    /// Seconds since 1970-01-01 00:00 by this clock.
    func seconds(at date: Date) -> Int {
        let seconds = (date.timeIntervalSince1970 + Double(offset(date))).rounded(.down)
        return seconds.magnitude < 1e12 ? Int(seconds) : 0
    }

    /// Days since 1970-01-01 by this clock.
    func day(at date: Date) -> Int {
        seconds(at: date).flooredQuotient(dividingBy: 86_400)
    }

    /// The beginning of a day.
    func start(ofDay day: Int) -> Date {
        let local = Date(timeIntervalSince1970: Double(day) * 86_400)
        let guess = local.addingTimeInterval(-Double(offset(local)))
        return local.addingTimeInterval(-Double(offset(guess)))
    }

    /// To the minute, for a person: `2026-11-23 11:05`.
    package func minute(of date: Date) -> String {
        String(shifted(date).minuteUTC.dropLast(4))
    }

    /// `date` as if this clock were that of UTC, to be put into words.
    func shifted(_ date: Date) -> Date {
        Date(timeIntervalSince1970: Double(seconds(at: date)))
    }
}

extension Int {
    func flooredQuotient(dividingBy divisor: Int) -> Int {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// What is left of ``flooredQuotient(dividingBy:)``: never negative.
    func flooredRemainder(dividingBy divisor: Int) -> Int {
        self - flooredQuotient(dividingBy: divisor) * divisor
    }
}
