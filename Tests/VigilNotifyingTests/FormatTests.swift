import FoundationEssentials
import TokenHealth
import Testing

@testable import VigilNotifying

/// Every form a webhook's message can have.
enum Forms {
    static let template = """
        {"text": "{{sentence}}", "kind": "{{kind}}", "tokens": [{{#tokens}}{"name": "{{name}}", "why": "{{explanation}}",
        "breaks": [{{#used_by}}"{{name}}"{{^last()}}, {{/last()}}{{/used_by}}]}{{^last()}}, {{/last()}}{{/tokens}}],
        "more": {{tokens_omitted}}{{#remedy_url}}, "url": "{{remedy_url}}"{{/remedy_url}}}

        """

    static func all() throws -> [(name: String, format: any MessageFormat)] {
        let key = try SecretLint.secret(in: Array("0123456789abcdef0123456789abcdef".utf8), source: "test")
        return [
            ("standard", StandardFormat()), ("cloudevents", CloudEventsFormat()),
            ("alertmanager", AlertmanagerFormat(receiver: "oncall")), ("slack", SlackFormat()),
            ("discord", DiscordFormat()), ("teams", TeamsFormat()),
            ("pagerduty", PagerDutyFormat(routingKey: key, version: "0.1.0")), ("ntfy", NtfyFormat(topic: "tokens")),
            ("template", try TemplateFormat(template, contentType: "application/json")),
        ]
    }

    static let names = [
        "standard", "cloudevents", "alertmanager", "slack", "discord", "teams", "pagerduty", "ntfy", "template",
    ]

    static func named(_ name: String) throws -> any MessageFormat {
        try #require(try all().first { $0.name == name }).format
    }

    static let samples =
        AlertKind.allCases.map { NamedAlert(name: $0.rawValue, alert: Samples.alert($0)) }
        + [NamedAlert(name: "many", alert: Samples.many(10_000))]
}

