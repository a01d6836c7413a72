import Synchronization
package import TokenHealth
package import VigilEngine

/// The newest status document, for everybody who reads it over HTTP.
package final class Bulletin: StatusPublisher {
    private struct State {
        /// Whether anybody may come and read.
        var isOpen = false
        var document: StatusDocument?
        var previous: StatusDocument?
        var readers: [Int: Wakeup] = [:]
        var nextReader = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// What is known; `nil` before the first document.
    package var latest: StatusDocument? { state.withLock { $0.document } }

    /// What is known, and what was known before.
    var editions: (latest: StatusDocument?, previous: StatusDocument?) {
        state.withLock { ($0.document, $0.previous) }
    }

    /// Has documents kept from now on.
    func open() { state.withLock { $0.isOpen = true } }

    package func publish(_ edition: StatusEdition) async {
        guard state.withLock({ $0.isOpen }) else { return }
        let document = await edition.document()
        let readers = state.withLock { state in
            // Only browsers that are told what changes need what was before.
            state.previous = state.readers.isEmpty ? nil : state.document
            state.document = document
            return Array(state.readers.values)
        }
        for reader in readers { reader.signal() }
    }

    /// Somebody who is woken by every new document.
    struct Reader: Sendable {
        let number: Int
        let wakeup: Wakeup
    }

    /// - Returns: `nil` where there are `limit` already.
    func admit(limit: Int) -> Reader? {
        state.withLock { state in
            guard state.readers.count < limit else { return nil }
            let reader = Reader(number: state.nextReader, wakeup: Wakeup())
            state.readers[reader.number] = reader.wakeup
            state.nextReader += 1
            return reader
        }
    }

    func dismiss(_ reader: Reader) {
        state.withLock { $0.readers[reader.number] = nil }
    }
}

/// Publishes to several places: one that fails keeps the others from nothing.
package struct StatusPublishers: StatusPublisher {
    private let publishers: [any StatusPublisher]

    package init(_ publishers: [any StatusPublisher]) {
        self.publishers = publishers
    }

    /// - Throws: the last failure.
    package func publish(_ edition: StatusEdition) async throws {
        var failure: (any Error)?
        for publisher in publishers {
            do {
                try await publisher.publish(edition)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }
}
