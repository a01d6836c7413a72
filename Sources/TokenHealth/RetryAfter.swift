package import FoundationEssentials

/// A `Retry-After` field, RFC 9110 section 10.2.3: seconds or a date.
package enum RetryAfter: Sendable, Hashable {
    case seconds(Int64)
    case date(Date)

    /// Longest wait that is obeyed: a server cannot blind the monitor for a day.
    package static let cap = Duration.seconds(3600)

    /// Parses a field value; `nil` for garbage.
    ///
    /// Besides what the RFC allows, what servers write: a fraction, a unit of seconds or milliseconds, and the value twice
    /// where a proxy has joined two fields.
    package init?(_ value: String) {
        let text = value.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
        if let date = HTTPDate.parse(text) {
            self = .date(date)
            return
        }
        let first = text.prefix { $0 != "," }
        let digits = first.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = first.dropFirst(digits.count).drop { $0 == " " }.lowercased()
        guard let start = digits.first, start != ".", let number = Double(digits) else { return nil }
        switch unit {
        case "", "s", "sec", "secs", "second", "seconds": self = RetryAfter(seconds: number)
        case "ms": self = RetryAfter(seconds: number / 1000)
        default: return nil
        }
    }

    /// Rounded up: to come too early would be asking against a wish.
    init(seconds: Double) { self = .seconds(Int64(exactly: seconds.rounded(.up)) ?? .max) }

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

extension Answer {
    /// How long the server asks to be left alone, in the field of the RFC, in those of Azure and OpenAI, or, with a refusal
    /// for the time being, in a document as Matrix, Discord and Telegram write it.
    var retryAfter: RetryAfter? {
        if let wait = values(of: "retry-after").lazy.compactMap({ RetryAfter($0) }).first { return wait }
        for name in ["retry-after-ms", "x-ms-retry-after-ms"] {
            if let text = first(name), let wait = RetryAfter("\(text) ms") { return wait }
        }
        guard [403, 429, 503].contains(status), let document else { return nil }
        for (pointer, scale) in Answer.placesOfWaits {
            guard case .number(let number)? = document[pointer], (0...1e9).contains(number.value) else { continue }
            return RetryAfter(seconds: number.value / scale)
        }
        return nil
    }

    private static let placesOfWaits: [(JSONPointer, Double)] = [
        ("/retry_after_ms", 1000), ("/retry_after", 1), ("/parameters/retry_after", 1),
    ].compactMap { text, scale in JSONPointer(text).map { ($0, scale) } }
}

/// The date of HTTP, RFC 9110 section 5.6.7, in its three forms.
///
/// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`.
package enum HTTPDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// The instant, or `nil` where the text is no such date.
    package static func parse(_ text: String) -> Date? {
        guard text.utf8.count <= 40 else { return nil }
        let parts = text.split { $0 == " " || $0 == "," }
        if parts.count == 6, isUTC(parts[5]) {
            return date(day: parts[1], month: parts[2], year: Int(parts[3]), time: parts[4])
        }
        if parts.count == 4, isUTC(parts[3]) {
            let day = parts[1].split(separator: "-")
            guard day.count == 3, day[2].utf8.count == 2, let year = Int(day[2]) else { return nil }
            // A wait that ended half a century ago is none, so this century is meant.
            return date(day: day[0], month: day[1], year: year + (year < 70 ? 2000 : 1900), time: parts[2])
        }
        if parts.count == 5, parts[0].utf8.count == 3 {
            return date(day: parts[2], month: parts[1], year: Int(parts[4]), time: parts[3])
        }
        return nil
    }

    private static func isUTC(_ zone: Substring) -> Bool { zone == "GMT" || zone == "UTC" }

    private static func date(day: Substring, month: Substring, year: Int?, time: Substring) -> Date? {
        guard let day = Int(day), (1...31).contains(day), let month = months.firstIndex(of: String(month)),
            time.utf8.count == 8, time.utf8.allSatisfy({ (0x30...0x3A).contains($0) }),
            let year, (1970...9999).contains(year)
        else { return nil }
        func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return Date(rfc3339: "\(year)-\(padded(month + 1))-\(padded(day))T\(time)Z")
    }
}
