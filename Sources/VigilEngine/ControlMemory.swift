import Synchronization
import TokenHealth

/// What a request without the token was answered, and when it was asked.
struct Control: Sendable {
    let exchange: Exchange
    let at: Moment
}

/// What requests without a token were answered lately.
///
/// A hundred tokens with one question need one control, not a hundred: each is a request, and some hosts count it as a
/// failed login.
final class ControlMemory: Sendable {
    /// Everything that is asked but the token.
    private struct Subject: Hashable {
        let question: Question
        let asker: SecretSource?

        init(_ token: WatchedToken) { (question, asker) = (token.question, token.asker) }
    }

    /// What is asked, and what for.
    struct Key: Hashable {
        private let subject: Subject
        private let occasion: ControlDemand.Occasion

        init(_ token: WatchedToken, occasion: ControlDemand.Occasion) {
            (subject, self.occasion) = (Subject(token), occasion)
        }
    }

    private struct Entry {
        /// `nil` while it is being asked.
        var control: Control?
        let at: Duration
        var waiters: [CheckedContinuation<Control?, Never>] = []
    }

    /// Beyond so many the oldest are forgotten.
    private static let mostEntries = 1000

    private let entries = Mutex<[Key: Entry]>([:])
    private let refusals = Mutex<[Subject: AnswerShape]>([:])

    /// How the API refused a request without a token while all was well, as another token with the same question has seen it.
    func usualRefusal(of token: WatchedToken) -> AnswerShape? {
        refusals.withLock { $0[Subject(token)] }
    }

    /// Keeps how the API refuses a request without this token.
    func note(usualRefusal: AnswerShape, of token: WatchedToken) {
        refusals.withLock { refusals in
            if refusals.count >= ControlMemory.mostEntries { refusals = [:] }
            refusals[Subject(token)] = usualRefusal
        }
    }

    /// What to do about a control.
    enum Need {
        /// It was asked not long ago.
        case known(Control)
        /// Somebody else is asking.
        case underWay
        /// Nobody has asked: the caller does, and must tell ``note(_:of:)``.
        case ask
    }

    /// Whether the control must be asked; `mostAge`: how long ago it may have been.
    func need(of key: Key, mostAge: Duration, at now: Duration) -> Need {
        entries.withLock { entries in
            if let entry = entries[key] {
                guard let control = entry.control else { return .underWay }
                if now - entry.at <= mostAge { return .known(control) }
            }
            if entries.count >= ControlMemory.mostEntries {
                let oldest = entries.filter { $0.value.control != nil }.min { $0.value.at < $1.value.at }
                if let oldest { entries[oldest.key] = nil }
            }
            entries[key] = Entry(control: nil, at: now)
            return .ask
        }
    }

    /// What comes of a request that is under way; `nil` where it has ended without an answer.
    func answer(to key: Key) async -> Control? {
        await withCheckedContinuation { waiter in
            let control: Control?? = entries.withLock { entries in
                guard let entry = entries[key] else { return .some(nil) }
                if let control = entry.control { return .some(control) }
                entries[key]?.waiters.append(waiter)
                return nil
            }
            if let control { waiter.resume(returning: control) }
        }
    }

    /// Keeps an answer, unless it says that there was none to be had.
    func note(_ control: Control, of key: Key) {
        let waiters = entries.withLock { entries in
            let waiters = entries[key]?.waiters ?? []
            if case .answered = control.exchange.outcome {
                entries[key] = Entry(control: control, at: control.at.uptime)
            } else {
                entries[key] = nil
            }
            return waiters
        }
        for waiter in waiters { waiter.resume(returning: control) }
    }
}
