import FoundationEssentials
import TokenHealth
import Testing

/// A token whose account is no longer in the organization it is for.
struct MembershipTests {
    private static let template = MembershipTemplate(
        path: "/me/organizations?page={page}",
        parameter: "organization",
        list: Sample.pointer("/data"),
        id: Sample.pointer("/id"),
        totalPages: Sample.pointer("/meta/total_pages"),
        page: Sample.pointer("/meta/current_page")
    )

    private static func token() -> WatchedToken {
        var provider = Sample.provider()
        provider.membership = template
        var token = Sample.token(provider)
        token.parameters = ["organization": "wanted"]
        return token
    }

    private static func page(_ ids: [String], _ page: Int = 1, of total: Int = 1) -> Exchange {
        let list = ids.map { "{\"id\":\"\($0)\"}" }.joined(separator: ",")
        return Reply.json(200, "{\"data\":[\(list)],\"meta\":{\"total_pages\":\(total),\"current_page\":\(page)}}")
    }

    private func outcome(_ exchange: Exchange, page: Int = 1) -> MembershipReading.Outcome {
        MembershipTests.template.reading(of: exchange, page: page, seeking: "wanted").outcome
    }

    // MARK: - One page

    @Test func `a page lists the organization, or is one of so many that do not`() {
        #expect(outcome(MembershipTests.page(["a", "wanted"])) == .listed)
        #expect(outcome(MembershipTests.page(["a"], 2, of: 3), page: 2) == .absent(pages: 3))
        #expect(outcome(MembershipTests.page([], of: 0)) == .absent(pages: 1))
    }

