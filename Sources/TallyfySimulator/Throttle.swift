import FoundationEssentials

/// Counts requests in rolling windows of a minute and of five seconds.
struct Throttle: Sendable {
    /// Whether a request may pass.
    struct Admission: Equatable {
        /// How many more may follow within the minute.
        let remaining: Int
        /// Seconds until one may pass again; nil when this one may.
        let refusedForSeconds: Int?
    }

    private struct Passage {
        let at: Date
        let isGet: Bool
    }

    private var passages: [String: [Passage]] = [:]

    mutating func admit(_ key: String, isGet: Bool, limits: Switches, at now: Date) -> Admission {
        guard limits.ratePerMinute > 0 || limits.burstGetPer5Seconds > 0 else {
            return Admission(remaining: 0, refusedForSeconds: nil)
        }
        // A clock set back leaves passages in the future; they do not count.
        var recent = passages[key, default: []].filter { $0.at <= now && now.timeIntervalSince($0.at) < 60 }
        defer { passages[key] = recent }
        if limits.ratePerMinute > 0, recent.count >= limits.ratePerMinute {
            return refusal(recent[recent.count - limits.ratePerMinute].at, window: 60, at: now)
        }
        let burst = recent.filter { $0.isGet && now.timeIntervalSince($0.at) < 5 }
        if isGet, limits.burstGetPer5Seconds > 0, burst.count >= limits.burstGetPer5Seconds {
            return refusal(burst[burst.count - limits.burstGetPer5Seconds].at, window: 5, at: now)
        }
        recent.append(Passage(at: now, isGet: isGet))
        return Admission(remaining: max(limits.ratePerMinute - recent.count, 0), refusedForSeconds: nil)
    }

    private func refusal(_ oldest: Date, window: Double, at now: Date) -> Admission {
        let wait = (window - now.timeIntervalSince(oldest)).rounded(.up)
        return Admission(remaining: 0, refusedForSeconds: max(Int(wait), 1))
    }
}
