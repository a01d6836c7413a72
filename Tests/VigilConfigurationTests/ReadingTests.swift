import Testing
import TokenHealth
import VigilConfiguration

@Suite struct ReadingTests {
    private func token(_ lines: String = "", rest: String = "") throws -> WatchedToken {
        try #require(try configuration(token: lines, rest: rest).tokens.first)
    }

    private func provider(_ lines: String) throws -> Provider {
        let text = """
            version: 1
            tokens: {bot: {provider: own, secret: {credential: bot}}}
            providers:
              own:
            \(lines.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n"))
            """
        return try #require(try ConfigurationLoader.load(text: text, name: "test.yaml").tokens.first).provider
    }

    // MARK: - Defaults

    @Test func `how long an attempt may take is read, of every kind that has a limit`() throws {
        let text = """
            version: 1
            tokens: {bot: {provider: tallyfy, secret: {credential: bot}}}
            notifiers:
              a: {type: webhook, url: "https://hooks.example.com/x", timeout: 45s}
              b: {type: alertmanager, urls: ["https://am.example.com"], timeout: 2m}
              c: {type: sendmail, from: a@example.com, to: [b@example.com], timeout: 90s}
              d: {type: command, argv: [/usr/bin/page], timeout: 1s}
              e: {type: webhook, url: "https://hooks.example.com/x"}
            heartbeat: {url: "https://beat.example.com/x", timeout: 25s}
            """
        let configuration = try ConfigurationLoader.load(text: text, name: "timeouts.yaml")
        let seconds = configuration.notifiers.map(\.timeout)
        #expect(seconds == [.seconds(45), .seconds(120), .seconds(90), .seconds(1), .seconds(30)])
        #expect(configuration.heartbeat?.timeout == .seconds(25))
    }

    @Test func `without defaults the documented ones hold`() throws {
        let configuration = try configuration()
        let token = try #require(configuration.tokens.first)
        #expect(token.interval == .seconds(60))
        #expect(token.timeout == .seconds(10))
        #expect(token.confirmation == Confirmation(rejections: 3, over: .seconds(30)))
        #expect(token.blindAfter == .seconds(900))
        #expect(token.remind == [.seconds(3600), .seconds(14_400), .seconds(86_400)])
        #expect(token.expirySteps == [30, 14, 7, 3, 1].map { .seconds($0 * 86_400) })
        #expect(configuration.stateDirectory == "/var/lib/tokenvigil")
        #expect(configuration.statusFile == "/run/tokenvigil/status.json")
        #expect(configuration.heartbeat == nil)
    }

    @Test func `without notify every notifier is told`() throws {
        let token = try token(rest: "notifiers: {b: {type: journald}, a: {type: journald}}")
        #expect(token.notify == ["a", "b"])
    }

    @Test func `a token changes a part of what confirms a death`() throws {
        let token = try token("confirm: {over: 5s}", rest: "defaults: {confirm: {rejections: 5}}")
        #expect(token.confirmation == Confirmation(rejections: 5, over: .seconds(5)))
    }

    @Test func `empty lists switch reminders and expiry steps off`() throws {
        let token = try token("remind: []\nexpiry_steps: []")
        #expect(token.remind.isEmpty)
        #expect(token.expirySteps.isEmpty)
    }

    @Test func `expiry steps are sorted, longest first`() throws {
        #expect(try token("expiry_steps: [1d, 30d]").expirySteps == [.seconds(30 * 86_400), .seconds(86_400)])
    }

    @Test func `a provider of one's own needs only an address and a path`() throws {
        let provider = try provider("base_url: https://api.example.com/\nprobe: {path: /me}")
        #expect(provider.baseURL == "https://api.example.com")
        #expect(provider.probe.method == "GET")
        #expect(provider.probe.headers == [HeaderField("Accept", "application/json")])
        #expect(provider.probe.accepted == [Matcher(status: .success)])
        #expect(provider.probe.rejected == [Matcher(status: .exactly(401))])
        #expect(provider.authorization == AuthorizationTemplate())
        #expect(provider.limits == ProviderLimits())
        #expect(provider.lifetime == nil)
    }

    @Test func `an Accept of one's own is kept`() throws {
        let provider = try provider("base_url: https://a.example.com\nprobe: {path: /, headers: {accept: text/x}}")
        #expect(provider.probe.headers == [HeaderField("accept", "text/x")])
    }

    @Test func `none switches a limit off`() throws {
        let provider = try provider(
            "base_url: https://a.example.com\nprobe: {path: /}\nlimits: {rate: none, failed_logins: 5/1h}"
        )
        #expect(provider.limits.rate == nil)
        #expect(provider.limits.failedLogins == Rate(count: 5, per: .seconds(3600)))
    }

    @Test func `a provider with the name of a built-in one takes its place`() throws {
        let token = try token(rest: "providers: {tallyfy: {base_url: https://a.example.com, probe: {path: /x}}}")
        #expect(token.probeURL == "https://a.example.com/x")
        #expect(token.provider.probe.requiredHeaders.isEmpty)
    }

    // MARK: - Values

