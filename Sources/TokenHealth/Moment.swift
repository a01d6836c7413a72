package import FoundationEssentials

/// One instant, read once per operation: wall time for records, uptime for intervals.
package struct Moment: Sendable, Hashable {
    /// Wall time, for people and for the database.
    package let wall: Date
    /// Time since an arbitrary origin that never jumps and counts suspend; meaningful within one process only.
    package let uptime: Duration

    package init(wall: Date, uptime: Duration) {
        self.wall = wall
        self.uptime = uptime
    }

    /// So long before this one, as both clocks go now.
    package func earlier(by duration: Duration) -> Moment {
        Moment(wall: wall.advanced(by: .zero - duration), uptime: uptime - duration)
    }
}

extension Date {
    /// RFC 3339 in UTC with milliseconds: `2026-11-23T10:05:07.120Z`.
    package var rfc3339: String {
        if let text = TimestampText(self) { return text.text }
        // The format cuts where it should round, and few milliseconds are exact in binary: half of one keeps each.
        let milliseconds = (timeIntervalSince1970 * 1000).rounded()
        let inside = Date(timeIntervalSince1970: (milliseconds + 0.5) / 1000)
        return inside.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// RFC 3339 in UTC to the minute, for a person: `2026-11-23 10:05 UTC`.
    package var minuteUTC: String {
        let text = formatted(Date.ISO8601FormatStyle())
        return text.prefix(10) + " " + text.dropFirst(11).prefix(5) + " UTC"
    }

    /// RFC 3339 in UTC to the second, for a person: `2026-11-23 10:05:07 UTC`.
    package var secondUTC: String {
        let text = formatted(Date.ISO8601FormatStyle())
        return text.prefix(10) + " " + text.dropFirst(11).prefix(8) + " UTC"
    }

    /// The day alone: `2026-11-23`.
    package var dayUTC: String {
        String(formatted(Date.ISO8601FormatStyle()).prefix(10))
    }

    /// Reads what ``rfc3339`` writes, with or without the fraction.
    package init?(rfc3339 text: String) {
        if let date = Date(timestamp: text) {
            self = date
            return
        }
        let fractional = try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
        guard let date = fractional ?? (try? Date(text, strategy: Date.ISO8601FormatStyle())) else { return nil }
        self = date
    }

    /// This date moved by a duration.
    package func advanced(by duration: Duration) -> Date {
        addingTimeInterval(duration.inSeconds)
    }
}

extension Duration {
    /// The whole duration in seconds, as a fraction.
    package var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }

    /// Whole milliseconds, rounded down.
    package var inMilliseconds: Int {
        let (seconds, attoseconds) = components
        return Int(clamping: seconds).multipliedSaturating(by: 1000) + Int(attoseconds / 1_000_000_000_000_000)
    }

    /// A short text for a person, in at most two units: `31 s`, `5 min`, `3 h 20 min`, `12 d`.
    package var short: String {
        let seconds = max(0, Int(clamping: components.seconds))
        func pair(_ high: Int, _ highUnit: String, _ low: Int, _ lowUnit: String) -> String {
            low == 0 ? "\(high) \(highUnit)" : "\(high) \(highUnit) \(low) \(lowUnit)"
        }
        switch seconds {
        case ..<1: return "\(max(0, inMilliseconds)) ms"
        case ..<120: return "\(seconds) s"
        case ..<7200: return pair(seconds / 60, "min", seconds % 60, "s")
        case ..<172_800: return pair(seconds / 3600, "h", seconds % 3600 / 60, "min")
        default: return pair(seconds / 86_400, "d", seconds % 86_400 / 3600, "h")
        }
    }
}

extension Int {
    fileprivate func multipliedSaturating(by factor: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        guard overflow else { return product }
        return self < 0 ? .min : .max
    }
}
