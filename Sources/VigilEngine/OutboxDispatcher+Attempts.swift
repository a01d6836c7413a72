import FoundationEssentials
import Logging
import TokenHealth

/// One attempt after the other.
extension OutboxDispatcher {
    /// What came of one attempt, for those that follow.
    private enum Attempted {
        case done
        /// The notifier works again: more is due now.
        case pulled
        /// The outbox could not be read or written.
        case storeFailed
    }

    /// Delivers what is due to one notifier, in the order in which it was decided.
    ///
    /// - Returns: whether the outbox could be read and written.
    @discardableResult
    func deliverDue(to name: String) async -> Bool {
        while !isStopping, let notifier = roster.notifier(name) {
            let due: [PendingDelivery]
            do {
                due = try store.deliveries(for: name, dueAt: timekeeper.now().wall, limit: 20)
                reading.note(nil, on: logger)
            } catch {
                reading.note(error, on: logger)
                return false
            }
            guard !due.isEmpty else { return true }
            var tried: Set<String> = []
            batch: for delivery in due
            where !isStopping && roster.notifier(name) != nil && !tried.contains(delivery.alert.id) {
                switch await attempt(delivery, by: notifier, having: &tried) {
                case .done: break
                case .pulled: break batch
                case .storeFailed: return false
                }
                if Task.isCancelled { return true }
            }
        }
        return true
    }

    /// Tries one delivery, and before it those about the same that wait: so that nobody hears of an end after the beginning
    /// that came later.
    ///
    /// Where one of those before it is not taken, the others wait their turn: the notifier may be down.
    ///
    /// - `tried`: the alerts of this round, which are not tried again for the sake of others.
    private func attempt(
        _ delivery: PendingDelivery,
        by notifier: any Notifier,
        having tried: inout Set<String>
    ) async -> Attempted {
        tried.insert(delivery.alert.id)
        do {
            while let earlier = try store.firstWaiting(before: delivery.alert, for: delivery.notifier),
                !tried.contains(earlier.alert.id)
            {
                let attempted = await attempt(earlier, by: notifier, having: &tried)
                guard case .done = attempted, !Task.isCancelled else { return attempted }
            }
            if let opening = try untoldOpening(of: delivery) {
                return settle(delivery, as: .held(until: opening.dueAt))
            }
        } catch {
            ordering.note(error, on: logger)
            return .storeFailed
        }
        return await attempt(delivery, by: notifier)
    }

    /// What opens the incident that `delivery` ends, where that still waits and the end does not tell it, too: told after
    /// the end, it would open what nothing ends.
    private func untoldOpening(of delivery: PendingDelivery) throws -> PendingDelivery? {
        let end = delivery.alert
        guard let incident = end.incidentID, end.endsIncident else { return nil }
        let subjects = Set(end.subjects)
        return try store.waiting(for: delivery.notifier, about: incident).last {
            $0.alert.kind.opens && !$0.alert.endsIncident && !end.overtakes($0.alert)
                && $0.alert.createdAt <= end.createdAt && !subjects.isDisjoint(with: $0.alert.subjects)
        }
    }

    private func attempt(_ delivery: PendingDelivery, by notifier: any Notifier) async -> Attempted {
        if let outcome = unsettled.outcome(of: delivery) { return settle(delivery, as: outcome) }
        if delivery.alert.endsWarning, !notifier.keepsWarnings {
            return settle(delivery, as: .overtaken(at: timekeeper.now().wall, by: delivery.alert.id))
        }
        let alert: Alert
        do {
            let later = try store.later(than: delivery.alert, for: delivery.notifier)
            var known = delivery
            known.alert = delivery.alert.known(with: later)
            ordering.note(nil, on: logger)
            switch delivery.alert.timeliness(before: later) {
            case .overtaken(let later):
                return settle(delivery, as: .overtaken(at: timekeeper.now().wall, by: later.id))
            case .timely: alert = try withWhatItOvertakes(known)
            case .late(let beginnings): alert = try withWhatItOvertakes(known).telling(afterwards: beginnings)
            }
        } catch {
            ordering.note(error, on: logger)
            return .storeFailed
        }
        let result = await deliver(alert, by: notifier, called: delivery.notifier)
        // A delivery that was cut short has an unknown end: it stays due, under the same id.
        if Task.isCancelled, case .failed = result { return .done }
        note(result, of: delivery.notifier)
        let outcome = policy.outcome(
            of: result,
            for: delivery,
            on: courses.course(of: delivery.notifier),
            chance: chance(),
            at: timekeeper.now().wall
        )
        log(outcome, result, of: delivery)
        let isRefused = if case .refused = result { true } else { false }
        return settle(delivery, as: outcome, isRefused: isRefused)
    }

