import FoundationEssentials
import TokenHealth
import Testing

struct AlertTests {
    private let composer = AlertComposer(host: "srv1")

    private func alerts(_ history: History, _ decision: Decision?, at seconds: Double) -> [Alert] {
        let now = Sample.moment(seconds).wall
        let report = TokenReport(token: history.token, belief: history.belief, uptime: Uptime(), nextProbeAt: nil)
        return (decision?.notices ?? []).compactMap {
            let subject = AlertComposer.Subject(
                token: history.token,
                belief: history.belief,
                report: report,
                notice: $0,
                noticedAt: now
            )
            return composer.alert(telling: [subject], openTokens: 0, at: now)
        }
    }

    private func dead() -> (History, Alert?) {
        var history = History()
        history.claims = TokenClaims(expiresAt: Sample.moment(1_000_000).wall)
        history.observe(.acceptedOwner, at: 0)
        history.die(at: 60)
        return (history, alerts(history, history.decisions.last, at: 90).first)
    }

    @Test func `a death names token, reason, host, causes, steps and command`() throws {
        let alert = try #require(dead().1)
        #expect(alert.kind == .invalidated)
        #expect(alert.severity == .critical)
        #expect(alert.summary == "INVALID hr-onboarding (revoked) on srv1")
        #expect(alert.host == "srv1")
        #expect(alert.createdAt == Sample.moment(90).wall)
        #expect(alert.causes == ["its owner logged out"])
        #expect(alert.lastedSeconds == nil)
        #expect(alert.remedy.url == "https://app.example.test/tokens")
        #expect(alert.remedy.steps == ["Log in again", "Copy the new token"])
        #expect(alert.remedy.command == "sudo tokenvigil replace hr-onboarding")
        #expect(alert.tokens.map(\.name) == [Sample.name()])
    }

    @Test func `its id is the token, the time and the kind, the same whenever it is written`() throws {
        let first = try #require(dead().1)
        let again = try #require(dead().1)
        #expect(first.id == "hr-onboarding-20261123T100130000Z-invalidated")
        #expect(first == again)
        #expect(try first.reread() == first)
    }

    @Test func `two kinds at one moment have two ids`() throws {
        var (history, _) = dead()
        history.token.remind = [.seconds(1)]
        history.fingerprint = Sample.fingerprint(2)
        history.observe(.indeterminate(.dns), at: 100)
        let decision = history.observe(.indeterminate(.dns), at: 5000)
        let ids = alerts(history, decision, at: 5000).map(\.id)
        #expect(decision.notices.kinds == [.blind, .reminder])
        #expect(Set(ids).count == 2)
    }

    @Test func `a recovery says how long it took, and asks for nothing`() throws {
        var (history, _) = dead()
        let decision = history.observe(.acceptedOwner, at: 690)
        let alert = try #require(alerts(history, decision, at: 690).first)
        #expect(alert.summary == "RECOVERED hr-onboarding after 10 min on srv1")
        #expect(alert.severity == .info)
        #expect(alert.lastedSeconds == 600)
        #expect(alert.remedy == AlertRemedy())
        #expect(alert.causes == [])
        #expect(alert.incidentID == "hr-onboarding-20261123T100130000Z")
    }

    @Test func `a reminder is as urgent as its incident`() throws {
        var (history, _) = dead()
        let decision = history.age(to: 3690)
        let alert = try #require(alerts(history, decision, at: 3690).first)
        #expect(alert.kind == .reminder)
        #expect(alert.severity == .critical)
        #expect(alert.summary == "STILL INVALID hr-onboarding (revoked) for 60 min on srv1")
        #expect(alert.lastedSeconds == 3600)
    }

    @Test func `blindness blames nobody's token`() throws {
        let (history, last) = History.leading(to: .blind)
        let alert = try #require(alerts(history, history.decisions.last, at: last).first)
        #expect(alert.summary == "BLIND hr-onboarding (timeout) on srv1")
        #expect(alert.remedy.command == nil)
        #expect(alert.remedy.steps.contains { $0.contains("nothing is known to be wrong") })
    }

    @Test func `an estimated expiry says so`() throws {
        var history = History(Sample.token(Sample.provider(lifetime: .seconds(40 * 86_400))))
        history.observe(.acceptedOwner, at: 0)
        let decision = history.age(to: 10 * 86_400)
        let alert = try #require(alerts(history, decision, at: 10 * 86_400).first)
        #expect(alert.summary == "EXPIRING hr-onboarding in 30 d (estimated) on srv1")
        #expect(alert.incidentID?.hasPrefix("hr-onboarding-expiry-") == true)
    }

    @Test func `a misconfiguration says what to correct`() throws {
        var history = History()
        let verdict = Judge(token: history.token).finding(on: Exchange(.withheld(.empty(source: "file /x"))))
        for second in [0, 15, 30] { history.observe(verdict, at: Double(second)) }
        let alert = try #require(alerts(history, history.decisions.last, at: 30).first)
        #expect(alert.kind == .misconfigured)
        #expect(alert.summary == "MISCONFIGURED hr-onboarding (secret_empty) on srv1")
        #expect(alert.remedy.steps.first?.contains("file /x") == true)
    }

    @Test func `no path gets into the command, whatever it means to a shell`() throws {
        var history = History()
        history.token.secret = .file(path: "/x/$(reboot)")
        history.die()
        let command = alerts(history, history.decisions.last, at: 30).first?.remedy.command
        #expect(command == "sudo tokenvigil replace hr-onboarding")
    }

    @Test(
        arguments: [
            (.credential(name: "bot"), "restart"), (.environment(variable: "BOT"), "BOT"),
            (.command(argv: ["/usr/bin/pass", "bot"]), "/usr/bin/pass"),
        ] as [(SecretSource, String)]
    )
    func `a secret that is in no file is replaced by steps, not by a command`(source: SecretSource, word: String) throws
    {
        var history = History()
        history.token.secret = source
        history.die()
        let remedy = try #require(alerts(history, history.decisions.last, at: 30).first?.remedy)
        #expect(remedy.command == nil)
        #expect(remedy.steps.contains { $0.contains(word) })
        #expect(remedy.steps.last == "tokenvigil status hr-onboarding")
    }

    @Test func `every kind has its name, a short name and an urgency`() {
        #expect(
            AlertKind.allCases.map(\.rawValue) == [
                "token.invalidated", "token.limited", "token.recovered", "token.reminder", "token.expiring",
                "token.blind",
                "token.sighted", "token.identity_changed", "token.replaced", "token.misconfigured", "provider.incident",
                "provider.recovered", "notifier.failing", "notifier.recovered", "test",
            ]
        )
        #expect(AlertKind.identityChanged.idPart == "identity_changed")
        #expect(AlertKind.test.idPart == "test")
        let critical = AlertKind.allCases.filter { $0.severity == .critical }
        #expect(critical == [.invalidated, .providerIncident])
        let warning = AlertKind.allCases.filter { $0.severity == .warning }
        #expect(Set(warning) == [.limited, .blind, .misconfigured, .expiring, .notifierFailing, .identityChanged])
    }
}