@Suite struct `A message` {
    private func document(_ form: String, _ alert: Alert) throws -> JSONValue {
        let format = try Forms.named(form)
        let message = try format.message(for: alert)
        #expect(message.count <= format.maximumSize)
        return try #require(
            JSONValue(parsing: message),
            "\(form): \(String(decoding: message.prefix(300), as: UTF8.self))"
        )
    }

    /// To accept a change: `UPDATE_GOLDEN=1 swift test --filter VigilNotifyingTests`, and read the difference.
    @Test(arguments: Forms.names, Forms.samples)
    func `looks as it was agreed`(_ form: String, _ sample: NamedAlert) throws {
        let directory = Repository.root.appending(path: "Tests/VigilNotifyingTests/Golden/\(form)")
        let file = directory.appending(path: "\(sample.name).json")
        let text = try Wire.encoder(pretty: true).encode(document(form, sample.alert)) + Data("\n".utf8)
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            try text.write(to: file)
        }
        #expect(String(decoding: text, as: UTF8.self) == String(decoding: try Data(contentsOf: file), as: UTF8.self))
    }

    @Test(arguments: Forms.names, Samples.hostileTexts + Samples.hugeTexts)
    func `is JSON below the limit, whatever is in it`(_ form: String, _ hostile: HostileText) throws {
        let document = try document(form, Samples.hostile(hostile.text))
        try checkLimits(of: form, document)
        for text in texts(in: document) where form != "standard" {
            #expect(!text.contains("\u{1B}") && !text.contains("\u{0}") && !text.contains("\u{202E}"))
        }
    }

    @Test(arguments: Forms.names) func `is JSON below the limit for random texts and many tokens`(_ form: String) throws
    {
        var generator = SplitMix(state: 7)
        let alphabet = Array("ab\"\\{}<>&|*_`@#:/ \n\r\t\u{0}\u{1F}\u{7F}ü€😀\u{202E}\u{301}👩‍🔬".unicodeScalars)
        for _ in 0..<3 {
            let length = Int.random(in: 0...1500, using: &generator)
            let scalars = (0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }
            let text = String(String.UnicodeScalarView(scalars))
            let alert = Samples.hostile(text)
            let crowd = Alert(
                id: alert.id,
                kind: .invalidated,
                severity: .critical,
                createdAt: alert.createdAt,
                incidentID: alert.incidentID,
                summary: text,
                host: text,
                tokens: Array(repeating: alert.tokens, count: 50).flatMap { $0 },
                omittedTokens: Int.random(in: 0...10_000, using: &generator),
                remedy: alert.remedy
            )
            try checkLimits(of: form, document(form, alert))
            try checkLimits(of: form, document(form, crowd))
        }
    }

    @Test(arguments: Forms.names) func `counts the tokens it cannot name`(_ form: String) throws {
        let text = texts(in: try document(form, Samples.many(10_000))).joined(separator: "\n")
        #expect(text.contains("10000") || form == "standard" || form == "cloudevents", "\(form)")
    }

    @Test(arguments: Forms.names) func `is never empty where its service wants text`(_ form: String) throws {
        let alert = Samples.hostile("")
        let document = try document(form, alert)
        let required: [String: [String]] = [
            "slack": ["/text", "/blocks/0/text/text"], "discord": ["/content", "/embeds/0/title"],
            "teams": ["/attachments/0/content/body/0/inlines/0/text"],
            "pagerduty": ["/dedup_key", "/payload/summary", "/payload/source"],
            "ntfy": ["/title", "/message", "/topic"], "cloudevents": ["/id", "/source", "/type"],
        ]
        for path in required[form] ?? [] where path != "/dedup_key" {
            let value = try document.value(at: path)
            guard case .string(let text)? = value, !text.isEmpty else {
                return reject("\(path): \(String(describing: value))")
            }
        }
        #expect(document.member("type") != .null)
    }

    /// The limits each service documents, written down again.
    private func checkLimits(of form: String, _ document: JSONValue) throws {
        func length(_ path: String) throws -> Int {
            guard case .string(let text)? = try document.value(at: path) else { return 0 }
            return text.utf16.count
        }
        switch form {
        case "slack":
            guard case .array(let blocks)? = document.member("blocks") else { return reject("no blocks") }
            #expect(blocks.count <= 50)
            #expect(try length("/blocks/0/text/text") <= 150)
            for index in blocks.indices { #expect(try length("/blocks/\(index)/text/text") <= 3000) }
            #expect(try length("/text") <= 4000)
        case "discord":
            let parts = try ["title", "description", "footer/text"].map { try length("/embeds/0/\($0)") }
            #expect(parts[0] <= 256 && parts[1] <= 4096 && parts[2] <= 2048 && parts.reduce(0, +) <= 6000)
            #expect(try length("/content") <= 2000)
            #expect(document.member("allowed_mentions") == ["parse": []])
        case "pagerduty":
            #expect(try length("/payload/summary") <= 1024)
            #expect(try length("/dedup_key") <= 255)
        case "ntfy":
            guard case .string(let message)? = document.member("message") else { return reject("no message") }
            #expect(message.utf8.count <= 4096)
        default: break
        }
    }

    private func texts(in value: JSONValue) -> [String] {
        switch value {
        case .string(let text): [text]
        case .array(let elements): elements.flatMap(texts)
        case .object(let members): members.values.flatMap(texts)
        case .null, .bool, .number: []
        }
    }
}

@Suite struct `Markup in an alert` {
    private func texts(_ format: any MessageFormat, _ text: String) throws -> String {
        String(decoding: try format.message(for: Samples.hostile(text)), as: UTF8.self)
    }

    @Test func `calls nobody and links nowhere in Slack`() throws {
        let message = try texts(SlackFormat(), "<!channel> <https://evil.example|click> a & b")
        let document = try #require(JSONValue(parsing: Array(message.utf8)))
        guard case .array(let blocks)? = document.member("blocks") else { return reject("no blocks") }
        for block in blocks where block.member("type") == "section" {
            guard case .string(let text)? = block.member("text")?.member("text") else { return reject("no text") }
            #expect(!text.contains("<!") && !text.contains("<http"))
            #expect(block.member("text")?.member("verbatim") == true)
        }
        #expect(document.member("text") == "&lt;!channel&gt; &lt;https://evil.example|click&gt; a &amp; b")
    }

