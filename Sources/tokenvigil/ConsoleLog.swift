import FoundationEssentials
import Glibc
import Logging
import TokenHealth

/// Log lines for a person at a terminal: time, level, message, and the facts after it.
struct ConsoleLog: TimedLog {
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent, at time: Date) {
        let facts = metadata.merging(event.metadata ?? [:]) { $1 }
        let text = facts.sorted { $0.key < $1.key }.map { "\($0.key)=\(quoted("\($0.value)"))" }
        let line =
            (["\(time.rfc3339)", event.level.rawValue, "\(event.message)"] + text).joined(separator: " ") + "\n"
        // One write for each line, so that lines of several threads are never mixed.
        let bytes = Array(line.utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// Values with spaces stand in quotes; nothing from outside can begin a line of its own.
    private func quoted(_ value: String) -> String {
        let printable = String(value.map { $0.isNewline ? " " : $0 })
        let isPlain = !printable.isEmpty && !printable.contains { $0.isWhitespace || $0 == "\"" || $0 == "=" }
        return isPlain ? printable : "\"" + printable.replacing("\"", with: "'") + "\""
    }
}
