import FoundationEssentials
import Glibc
import Logging
import TokenHealth

/// Log lines for programs: one JSON object a line on standard error, as containers want it.
///
/// `time`, `level` and `message` come first; the facts follow under their own keys, such as `token.name`.
struct JSONLog: TimedLog {
    var logLevel = Logger.Level.info
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent, at time: Date) {
        let facts = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let members =
            [("time", time.rfc3339), ("level", event.level.rawValue), ("message", "\(event.message)")]
            + facts.map { ($0.key, "\($0.value)") }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        func encoded(_ text: String) -> String {
            (try? encoder.encode(text)).map { String(decoding: $0, as: UTF8.self) } ?? "\"\""
        }
        let line = "{" + members.map { "\(encoded($0.0)):\(encoded($0.1))" }.joined(separator: ",") + "}\n"
        let bytes = Array(line.utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
