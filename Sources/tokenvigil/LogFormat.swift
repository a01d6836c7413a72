import ArgumentParser
import Logging
import VigilSystemd

/// Where log lines go, and how they look.
enum LogFormat: String, ExpressibleByArgument, CaseIterable {
    /// The journal where it reads standard error, text otherwise.
    case auto
    /// Lines for people, on standard error.
    case text
    /// Entries with fields, in the systemd journal.
    case journal
    /// One JSON object a line, on standard error.
    case json

    /// What `auto` means here; any other form is itself.
    ///
    /// `$JOURNAL_STREAM` alone is not enough: it is inherited also where standard error goes elsewhere, systemd.exec(5).
    private var resolved: LogFormat {
        self == .auto ? (Journal().readsStandardError ? .journal : .text) : self
    }

    /// Whether a person reads standard error.
    var isForPeople: Bool { resolved == .text }

    /// A logger of this form.
    ///
    /// - `queue`: where lines are written; `nil` for the thread that logs.
    func logger(level: Logger.Level, on queue: LogQueue? = nil) -> Logger {
        func handler(_ form: some TimedLog) -> any LogHandler {
            if let queue { QueuedLog(form, on: queue) } else { form }
        }
        let format = resolved
        var logger = Logger(label: "tokenvigil") { _ in
            switch format {
            case .journal: handler(JournalLog())
            case .json: handler(JSONLog())
            case .auto, .text: handler(ConsoleLog())
            }
        }
        logger.logLevel = level
        return logger
    }
}
