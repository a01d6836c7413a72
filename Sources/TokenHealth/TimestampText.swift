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

extension Date {
    /// Reads what ``TimestampText`` writes; `nil` for any other text, which may be a time all the same.
    init?(timestamp text: String) {
        guard let parts = TimestampText.Parts(text) else { return nil }
        // The months counted from March on, as above.
        let year = parts.year - (parts.month <= 2 ? 1 : 0)
        let month = parts.month + (parts.month <= 2 ? 9 : -3)
        let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + parts.day - 1 - 719_468
        let seconds = ((days * 24 + parts.hour) * 60 + parts.minute) * 60 + parts.second
        let date = Date(timeIntervalSince1970: Double(seconds * 1000 + parts.millisecond) / 1000)
        // A day that the month has not is another one.
        guard TimestampText(date)?.isOn(parts) == true else { return nil }
        self = date
    }
}

extension TimestampText {
    /// The numbers of a text, none larger than it can be.
    fileprivate struct Parts {
        let year: Int64
        let month: Int64
        let day: Int64
        let hour: Int64
        let minute: Int64
        let second: Int64
        let millisecond: Int64

        init?(_ text: String) {
            var text = text
            let parsed = text.withUTF8 { bytes -> [Int64]? in
                guard bytes.count == TimestampText.length else { return nil }
                for (place, mark) in Parts.marks where unsafe bytes[place] != mark { return nil }
                var numbers: [Int64] = []
                numbers.reserveCapacity(Parts.fields.count)
                for field in Parts.fields {
                    var number: Int64 = 0
                    for place in field.digits {
                        let digit = unsafe bytes[place] &- UInt8(ascii: "0")
                        guard digit < 10 else { return nil }
                        number = number * 10 + Int64(digit)
                    }
                    guard field.range.contains(number) else { return nil }
                    numbers.append(number)
                }
                return numbers
            }
            guard let parsed else { return nil }
            (year, month, day) = (parsed[0], parsed[1], parsed[2])
            (hour, minute, second, millisecond) = (parsed[3], parsed[4], parsed[5], parsed[6])
        }

        private static let marks = [
            (4, UInt8(ascii: "-")), (7, UInt8(ascii: "-")), (10, UInt8(ascii: "T")), (13, UInt8(ascii: ":")),
            (16, UInt8(ascii: ":")), (19, UInt8(ascii: ".")), (23, UInt8(ascii: "Z")),
        ]
        /// Earlier years are left to Foundation, which counts them by the Julian calendar.
        private static let fields: [(digits: Range<Int>, range: ClosedRange<Int64>)] = [
            (0..<4, 1583...9999), (5..<7, 1...12), (8..<10, 1...31), (11..<13, 0...23), (14..<16, 0...59),
            (17..<19, 0...59), (20..<23, 0...999),
        ]
    }

    fileprivate func isOn(_ parts: Parts) -> Bool { day == parts.day && month == parts.month && year == parts.year }
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
