package import FoundationEssentials

/// A `Retry-After` field, RFC 9110 section 10.2.3: seconds or a date.
package enum RetryAfter: Sendable, Hashable {
    case seconds(Int64)
    case date(Date)

    /// Longest wait that is obeyed: a server cannot blind the monitor for a day.
    package static let cap = Duration.seconds(3600)

    /// Parses a field value; `nil` for garbage.
    package init?(_ value: String) {
        let text = value.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            self = .seconds(Int64(text) ?? .max)
        } else if let date = HTTPDate.parse(text) {
            self = .date(date)
        } else {
            return nil
        }
    }

    /// The wait from `now`, between zero and ``cap``.
    package func wait(at now: Date) -> Duration {
        switch self {
        case .seconds(let count):
            return count >= RetryAfter.cap.components.seconds ? RetryAfter.cap : .seconds(count)
        case .date(let date):
            let seconds = date.timeIntervalSince(now)
            return seconds >= RetryAfter.cap.inSeconds ? RetryAfter.cap : .milliseconds(Int64(max(0, seconds) * 1000))
        }
    }
}

/// The date of HTTP, RFC 9110 section 5.6.7, in the one form servers send: `Sun, 06 Nov 1994 08:49:37 GMT`.
package enum HTTPDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The instant, or `nil` where the text is no such date.
    package static func parse(_ text: String) -> Date? {
        let parts = text.split(whereSeparator: { $0 == " " || $0 == "," })
        guard parts.count == 6, parts[5] == "GMT" || parts[5] == "UTC",
            let day = Int(parts[1]), (1...31).contains(day),
            let month = months.firstIndex(of: String(parts[2])),
            parts[4].utf8.count == 8, parts[4].utf8.allSatisfy({ (0x30...0x3A).contains($0) }),
            let year = Int(parts[3]), (1970...9999).contains(year)
        else { return nil }
        func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return Date(rfc3339: "\(year)-\(padded(month + 1))-\(padded(day))T\(parts[4])Z")
    }
}
