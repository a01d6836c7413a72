package import FoundationEssentials

/// A run of observations that all led to the same state and reason.
package struct ValidityInterval: Sendable, Hashable, Codable {
    package var start: Date
    /// Time of the last observation in it.
    package var end: Date
    package var state: StateName
    package var reason: String?

    package init(start: Date, end: Date, state: StateName, reason: String?) {
        self.start = start
        self.end = end
        self.state = state
        self.reason = reason
    }

    private enum CodingKeys: CodingKey { case start, end, state, reason }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(start, forKey: .start)
        try container.encode(end, forKey: .end)
        try container.encode(state, forKey: .state)
        try container.encode(reason, forKey: .reason)
    }
}

/// Share of known time in which a token was accepted, between 0 and 1; `nil` where nothing was known.
package struct Uptime: Sendable, Hashable, Codable {
    package var day: Double?
    package var week: Double?
    package var month: Double?

    package init(day: Double? = nil, week: Double? = nil, month: Double? = nil) {
        self.day = day
        self.week = week
        self.month = month
    }

    /// Computes the three windows that end at `now`.
    package init(of intervals: [ValidityInterval], at now: Date) {
        let now = now.timeIntervalSinceReferenceDate
        func share(days: Double) -> Double? {
            let from = now - days * 86_400
            var known = 0.0
            var accepted = 0.0
            var hasDeath = false
            for index in intervals.indices {
                let end = intervals[index].end.timeIntervalSinceReferenceDate
                guard end > from else { continue }
                let length = max(0, end - max(intervals[index].start.timeIntervalSinceReferenceDate, from))
                switch intervals[index].state {
                case .valid, .limited:
                    known += length
                    accepted += length
                case .invalid:
                    known += length
                    // Of one that has just been seen the length is not known yet.
                    hasDeath = true
                case .pending, .suspect, .unknown, .blind, .misconfigured:
                    break
                }
            }
            guard hasDeath else { return known > 0 ? 1 : nil }
            return min(known > 0 ? (accepted / known * 10_000).rounded(.down) / 10_000 : 0, 0.9999)
        }
        self.init(day: share(days: 1), week: share(days: 7), month: share(days: 30))
    }

    private enum CodingKeys: String, CodingKey {
        case day = "24h"
        case week = "7d"
        case month = "30d"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(day, forKey: .day)
        try container.encode(week, forKey: .week)
        try container.encode(month, forKey: .month)
    }
}
