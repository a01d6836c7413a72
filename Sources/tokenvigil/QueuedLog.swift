import Dispatch
import FoundationEssentials
import Logging
import Synchronization
import VigilSystemd

/// A form of log lines that is told when each was logged: it may be written later.
protocol TimedLog: LogHandler {
    func log(event: LogEvent, at time: Date)
}

extension TimedLog {
    func log(event: LogEvent) { log(event: event, at: .now) }
}

extension JournalLog: TimedLog {
    /// The journal notes the time itself.
    func log(event: LogEvent, at time: Date) { log(event: event) }
}

/// Has log lines written on a thread of their own: whoever takes the log and does not read it holds up nothing else.
struct QueuedLog<Form: TimedLog>: LogHandler {
    private var form: Form
    private let queue: LogQueue

    init(_ form: Form, on queue: LogQueue) {
        self.form = form
        self.queue = queue
    }

    var logLevel: Logger.Level {
        get { form.logLevel }
        set { form.logLevel = newValue }
    }
    var metadata: Logger.Metadata {
        get { form.metadata }
        set { form.metadata = newValue }
    }
    var metadataProvider: Logger.MetadataProvider? {
        get { form.metadataProvider }
        set { form.metadataProvider = newValue }
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { form[metadataKey: key] }
        set { form[metadataKey: key] = newValue }
    }

    func log(event: LogEvent) {
        let now = Date.now
        queue.add { [form] in
            form.log(event: event, at: now)
        } lost: { [form] count in
            let event = LogEvent(
                level: .warning,
                message: "lines of the log are lost: whoever takes it did not read them in time",
                metadata: ["lines": "\(count)"],
                source: nil,
                file: #fileID,
                function: #function,
                line: #line
            )
            form.log(event: event, at: .now)
        }
    }
}

/// The thread that writes log lines, and those that wait for it.
final class LogQueue: Sendable {
    /// Beyond so many, lines are lost: they are some 2 MB at most.
    static let limit = 4096

    private let thread = DispatchQueue(label: "tokenvigil.log")
    private let state = Mutex((waiting: 0, lost: 0))

    /// Has `write` called soon; where too many wait already, it is never called, and `lost` later, with their number.
    func add(_ write: @escaping @Sendable () -> Void, lost: @escaping @Sendable (Int) -> Void = { _ in }) {
        let isTaken = state.withLock { state in
            guard state.waiting < LogQueue.limit else {
                state.lost += 1
                return false
            }
            state.waiting += 1
            return true
        }
        guard isTaken else { return }
        thread.async { [self] in
            write()
            let count = state.withLock { state in
                state.waiting -= 1
                // While others wait, one after the other may be lost: that is said once.
                guard state.waiting == 0 else { return 0 }
                defer { state.lost = 0 }
                return state.lost
            }
            if count > 0 { lost(count) }
        }
    }

    /// Waits until what was added is written, for a second at most.
    func drain() {
        let isDone = DispatchSemaphore(value: 0)
        thread.async { isDone.signal() }
        _ = isDone.wait(timeout: .now() + .seconds(1))
    }
}
