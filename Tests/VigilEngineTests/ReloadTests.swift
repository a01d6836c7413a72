import FoundationEssentials
import Testing
import TokenHealth
import VigilEngine

/// A setting that a reload may change while something is going on.
enum ChangedSetting: CaseIterable {
    case host, path, header, rules, authorization, secret, authorities, identity, scopes, lifetime
    case owner, dependants, interval, confirmation, blindAfter, reminders, groupWait, notifiers, maintenance, limits

    /// Whether an answer to the old settings says nothing under the new ones.
    var changesTheQuestion: Bool {
        switch self {
        case .host, .path, .header, .rules, .authorization, .secret, .authorities, .identity, .scopes, .lifetime: true
        case .owner, .dependants, .interval, .confirmation, .blindAfter, .reminders, .groupWait, .notifiers,
            .maintenance,
            .limits:
            false
        }
    }

    static let otherHost = "https://other.example.test"

    func changing(_ token: WatchedToken) -> WatchedToken {
        var token = token
        switch self {
        case .host: token.baseURL = ChangedSetting.otherHost
        case .path: token.probe.path = "/v2/me"
        case .header: token.probe.headers.append(HeaderField("x-client", "tokenvigil"))
        case .rules: token.probe.unrelated = [Matcher(status: .exactly(418))]
        case .authorization: token.provider.authorization = AuthorizationTemplate(header: "X-Key", value: "{token}")
        case .secret: token.secret = .file(path: "/y")
        case .authorities: token.certificateAuthorities = "/etc/ca.pem"
        case .identity: token.expectedIdentity = "12345"
        case .scopes: token.expectedScopes = []
        case .lifetime: token.provider.lifetime = .seconds(400 * 86_400)
        case .owner: token.owner = "somebody@example.com"
        case .dependants: token.usedBy = [Dependant(name: "payroll", owner: nil, url: nil)]
        case .interval: token.interval = .seconds(45)
        case .confirmation: token.confirmation = Confirmation(rejections: 3, over: .seconds(29))
        case .blindAfter: token.blindAfter = .seconds(1200)
        case .reminders: token.remind = [.seconds(7200)]
        case .groupWait: token.groupWait = .seconds(5)
        case .notifiers: token.notify = ["pager"]
        case .maintenance: token.maintenance = []
        case .limits: token.provider.limits = ProviderLimits(rate: Rate(count: 1000, per: .seconds(60)))
        }
        return token
    }
}

