/// A large value that copies share until one of them changes it: to copy it costs no more than one reference, and to change
/// the only copy nothing at all.
package struct CopyOnWrite<Value: Sendable>: Sendable {
    /// An array of one has the storage that is wanted here.
    private var storage: ContiguousArray<Value>

    package init(_ value: Value) { storage = [value] }

    package var value: Value {
        _read { yield storage[0] }
        _modify { yield &storage[0] }
    }
}
