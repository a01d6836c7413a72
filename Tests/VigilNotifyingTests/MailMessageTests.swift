import FoundationEssentials
import TokenHealth
import Testing

@testable import VigilNotifying

@Suite struct `The mail of an alert` {
    private static let from = "tokenvigil@example.com"
    private static let to = ["oncall@example.com", "hr-it@example.com"]

    private func mail(_ alert: Alert) throws -> String {
        try MailMessage(alert, from: Self.from, to: Self.to).text
    }

    private static let samples =
        AlertKind.allCases.map { NamedAlert(name: $0.rawValue, alert: Samples.alert($0)) } + [
            NamedAlert(name: "crowd", alert: Samples.crowd(of: 30)),
            NamedAlert(name: "many", alert: Samples.many(10_000)), NamedAlert(name: "unicode", alert: unicode),
        ]

    private static var unicode: Alert {
        var token = Samples.report(
            "büro".filter(\.isASCII) + "-key",
            explanation: "401 „nicht angemeldet“; seit heute früh"
        )
        token.owner = "Jürgen Müller"
        token.usedBy = [Dependant(name: "Übergabe → Lohnbuchhaltung", owner: "フロントデスク", url: nil)]
        return Alert(
            id: "unicode-1",
            kind: .invalidated,
            severity: .critical,
            createdAt: Samples.now,
            incidentID: "unicode",
            summary: "INVALID bro-key (revoked) on prüfstand-ä",
            host: "prüfstand-ä",
            tokens: [token]
        )
    }

