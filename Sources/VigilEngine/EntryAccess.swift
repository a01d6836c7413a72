import OrderedCollections
import TokenHealth

extension Correlation.Entries {
    /// What `body` reads of an entry in its place: at every look, a copy would cost more than what is read.
    @inline(__always)
    func read<Result>(_ name: TokenName, _ body: (borrowing WatchEntry) -> Result) -> Result? {
        guard let index = index(forKey: name) else { return nil }
        return unsafe values.withUnsafeBufferPointer { entries in
            guard let first = entries.baseAddress else { return nil }
            return unsafe body(first[index])
        }
    }

    /// Has `body` change an entry in its place.
    @inline(__always)
    mutating func change<Result>(_ name: TokenName, _ body: (inout WatchEntry) -> Result) -> Result? {
        guard let index = index(forKey: name) else { return nil }
        return body(&values[index])
    }

    /// Has `body` read every entry in its place, in order.
    @inline(__always)
    func readAll(_ body: (borrowing WatchEntry) -> Void) {
        unsafe values.withUnsafeBufferPointer { entries in
            guard let first = entries.baseAddress else { return }
            for index in 0..<entries.count { unsafe body(first[index]) }
        }
    }
}
