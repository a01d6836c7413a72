import FoundationEssentials
import TokenHealth
import Testing

struct UptimeTests {
    private static let hour = 3600.0
    private static let now = Sample.start

    private func interval(_ from: Double, _ to: Double, _ state: StateName) -> ValidityInterval {
        ValidityInterval(
            start: UptimeTests.now.addingTimeInterval(-from * UptimeTests.hour),
            end: UptimeTests.now.addingTimeInterval(-to * UptimeTests.hour),
            state: state,
            reason: nil
        )
    }

    private func uptime(_ intervals: ValidityInterval...) -> Uptime { Uptime(of: intervals, at: UptimeTests.now) }

    @Test func `nothing known is no share at all`() {
        #expect(uptime() == Uptime())
        #expect(uptime(interval(10, 10, .valid)) == Uptime())
        for state in [StateName.unknown, .blind, .suspect, .pending, .misconfigured] {
            #expect(uptime(interval(10, 0, state)) == Uptime())
        }
    }

    @Test func `only known time counts`() {
        #expect(uptime(interval(20, 10, .valid), interval(10, 0, .unknown)) == Uptime(day: 1, week: 1, month: 1))
        #expect(uptime(interval(20, 10, .invalid), interval(10, 0, .blind)) == Uptime(day: 0, week: 0, month: 0))
        #expect(uptime(interval(8, 4, .limited), interval(4, 0, .invalid)) == Uptime(day: 0.5, week: 0.5, month: 0.5))
    }

    @Test func `a window takes the part of an interval that lies in it`() {
        let uptime = uptime(interval(48, 12, .invalid), interval(12, 0, .valid))
        #expect(uptime == Uptime(day: 0.5, week: 0.25, month: 0.25))
    }

    @Test func `the windows are a day, a week and thirty days`() {
        let uptime = uptime(
            interval(24 * 31, 24 * 30, .invalid),
            interval(24 * 7, 24 * 6, .invalid),
            interval(24, 0, .valid)
        )
        #expect(uptime == Uptime(day: 1, week: 0.5, month: 0.5))
        let older = self.uptime(interval(24 * 40, 24 * 30, .invalid), interval(1, 0, .valid))
        #expect(older == Uptime(day: 1, week: 1, month: 1))
    }

    @Test func `a death is never rounded away`() {
        #expect(uptime(interval(24, 0.001, .valid), interval(0.001, 0, .invalid)).day == 0.9999)
    }

    @Test func `a death that was seen once, just now, counts already`() {
        #expect(uptime(interval(24, 0, .valid), interval(0, 0, .invalid)).day == 0.9999)
        #expect(uptime(interval(5, 0, .blind), interval(0, 0, .invalid)) == Uptime(day: 0, week: 0, month: 0))
    }

    @Test func `a clock set back makes no negative time`() {
        #expect(uptime(interval(1, 2, .valid)) == Uptime())
    }
}

struct StatusDocumentTests {
    private func object(_ value: some Encodable) throws -> [String: JSONValue] {
        let bytes = Array(try Wire.encoder().encode(value))
        guard case .object(let members)? = JSONValue(parsing: bytes) else {
            Issue.record("no object")
            return [:]
        }
        return members
    }

    private func members(_ value: JSONValue?) -> [String: JSONValue] {
        guard case .object(let members)? = value else { return [:] }
        return members
    }

    private static let monitor = MonitorReport(version: "0.1.0", pid: 4711, host: "srv1", startedAt: Sample.start)

    private func document(
        _ tokens: [TokenName: TokenReport],
        notifiers: [String: NotifierReport] = [:]
    ) -> StatusDocument {
        StatusDocument(
            generatedAt: Sample.start,
            validUntil: Sample.moment(120).wall,
            monitor: StatusDocumentTests.monitor,
            tokens: tokens,
            notifiers: notifiers
        )
    }

    private static let tokenKeys: Set = [
        "state", "reason", "since", "explanation", "provider", "owner", "fingerprint", "identity", "last_probe",
        "last_accepted_at",
        "first_rejected_at", "next_probe_at", "expires_at", "expiry_source", "uptime", "incident",
        "used_by",
    ]

