import FoundationEssentials
import Testing
import TokenHealth
import VigilConfiguration

@Suite struct ExampleTests {
    private func example() throws -> Configuration {
        try ConfigurationLoader.load(path: "\(Fixtures.repository)/config/tokenvigil.yaml")
    }

    private func token(_ name: String) throws -> WatchedToken {
        try #require(try example().tokens.first { $0.name.text == name })
    }

    @Test func `the example loads without an error or a warning`() throws {
        let configuration = try example()
        #expect(configuration.warnings.isEmpty)
        let names = ["billing", "crm-access", "hr-application", "hr-onboarding", "hr-reporting", "matrix-bot"]
        #expect(configuration.tokens.map(\.name.text) == names)
        #expect(configuration.files.map { URL(filePath: $0).lastPathComponent } == ["tokenvigil.yaml"])
    }

    @Test func `a token has its own settings`() throws {
        let token = try token("hr-onboarding")
        #expect(token.secret == .file(path: "/etc/tokenvigil/secrets/hr-onboarding"))
        #expect(token.owner == "api-bot@example.com")
        #expect(token.usedBy.map(\.name) == ["Zapier new-hire flow"])
        #expect(token.usedBy.first?.url == "https://wiki.example.com/zapier")
        #expect(token.interval == .seconds(120))
        #expect(token.timeout == .seconds(15))
        #expect(token.confirmation == Confirmation(rejections: 2, over: .seconds(60)))
        #expect(token.blindAfter == .seconds(1800))
        #expect(token.remind == [.seconds(7200), .seconds(86_400)])
        #expect(token.expirySteps == [.seconds(14 * 86_400), .seconds(3 * 86_400)])
        #expect(token.notify == ["oncall", "hr-mail", "journal"])
    }

    @Test func `a token has the defaults where it says nothing`() throws {
        let token = try token("matrix-bot")
        #expect(token.interval == .seconds(60))
        #expect(token.confirmation == Confirmation(rejections: 3, over: .seconds(30)))
        #expect(token.notify == ["oncall", "journal"])
    }

    @Test func `the chosen probe and the parameter make the address`() throws {
        let path = "/organizations/0123456789abcdef0123456789abcdef/me/tasks?per_page=1"
        #expect(try token("hr-onboarding").probeURL == "https://go.tallyfy.com/api" + path)
        #expect(try token("hr-reporting").probeURL == "https://api.tallyfy.com/me")
    }

    @Test func `a provider of one's own is read whole`() throws {
        let provider = try token("matrix-bot").provider
        #expect(provider.baseURL == "https://matrix.example.com")
        #expect(provider.probe.path == "/_matrix/client/v3/account/whoami")
        #expect(provider.probe.requiredHeaders == ["Accept"])
        #expect(provider.probe.rejected.count == 2)
        #expect(provider.probe.limited.map(\.meaning) == [nil, .limitation(.locked)])
        #expect(provider.probe.rejected.last?.meaning == .rejection(.expired))
        #expect(provider.authorization.alsoIn == ["X-Access-Token"])
        #expect(provider.otherProbes["query"]?.method == "POST")
        #expect(provider.otherProbes["lookup"]?.hasTokenInBody == true)
        #expect(provider.probe.unrelated.count == 1)
        #expect(provider.otherProbes["room"]?.path == "/_matrix/client/v3/rooms/{room}/joined_members")
        #expect(provider.limits.rate == Rate(count: 100, per: .seconds(60)))
        #expect(provider.limits.failedLogins == Rate(count: 20, per: .seconds(180)))
        #expect(provider.lifetime == .seconds(180 * 86_400))
        #expect(provider.remedy.steps == ["Log in again", "Copy the new access token"])
        #expect(provider.remedy.causes == ["its owner logged out of all sessions"])
    }