/// Every setting that a reload may change, at every moment at which it may come.
@Suite(.timeLimit(.minutes(1))) struct ReloadTests {
    private func bench(rejections count: Int, _ token: WatchedToken = Sample.token()) async throws -> WatchBench {
        let bench = try WatchBench([token])
        await bench.watch.tick()
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(60)
        for _ in 1..<count { await bench.pass(15) }
        return bench
    }

    @Test(arguments: ChangedSetting.allCases, [false, true])
    func `in the middle of a probe: an answer to another question is not believed, and it is asked anew at once`(
        setting: ChangedSetting,
        isControl: Bool
    ) async throws {
        let bench = try WatchBench()
        await bench.watch.tick()
        bench.timekeeper.advance(by: .seconds(60))
        bench.prober.answer(Reply.unauthenticated)
        bench.prober.meanwhile(ofControl: isControl) {
            try? await bench.watch.adopt([setting.changing(Sample.token())])
            if setting.changesTheQuestion { bench.prober.answer(Reply.accepted) }
        }
        await bench.watch.tick()
        #expect(await bench.state() == (setting.changesTheQuestion ? .valid : .suspect))
        #expect(bench.prober.tries.last == 60)
    }

    @Test func `removed and watched again in the middle of a probe: the answer is not believed`() async throws {
        let bench = try await bench(rejections: 2)
        bench.timekeeper.advance(by: .seconds(15))
        bench.prober.meanwhile {
            try? await bench.watch.adopt([])
            try? await bench.watch.adopt([ChangedSetting.host.changing(Sample.token())])
            bench.prober.answer(Reply.accepted)
        }
        await bench.watch.tick()
        await bench.pass(1)
        #expect(await bench.state() == .valid)
        #expect(bench.told == [])
    }

    @Test(arguments: ChangedSetting.allCases)
    func `in a suspicion: what was counted of another question confirms nothing`(
        setting: ChangedSetting
    ) async throws {
        let bench = try await bench(rejections: 2)
        bench.timekeeper.advance(by: .seconds(15))
        try await bench.watch.adopt([setting.changing(Sample.token())])
        await bench.watch.tick()
        #expect(await bench.state() == (setting.changesTheQuestion ? .suspect : .invalid))
        await bench.pass(30, inStepsOf: 15)
        #expect(await bench.state() == .invalid)
        #expect(bench.told == [.invalidated])
    }

    @Test(arguments: ChangedSetting.allCases)
    func `of a dead token: another question is asked at once, and the incident stays the same`(
        setting: ChangedSetting
    ) async throws {
        let bench = try await bench(rejections: 3)
        let before = bench.prober.tries.count
        try await bench.watch.adopt([setting.changing(Sample.token())])
        await bench.pass(1)
        #expect(bench.prober.tries.count - before == (setting.changesTheQuestion ? 1 : 0))
        #expect(await bench.state() == .invalid)
        bench.prober.answer(Reply.accepted)
        await bench.pass(120, inStepsOf: 15)
        #expect(bench.told == [.invalidated, .recovered])
        #expect(Set(bench.store.healthy.alerts.map(\.incidentID)).count == 1)
    }

    @Test(arguments: ChangedSetting.allCases)
    func `of an incident that is less than a death: it goes on, is told once, and ends under its id`(
        setting: ChangedSetting
    ) async throws {
        let bench = try WatchBench()
        bench.prober.answer(Reply.status(404))
        await bench.pass(300, inStepsOf: 15)
        #expect(bench.told == [.misconfigured])
        try await bench.watch.adopt([setting.changing(Sample.token())])
        await bench.pass(300, inStepsOf: 15)
        #expect(bench.told == [.misconfigured])
        bench.prober.answer(Reply.accepted)
        await bench.pass(120, inStepsOf: 15)
        #expect(bench.told == [.misconfigured, .recovered])
        #expect(Set(bench.store.healthy.alerts.map(\.incidentID)).count == 1)
    }

    @Test(arguments: ChangedSetting.allCases)
    func `of a host that wants rest: it gets it, and another host is asked at once`(
        setting: ChangedSetting
    ) async throws {
        let bench = try WatchBench()
        bench.prober.answer(Reply.status(503, [HeaderField("retry-after", "1800")]))
        await bench.watch.tick()
        try await bench.watch.adopt([setting.changing(Sample.token())])
        await bench.pass(1)
        #expect(bench.prober.tries.count == (setting == .host ? 2 : 1))
    }

    @Test(arguments: ChangedSetting.allCases)
    func `in a silence: nothing is told before its end, and then once`(setting: ChangedSetting) async throws {
        let bench = try WatchBench()
        await bench.watch.tick()
        _ = try await bench.watch.silence(["bot"], for: .seconds(1800), by: "ann", reason: "r")
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(120, inStepsOf: 15)
        #expect(await bench.state() == .invalid)
        try await bench.watch.adopt([setting.changing(Sample.token())])
        await bench.pass(600, inStepsOf: 15)
        #expect(bench.told == [])
        await bench.pass(1800, inStepsOf: 60)
        #expect(bench.told == [.invalidated])
    }

    @Test(arguments: ChangedSetting.allCases)
    func `while its alert waits for a sibling: it is told at once, and not again`(
        setting: ChangedSetting
    ) async throws {
        let tokens = ["bot", "two"].map { name in
            var token = Sample.token(name)
            token.owner = "svc@example.com"
            token.groupWait = .seconds(600)
            return token
        }
        let bench = try WatchBench(tokens)
        await bench.watch.tick()
        // The other is doubted and cannot be asked any more.
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(60)
        bench.prober.answer(Reply.unreachable, about: "two")
        await bench.pass(30, inStepsOf: 15)
        #expect(await bench.state() == .invalid)
        #expect(bench.told == [])
        try await bench.watch.adopt([setting.changing(tokens[0]), tokens[1]])
        await bench.pass(120, inStepsOf: 15)
        #expect(bench.told == [.invalidated])
    }
}

