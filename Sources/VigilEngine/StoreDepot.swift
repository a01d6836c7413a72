/// Where stores come from: the one on disk, and one in memory for as long as the disk fails.
///
/// Contract: every call may fail, and has changed nothing then.
package protocol StoreDepot: Sendable {
    /// The store on disk; one that cannot be used is set aside for a new one.
    func open() throws -> any HealthStore
    /// A store in memory that knows what can still be read of `store`, or of the disk where that could not be opened.
    func reserve(of store: (any HealthStore)?) throws -> any HealthStore
    /// Prepares a store opened anew for what `reserve` has taken meanwhile.
    func adopt(_ reserve: any HealthStore, into store: any HealthStore) throws
    /// What an error of a store means.
    func fault(in error: any Error) -> StoreFault
}

/// What is to blame for a failure of the store.
package enum StoreFault: Sendable, Hashable {
    /// What was to be written; another attempt would fail alike.
    case request
    /// The disk: full, read-only, or failing. It may come back.
    case disk
    /// The file: it must be opened anew.
    case damage
    /// The configuration: it cannot be right, however long one waits.
    case mistake
}