    @Test func `the document has every key of the contract`() throws {
        let document = try object(document([:], notifiers: ["oncall": NotifierReport()]))
        #expect(
            Set(document.keys) == [
                "schema", "generated_at", "valid_until", "monitor", "summary", "worst", "tokens", "notifiers",
            ]
        )
        #expect(document["schema"] == .string("tokenvigil.status/1"))
        #expect(document["generated_at"] == .string("2026-11-23T10:00:00.000Z"))
        #expect(document["valid_until"] == .string("2026-11-23T10:02:00.000Z"))
        #expect(
            Set(members(document["monitor"]).keys) == [
                "version", "pid", "host", "started_at", "healthy", "problems", "config_loaded_at",
                "config_last_reload_successful",
            ]
        )
        #expect(Set(members(document["summary"]).keys) == Set(StateName.allCases.map(\.rawValue) + ["tokens"]))
        #expect(
            members(members(document["notifiers"])["oncall"]) == [
                "state": .string("ok"), "pending": .number(0), "oldest_pending_at": .null, "last_delivered_at": .null,
                "last_error": .null,
            ]
        )
    }

    @Test func `a token never looked at has every key, and null for what is absent`() throws {
        var token = Sample.token()
        token.owner = nil
        let report = TokenReport(token: token, belief: Belief(at: Sample.start), uptime: Uptime(), nextProbeAt: nil)
        let object = try object(report)
        #expect(Set(object.keys) == StatusDocumentTests.tokenKeys)
        #expect(object["state"] == .string("pending"))
        for key in StatusDocumentTests.tokenKeys.subtracting([
            "state", "since", "explanation", "provider", "uptime", "used_by",
        ]) {
            #expect(object[key] == .null, "\(key)")
        }
        #expect(members(object["uptime"]) == ["24h": .null, "7d": .null, "30d": .null])
        #expect(object["used_by"] == .array([]))
    }

    @Test func `a dead token has every key inside its objects`() throws {
        var history = History()
        history.token.usedBy = [Dependant(name: "Zapier", owner: nil, url: nil)]
        history.observe(.accepted(Identity(id: "12345", name: nil)), at: 0)
        history.die(at: 60)
        let report = TokenReport(
            token: history.token,
            belief: history.belief,
            uptime: Uptime(day: 0.97),
            nextProbeAt: Sample.moment(120).wall
        )
        let object = try object(report)
        #expect(Set(object.keys) == StatusDocumentTests.tokenKeys)
        #expect(object["state"] == .string("invalid"))
        #expect(object["reason"] == .string("rejected"))
        #expect(object["fingerprint"] == .string("k1:1"))
        #expect(members(object["identity"]) == ["id": .string("12345"), "name": .null])
        #expect(
            members(object["last_probe"]) == [
                "at": .string("2026-11-23T10:01:30.000Z"), "verdict": .string("rejected"), "http_status": .number(999),
                "latency_ms": .number(84),
            ]
        )
        #expect(
            members(object["incident"]) == [
                "id": .string("hr-onboarding-20261123T100130000Z"), "opened_at": .string("2026-11-23T10:01:30.000Z"),
                "acknowledged": .null, "silenced_until": .null,
            ]
        )
        #expect(object["first_rejected_at"] == .string("2026-11-23T10:01:00.000Z"))
        #expect(object["last_accepted_at"] == .string("2026-11-23T10:00:00.000Z"))
        #expect(object["used_by"] == .array([.object(["name": .string("Zapier"), "owner": .null, "url": .null])]))
        #expect(try report.reread() == report)
    }

    @Test func `a probe without an answer has null for its status`() throws {
        let probe = LastProbe(at: Sample.start, verdict: .indeterminate, httpStatus: nil, latencyMilliseconds: nil)
        #expect(Set(try object(probe).keys) == ["at", "verdict", "http_status", "latency_ms"])
    }

    @Test func `the name stands in a list and not under its key`() throws {
        let report = TokenReport(
            token: Sample.token(),
            belief: Belief(at: Sample.start),
            uptime: Uptime(),
            nextProbeAt: nil
        )
        #expect(try object(report)["name"] == nil)
        #expect(try object(report.named(Sample.name()))["name"] == .string("hr-onboarding"))
    }

    @Test func `the states are counted and the worst is named`() {
        func report(_ state: StateName) -> TokenReport {
            TokenReport(
                token: Sample.token(),
                belief: History.leading(to: state).0.belief,
                uptime: Uptime(),
                nextProbeAt: nil
            )
        }
        let order: [StateName] = [.valid, .pending, .unknown, .suspect, .blind, .limited, .misconfigured, .invalid]
        var tokens: [TokenName: TokenReport] = [:]
        #expect(document(tokens).worst == .valid)
        for (index, state) in order.enumerated() {
            tokens[Sample.name("t\(index)")] = report(state)
            #expect(document(tokens).worst == state)
        }
        tokens[Sample.name("more")] = report(.valid)
        let summary = document(tokens).summary
        #expect(summary["tokens"] == 9)
        #expect(summary["valid"] == 2)
        #expect(StateName.allCases.allSatisfy { (summary[$0.rawValue] ?? 0) >= 1 })
    }

    @Test func `a document is read as it was written`() throws {
        let report = TokenReport(
            token: Sample.token(),
            belief: History.leading(to: .invalid).0.belief,
            uptime: Uptime(day: 1),
            nextProbeAt: Sample.start
        )
        let document = document(
            [Sample.name(): report],
            notifiers: ["oncall": NotifierReport(state: .failing, pending: 2)]
        )
        #expect(try document.reread() == document)
        #expect(try Wire.encoder().encode(document) == Wire.encoder().encode(document))
    }
}

struct TokenNameTests {
    @Test(arguments: ["a", "hr-onboarding", "A.b_c-9", "0", String(repeating: "x", count: 100)])
    func `letters, digits and three signs make a name`(text: String) throws {
        let name = try #require(TokenName(text))
        #expect(name.description == text)
        #expect(try name.reread() == name)
    }

    @Test(arguments: [
        "", "-a", ".a", "..", "a b", "a/b", "a\nb", "ä", "a\u{0}", "a:b", "a$b", String(repeating: "x", count: 101),
    ])
    func `anything that means something to a shell, a path or a mail is refused`(text: String) throws {
        #expect(TokenName(text) == nil)
        #expect(throws: DecodingError.self) {
            try Wire.decoder().decode(TokenName.self, from: Wire.encoder().encode(text))
        }
    }
}

struct ProbeURLTests {
    @Test func `a parameter cannot leave its place in the path`() {
        var probe = Sample.probe
        probe.path = "/organizations/{org}/me"
        var token = Sample.token(Sample.provider(probe))
        token.parameters = ["org": "../a b?c#d%ü"]
        #expect(token.probeURL == "https://api.example.test/organizations/..%2Fa%20b%3Fc%23d%25%C3%BC/me")
    }
}
