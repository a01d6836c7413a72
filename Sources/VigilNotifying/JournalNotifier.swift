package import TokenHealth
import VigilEngine
package import VigilSystemd

/// Takes entries for the system's journal.
///
/// Contract: an entry that was taken is not lost by this program; one that was not is an error.
package protocol JournalWriter: Sendable {
    func send(_ fields: [(name: String, value: String)]) throws(JournalError)
}

extension Journal: JournalWriter {}

/// Writes an alert to the systemd journal, with its facts as fields.
package struct JournalNotifier: Notifier {
    /// Tokens of one alert whose facts become fields; an entry has room for some 200.
    private static let maximumTokens = 20

    private let journal: any JournalWriter

    package init(journal: any JournalWriter = Journal()) {
        self.journal = journal
    }

    package func deliver(_ alert: Alert) async -> DeliveryResult {
        do throws(JournalError) {
            try journal.send(fields(of: alert))
            return .delivered("written to the journal")
        } catch {
            return error.isRetryable ? .failed("\(error)") : .refused("\(error)")
        }
    }

    /// What is known, and nothing else: an absent fact has no field.
    ///
    /// An alert about several tokens repeats fields.
    private func fields(of alert: Alert) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = [
            ("MESSAGE", alert.summary),
            ("MESSAGE_ID", alert.kind.journalMessageID),
            ("PRIORITY", alert.severity.syslogPriority),
            ("SYSLOG_IDENTIFIER", "tokenvigil"),
            ("TOKENVIGIL_KIND", alert.kind.rawValue),
            ("TOKENVIGIL_ALERT", alert.id),
        ]
        let tokens = alert.tokens.prefix(JournalNotifier.maximumTokens)
        func add(_ name: String, _ values: [String?]) {
            var seen: Set<String> = []
            for case let value? in values where seen.insert(value).inserted { fields.append((name, value)) }
        }
        add("TOKENVIGIL_INCIDENT", [alert.lastingIncidentID])
        add("TOKENVIGIL_TOKEN", tokens.map(\.name?.text))
        add("TOKENVIGIL_STATE", tokens.map(\.state.rawValue))
        add("TOKENVIGIL_REASON", tokens.map(\.reason))
        add("TOKENVIGIL_PROVIDER", tokens.map(\.provider))
        add("TOKENVIGIL_OWNER", tokens.map(\.owner))
        add("TOKENVIGIL_FINGERPRINT", tokens.map(\.fingerprint?.text))
        add("TOKENVIGIL_HTTP_STATUS", tokens.map { $0.lastProbe?.httpStatus.map(String.init) })
        return fields
    }
}

extension Severity {
    /// `PRIORITY` of the journal, as syslog counts.
    fileprivate var syslogPriority: String {
        switch self {
        case .critical: "2"
        case .warning: "4"
        case .info: "6"
        }
    }
}