    @Test(arguments: [
        ("{file: /a/b}", SecretSource.file(path: "/a/b")),
        ("{file: /a/b, allow_world_readable: true}", .file(path: "/a/b", allowsWorldReadable: true)),
        ("{credential: c}", .credential(name: "c")),
        ("{env: MY_TOKEN}", .environment(variable: "MY_TOKEN")),
        ("{command: [/usr/bin/pass, show, bot]}", .command(argv: ["/usr/bin/pass", "show", "bot"])),
        ("{command: [/usr/bin/pass], cache: 5m}", .command(argv: ["/usr/bin/pass"], cache: .seconds(300))),
    ]) func `a secret comes from a file, a credential, a variable or a command`(
        text: String,
        source: SecretSource
    ) throws {
        let text = "version: 1\ntokens: {bot: {provider: tallyfy, secret: \(text)}}"
        #expect(try ConfigurationLoader.load(text: text, name: "test.yaml").tokens.first?.secret == source)
    }

    @Test func `a parameter is taken as it is written`() throws {
        #expect(try token("organization: 0012").parameters == ["organization": "0012"])
    }

    @Test func `a status is a number, a class or a list of these`() throws {
        let provider = try provider(
            "base_url: https://a.example.com\nprobe: {path: /}\nrejected: [{status: [401, 5xx]}, {status: 403}]"
        )
        #expect(provider.probe.rejected.first?.status?.codes == Set(500...599).union([401]))
        #expect(provider.probe.rejected.last?.status?.codes == [403])
    }

    @Test func `a literal in JSON keeps its type`() throws {
        let provider = try provider(
            """
            base_url: https://a.example.com
            probe: {path: /}
            accepted: [{json: {/a: 1, /b: true, /c: "1", /d: null, /e: present, /f: yes}}]
            """
        )
        let json = provider.probe.accepted.first?.json ?? [:]
        let byText = Dictionary(uniqueKeysWithValues: json.map { ($0.key.text, $0.value) })
        let expected: [String: JSONExpectation] = [
            "/a": .equals(.number(1)), "/b": .equals(.bool(true)), "/c": .equals(.string("1")), "/d": .equals(.null),
            "/e": .present, "/f": .equals(.string("yes")),
        ]
        #expect(byText == expected)
    }

    @Test(arguments: [
        "http://localhost:8080", "http://127.0.0.1:9000", "http://127.1.2.3", "http://[::1]:80/api",
        "HTTP://api.localhost/",
    ]) func `plain http is for this host`(url: String) throws {
        #expect(try token("base_url: '\(url)'").baseURL.lowercased().hasPrefix("http://"))
    }

    @Test func `plain http to another host needs a word`() throws {
        let token = try token("base_url: http://api.example.com/\nallow_plaintext: true")
        #expect(token.baseURL == "http://api.example.com")
        #expect(token.provider.allowsPlaintext)
    }

    @Test func `a token may trust other authorities than its provider`() throws {
        #expect(try token("ca_file: /etc/ca.pem").certificateAuthorities == "/etc/ca.pem")
    }

    @Test(arguments: [
        ("format: template, template: /x", WebhookFormat.template(TemplateSettings(path: "/x"))),
        (
            "format: template, template: /x, content_type: 'text/plain; charset=utf-8'",
            .template(TemplateSettings(path: "/x", contentType: "text/plain; charset=utf-8"))
        ),
        ("format: pagerduty, routing_key: {env: KEY}", .pagerduty(routingKey: .environment(variable: "KEY"))),
        ("format: ntfy", .ntfy(accessToken: nil)), ("format: discord", .discord), ("format: teams", .teams),
        ("format: cloudevents", .cloudevents), ("format: alertmanager", .alertmanager), ("format: standard", .standard),
    ])
    func `a webhook has the format it says`(keys: String, format: WebhookFormat) throws {
        let configuration = try configuration(
            rest: "notifiers: {a: {type: webhook, url: 'https://hooks.example.com/x', \(keys)}}"
        )
        guard case .webhook(let webhook) = configuration.notifiers.first?.kind else {
            Issue.record("no webhook")
            return
        }
        #expect(webhook.format == format)
    }

    @Test func `a literal URL of a notifier is kept with its query and never shown`() throws {
        let configuration = try configuration(
            rest: "notifiers: {a: {type: webhook, url: 'https://hooks.example.com/T0/s3cr3t?k=v'}}"
        )
        guard case .webhook(let webhook) = configuration.notifiers.first?.kind else {
            Issue.record("not a webhook")
            return
        }
        #expect(webhook.url == .literal("https://hooks.example.com/T0/s3cr3t?k=v"))
        var dumped = ""
        dump(webhook, to: &dumped)
        #expect(!"\(webhook) \(String(reflecting: webhook)) \(dumped)".contains("s3cr3t"))
        #expect("\(webhook.url)" == "the URL at hooks.example.com")
    }

    // MARK: - YAML

