package import TokenHealth

/// One thing that the store is to write, as a value that can be kept and written later.
package enum StoreWrite: Sendable, Hashable {
    case change(HealthChange)
    case news(News)
    case sightings([Sighting])
    case settlement(PendingDelivery, DeliveryOutcome, Consequences)
    case drill(DrillRecord)
    case hosts(HostMemory)
}

extension HealthStore {
    /// Writes one after the other: enough for a store that cannot fail between two of them.
    package func write(_ writes: [StoreWrite]) throws {
        for write in writes { try perform(write) }
    }

    private func perform(_ write: StoreWrite) throws {
        switch write {
        case .change(let change): try commit(change)
        case .news(let news): try commit(news)
        case .sightings(let sightings): try confirm(sightings)
        case .settlement(let delivery, let outcome, let consequences):
            try settle(delivery, as: outcome, with: consequences)
        case .drill(let drill): try keep(drill)
        case .hosts(let hosts): try keep(hosts)
        }
    }
}
