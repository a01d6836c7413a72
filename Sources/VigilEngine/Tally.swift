import Synchronization
package import TokenHealth

/// Counts what has happened since the start.
///
/// What is known of now stands in the status document.
package final class Tally: Sendable {
    /// The counts of one moment.
    package struct Counts: Sendable, Hashable {
        package var probes: [ProbeKey: Int] = [:]
        package var deliveries: [DeliveryKey: Int] = [:]
        package var durations = Durations()
    }

    /// What probes are counted by.
    package struct ProbeKey: Sendable, Hashable {
        package let token: TokenName
        package let verdict: VerdictName
    }

    /// What deliveries are counted by.
    package struct DeliveryKey: Sendable, Hashable {
        package let notifier: String
        package let result: Result
    }

    /// What became of an attempt to deliver.
    package enum Result: String, Sendable, Hashable {
        case delivered, failed, undeliverable, overtaken
    }

    /// How long exchanges took: a histogram.
    package struct Durations: Sendable, Hashable {
        /// Upper bounds of the buckets, in seconds.
        package static let bounds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
        /// Exchanges in each bucket alone; the last one has no bound.
        package private(set) var buckets = [Int](repeating: 0, count: bounds.count + 1)
        /// In seconds.
        package private(set) var sum = 0.0

        mutating func add(_ duration: Duration) {
            let seconds = duration.inSeconds
            buckets[Durations.bounds.firstIndex { seconds <= $0 } ?? Durations.bounds.count] += 1
            sum += seconds
        }
    }

    private let state = Mutex(Counts())

    package init() {}

    /// The counts until now.
    package var counts: Counts { state.withLock { $0 } }

    /// A look at a token gave this.
    package func note(_ observation: Observation, of token: TokenName) {
        note(observation.finding.verdict.name, latency: observation.latency, of: token)
    }

    /// A look at a token gave this verdict; `latency`: of the exchange, where there was an answer.
    func note(_ verdict: VerdictName, latency: Duration?, of token: TokenName) {
        let key = ProbeKey(token: token, verdict: verdict)
        state.withLock { counts in
            counts.probes[key, default: 0] += 1
            if let latency { counts.durations.add(latency) }
        }
    }

    /// An attempt to deliver ended like this.
    package func note(_ outcome: DeliveryOutcome, by notifier: String) {
        let result: Result
        switch outcome {
        case .delivered: result = .delivered
        case .overtaken: result = .overtaken
        case .postponed: result = .failed
        case .undeliverable: result = .undeliverable
        case .held: return
        }
        state.withLock { $0.deliveries[DeliveryKey(notifier: notifier, result: result), default: 0] += 1 }
    }
}
