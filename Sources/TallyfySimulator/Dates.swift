import FoundationEssentials

/// The form of dates in JSON bodies: `2026-01-01T00:00:00.000Z`.
func timestamp(_ date: Date) -> String {
    date.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
}

/// The form of dates in headers: `Thu, 01 Jan 2026 00:00:00 GMT`.
func httpDate(_ date: Date) -> String {
    let seconds = Int(date.timeIntervalSince1970.rounded(.down))
    let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    let days = (Double(seconds) / 86_400).rounded(.down)
    let weekday = weekdays[((Int(days) % 7) + 7) % 7]
    // 2026-01-02T03:04:05Z holds every number needed.
    let parts = date.formatted(Date.ISO8601FormatStyle()).split { "-T:Z".contains($0) }
    guard parts.count == 6, let month = Int(parts[1]), 1...12 ~= month else { return "" }
    return "\(weekday), \(parts[2]) \(months[month - 1]) \(parts[0]) \(parts[3]):\(parts[4]):\(parts[5]) GMT"
}

/// The dates the stand-in can reckon with, 1970 to 2200; calendars beyond are nobody's test.
let reckonableSeconds = 0.0...7_258_118_400.0
