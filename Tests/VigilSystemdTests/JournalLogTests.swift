import Logging
import Synchronization
import Testing
import VigilSystemd

struct JournalLogTests {
    private static func entry(
        _ message: Logger.Message,
        level: Logger.Level = .info,
        metadata: Logger.Metadata = [:]
    ) -> [(name: String, value: String)] {
        let written = Recorded()
        var logger = Logger(label: "test") { _ in JournalLog { fields in written.fields.withLock { $0 += fields } } }
        logger.logLevel = .trace
        logger.log(level: level, message, metadata: metadata)
        return written.fields.withLock { $0 }
    }

    private final class Recorded: Sendable {
        let fields = Mutex<[(name: String, value: String)]>([])
    }

    private static func value(_ name: String, in fields: [(name: String, value: String)]) -> String? {
        fields.first { $0.name == name }?.value
    }

    @Test(arguments: [
        ("token.name", "TOKENVIGIL_TOKEN"), ("token.state", "TOKENVIGIL_STATE"),
        ("token.reason", "TOKENVIGIL_REASON"), ("alert.id", "TOKENVIGIL_ALERT"),
        ("notifier.name", "TOKENVIGIL_NOTIFIER"), ("probe.duration_ms", "TOKENVIGIL_PROBE_DURATION_MS"),
        ("error", "TOKENVIGIL_ERROR"), ("grün=\n", "TOKENVIGIL_GR__N__"),
        (String(repeating: "k", count: 99), "TOKENVIGIL_" + String(repeating: "K", count: 50)),
    ])
    func `a fact has the field that alerts have for it, or one named after its key`(key: String, name: String) {
        #expect(JournalLog.field(of: key) == name)
        let fields = JournalLogTests.entry("m", metadata: [key: "v"])
        #expect(JournalLogTests.value(name, in: fields) == "v")
        #expect(throws: Never.self) { if Journal().isReachable { try Journal().send(fields) } }
    }

    @Test(arguments: [
        (Logger.Level.trace, "7"), (.debug, "7"), (.info, "6"), (.notice, "5"), (.warning, "4"), (.error, "3"),
        (.critical, "2"),
    ])
    func `a level is the priority that syslog has for it`(level: Logger.Level, priority: String) {
        #expect(JournalLogTests.value("PRIORITY", in: JournalLogTests.entry("m", level: level)) == priority)
    }

    @Test func `the message shows the facts, on one line, in the order of their keys`() {
        let fields = JournalLogTests.entry("probe failed", metadata: ["z": "a\nb \"c\"", "a": "plain", "empty": ""])
        #expect(JournalLogTests.value("MESSAGE", in: fields) == "probe failed a=plain empty=\"\" z=\"a b 'c'\"")
        #expect(JournalLogTests.value("TOKENVIGIL_Z", in: fields) == "a\nb \"c\"")
        #expect(JournalLogTests.value("SYSLOG_IDENTIFIER", in: fields) == "tokenvigil")
        #expect(JournalLogTests.value("CODE_FILE", in: fields)?.hasSuffix("JournalLogTests.swift") == true)
    }

    @Test func `a hundred and more facts still fit an entry`() {
        let metadata = Dictionary(uniqueKeysWithValues: (0..<500).map { ("key\($0)", Logger.MetadataValue("v")) })
        #expect(JournalLogTests.entry("m", metadata: metadata).count <= Journal.maximumFields)
    }
}
