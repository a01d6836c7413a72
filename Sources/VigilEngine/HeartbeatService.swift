import FoundationEssentials
package import Logging
import ServiceLifecycle
import Synchronization
package import TokenHealth

/// What somebody outside is told regularly.
package enum SignOfLife: Sendable, Hashable {
    /// Everything is done that was promised.
    case well
    /// What is not, in sentences without a secret.
    case unwell([String])
}

/// Tells somebody outside that this program does its work.
///
/// Contract: returns within a minute; what it returns holds no part of the address.
package protocol HeartbeatSender: Sendable {
    func send(_ sign: SignOfLife) async -> DeliveryResult
}

/// Sends a sign of life every period: that all is well, or what is not.
///
/// A change between the two is told at once.
package final class HeartbeatService: Service {
    private struct State {
        /// Uptime of the next sign.
        var due = Duration.zero
        var wasWell: Bool?
        var lastTick: Duration?
        var error: String?
    }

    private let sender: any HeartbeatSender
    private let period: Duration
    private let checkup: @Sendable () async -> [String]
    private let timekeeper: any Timekeeper
    private let logger: Logger
    private let changed: @Sendable () -> Void
    private let state = Mutex(State())

    /// How often the facts are looked at, and how soon a sign that did not arrive is sent again.
    private static let step = Duration.seconds(5)
    /// After a longer gap this host has slept, and nothing that is late then is late for long.
    private static let longestGap = Duration.seconds(60)
    /// A receiver that asks for a longer pause is asked again after this.
    private static let longestWait = Duration.seconds(600)

    /// - `period`: longest time between two signs.
    /// - `checkup`: what is wrong, in sentences.
    /// - `changed`: called after ``problem`` has changed.
    package init(
        sender: any HeartbeatSender,
        period: Duration,
        checkup: @escaping @Sendable () async -> [String],
        timekeeper: any Timekeeper,
        logger: Logger,
        changed: @escaping @Sendable () -> Void
    ) {
        self.sender = sender
        self.period = period
        self.checkup = checkup
        self.timekeeper = timekeeper
        self.logger = logger
        self.changed = changed
    }

    /// That signs do not arrive, in one sentence; `nil` while they do.
    package var problem: String? { state.withLock { $0.error }.map { "the heartbeat does not arrive: \($0)" } }

    /// Sends a sign if it is time, or if there is something new to say.
    package func tick() async {
        let now = timekeeper.now().uptime
        let hasSlept = state.withLock { state in
            defer { state.lastTick = now }
            return state.lastTick.map { now - $0 > HeartbeatService.longestGap } ?? false
        }
        guard !hasSlept else { return }
        let problems = await checkup()
        let isDue = state.withLock { $0.due <= now || $0.wasWell != problems.isEmpty }
        guard isDue else { return }
        let result = await sender.send(problems.isEmpty ? .well : .unwell(problems))
        note(result, isWell: problems.isEmpty, at: now)
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown { await self.loop() }
    }

    private func loop() async {
        while !Task.isCancelled {
            await tick()
            try? await timekeeper.sleep(until: timekeeper.now().uptime + min(period, HeartbeatService.step))
        }
    }

    private func pause(after result: DeliveryResult) -> Duration {
        switch result {
        case .delivered: period
        case .failed(_, let wait?): max(min(period, HeartbeatService.step * 2), min(wait, HeartbeatService.longestWait))
        case .failed, .refused, .gone: min(period, HeartbeatService.step * 2)
        }
    }

    private func note(_ result: DeliveryResult, isWell: Bool, at now: Duration) {
        let error: String? = if case .delivered = result { nil } else { result.detail }
        let before = state.withLock { state in
            defer {
                state.error = error
                state.wasWell = isWell
                state.due = now + pause(after: result)
            }
            return state.error
        }
        guard before != error else { return }
        if let error {
            logger.error("the heartbeat does not arrive", metadata: ["error": "\(error)"])
        } else {
            logger.notice("the heartbeat arrives again")
        }
        changed()
    }
}

