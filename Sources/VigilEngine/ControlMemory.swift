import Synchronization
import TokenHealth

/// What requests without a token were answered lately.
///
/// A hundred tokens of one API need one control, not a hundred: each is a request, and some hosts count it as a failed
/// login.
final class ControlMemory: Sendable {
    private struct Entry {
        var exchange: Exchange?
        var at: Duration
    }

    /// Beyond so many URLs the oldest are forgotten.
    private static let mostURLs = 1000

    private let entries = Mutex<[String: Entry]>([:])

    /// What to do about a control.
    enum Need {
        /// It was asked not long ago.
        case known(Exchange)
        /// Somebody else is asking.
        case underWay
        /// Nobody has asked: the caller does, and must tell ``note(_:of:at:)``.
        case ask
    }

    /// Whether the control of `url` must be asked; `freshness`: how old an answer may be.
    func need(of url: String, freshness: Duration, at now: Duration) -> Need {
        entries.withLock { entries in
            if let entry = entries[url], now - entry.at <= freshness {
                return entry.exchange.map { .known($0) } ?? .underWay
            }
            if entries.count >= ControlMemory.mostURLs, let oldest = entries.min(by: { $0.value.at < $1.value.at }) {
                entries[oldest.key] = nil
            }
            entries[url] = Entry(exchange: nil, at: now)
            return .ask
        }
    }

    /// Keeps an answer, unless it says that there was none to be had.
    func note(_ exchange: Exchange, of url: String, at now: Duration) {
        entries.withLock { entries in
            if case .answered = exchange.outcome {
                entries[url] = Entry(exchange: exchange, at: now)
            } else {
                entries[url] = nil
            }
        }
    }
}
