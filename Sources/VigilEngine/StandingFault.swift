package import Logging
import Synchronization

/// A fault that lasts: logged when it begins, when it changes and when it ends, not each time it is met.
package final class StandingFault: Sendable {
    private let what: String
    private let cause = Mutex<String?>(nil)

    /// - Parameter what: the fault in words, as in "the status file cannot be written".
    package init(_ what: String) { self.what = what }

    /// The fault in one sentence; `nil` where there is none.
    package var problem: String? { cause.withLock { $0 }.map { "\(what): \($0)" } }

    /// Takes note of what became of an attempt.
    ///
    /// - Parameters:
    ///   - error: what went wrong; `nil` where nothing did.
    ///   - logger: told where this is news.
    package func note(_ error: (any Error)?, on logger: Logger) {
        let now = error.map { "\($0)" }
        let before = cause.withLock { cause in
            defer { cause = now }
            return cause
        }
        guard now != before else { return }
        if let now {
            logger.error("\(what)", metadata: ["error": "\(now)"])
        } else {
            logger.notice("it is over that \(what)")
        }
    }
}
