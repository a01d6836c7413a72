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
    func logger(level: Logger.Level) -> Logger {
        let format = resolved
        var logger = Logger(label: "tokenvigil") { _ in
            switch format {
            case .journal: JournalLog()
            case .json: JSONLog()
            case .auto, .text: ConsoleLog()
            }
        }
        logger.logLevel = level
        return logger
    }
}