    @Test func `is shown as it is in Discord`() throws {
        let message = try DiscordFormat().message(
            for: Samples.hostile("**x** [a](https://evil.example) @everyone <@1>")
        )
        let document = try #require(JSONValue(parsing: message))
        let title = #"\*\*x\*\* \[a\]\(https\://evil.example\) \@everyone \<\@1\>"#
        #expect(try document.value(at: "/embeds/0/title") == .string(title))
    }

    @Test func `stands in Teams only where Markdown means nothing`() throws {
        let message = try texts(TeamsFormat(), "[a](https://evil.example) **x**")
        #expect(!message.contains("TextBlock\"") || message.contains("RichTextBlock\""))
        #expect(!message.contains("\"TextBlock\"") && !message.contains("FactSet"))
    }

    @Test(arguments: ["javascript:alert(1)", "https://a b", "https://x/\"><script>", "ftp://x", "https://u:p@x/", "x"])
    func `makes no link of what is no address`(_ text: String) throws {
        for (name, format) in try Forms.all() where name != "standard" && name != "cloudevents" && name != "template" {
            let document = try #require(JSONValue(parsing: format.message(for: Samples.hostile(text))))
            for pointer in ["/embeds/0/url", "/click", "/links/0/href", "/attachments/0/content/actions/0/url"] {
                #expect(try document.value(at: pointer) == nil, "\(name) \(pointer)")
            }
        }
    }
}

@Suite struct `An event for PagerDuty` {
    private func event(_ alert: Alert) throws -> JSONValue {
        try #require(JSONValue(parsing: Forms.named("pagerduty").message(for: alert)))
    }

    @Test func `of a recovery ends what the death began`() throws {
        let (death, end) = (try event(Samples.alert(.invalidated)), try event(Samples.alert(.recovered)))
        #expect(death.member("event_action") == "trigger")
        #expect(death.member("payload")?.member("severity") == "critical")
        #expect(end.member("event_action") == "resolve")
        #expect(end.member("dedup_key") == death.member("dedup_key"))
        #expect(death.member("dedup_key") == .string(Samples.incident))
    }

    @Test func `of a recovery in part ends nothing`() throws {
        let alert = Samples.alert(.recovered)
        let part = Alert(
            id: alert.id,
            kind: .recovered,
            severity: .info,
            createdAt: alert.createdAt,
            incidentID: alert.incidentID,
            incidentKind: .invalidated,
            summary: alert.summary,
            host: alert.host,
            tokens: alert.tokens,
            openTokens: 3
        )
        #expect(try event(part).member("event_action") == "trigger")
        #expect(try event(part).member("payload")?.member("severity") == "critical")
    }
}

@Suite struct `A text that is fitted` {
    @Test(arguments: Samples.hostileTexts + Samples.hugeTexts, [0, 1, 2, 3, 4, 10, 100])
    func `is never longer than its limit`(_ hostile: HostileText, limit: Int) {
        for unit in [TextUnit.bytes, .characters] {
            let fitted = hostile.text.fitted(to: limit, unit)
            #expect(unit.length(of: fitted) <= limit)
            #expect((unit.length(of: hostile.text) <= limit) == (fitted == hostile.text))
        }
    }

    @Test func `is cut between characters and never in an escape`() {
        #expect("👨‍👩‍👧‍👦👨‍👩‍👧‍👦".fitted(to: 30, .bytes) == "👨‍👩‍👧‍👦…")
        #expect("👨‍👩‍👧‍👦👨‍👩‍👧‍👦".fitted(to: 20, .bytes) == "…")
        #expect("a&b&c".fitted(to: 8, escaping: { $0 == "&" ? "&amp;" : String($0) }) == "a&amp;b…")
        #expect("a&b".fitted(to: 7, escaping: { $0 == "&" ? "&amp;" : String($0) }) == "a&amp;b")
        #expect("a&b".fitted(to: 6, escaping: { $0 == "&" ? "&amp;" : String($0) }) == "a…")
    }
}