    @Test func `a number is as good as a text`() {
        let exchange = Reply.json(200, #"{"data":[{"id":42}],"meta":{"total_pages":"1","current_page":"1"}}"#)
        let reading = MembershipTests.template.reading(of: exchange, page: 1, seeking: "42")
        #expect(reading.outcome == .listed)
    }

    @Test(arguments: [
        Reply.failed(.timeout), Reply.unauthenticated, Reply.json(403, "{}"), Reply.json(404, "{}"),
        Reply.json(429, "{}", [HeaderField("Retry-After", "60")]), Reply.json(500, "{}"), Reply.html(200),
        Reply.json(200, "{}"), Reply.json(200, #"{"data":null}"#), Reply.json(200, #"{"data":{"id":"a"}}"#),
        Reply.json(200, #"{"data":[{"name":"a"}],"meta":{"total_pages":1,"current_page":1}}"#),
        Reply.json(200, #"{"data":[]}"#), page([], of: -1), page(["a"], 1, of: 51), page(["a"], 2, of: 2),
        page(["a"], of: 1, cut: true), Reply.text(302),
        Reply.json(200, #"{"data":[],"meta":{"total_pages":1.5,"current_page":1}}"#),
    ])
    func `anything unexpected tells nothing`(exchange: Exchange) {
        #expect(outcome(exchange) == .unreadable)
    }

    private static func page(_ ids: [String], of total: Int, cut: Bool) -> Exchange {
        guard case .answered(let answer) = page(ids, 1, of: total).outcome else { return Reply.failed(.dns) }
        return Exchange(.answered(Answer(status: 200, headers: answer.headers, body: answer.body, isCut: cut)))
    }

    @Test func `a page beyond the last tells nothing`() {
        #expect(outcome(MembershipTests.page([], 3, of: 2), page: 3) == .unreadable)
    }

    @Test func `a list that comes whole needs no pages, and its elements may be the ids`() {
        let template = MembershipTemplate(path: "/groups", parameter: "group", list: Sample.pointer("/groups"))
        let exchange = Reply.json(200, #"{"groups":["a","b"]}"#)
        #expect(template.reading(of: exchange, page: 1, seeking: "b").outcome == .listed)
        #expect(template.reading(of: exchange, page: 1, seeking: "c").outcome == .absent(pages: 1))
    }

    // MARK: - When it is asked

    /// A token with its memberships, looked at as the observer does.
    private struct Account {
        var history = History(MembershipTests.token())
        /// The pages of the list; `nil` for one that cannot be had.
        var pages: [[String]?] = [["wanted"]]
        private(set) var asked: [Int] = []

        mutating func look(at seconds: Double, _ verdict: Verdict = .acceptedOwner) {
            let finding = Finding(verdict, "HTTP 200")
            let page = history.belief.membershipPage(
                for: finding,
                token: history.token,
                fingerprint: history.fingerprint ?? Sample.fingerprint(),
                at: Sample.moment(seconds)
            )
            var reading: MembershipReading?
            if let page {
                asked.append(page)
                let ids = pages.indices.contains(page - 1) ? pages[page - 1] : []
                let exchange = ids.map { MembershipTests.page($0, page, of: pages.count) } ?? Reply.json(500, "{}")
                reading = history.token.membershipReading(of: exchange, page: page)
            }
            history.observe(finding, at: seconds, membership: reading)
        }

        mutating func looks(from seconds: Double, count: Int) {
            for step in 0..<count { look(at: seconds + Double(step * 60)) }
        }
    }

    @Test func `it is asked at first, and then every quarter of an hour`() {
        var account = Account()
        account.looks(from: 0, count: 31)
        #expect(account.asked == [1, 1, 1])
        #expect(account.history.belief.state == .valid)
    }

    @Test func `it is asked one page after each probe, and next time where it was found`() {
        var account = Account()
        account.pages = [["a"], ["b"], ["c", "wanted"]]
        account.looks(from: 0, count: 20)
        #expect(account.asked == [1, 2, 3, 3])
    }

    @Test func `it is asked at once when the answer of the probe changes`() {
        var account = Account()
        account.look(at: 0)
        account.look(at: 60, .indeterminate(.serverError))
        account.look(at: 120)
        account.look(at: 180)
        #expect(account.asked == [1, 1])
    }

    @Test func `it is asked at once for a new secret, and after a restart`() throws {
        var account = Account()
        account.look(at: 0)
        account.history.fingerprint = Sample.fingerprint(2)
        account.look(at: 60)
        try account.history.restart()
        account.look(at: 120)
        #expect(account.asked == [1, 1, 1])
    }

    @Test(arguments: [
        Verdict.rejected(.credential), .indeterminate(.dns), .limited(.plan), .limited(.forbidden),
        .misconfigured(.endpoint),
    ])
    func `it is asked for a token that is accepted`(verdict: Verdict) {
        var account = Account()
        account.look(at: 0, verdict)
        #expect(account.asked == [])
    }

    @Test(arguments: [Verdict.limited(.forbidden), .misconfigured(.endpoint)])
    func `and where a request within the organization finds nothing there`(verdict: Verdict) {
        var account = Account()
        account.history.token.probe.path = "/organizations/{organization}/me"
        account.look(at: 0)
        account.pages = [["other"]]
        for step in 1...5 { account.look(at: Double(step * 60), verdict) }
        #expect(account.history.belief.state == .limited(.organizationLost))
    }

    @Test func `without an organization nothing is asked`() {
        var account = Account()
        account.history.token.parameters = [:]
        account.look(at: 0)
        #expect(account.asked == [])
        #expect(account.history.belief.state == .valid)
    }

    // MARK: - What is concluded

    @Test func `a loss is believed when two readings of the whole list agree`() {
        var account = Account()
        account.look(at: 0)
        account.pages = [["a"], ["b"]]
        account.looks(from: 900, count: 3)
        #expect(account.history.belief.state == .valid)
        account.looks(from: 1080, count: 1)
        #expect(account.asked == [1, 1, 2, 1, 2])
        #expect(account.history.belief.state == .limited(.organizationLost))
        #expect(account.history.told == [])
        account.looks(from: 1140, count: 5)
        #expect(account.history.told == [.limited])
        let explanation = account.history.belief.explanation
        #expect(explanation.contains("its account is no longer in the organization wanted, all 2 pages read"))
    }

    @Test func `a list that cannot be read says nothing, before a loss and after it`() {
        var account = Account()
        account.pages = [["a"], nil]
        account.looks(from: 0, count: 100)
        #expect(account.history.belief.state == .valid)
        account.pages = [["a"], ["b"]]
        account.looks(from: 6000, count: 40)
        #expect(account.history.belief.state == .limited(.organizationLost))
        account.pages = [nil, nil]
        account.looks(from: 9000, count: 10)
        #expect(account.history.belief.state == .limited(.organizationLost))
        #expect(account.history.told == [.limited])
    }

    @Test func `a list that changes its length meanwhile says nothing`() {
        var account = Account()
        account.pages = [["a"], ["b"], ["c"]]
        for step in 0..<200 {
            account.look(at: Double(step * 60))
            account.pages = step.isMultiple(of: 2) ? [["a"], ["b"]] : [["a"], ["b"], ["c"]]
        }
        #expect(account.history.belief.state == .valid)
    }

    @Test func `an organization that moved between two pages is not lost`() {
        var account = Account()
        account.pages = [["a"], ["wanted"]]
        account.look(at: 0)
        account.pages = [["wanted"], ["a"]]
        account.looks(from: 60, count: 3)
        #expect(account.history.belief.state == .valid)
    }

    @Test func `a page that is gone with the organization does not hide the loss`() {
        var account = Account()
        account.pages = [["a"], ["wanted"]]
        account.looks(from: 0, count: 2)
        account.pages = [["a"]]
        account.looks(from: 1000, count: 4)
        #expect(account.history.belief.state == .limited(.organizationLost))
    }

    @Test func `coming back ends it at the next look`() throws {
        var account = Account()
        account.pages = [["a"]]
        account.looks(from: 0, count: 6)
        #expect(account.history.told == [.limited])
        try account.history.restart()
        account.pages = [["wanted"]]
        account.look(at: 600)
        #expect(account.history.belief.state == .valid)
        #expect(account.history.told == [.limited, .recovered])
    }

    @Test func `another organization in the configuration starts over`() {
        var account = Account()
        account.pages = [["a"]]
        account.looks(from: 0, count: 6)
        account.history.token.parameters = ["organization": "a"]
        account.look(at: 600)
        #expect(account.history.belief.state == .valid)
    }

    @Test func `a reading under way is nothing to store`() {
        var account = Account()
        account.pages = [["a"], ["b"], ["wanted"]]
        account.look(at: 0)
        account.history.observe(Finding(.acceptedOwner, "HTTP 200"), at: 30, control: .refused)
        let before = account.history.belief
        account.look(at: 60)
        #expect(account.history.decisions.last?.isWorthStoring(after: before) == false)
    }

    @Test func `the remedy is about the account, not about another token`() throws {
        var account = Account()
        account.pages = [["a"]]
        account.looks(from: 0, count: 6)
        let alert = try #require(account.history.alert(telling: account.history.decisions.flatMap(\.notices).first))
        #expect(alert.summary == "LIMITED hr-onboarding (organization_lost) on srv1")
        let step = "Have an administrator of the organization wanted add api-bot@example.test (id 12345) again"
        #expect(alert.remedy.steps.first?.hasPrefix(step) == true)
    }
}
