/// Durations as the configuration writes them: a number with a unit, `500ms 30s 5m 2h 7d`.
package enum DurationText {
    /// Longest duration accepted: ten years.
    ///
    /// Longer ones are mistakes, and would overflow dates.
    package static let maximum = Duration.seconds(3650 * 86_400)

    /// The duration in `text`, or `nil` where it is none.
    package static func parse(_ text: some StringProtocol) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int64(digits), number <= 10_000_000_000 else { return nil }
        let duration: Duration
        switch text.dropFirst(digits.count) {
        case "ms": duration = .milliseconds(number)
        case "s": duration = .seconds(number)
        case "m": duration = .seconds(number * 60)
        case "h": duration = .seconds(number * 3600)
        case "d": duration = .seconds(number * 86_400)
        default: return nil
        }
        return duration <= maximum ? duration : nil
    }

    /// The shortest exact text for a duration: `90s`, `2h`, `7d`.
    package static func format(_ duration: Duration) -> String {
        let milliseconds = duration.inMilliseconds
        for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)]
        where milliseconds != 0 && milliseconds.isMultiple(of: size) {
            return "\(milliseconds / size)\(unit)"
        }
        return "\(milliseconds)ms"
    }
}
