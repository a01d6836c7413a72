import FoundationEssentials
import TokenHealth
import VigilEngine

/// A story of what one notifier, `oncall`, is told.
protocol OneNotifierStory {
    var timekeeper: ManualTimekeeper { get }
    var store: InMemoryHealthStore { get }
}

extension OneNotifierStory {
    func dispatcher(_ notifier: any Notifier, rules: NotifierRules = NotifierRules()) -> OutboxDispatcher {
        OutboxDispatcher(
            notifiers: ["oncall": notifier],
            rules: ["oncall": rules],
            composer: AlertComposer(host: "srv1"),
            store: store,
            timekeeper: timekeeper,
            progress: Progress(),
            signal: OutboxSignal(notifiers: ["oncall"]),
            logger: .silent,
            chance: { 0 }
        )
    }

    func enqueue(_ id: String, _ kind: AlertKind, incident: String, of token: String = "bot") {
        store.enqueue(
            Sample.alert(id, kind, incident: incident, of: token, at: timekeeper.now().wall),
            to: ["oncall"]
        )
    }

    /// About several tokens of one incident.
    func enqueue(_ id: String, _ kind: AlertKind, of tokens: [String], open: Int) {
        let now = timekeeper.now().wall
        let others = Array(tokens.dropFirst())
        let alert = Sample.alert(id, kind, incident: "bot-1", of: tokens[0], and: others, at: now, open: open)
        store.enqueue(alert, to: ["oncall"])
    }
}