    private func note(_ result: DeliveryResult, of notifier: String) {
        let retryAfter: Duration?
        switch result {
        case .delivered: return
        case .failed(_, let wait): retryAfter = wait
        case .refused, .gone: retryAfter = nil
        }
        courses.update(notifier) { $0.failed(retryAfter: retryAfter, at: timekeeper.now()) }
    }

    /// The alert, telling also what it makes needless: that is settled, though it may be due only later.
    private func withWhatItOvertakes(_ delivery: PendingDelivery) throws -> Alert {
        guard let incident = delivery.alert.incidentID, delivery.alert.kind.endsIncident else { return delivery.alert }
        let needless = try store.waiting(for: delivery.notifier, about: incident)
            .filter { delivery.alert.overtakes($0.alert) && unsettled.outcome(of: $0) == nil }
        let now = timekeeper.now().wall
        for earlier in needless {
            try write(.overtaken(at: now, by: delivery.alert.id), of: earlier, with: Consequences())
        }
        return delivery.alert.telling(also: try store.overtaken(by: delivery.alert, for: delivery.notifier))
    }

    private func deliver(_ alert: Alert, by notifier: any Notifier, called name: String) async -> DeliveryResult {
        if let refusal = disabled.result(for: name) { return refusal }
        let result = await notifier.deliver(alert)
        if case .gone(let detail) = result { disabled.add(name, because: detail) }
        return result
    }

    private func log(_ outcome: DeliveryOutcome, _ result: DeliveryResult, of delivery: PendingDelivery) {
        let metadata: Logger.Metadata = [
            "notifier.name": "\(delivery.notifier)",
            "alert.id": "\(delivery.alert.id)",
            "alert.kind": "\(delivery.alert.kind.rawValue)",
            "delivery.attempt": "\(delivery.attempts + 1)",
            "delivery.result": "\(result.detail)",
        ]
        switch outcome {
        case .delivered, .overtaken: logger.info("alert delivered", metadata: metadata)
        case .held: break
        case .postponed:
            let isNews = delivery.lastError != result.detail
            logger.log(level: isNews ? .warning : .debug, "alert not delivered, trying again later", metadata: metadata)
        case .undeliverable: logger.error("alert set aside as undeliverable", metadata: metadata)
        }
    }

    private func settle(
        _ delivery: PendingDelivery,
        as outcome: DeliveryOutcome,
        isRefused: Bool = false
    ) -> Attempted {
        let now = timekeeper.now()
        var course = courses.course(of: delivery.notifier)
        let due: Date? = if case .delivered = outcome { course.succeeded(at: now) } else { nil }
        do {
            var consequences = policy.consequences(
                of: outcome,
                for: delivery,
                isRefused: isRefused,
                incident: failing.incident(of: delivery.notifier),
                fallbackKnows: try fallbackKnows(of: delivery),
                at: now.wall
            )
            consequences.waitingDueBy = due
            try write(outcome, of: delivery, with: consequences)
            writing.note(nil, on: logger)
        } catch {
            unsettled.note(outcome, of: delivery)
            writing.note(error, on: logger)
            return .storeFailed
        }
        courses.update(delivery.notifier) { $0 = course }
        return due.map { $0 <= now.wall } == true ? .pulled : .done
    }

    /// Whether the fallback was told, or is to be told, that the incident is open that `delivery` ends.
    private func fallbackKnows(of delivery: PendingDelivery) throws -> Bool {
        guard delivery.alert.endsIncident, let incident = delivery.alert.incidentID,
            let fallback = policy.fallback(delivery)
        else { return false }
        return try store.knows(fallback, of: incident)
    }

    /// Writes what became of a delivery and what follows from it, and tells whoever must know.
    private func write(
        _ outcome: DeliveryOutcome,
        of delivery: PendingDelivery,
        with consequences: Consequences
    ) throws {
        try store.settle(delivery, as: outcome, with: consequences)
        tally.note(outcome, by: delivery.notifier)
        unsettled.forget(delivery)
        failing.note(consequences.notifierIncident, of: delivery.notifier)
        if consequences.alert != nil || consequences.handOver != nil { roster.signal.send() }
        settled()
    }
}
