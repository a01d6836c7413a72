import FoundationEssentials

/// How many events there were in the last stretch of time, to a twentieth of it.
///
/// An event counts a little longer than it must, never shorter.
struct RecentEvents: Sendable {
    private struct Bucket: Sendable {
        let index: Int64
        var count: Int
        /// Uptime of the newest.
        var last: Duration
    }

    private static let parts = 20

    let limit: Int
    /// Nanoseconds of one part.
    private let width: Int64
    private var buckets: [Bucket] = []

    init(_ rate: Rate) {
        limit = rate.count
        width = max(rate.per.inNanoseconds / Int64(RecentEvents.parts), 1000)
    }

    /// Goes on with what was recorded.
    init(_ rate: Rate, _ events: [HostRecord.Events], at now: Moment) {
        self.init(rate)
        restore(events, at: now)
    }

    /// What was recorded, by the clock on the wall: what it says is to come, because it was set back, happened now.
    mutating func restore(_ events: [HostRecord.Events], at now: Moment) {
        for event in events.suffix(RecentEvents.parts * 2).sorted(by: { $0.at < $1.at }) {
            let age = Duration.milliseconds(Int64(min(max(0, now.wall.timeIntervalSince(event.at)), 1e9) * 1000))
            note(min(event.count, limit), at: now.uptime - age)
        }
    }

    /// What still counts, for a record.
    func events(at now: Moment) -> [HostRecord.Events] {
        let index = index(at: now.uptime)
        return buckets.filter { !isPast($0, at: index) }.map { bucket in
            let age = max(.zero, now.uptime - bucket.last)
            return HostRecord.Events(at: now.wall.advanced(by: .zero - age), count: bucket.count)
        }
    }

    /// When a look that must wait for those under way is tried again.
    static let pause = Duration.milliseconds(100)

    /// When a look that must wait for what is put by is tried again.
    private static let longPause = Duration.seconds(5)

    func hasRoom(for needed: Int, at now: Duration) -> Bool { count(at: now) + needed <= limit }

    /// Uptime from which there may be room for `needed` more beside what others may need; `nil` for at once.
    ///
    /// - Parameters:
    ///   - needed: how many.
    ///   - others: what looks under way may need.
    ///   - putBy: what is kept for later.
    ///   - now: uptime.
    /// - Returns: when to ask again.
    func wait(for needed: Int, beside others: Int, putBy: Int = 0, at now: Duration) -> Duration? {
        // However much is put by, one goes when nothing is spent: else they might all wait for each other.
        let putBy = min(putBy, max(0, limit - needed))
        if hasRoom(for: needed + others + putBy, at: now) { return nil }
        guard hasRoom(for: needed, at: now) else { return earliestRoom(for: needed, at: now) }
        return now + (hasRoom(for: needed + putBy, at: now) ? RecentEvents.pause : RecentEvents.longPause)
    }

    mutating func note(_ count: Int, at now: Duration) {
        guard count > 0 else { return }
        let index = index(at: now)
        buckets = buckets.filter { !isPast($0, at: index) }
        if let last = buckets.indices.last, buckets[last].index >= index {
            buckets[last].count += count
            buckets[last].last = max(buckets[last].last, now)
        } else {
            buckets.append(Bucket(index: index, count: count, last: now))
        }
    }

    func count(at now: Duration) -> Int {
        let index = index(at: now)
        return buckets.reduce(0) { isPast($1, at: index) ? $0 : $0 + $1.count }
    }

    /// Uptime at which there is room for `needed` more.
    func earliestRoom(for needed: Int, at now: Duration) -> Duration {
        var left = count(at: now)
        for bucket in buckets where !isPast(bucket, at: index(at: now)) {
            if left + needed <= limit { return now }
            left -= bucket.count
            if left + needed <= limit { return .nanoseconds(width * (bucket.index + Int64(RecentEvents.parts) + 1)) }
        }
        return now
    }

    /// Uptime from which the oldest counts no more; `nil` where nothing counts.
    func nextRelease(at now: Duration) -> Duration? {
        let index = index(at: now)
        return buckets.first { !isPast($0, at: index) }
            .map { .nanoseconds(width * ($0.index + Int64(RecentEvents.parts) + 1)) }
    }

    /// How long an event counts.
    var span: Duration { .nanoseconds(width * Int64(RecentEvents.parts)) }

    /// Rounded down: what happened before this process began has a negative uptime.
    private func index(at now: Duration) -> Int64 {
        let (quotient, remainder) = now.inNanoseconds.quotientAndRemainder(dividingBy: width)
        return remainder < 0 ? quotient - 1 : quotient
    }

    private func isPast(_ bucket: Bucket, at index: Int64) -> Bool {
        bucket.index + Int64(RecentEvents.parts) < index
    }
}

extension Duration {
    /// Whole nanoseconds; good for some three hundred years.
    fileprivate var inNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return max(-9_000_000_000, min(seconds, 9_000_000_000)) * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
