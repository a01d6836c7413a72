import FoundationEssentials

/// Reads times as providers write them.
enum StatedTime {
    /// No time that anybody writes is longer, in bytes.
    private static let longest = 100

    /// The instant in `text`, or `nil` where it has none of the known forms, or means that there is no end.
    ///
    /// - seconds since 1970, with or without a fraction;
    /// - RFC 3339, `2026-12-31T23:59:59Z`, also with a space for the `T` and `UTC` for the `Z`, as the header
    ///   `github-authentication-token-expiration` has it (docs.github.com, "Token expiration and revocation");
    /// - a day, `2026-12-31`: a token ends as that day begins in UTC (docs.gitlab.com, "Personal access tokens");
    /// - the date of HTTP, RFC 9110 section 5.6.7.
    static func date(in text: String) -> Date? {
        instant(in: text).flatMap { isEnd($0) ? $0 : nil }
    }

    /// Whether it is a time that is meant: the first and the last that a system knows, `0001-01-01`, `1970-01-01` and
    /// `9999-12-31`, stand for "never".
    private static func isEnd(_ date: Date) -> Bool {
        let year = 366.0 * 86_400
        return date.timeIntervalSince1970 > year && date.timeIntervalSince1970 < 253_402_300_800 - year
    }

    private static func instant(in text: String) -> Date? {
        guard text.utf8.count <= longest else { return nil }
        let words = text.split(separator: " ").map(String.init)
        let joined = words.joined(separator: " ")
        if joined.utf8.count <= 20, let seconds = Double(joined), joined.utf8.allSatisfy(isDigitOrPoint) {
            return date(seconds: seconds)
        }
        if let date = HTTPDate.parse(joined) { return date }
        let day = joined.prefix(10)
        guard day.wholeMatch(of: /[0-9]{4}-[0-9]{2}-[0-9]{2}/) != nil else { return nil }
        let rest = joined.dropFirst(10)
        guard !rest.isEmpty else { return Date(rfc3339: "\(day)T00:00:00Z") }
        let time = /[Tt ]([0-2][0-9]:[0-5][0-9]:[0-5][0-9])(?:\.[0-9]+)? ?(?:([Zz]|UTC|GMT)|([+-][0-9]{2}):?([0-9]{2}))/
        guard let match = rest.wholeMatch(of: time), match.output.1 < "24" else { return nil }
        let offset = match.output.3.flatMap { hours in match.output.4.map { "\(hours):\($0)" } }
        return Date(rfc3339: "\(day)T\(match.output.1)\(offset ?? "Z")")
    }

    /// An instant in seconds since 1970, or in milliseconds or microseconds where seconds would be out of all reach; `nil`
    /// for 0, -1 and the like, which mean that there is no end.
    static func date(seconds: Double) -> Date? {
        // Of the year 9999: the last that a system knows.
        guard seconds.isFinite, !(2.5e11..<2.6e11).contains(seconds) else { return nil }
        // Beyond the year 5138 nobody counts in seconds, nor beyond 33658 in milliseconds.
        let scale = seconds < 1e11 ? 1 : seconds < 1e15 ? 1e3 : 1e6
        let date = Date(timeIntervalSince1970: seconds / scale)
        return isEnd(date) ? date : nil
    }

    private static func isDigitOrPoint(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || byte == 0x2E }
}
