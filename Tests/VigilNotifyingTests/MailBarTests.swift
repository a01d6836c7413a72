import FoundationEssentials
import Testing
import TokenHealth

@testable import VigilNotifying

@Suite struct `The last days in a mail` {
    private func story(_ bars: [String: String], tokens: [String] = ["bot"]) throws -> AlertStory {
        let lastDays = try bars.map { (Samples.name($0), try bar($1)) }
        return AlertStory(
            Alert(
                id: "1",
                kind: .invalidated,
                severity: .critical,
                createdAt: Samples.now,
                summary: "INVALID",
                host: "srv1",
                tokens: tokens.map { Samples.report($0) },
                lastDays: Dictionary(uniqueKeysWithValues: lastDays)
            )
        )
    }

    private func bar(_ text: String) throws -> DayBar {
        try JSONDecoder().decode(DayBar.self, from: Data("\"\(text)\"".utf8))
    }

    private func count(_ part: String, in text: String) -> Int { text.ranges(of: part).count }

    private let month = String(repeating: "-", count: 10) + String(repeating: "v", count: 18) + "Vi"

    @Test func `are a cell a day, in the colour of the state, without any style sheet`() throws {
        let page = MailPage(try story(["bot": month])).text
        let valid = StateColour(of: .valid).light
        #expect(count("bgcolor=\"\(valid)\"", in: page) == 19)
        #expect(count("background:\(valid)\"", in: page) == 19)
        #expect(count("bgcolor=\"\(StateColour(of: .invalid).light)\"", in: page) == 1)
        // Ten days that were not watched, and the upper half of one that hardly was.
        #expect(count("bgcolor=\"\(StateColour.unseen.light)\"", in: page) == 11)
        #expect(count("rowspan=\"2\"", in: page) == 29)
    }

    @Test func `are one row where every day was seen`() throws {
        let page = MailPage(try story(["bot": String(repeating: "v", count: 30)])).text
        #expect(!page.contains("rowspan"))
        #expect(count("bgcolor=", in: page) == 30)
    }

    @Test func `are told in words and letters, too`() throws {
        let story = try story(["bot": month])
        let words = "1 invalid, 19 valid, 10 not watched"
        #expect(MailPage(story).text.contains("aria-label=\"The last 30 days: \(words)\""))
        #expect(MailPage(story).text.contains(">\(words); today is last</p>"))
        #expect(MailBody(story).text.contains("THE LAST 30 DAYS, today last\n  \(month)\n  \(words)\n"))
    }

    @Test func `are darker in the dark`() throws {
        let page = MailPage(try story(["bot": month])).text
        for state in [StateName.valid, .invalid] {
            #expect(page.contains(".day-\(state.rawValue) { background: \(StateColour(of: state).dark) !important; }"))
        }
        #expect(!page.contains(".day-blind"))
    }

    @Test func `stand under the name of each of a few tokens`() throws {
        let both = try story(["bot": month, "other": month], tokens: ["bot", "other"])
        #expect(MailBody(both).text.contains("bot:\n  \(month)"))
        #expect(count("aria-label=\"The last 30 days", in: MailPage(both).text) == 2)
        let many = try story(["token-1": month], tokens: (1...6).map { "token-\($0)" })
        #expect(!MailPage(many).text.contains("last 30 days"))
    }

    @Test(arguments: ["", "v", "<script>", String(repeating: "v", count: 3000)])
    func `are left out where they are not thirty days`(text: String) throws {
        let story = try story(["bot": text])
        #expect(!MailPage(story).text.contains("last 30 days"))
        #expect(!MailBody(story).text.contains("LAST 30 DAYS"))
    }

    @Test func `what is no state is a day that was not watched`() throws {
        let page = MailPage(try story(["bot": String(repeating: "<", count: 30)])).text
        #expect(count("bgcolor=\"\(StateColour.unseen.light)\"", in: page) == 30)
    }
}
