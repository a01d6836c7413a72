import HeapModule

/// Who is to be looked at when: one heap, whatever the number of keys.
struct Agenda<Key: Hashable & Sendable>: Sendable {
    private struct Entry: Comparable, Sendable {
        let due: Duration
        let turn: UInt64
        let key: Key

        static func < (left: Entry, right: Entry) -> Bool { (left.due, left.turn) < (right.due, right.turn) }
        static func == (left: Entry, right: Entry) -> Bool { left.due == right.due && left.turn == right.turn }
    }

    private var heap = Heap<Entry>()
    /// The only entry of each key that still counts; rescheduling leaves the older one to be skipped.
    private var current: [Key: UInt64] = [:]
    private var turns: UInt64 = 0

    /// Puts `key` down for `due`, in the place of whatever was put down for it before.
    mutating func schedule(_ key: Key, at due: Duration) {
        turns += 1
        current[key] = turns
        heap.insert(Entry(due: due, turn: turns, key: key))
    }

    mutating func remove(_ key: Key) {
        current[key] = nil
    }

    /// The earliest due time, or `nil` when nothing is put down.
    var nextDue: Duration? {
        mutating get {
            while let first = heap.min, current[first.key] != first.turn { heap.removeMin() }
            return heap.min?.due
        }
    }

    /// Takes the keys that are due, earliest first, `limit` at most.
    mutating func takeDue(at now: Duration, limit: Int) -> [Key] {
        var due: [Key] = []
        while due.count < limit, let next = nextDue, next <= now, let entry = heap.popMin() {
            current[entry.key] = nil
            due.append(entry.key)
        }
        return due
    }
}
