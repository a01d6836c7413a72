import FoundationEssentials
import TokenHealth
import Testing

@testable import VigilNotifying

@Suite struct `The evidence in an alert` {
    private static func evidence(_ name: String = "hr-onboarding") -> Evidence {
        let provider = Provider(
            name: "tallyfy",
            baseURL: "https://go.tallyfy.com/api",
            probe: ProbeTemplate(path: "/me/organizations")
        )
        let token = WatchedToken(
            name: Samples.name(name),
            provider: provider,
            secret: .file(path: "/etc/secret \(name)")
        )
        let answer = Answer(status: 401, body: Array(#"{"message":"Unauthenticated."}"#.utf8))
        var belief = Belief(at: Samples.now)
        belief.answers = [
            AnswerEvidence(
                of: Exchange(.answered(answer)),
                verdict: .rejected,
                rules: token.probe,
                at: Samples.now
            )
        ]
        belief.lastAcceptedAt = Samples.now
        return Evidence(token: token, belief: belief)
    }

    private func alert(about names: [String]) -> Alert {
        Alert(
            id: "a",
            kind: .invalidated,
            severity: .critical,
            createdAt: Samples.now,
            summary: "INVALID on srv1",
            host: "srv1",
            tokens: names.map { Samples.report($0) },
            evidence: names.map(Self.evidence)
        )
    }

    @Test func `is in the mail, with the command on a line of its own`() {
        let lines = MailBody(AlertStory(alert(about: ["hr-onboarding"]))).text.split(separator: "\n").map(String.init)
        #expect(lines.contains("EVIDENCE"))
        #expect(lines.contains(#"- answer: HTTP 401 "Unauthenticated.", at 2026-11-23 10:05:07 UTC"#))
        #expect(
            lines.contains {
                $0.hasPrefix("  : <'/etc/secret hr-onboarding' && curl ") && $0.hasSuffix("/organizations")
            }
        )
    }

    @Test func `is on the page of the mail too`() {
        let page = MailPage(AlertStory(alert(about: ["hr-onboarding"]))).text
        #expect(page.contains("HTTP 401 &quot;Unauthenticated.&quot;, at 2026-11-23 10:05:07 UTC"))
        #expect(page.contains("&lt;&#39;/etc/secret hr-onboarding&#39; &amp;&amp; curl "))
    }

    @Test func `is of the first token in the mail, and of each in the document`() throws {
        let alert = alert(about: ["one", "two"])
        #expect(MailBody(AlertStory(alert)).text.contains("EVIDENCE ON one\n"))
        let document = try #require(JSONValue(parsing: AlertDocument(alert: alert).encoded()))
        let names = try [0, 1].map { document[try #require(JSONPointer("/data/evidence/\($0)/name"))] }
        #expect(names == [.string("one"), .string("two")])
        let command = try #require(JSONPointer("/data/evidence/1/repeat/command"))
        #expect(document[command]?.scalarText?.contains("secret two") == true)
    }

    @Test func `of a token that is left out is left out too, and the document stays small`() throws {
        let alert = alert(about: (1...200).map { "token-\($0)" })
        let bytes = try AlertDocument(alert: alert).encoded()
        #expect(bytes.count <= AlertDocument.maximumSize)
        let document = try #require(JSONValue(parsing: bytes))
        guard case .array(let tokens)? = document[try #require(JSONPointer("/data/tokens"))],
            case .array(let evidence)? = document[try #require(JSONPointer("/data/evidence"))]
        else { return reject("no lists") }
        #expect(tokens.count == evidence.count)
        #expect((5..<200).contains(tokens.count))
    }

    @Test func `is an empty list where there is none`() throws {
        let document = try #require(JSONValue(parsing: AlertDocument(alert: Samples.alert(.test)).encoded()))
        #expect(document[try #require(JSONPointer("/data/evidence"))] == .array([]))
        #expect(!MailBody(AlertStory(Samples.alert(.test))).text.contains("EVIDENCE"))
    }
}
