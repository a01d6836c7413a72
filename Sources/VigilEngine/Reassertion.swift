package import FoundationEssentials
package import Logging
import ServiceLifecycle
package import TokenHealth

/// A notifier whose receiver forgets what it is not told again.
///
/// Contract: called about once a minute from the start on, and only after an incident was delivered does it tell of it
/// for the first time; returns within a minute.
package protocol ReassertingNotifier: Notifier {
    /// Says again what is open, and what has just ended.
    ///
    /// - Parameters:
    ///   - open: every open incident that this notifier tells of, as it would be told now.
    ///   - now: when that was so.
    /// - Returns: what went wrong, in sentences.
    func reassert(_ open: [Alert], at now: Date) async -> [String]
}

/// Has open incidents said again by the notifiers that need it.
package struct Reassertion: Service {
    /// Time between two rounds; Alertmanager and Prometheus do it as often.
    package static let period = Duration.seconds(60)

    private let notifiers: @Sendable () -> [String: any Notifier]
    private let open: @Sendable (Date) async -> [OutgoingAlert]
    private let timekeeper: any Timekeeper
    private let logger: Logger

    /// - `notifiers`: all there are; the ones that need it are taken.
    /// - `open`: the open incidents as they would be told at a time, and to whom.
    package init(
        notifiers: @escaping @autoclosure @Sendable () -> [String: any Notifier],
        open: @escaping @Sendable (Date) async -> [OutgoingAlert],
        timekeeper: any Timekeeper,
        logger: Logger
    ) {
        self.notifiers = notifiers
        self.open = open
        self.timekeeper = timekeeper
        self.logger = logger
    }

    private var reasserting: [(name: String, notifier: any ReassertingNotifier)] {
        notifiers().sorted { $0.key < $1.key }.compactMap { name, notifier in
            (notifier as? any ReassertingNotifier).map { (name, $0) }
        }
    }

    /// One round.
    ///
    /// - Returns: what went wrong, by notifier.
    @discardableResult
    package func tick(knowing known: [String: [String]] = [:]) async -> [String: [String]] {
        let notifiers = reasserting
        guard !notifiers.isEmpty else { return [:] }
        let now = timekeeper.now().wall
        let open = await open(now)
        let problems = await withTaskGroup(of: (String, [String]).self) { group in
            for (name, notifier) in notifiers {
                let alerts = open.filter { $0.notifiers.contains(name) }.map(\.alert)
                group.addTask { (name, await notifier.reassert(alerts, at: now)) }
            }
            var problems: [String: [String]] = [:]
            for await (name, sentences) in group { problems[name] = sentences }
            return problems
        }
        for (name, sentences) in problems.sorted(by: { $0.key < $1.key }) {
            // A failure that lasts is told once.
            for sentence in sentences where known[name]?.contains(sentence) != true {
                logger.warning(
                    "open incidents could not be repeated",
                    metadata: ["notifier.name": "\(name)", "error": "\(sentence)"]
                )
            }
        }
        return problems
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var known: [String: [String]] = [:]
            while !Task.isCancelled {
                known = await tick(knowing: known)
                try? await timekeeper.sleep(until: timekeeper.now().uptime + Reassertion.period)
            }
        }
    }
}