    @Test func `notifiers are sorted and read whole`() throws {
        let notifiers = try example().notifiers
        let mail = SendmailSettings(from: "tokenvigil@example.com", to: ["hr-it@example.com"])
        let webhook = WebhookSettings(
            url: .source(.file(path: "/etc/tokenvigil/secrets/oncall-url")),
            signingSecret: .credential(name: "oncall-key"),
            certificateAuthorities: "/etc/ssl/certs/ca-certificates.crt"
        )
        let directory = "/etc/tokenvigil/secrets"
        let chat = WebhookSettings(url: .source(.file(path: "\(directory)/slack-url")), format: .slack)
        let duty = WebhookSettings(
            url: .literal("https://events.pagerduty.com/v2/enqueue"),
            format: .pagerduty(routingKey: .file(path: "\(directory)/pagerduty-key"))
        )
        let phone = WebhookSettings(
            url: .literal("https://ntfy.example.com/tokens"),
            format: .ntfy(accessToken: .file(path: "\(directory)/ntfy-token"))
        )
        #expect(
            notifiers == [
                NotifierSettings(
                    name: "alertmanager",
                    kind: .alertmanager(
                        AlertmanagerSettings(
                            urls: [.literal("http://127.0.0.1:9093"), .literal("http://127.0.0.1:9094")]
                        )
                    )
                ),
                NotifierSettings(name: "chat", kind: .webhook(chat)),
                NotifierSettings(name: "duty", kind: .webhook(duty)),
                NotifierSettings(name: "hr-mail", kind: .sendmail(mail)),
                NotifierSettings(name: "journal", kind: .journald),
                NotifierSettings(name: "oncall", kind: .webhook(webhook), fallback: "hr-mail"),
                NotifierSettings(
                    name: "pager",
                    kind: .command(argv: ["/usr/local/bin/page", "--queue", "api-tokens"]),
                    fallback: "hr-mail",
                    fallbackAfter: .seconds(300)
                ),
                NotifierSettings(name: "phone", kind: .webhook(phone)),
            ]
        )
    }

    @Test func `the drill is read`() throws {
        let drill = try #require(try example().drill)
        #expect(drill.every == .seconds(7 * 86_400))
        #expect(drill.minute == 9 * 60)
        #expect(drill.zone.identifier == "Europe/Berlin")
    }

    @Test func `the places of state, status and heartbeat are read`() throws {
        let configuration = try example()
        #expect(configuration.stateDirectory == "/var/lib/tokenvigil")
        #expect(configuration.statusFile == "/run/tokenvigil/status.json")
        #expect(configuration.listen?.place == .address(host: "127.0.0.1", port: 9718))
        #expect(configuration.listen?.hosts == ["tokens.example.com"])
        #expect(configuration.metricsFile == "/var/lib/prometheus/node-exporter/tokenvigil.prom")
        #expect(configuration.heartbeat?.every == .seconds(60))
        #expect(configuration.heartbeat?.url == .source(.file(path: "/etc/tokenvigil/secrets/heartbeat-url")))
    }
}

@Suite struct StarterTests {
    @Test func `the starter is valid as it stands`() throws {
        let configuration = try ConfigurationLoader.load(text: StarterConfiguration.text, name: "tokenvigil.yaml")
        #expect(configuration.tokens.count == 1)
        #expect(configuration.warnings.isEmpty)
    }

    @Test func `the starter is valid with everything in it switched on`() throws {
        let lines = StarterConfiguration.text.split(separator: "\n", omittingEmptySubsequences: false)
        let text = lines.map { line -> String in
            // A setting that is switched off has no space after the hash; prose has one.
            let isSetting = line.contains(/^\s*#[^\s#]/)
            return isSetting ? String(line).replacing("#", with: "", maxReplacements: 1) : String(line)
        }.joined(separator: "\n")
        let configuration = try ConfigurationLoader.load(text: text, name: "tokenvigil.yaml")
        #expect(configuration.notifiers.map(\.name) == ["journal", "mail", "oncall"])
        #expect(configuration.tokens.first?.usedBy.count == 1)
    }
}
