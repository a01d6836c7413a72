import Synchronization
import TokenHealth

/// The notifiers there are now; a reload may change them at any time.
package final class NotifierRoster: Sendable {
    /// One notifier, and what happens to what it does not deliver.
    package struct Member: Sendable {
        package let notifier: any Notifier
        package let rules: NotifierRules

        package init(_ notifier: any Notifier, rules: NotifierRules = NotifierRules()) {
            self.notifier = notifier
            self.rules = rules
        }
    }

    private struct State {
        var members: [String: Member]
        /// Who would have taken over from those that are no more.
        var fallbacks: [String: String] = [:]
    }

    private let state: Mutex<State>
    /// Tells the loop of every notifier that new alerts wait.
    package let signal: OutboxSignal
    /// Signalled when other notifiers are there.
    let changes = Wakeup()

    package init(_ members: [String: Member], signal: OutboxSignal = OutboxSignal()) {
        state = Mutex(State(members: members))
        self.signal = signal
    }

    /// These are the notifiers from now on.
    package func adopt(_ members: [String: Member]) {
        state.withLock { state in
            for (name, gone) in state.members where members[name] == nil { state.fallbacks[name] = gone.rules.fallback }
            for name in members.keys { state.fallbacks[name] = nil }
            state.members = members
        }
        changes.signal()
        signal.send()
    }

    package var names: [String] { state.withLock { $0.members.keys.sorted() } }

    package var notifiers: [String: any Notifier] { state.withLock { $0.members.mapValues(\.notifier) } }

    var rules: [String: NotifierRules] { state.withLock { $0.members.mapValues(\.rules) } }

    func notifier(_ name: String) -> (any Notifier)? { state.withLock { $0.members[name]?.notifier } }

    /// The fallback of a notifier that is no more, or the fallback of that; `nil` where there is none.
    func heir(of name: String) -> String? {
        state.withLock { state in
            var (heir, seen) = (state.fallbacks[name], Set([name]))
            while let next = heir, state.members[next] == nil {
                guard seen.insert(next).inserted else { return nil }
                heir = state.fallbacks[next]
            }
            return heir
        }
    }
}

/// Tells the loop of every notifier that new alerts wait.
package final class OutboxSignal: Sendable {
    private let wakeups: Mutex<[String: Wakeup]>

    package init(notifiers: some Sequence<String> = []) {
        wakeups = Mutex(Dictionary(notifiers.map { ($0, Wakeup()) }) { first, _ in first })
    }

    /// What the loop of one notifier waits for.
    func wakeup(of notifier: String) -> Wakeup {
        wakeups.withLock { wakeups in
            let wakeup = wakeups[notifier] ?? Wakeup()
            wakeups[notifier] = wakeup
            return wakeup
        }
    }

    package func send() {
        for wakeup in wakeups.withLock({ Array($0.values) }) { wakeup.signal() }
    }
}
