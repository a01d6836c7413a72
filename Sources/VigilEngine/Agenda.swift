import HeapModule

/// Who is to be looked at when: two heaps, whatever the number of keys.
///
/// Where more is due than may begin, whoever can wait longest waits: a look that is hourly must not hold up one that is due
/// every minute.
struct Agenda<Key: Hashable & Sendable>: Sendable {
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

    /// Takes the keys that are due, the most impatient first, `limit` at most.
    mutating func takeDue(at now: Duration, limit: Int) -> [Key] {
        while var next = waiting.min, next.due <= now {
            waiting.removeMin()
            guard current[next.key] == next.turn else { continue }
            next.rank += next.patience
            ready.insert(next)
        }
        var due: [Key] = []
        while due.count < limit, let entry = ready.popMin() {
            guard current[entry.key] == entry.turn else { continue }
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