/// Finds out whether this program does what it promises: whether every token is looked at on time, whether state reaches
/// the disk, and whether every alert gets out.
package struct Checkup: Sendable {
    private let watch: TokenWatch
    private let store: any HealthStore
    private let storeProblem: @Sendable () -> String?
    private let notifiers: @Sendable () -> [String]?
    private let disabledNotifiers: @Sendable () -> Set<String>
    private let timekeeper: any Timekeeper

    /// How long an alert may wait before that counts as trouble.
    private static let patience = Duration.seconds(3600)
    /// The same for one that was tried, and was not taken.
    private static let patienceWithFailures = Duration.seconds(300)
    private static let mostNames = 5
    /// How long it is a problem that an alert has reached nobody.
    private static let remorse = Duration.seconds(86_400)

    /// - `storeProblem`: why state does not reach the disk.
    /// - `notifiers`: those there are; `nil` for all that the store knows.
    /// - `disabledNotifiers`: those whose receiver has asked for no more.
    package init(
        watch: TokenWatch,
        store: any HealthStore,
        storeProblem: @escaping @Sendable () -> String?,
        notifiers: @escaping @Sendable () -> [String]? = { nil },
        disabledNotifiers: @escaping @Sendable () -> Set<String> = { [] },
        timekeeper: any Timekeeper
    ) {
        self.watch = watch
        self.store = store
        self.storeProblem = storeProblem
        self.notifiers = notifiers
        self.disabledNotifiers = disabledNotifiers
        self.timekeeper = timekeeper
    }

    /// What is not as promised, in sentences.
    package func problems() async -> [String] {
        let now = timekeeper.now()
        var problems = await watch.standingProblems
        let late = await watch.lateTokens(at: now.uptime)
        if !late.isEmpty {
            let names = late.prefix(Checkup.mostNames).map(\.text).joined(separator: ", ")
            let more = late.count > Checkup.mostNames ? " and \(late.count - Checkup.mostNames) more" : ""
            problems.append("not looked at when it was promised: \(names)\(more)")
        }
        if let problem = storeProblem() { problems.append(problem) }
        do {
            problems += try deliveryProblems(at: now.wall)
        } catch {
            problems.append("the outbox cannot be read: \(error)")
        }
        return problems
    }

    private func deliveryProblems(at now: Date) throws -> [String] {
        var problems: [String] = []
        let reports = try store.notifierReports()
        let failing = try store.failingNotifiers()
        let disabled = disabledNotifiers()
        for name in Set(reports.keys).union(failing.keys).sorted() {
            if let incident = failing[name], notifiers()?.contains(name) ?? true {
                let since = "since \(incident.openedAt.rfc3339)"
                let error = reports[name]?.lastError.map { " (\($0))" } ?? ""
                problems.append(
                    disabled.contains(name)
                        ? "notifier \(name) is closed by its receiver \(since)\(error): give it a new address and reload"
                        : "notifier \(name) does not deliver \(since)\(error): repair it; it is tried at least every half "
                            + "hour, and at once after a reload that changes it"
                )
            } else if let report = reports[name], let oldest = report.oldestPendingAt {
                let error = report.state == .failing ? report.lastError : nil
                let patience = error == nil ? Checkup.patience : Checkup.patienceWithFailures
                guard Duration.seconds(now.timeIntervalSince(oldest)) >= patience else { continue }
                problems.append("an alert to \(name) waits since \(oldest.rfc3339)" + (error.map { " (\($0))" } ?? ""))
            }
        }
        let lost = try store.lostAlerts(since: now.advanced(by: .zero - Checkup.remorse))
        if let last = lost.last {
            let more = lost.count > 1 ? ", the last of \(lost.count)" : ""
            problems.append(
                "an alert has reached nobody (\(last.summary), given up at \(last.at.rfc3339)\(more)): tell whom it "
                    + "concerns; tokenvigil notify outbox lists it"
            )
        }
        return problems
    }
}
