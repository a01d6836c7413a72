import Synchronization
import TokenHealth

/// Notifiers whose receiver has said that it wants no more (HTTP 410).
///
/// They rest until the daemon is restarted, or their configuration changes.
final class DisabledNotifiers: Sendable {
    private let reasons = Mutex<[String: String]>([:])

    var names: Set<String> { reasons.withLock { Set($0.keys) } }

    func add(_ name: String, because reason: String) {
        reasons.withLock { $0[name] = reason }
    }

    func remove(_ name: String) { reasons.withLock { $0[name] = nil } }

    /// What a delivery comes to without being tried; `nil` for a notifier that is not disabled.
    func result(for name: String) -> DeliveryResult? {
        reasons.withLock { $0[name] }.map { .gone($0) }
    }
}