    @Test func `an anchor may be used again`() throws {
        let text = """
            version: 1
            defaults: {remind: &steps [1h, 2h], expiry_steps: *steps}
            tokens: {bot: {provider: tallyfy, secret: {credential: bot}}}
            """
        let token = try ConfigurationLoader.load(text: text, name: "test.yaml").tokens.first
        #expect(token?.expirySteps == [.seconds(7200), .seconds(3600)])
    }

    @Test func `an asterisk in a comment or a pattern is no alias`() throws {
        let text = """
            version: 1
            # *note: ? is no key
            tokens: {bot: {provider: own, secret: {credential: bot}}}
            providers:
              own:
                base_url: "http://[::1]:8080"
                probe: {path: /me}
                rejected: [{status: 401, body: 'a.*b ?: c'}]
            """
        #expect(problems(in: text).isEmpty)
    }

    @Test func `thousands of tokens are read in a moment`() throws {
        let tokens = (0..<2000).map { "  bot-\($0): {provider: tallyfy, secret: {file: /secrets/\($0)}}\n" }.joined()
        var count = 0
        let took = try ContinuousClock().measure {
            let text = "version: 1\ntokens:\n\(tokens)"
            count = try ConfigurationLoader.load(text: text, name: "test.yaml").tokens.count
        }
        #expect(count == 2000)
        #expect(took < .seconds(20))
    }

    @Test func `line ends of Windows and a byte order mark do no harm`() throws {
        let text = "\u{FEFF}version: 1\r\ntokens:\r\n  bot:\r\n    provider: tallyfy\r\n    intervall: 1\r\n"
        let told = problems(in: text)
        #expect(told.contains("test.yaml:5:5: unknown key 'intervall'; did you mean 'interval'?"))
        #expect(told.contains("test.yaml:4:5: secret is missing: where the token is, as in secret: {file: PATH}"))
    }

    @Test func `the same mistake behind an anchor is told once`() {
        let told = problems(
            in: """
                version: 1
                defaults: {remind: &steps [soon], expiry_steps: *steps}
                tokens: {bot: {provider: tallyfy, secret: {credential: bot}}}
                """
        )
        #expect(told.count == 2)
    }

    @Test func `a problem names its key with dots`() throws {
        #expect {
            try configuration(token: "confirm: {rejections: 0}")
        } throws: { error in
            (error as? ConfigurationErrors)?.problems.map(\.path) == ["tokens.bot.confirm.rejections"]
        }
    }

    // MARK: - Warnings

    @Test func `an interval below the provider's advice is a warning where it is written`() throws {
        let journal = "notifiers: {journal: {type: journald}}"
        let own = try configuration(token: "interval: 5s", rest: journal).warnings
        #expect(
            own.map(\.description) == [
                "test.yaml:6:15: token 'bot' is probed every 5s, and provider 'tallyfy' advises 1m or more"
            ]
        )
        let inherited = try configuration(rest: "defaults: {interval: 1s}\n\(journal)").warnings
        #expect(inherited.map(\.line) == [7])
    }

    @Test func `more tokens than a host bears is a warning, with what comes of it`() throws {
        func warnings(of count: Int, _ lines: String = "") throws -> [String] {
            let tokens = (1...count).map { number in
                "  bot\(number): {provider: tallyfy, secret: {credential: bot}, base_url: https://api.example.test/api}"
            }
            let text = """
                version: 1
                notifiers: {journal: {type: journald}}
                \(lines)
                tokens:
                \(tokens.joined(separator: "\n"))
                """
            return try ConfigurationLoader.load(text: text, name: "test.yaml").warnings.map(\.description)
        }
        #expect(try warnings(of: 100) == [])
        #expect(
            try warnings(of: 125) == [
                "test.yaml:5:3: 125 tokens of tallyfy at https://api.example.test need 125 requests in 1m, and the provider "
                    + "allows 100: each is probed 1.3 times less often than its interval says; set a longer interval"
            ]
        )
        #expect(try warnings(of: 125, "defaults: {interval: 2m}") == [])
    }

    @Test func `nobody to tell is a warning`() throws {
        #expect(
            try configuration().warnings.map(\.message) == [
                "no notifier is configured: nobody is told when a token dies"
            ]
        )
        let silent = try configuration(token: "notify: []", rest: "notifiers: {journal: {type: journald}}")
        #expect(silent.warnings.map(\.message) == ["notify is empty: nobody is told"])
    }

    @Test func `the status page listens on the loopback unless another address is named`() throws {
        let journal = "notifiers: {journal: {type: journald}}"
        func listen(_ text: String) throws -> Configuration { try configuration(rest: "\(journal)\nlisten: \(text)") }
        #expect(try listen("9718").listen == ListenSettings(.address(host: "127.0.0.1", port: 9718)))
        #expect(try listen("'[::1]:80'").listen?.place == .address(host: "::1", port: 80))
        #expect(try listen("localhost:80").listen?.place == .address(host: "localhost", port: 80))
        #expect(try listen("systemd").listen?.place == .systemd)
        #expect(try listen("9718").warnings.isEmpty)
        let open = try listen("0.0.0.0:80").warnings
        #expect(open.map(\.line) == [8])
        #expect(open.first?.message.contains("everybody who reaches this address") == true)
    }
}
