import Glibc
package import Logging

/// Log lines as journal entries, with their facts as fields.
///
/// `token.name` becomes `TOKENVIGIL_TOKEN`, as in the entries of alerts, so that one match finds both; any other key
/// becomes its capitals after `TOKENVIGIL_`. The message has the facts as well, because `journalctl` shows nothing else.
package struct JournalLog: LogHandler {
    package var logLevel = Logger.Level.info
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    /// Takes the fields of one entry.
    package typealias Writer = @Sendable ([(name: String, value: String)]) throws(JournalError) -> Void

    private let write: Writer

    /// - Parameter write: where entries go; the system's journal unless said otherwise.
    package init(write: @escaping Writer = { (fields) throws(JournalError) in try Journal().send(fields) }) {
        self.write = write
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let facts = metadata.merging(event.metadata ?? [:]) { $1 }
            .map { (key: $0.key, value: "\($0.value)") }.sorted { $0.key < $1.key }
        let message = (["\(event.message)"] + facts.map { "\($0.key)=\(JournalLog.quoted($0.value))" })
            .joined(separator: " ")
        var fields = [
            (name: "MESSAGE", value: message),
            (name: "PRIORITY", value: event.level.syslogPriority),
            (name: "SYSLOG_IDENTIFIER", value: "tokenvigil"),
            (name: "CODE_FILE", value: event.file),
            (name: "CODE_LINE", value: "\(event.line)"),
            (name: "CODE_FUNC", value: event.function),
        ]
        fields += facts.prefix(100).map { (name: JournalLog.field(of: $0.key), value: $0.value) }
        do throws(JournalError) {
            try write(fields)
        } catch {
            // The journal restarts, perhaps. It reads standard error too, and takes the level from the first characters.
            let line = Array("<\(event.level.syslogPriority)>\(JournalLog.oneLine(message))\n".utf8)
            _ = unsafe line.withUnsafeBytes { unsafe Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
        }
    }

    /// Keys whose facts have a name in the entries of alerts already.
    private static let names = [
        "token.name": "TOKEN", "token.state": "STATE", "token.reason": "REASON", "alert.id": "ALERT",
        "alert.kind": "KIND", "notifier.name": "NOTIFIER",
    ]

    /// The journal's name for a key.
    package static func field(of key: String) -> String {
        if let name = names[key] { return "TOKENVIGIL_" + name }
        let name = key.utf8.map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - 32
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
            default: UInt8(ascii: "_")
            }
        }
        // Longer names would be dropped by the journal.
        return "TOKENVIGIL_" + String(decoding: name.prefix(50), as: UTF8.self)
    }

    private static func quoted(_ value: String) -> String {
        let line = oneLine(value)
        let isPlain = !line.isEmpty && !line.contains { $0.isWhitespace || $0 == "\"" || $0 == "=" }
        return isPlain ? line : "\"" + line.replacing("\"", with: "'") + "\""
    }

    private static func oneLine(_ text: String) -> String {
        String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 })
        )
    }
}

extension Logger.Level {
    /// `PRIORITY` of the journal, as syslog(3) counts.
    fileprivate var syslogPriority: String {
        switch self {
        case .trace, .debug: "7"
        case .info: "6"
        case .notice: "5"
        case .warning: "4"
        case .error: "3"
        case .critical: "2"
        }
    }
}
