import FoundationEssentials
import TokenHealth
import Testing
import VigilSystemd

@testable import VigilNotifying

@Suite struct `The journal notifier` {
    private func entry(_ alert: Alert) async throws -> [String: [String]] {
        let journal = RecordingJournal()
        let result = await JournalNotifier(journal: journal).deliver(alert)
        #expect(result == .delivered("written to the journal"))
        return try #require(journal.written.first)
    }

    @Test func `writes every fact as a field`() async throws {
        let entry = try await entry(Samples.alert(.invalidated))
        #expect(
            entry == [
                "MESSAGE": ["INVALID hr-onboarding (revoked) on srv1"],
                "MESSAGE_ID": ["3d823801d2424560bf95843e364248c1"],
                "PRIORITY": ["2"],
                "SYSLOG_IDENTIFIER": ["tokenvigil"],
                "TOKENVIGIL_TOKEN": ["hr-onboarding"],
                "TOKENVIGIL_STATE": ["invalid"],
                "TOKENVIGIL_REASON": ["revoked"],
                "TOKENVIGIL_KIND": ["token.invalidated"],
                "TOKENVIGIL_INCIDENT": [Samples.incident],
                "TOKENVIGIL_ALERT": ["hr-onboarding-20261123T100507120Z-invalidated"],
                "TOKENVIGIL_PROVIDER": ["tallyfy"],
                "TOKENVIGIL_OWNER": ["api-bot@example.com"],
                "TOKENVIGIL_FINGERPRINT": ["k1:9f2c41d0a7be"],
                "TOKENVIGIL_HTTP_STATUS": ["401"],
            ]
        )
    }

    @Test func `leaves out what is not known`() async throws {
        let names = try await Set(entry(Samples.alert(.test)).keys)
        let expected: Set = [
            "MESSAGE", "MESSAGE_ID", "PRIORITY", "SYSLOG_IDENTIFIER", "TOKENVIGIL_KIND", "TOKENVIGIL_ALERT",
        ]
        #expect(names == expected)
    }

    @Test(arguments: [(Severity.critical, "2"), (.warning, "4"), (.info, "6")])
    func `ranks by severity`(_ severity: Severity, priority: String) async throws {
        let alert = Alert(id: "a", kind: .test, severity: severity, createdAt: Samples.now, summary: "s", host: "h")
        #expect(try await entry(alert)["PRIORITY"] == [priority])
    }

    @Test func `names every token of a group, and no fact twice`() async throws {
        let entry = try await entry(Samples.alert(.providerIncident))
        #expect(entry["TOKENVIGIL_TOKEN"] == ["hr-onboarding", "finance-sync", "crm-bridge", "it-desk"])
        #expect(entry["TOKENVIGIL_PROVIDER"] == ["tallyfy"])
    }

    @Test func `fits a crowd into one entry`() async throws {
        let fields = try await entry(Samples.crowd(of: 1000)).values.reduce(0) { $0 + $1.count }
        #expect(fields <= Journal.maximumFields)
    }

    @Test func `tries again where the journal is away`() async {
        let away = JournalError.unreachable(errno: 2)
        let result = await JournalNotifier(journal: RecordingJournal(failure: away)).deliver(Samples.alert(.test))
        #expect(result == .failed("\(away)"))
        let forbidden = JournalError.invalidFieldName("x")
        let refusal = await JournalNotifier(journal: RecordingJournal(failure: forbidden)).deliver(Samples.alert(.test))
        #expect(refusal == .refused("\(forbidden)"))
    }

    @Test func `uses the message ids that the catalog explains`() throws {
        var catalog: [String: String] = [:]
        var kind: Substring?
        for line in try Repository.text("systemd/tokenvigil.catalog").split(separator: "\n") {
            if line.hasPrefix("# ") { kind = line.dropFirst(2) }
            if line.hasPrefix("-- "), let name = kind { catalog[String(name)] = String(line.dropFirst(3)) }
        }
        // The one entry that is no alert has a test of its own.
        catalog["monitor.failed"] = nil
        let table = Dictionary(uniqueKeysWithValues: AlertKind.allCases.map { ($0.rawValue, $0.journalMessageID) })
        #expect(table == catalog)
        #expect(Set(table.values).count == AlertKind.allCases.count)
        for id in table.values { #expect(id.count == 32 && id.allSatisfy(\.isHexDigit)) }
    }
}
