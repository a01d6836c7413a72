import FoundationEssentials

/// The digits of a time in UTC, to the millisecond: `2026-11-23T10:05:07.120Z`.
///
/// Foundation's format styles take some microseconds for each, which is most of what a status file of many tokens costs.
struct TimestampText {
    /// Number of bytes of every text.
    static let length = 24

    private let milliseconds: Int64
    private let year: Int64
    private let month: Int64
    private let day: Int64

    /// `nil` for a year that has not four digits.
    init?(_ date: Date) {
        let exact = (date.timeIntervalSince1970 * 1000).rounded()
        // From year 0 to 9999.
        guard exact >= -62_167_219_200_000, exact < 253_402_300_800_000 else { return nil }
        let total = Int64(exact)
        let days = total.floored(by: 86_400_000)
        milliseconds = total - days * 86_400_000
        // The days of the proleptic Gregorian calendar, counted from the first of March of year 0: each year then ends
        // with its leap day, and the lengths of the months repeat every five.
        let shifted = days + 719_468
        let era = shifted.floored(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let march = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * march + 2) / 5 + 1
        month = march < 10 ? march + 3 : march - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Appends the text, for which there is room.
    func append(to text: inout OutputSpan<UInt8>) {
        text.append(twoDigits: year / 100)
        text.append(twoDigits: year % 100)
        text.append(UInt8(ascii: "-"))
        text.append(twoDigits: month)
        text.append(UInt8(ascii: "-"))
        text.append(twoDigits: day)
        text.append(UInt8(ascii: "T"))
        text.append(twoDigits: milliseconds / 3_600_000)
        text.append(UInt8(ascii: ":"))
        text.append(twoDigits: milliseconds / 60_000 % 60)
        text.append(UInt8(ascii: ":"))
        text.append(twoDigits: milliseconds / 1000 % 60)
        text.append(UInt8(ascii: "."))
        let fraction = milliseconds % 1000
        text.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: fraction / 100))
        text.append(twoDigits: fraction % 100)
        text.append(UInt8(ascii: "Z"))
    }

    var text: String {
        let bytes = [UInt8](capacity: TimestampText.length) { append(to: &$0) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension OutputSpan<UInt8> {
    /// - `number`: from 0 to 99.
    fileprivate mutating func append(twoDigits number: Int64) {
        append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / 10))
        append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
    }
}

extension Int64 {
    /// The quotient, rounded down.
    fileprivate func floored(by divisor: Int64) -> Int64 {
        let quotient = self / divisor
        return self % divisor < 0 ? quotient - 1 : quotient
    }
}