/// What follows from single settings.
@Suite(.timeLimit(.minutes(1))) struct ReloadedSettingTests {
    @Test func `a shorter interval counts from the last probe`() async throws {
        let bench = try WatchBench([Sample.token(interval: .seconds(3600))])
        await bench.watch.tick()
        await bench.pass(120)
        try await bench.watch.adopt([Sample.token()])
        await bench.pass(1)
        #expect(bench.prober.tries == [0, 121])
        #expect(await bench.report()?.nextProbeAt == bench.timekeeper.now().wall.advanced(by: .seconds(60)))
    }

    @Test func `one that is removed may come back as another account's`() async throws {
        let bench = try WatchBench([Sample.token("bot"), Sample.token("other")])
        await bench.pass(0)
        #expect(await bench.report()?.identity?.id == "12345")
        try await bench.watch.adopt([Sample.token("other")])
        await bench.pass(60)
        bench.prober.answer(Reply.json(200, #"{"data":{"id":777}}"#), about: "bot")
        try await bench.watch.adopt([Sample.token("other"), Sample.token("bot")])
        await bench.pass(120, inStepsOf: 15)
        #expect(await bench.state() == .valid)
        #expect(await bench.report()?.identity?.id == "777")
        #expect(bench.told == [])
    }

    @Test func `other reminders are counted anew`() async throws {
        var token = Sample.token()
        token.remind = [.seconds(300)]
        let bench = try WatchBench([token])
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(3600, inStepsOf: 15)
        let before = bench.told.count
        token.remind = [.seconds(3600), .seconds(7200)]
        try await bench.watch.adopt([token])
        await bench.pass(3600 * 3, inStepsOf: 60)
        #expect(bench.told.count == before + 2)
    }

    @Test func `limits that are lifted bind nobody, and those that are set again know what was spent`() async throws {
        func token(_ rate: Rate?) -> WatchedToken {
            var token = Sample.token(interval: .seconds(1))
            token.provider.limits = ProviderLimits(rate: rate)
            return token
        }
        let limit = Rate(count: 6, per: .seconds(600))
        let bench = try WatchBench([token(limit)])
        await bench.pass(60, inStepsOf: 1)
        let limited = bench.prober.questions.count
        #expect(limited <= 6)
        try await bench.watch.adopt([token(nil)])
        await bench.pass(10, inStepsOf: 1)
        #expect(bench.prober.questions.count >= limited + 9)
        let lifted = bench.prober.questions.count
        try await bench.watch.adopt([token(limit)])
        await bench.pass(60, inStepsOf: 1)
        #expect(bench.prober.questions.count <= lifted + 1)
    }

    @Test func `the end of an incident is told to whoever was told of it, and to whoever is told now`() async throws {
        let bench = try WatchBench()
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(120, inStepsOf: 15)
        try await bench.watch.adopt([Sample.token(notify: ["pager"])])
        bench.prober.answer(Reply.accepted)
        await bench.pass(600, inStepsOf: 15)
        #expect(bench.store.healthy.waiting.map(\.notifier).sorted() == ["oncall", "oncall", "pager"])
        #expect(bench.store.healthy.waiting.first?.notifier == "oncall")
    }

    @Test func `what people know to be open is repeated to them, whoever else is told now`() async throws {
        let bench = try WatchBench()
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(120, inStepsOf: 15)
        try await bench.watch.adopt([Sample.token(notify: ["pager"])])
        #expect(await bench.watch.openIncidents(at: bench.timekeeper.now().wall).map(\.notifiers) == [["oncall"]])
    }

    @Test func `the end of an incident names whose it was when it was told`() async throws {
        var token = Sample.token()
        token.owner = "ann@example.com"
        let bench = try WatchBench([token])
        bench.prober.answer(Reply.unauthenticated)
        await bench.pass(120, inStepsOf: 15)
        token.owner = "ben@example.com"
        try await bench.watch.adopt([token])
        bench.prober.answer(Reply.accepted)
        await bench.pass(600, inStepsOf: 15)
        let end = try #require(bench.store.healthy.alerts.last)
        #expect(end.tokens.first?.owner == "ben@example.com")
        #expect(end.labels == ["bot": IncidentLabels(provider: "example", owner: "ann@example.com")])
    }
}
