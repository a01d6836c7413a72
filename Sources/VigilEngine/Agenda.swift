import HeapModule

/// Who is to be looked at when: two heaps, whatever the number of keys.
///
/// Where more is due than may begin, whoever can wait longest waits: a look that is hourly must not hold up one that is due
/// every minute. What is due and may not begin for want of room at its place is set aside there, so that nobody else has
/// to be looked for behind it.
struct Agenda<Key: Hashable & Sendable, Place: Hashable & Sendable>: Sendable {
    private struct Entry: Comparable, Sendable {
        /// What it is ordered by.
        var rank: Duration
        let turn: UInt64
        let key: Key
        let due: Duration
        let patience: Duration

        static func < (left: Entry, right: Entry) -> Bool { (left.rank, left.turn) < (right.rank, right.turn) }
        static func == (left: Entry, right: Entry) -> Bool { left.rank == right.rank && left.turn == right.turn }
    }

    /// By the time at which they fall due.
    private var waiting = Heap<Entry>()
    /// Those that have fallen due, by the time at which their patience ends.
    private var ready = Heap<Entry>()
    /// Those that have fallen due at a place that had no room, by the time at which their patience ends.
    private var aside: [Place: Heap<Entry>] = [:]
    /// The only entry of each key that still counts; rescheduling leaves the older one to be skipped.
    private var current: [Key: UInt64] = [:]
    private var turns: UInt64 = 0

    /// Puts `key` down for `due`, in the place of whatever was put down for it before.
    ///
    /// - `patience`: how much later will do.
    mutating func schedule(_ key: Key, at due: Duration, patience: Duration = .zero) {
        turns += 1
        current[key] = turns
        waiting.insert(Entry(rank: due, turn: turns, key: key, due: due, patience: patience))
    }

    mutating func remove(_ key: Key) {
        current[key] = nil
    }

    /// When whoever is next has fallen due or will; `nil` when nothing is put down.
    var nextDue: Duration? {
        mutating get {
            skipOutdated()
            guard let late = ready.min?.due, let next = waiting.min?.due else {
                return ready.min?.due ?? waiting.min?.due
            }
            return min(late, next)
        }
    }

    /// The places at which somebody was set aside.
    var crowded: some Collection<Place> { aside.keys }

    /// Whether somebody was set aside at `place`.
    func isCrowded(_ place: Place) -> Bool { aside[place] != nil }

    /// Has the `count` most impatient of those set aside at `place` tried again.
    mutating func recall(_ count: Int, at place: Place) {
        guard count > 0, var heap = aside[place] else { return }
        var left = count
        while left > 0, let entry = heap.popMin() {
            guard current[entry.key] == entry.turn else { continue }
            ready.insert(entry)
            left -= 1
        }
        aside[place] = heap.isEmpty ? nil : heap
    }

    /// Has everybody who was set aside tried again.
    mutating func recallAll() {
        for place in Array(aside.keys) { recall(.max, at: place) }
    }

    /// Takes the keys that are due, the most impatient first, `limit` at most.
    ///
    /// - `fullPlace`: where a key would have to be looked at, if there is no room; it is set aside then.
    mutating func takeDue(at now: Duration, limit: Int, fullPlace: (Key) -> Place? = { _ in nil }) -> [Key] {
        while var next = waiting.min, next.due <= now {
            waiting.removeMin()
            guard current[next.key] == next.turn else { continue }
            next.rank += next.patience
            ready.insert(next)
        }
        var due: [Key] = []
        while due.count < limit, let entry = ready.popMin() {
            guard current[entry.key] == entry.turn else { continue }
            if let place = fullPlace(entry.key) {
                aside[place, default: Heap()].insert(entry)
                continue
            }
            current[entry.key] = nil
            due.append(entry.key)
        }
        return due
    }

    private mutating func skipOutdated() {
        while let first = ready.min, current[first.key] != first.turn { ready.removeMin() }
        while let first = waiting.min, current[first.key] != first.turn { waiting.removeMin() }
    }
}