    /// To accept a change: `UPDATE_GOLDEN=1 swift test --filter VigilNotifyingTests`, and read the difference.
    @Test(arguments: samples)
    func `reads as it was agreed`(_ sample: NamedAlert) throws {
        let file = Repository.root.appending(path: "Tests/VigilNotifyingTests/Golden/\(sample.name).eml")
        let mail = try mail(sample.alert)
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
            try Data(mail.utf8).write(to: file)
        }
        #expect(mail == String(decoding: try Data(contentsOf: file), as: UTF8.self))
    }

    @Test(arguments: samples)
    func `fits a phone`(_ sample: NamedAlert) {
        for line in MailBody(AlertStory(sample.alert)).text.split(separator: "\n") where line.count > 72 {
            #expect(line.contains("/") || line.hasPrefix("  sudo"), "\(line)")
        }
    }

    @Test func `has the headers that are promised, in a stable order`() throws {
        let names = try headers(of: Samples.alert(.reminder)).map(\.name)
        #expect(
            names == [
                "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
                "X-Auto-Response-Suppress", "MIME-Version", "Content-Type",
                "X-Tokenvigil-Token", "X-Tokenvigil-State", "X-Tokenvigil-Incident",
            ]
        )
    }

    @Test(arguments: Samples.hostileTexts)
    func `cannot be given another header`(_ hostile: HostileText) throws {
        let text = hostile.text
        let allowed: Set = [
            "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
            "X-Auto-Response-Suppress", "MIME-Version", "Content-Type",
            "X-Tokenvigil-Token", "X-Tokenvigil-State", "X-Tokenvigil-Incident",
        ]
        let headers = try headers(of: Samples.hostile(text))
        #expect(Set(headers.map(\.name)).isSubset(of: allowed))
        #expect(Set(headers.map(\.name)).count == headers.count)
        #expect(headers.first { $0.name == "To" }?.value == "oncall@example.com, hr-it@example.com")
        let mail = try mail(Samples.hostile(text))
        #expect(mail.utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 == 0x0A })
        #expect(mail.split(separator: "\n").allSatisfy { $0.utf8.count <= 998 })
    }

    @Test(arguments: [
        "", " ", "a b@example.com", "a@example.com\nBcc: b@example.com", "a@example.com\r", "a@example.com\u{0}",
        "-oQ/tmp@example.com", "<a@example.com>", "A <a@example.com>", "a@example.com,b@example.com", "ü@example.com",
        "a@example.com;b", "\"a\"@example.com", "a\\@example.com", String(repeating: "a", count: 255),
        "a\u{2028}@example.com",
    ])
    func `is refused to what is not an address`(_ address: String) {
        #expect(throws: MailProblem.address(address)) {
            try MailMessage(Samples.alert(.test), from: Self.from, to: ["root", address])
        }
        #expect(throws: MailProblem.address(address)) {
            try MailMessage(Samples.alert(.test), from: address, to: ["root"])
        }
    }

    @Test func `needs a recipient`() {
        #expect(throws: MailProblem.noRecipient) { try MailMessage(Samples.alert(.test), from: Self.from, to: []) }
    }

    @Test(arguments: samples)
    func `satisfies another implementation`(_ sample: NamedAlert) async throws {
        let alert = sample.alert
        try await checkWithPython(alert, subject: "[tokenvigil] \(alert.summary)")
    }

    @Test(arguments: Samples.hostileTexts)
    func `satisfies another implementation, whatever is in it`(_ hostile: HostileText) async throws {
        let text = hostile.text
        let alert = Samples.hostile(text)
        try await checkWithPython(alert, subject: nil)
    }

    /// Parses with Python's `email` under its strict policy, where every defect is an error.
    private func checkWithPython(_ alert: Alert, subject: String?) async throws {
        let mail = try mail(alert)
        let story = AlertStory(alert)
        let lengths = [MailBody(story).text, MailPage(story).text].map { "\($0.unicodeScalars.count)" }.joined(
            separator: " "
        )
        let program = """
            import email, email.policy, html.parser, sys
            message = email.message_from_bytes(sys.stdin.buffer.read(), policy=email.policy.strict)
            assert message.get_content_type() == "multipart/alternative" and not message.defects, message.defects
            parts = list(message.iter_parts())
            assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"], parts
            assert not any(part.defects for part in parts) and not message.epilogue, "parts"
            class Page(html.parser.HTMLParser):
                def __init__(self):
                    super().__init__()
                    self.open, self.tags = [], set()
                def handle_starttag(self, tag, attributes):
                    self.tags.add(tag)
                    assert not {"src", "background", "action", "onclick", "srcset"} & {name for name, _ in attributes}, tag
                    for name, value in attributes:
                        assert name != "href" or value.startswith(("http://", "https://")), value
                        assert name != "style" or "url(" not in value, value
                    if tag not in ("meta", "br"): self.open.append(tag)
                def handle_endtag(self, tag):
                    assert self.open and self.open.pop() == tag, tag
            page = Page()
            page.feed(parts[1].get_content())
            page.close()
            assert not page.open, page.open
            known = {"html", "head", "meta", "title", "style", "body", "div", "p", "h2", "ul", "ol", "li", "table", "tr",
                "th", "td", "a", "br", "span", "pre", "code"}
            assert page.tags <= known, page.tags - known
            for name in message.keys():
                value = message[name]
                assert not value.defects, (name, value.defects)
                assert chr(10) not in value and chr(13) not in value, name
            assert [a.addr_spec for a in message["To"].addresses] == ["oncall@example.com", "hr-it@example.com"], message["To"]
            assert message["Date"].datetime.utcoffset().total_seconds() == 0, "date"
            sys.stdout.write(" ".join(str(len(part.get_content())) for part in parts) + " " + message["Subject"])
            """
        let python = ChildProcess(
            executable: "python3",
            arguments: ["-X", "utf8", "-c", program],
            timeLimit: .seconds(60)
        )
        let outcome = await python.run(input: Array(mail.utf8))
        #expect(outcome.ending == .exited(0), "\(outcome.complaint)\n\(mail)")
        #expect(outcome.complaint.hasPrefix("\(lengths) [tokenvigil]"))
        if let subject { #expect(outcome.complaint == "\(lengths) \(subject)") }
    }

    private func headers(of alert: Alert) throws -> [(name: String, value: String)] {
        let mail = try mail(alert)
        let end = try #require(mail.firstRange(of: "\n\n")).lowerBound
        let unfolded = mail[..<end].replacing("\n ", with: " ")
        return try unfolded.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let colon = try #require(line.firstIndex(of: ":"), "\(line)")
            return (String(line[..<colon]), String(line[line.index(after: colon)...].trimmingPrefix(" ")))
        }
    }
}

/// An alert that a test report shows by its name.
struct NamedAlert: Sendable, CustomTestStringConvertible {
    let name: String
    let alert: Alert

    var testDescription: String { name }
}
