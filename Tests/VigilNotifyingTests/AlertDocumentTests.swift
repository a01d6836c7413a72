import FoundationEssentials
import TokenHealth
import Testing

@testable import VigilNotifying

@Suite struct `The document of an alert` {
    private func parsed(_ alert: Alert) throws -> JSONValue {
        try #require(JSONValue(parsing: AlertDocument(alert: alert).encoded()))
    }

    private func value(_ path: String, of alert: Alert) throws -> JSONValue? {
        try parsed(alert)[#require(JSONPointer(path))]
    }

    @Test func `has the shape that is promised`() throws {
        let alert = Samples.alert(.invalidated)
        guard case .object(let envelope) = try parsed(alert), case .object(let data)? = envelope["data"] else {
            return reject("not an object")
        }
        #expect(Set(envelope.keys) == ["type", "timestamp", "data"])
        #expect(envelope["type"] == .string("token.invalidated"))
        #expect(envelope["timestamp"] == .string("2026-11-23T10:05:07.120Z"))
        let keys: Set = ["alert_id", "incident_id", "severity", "summary", "host", "tokens", "remedy", "evidence"]
        #expect(Set(data.keys) == keys)
        #expect(data["severity"] == .string("critical"))
        #expect(try value("/data/tokens/0/name", of: alert) == .string("hr-onboarding"))
        #expect(try value("/data/tokens/0/last_probe/http_status", of: alert) == .number(401))
        #expect(try value("/data/remedy/command", of: alert) == alert.remedy.command.map(JSONValue.string))
    }

    @Test func `says null of what is not known`() throws {
        let alert = Samples.alert(.test)
        #expect(try value("/data/incident_id", of: alert) == .null)
        #expect(try value("/data/remedy/url", of: alert) == .null)
        #expect(try value("/data/remedy/command", of: alert) == .null)
        #expect(try value("/data/remedy/steps", of: alert) == .array([]))
        #expect(try value("/data/tokens/0/last_probe", of: Samples.alert(.misconfigured)) == .null)
    }

    @Test(arguments: AlertKind.allCases)
    func `exists for every kind`(_ kind: AlertKind) throws {
        #expect(try value("/type", of: Samples.alert(kind)) == .string(kind.rawValue))
    }

    @Test(arguments: [1, 10, 20, 50, 1000])
    func `stays small, and says how many tokens it leaves out`(_ count: Int) throws {
        let alert = Samples.crowd(of: count)
        #expect(try AlertDocument(alert: alert).encoded().count <= AlertDocument.maximumSize)
        guard case .array(let tokens)? = try value("/data/tokens", of: alert) else { return reject("no list") }
        let omitted = try value("/data/tokens_omitted", of: alert)
        if tokens.count == count {
            #expect(omitted == nil)
        } else {
            #expect(tokens.count >= 10)
            #expect(omitted == .number(JSONNumber(Double(count - tokens.count))))
        }
    }

    @Test func `leaves out a token too large to be told`() throws {
        var token = Samples.report()
        token.usedBy = (1...500).map { Dependant(name: "system \($0)", owner: nil, url: "https://example.com/\($0)") }
        let alert = Alert(
            id: "a",
            kind: .invalidated,
            severity: .critical,
            createdAt: Samples.now,
            summary: "s",
            host: "h",
            tokens: [token]
        )
        #expect(try value("/data/tokens", of: alert) == .array([]))
        #expect(try value("/data/tokens_omitted", of: alert) == .number(1))
    }

    @Test(arguments: Samples.hostileTexts)
    func `is JSON whatever is in it`(_ hostile: HostileText) throws {
        let text = hostile.text
        guard case .string(let summary)? = try value("/data/summary", of: Samples.hostile(text)) else {
            return reject("no summary")
        }
        // Only where it alone would fill the document it is shortened.
        #expect(summary == text || (text.utf8.count > 1000 && summary.hasSuffix("…")))
    }
}
