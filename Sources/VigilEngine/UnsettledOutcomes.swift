import Synchronization
import TokenHealth

/// What became of deliveries while the store could not note it: so that nobody is told again because a disk is full.
///
/// It lives as long as the process. After a crash such an alert goes out again, under the same id.
final class UnsettledOutcomes: Sendable {
    private struct Key: Hashable {
        let alert: String
        let notifier: String

        init(_ delivery: PendingDelivery) {
            alert = delivery.alert.id
            notifier = delivery.notifier
        }
    }

    private let outcomes = Mutex<[Key: DeliveryOutcome]>([:])

    func note(_ outcome: DeliveryOutcome, of delivery: PendingDelivery) {
        outcomes.withLock { $0[Key(delivery)] = outcome }
    }

    func outcome(of delivery: PendingDelivery) -> DeliveryOutcome? {
        outcomes.withLock { $0[Key(delivery)] }
    }

    func forget(_ delivery: PendingDelivery) {
        outcomes.withLock { $0[Key(delivery)] = nil }
    }
}
