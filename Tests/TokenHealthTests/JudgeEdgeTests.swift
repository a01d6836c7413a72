import TokenHealth
import Testing

/// What the rows of table 5.1 leave to their edges: each of these fails when its row is changed.
@Suite struct `The edges of the table of verdicts` {
    private func token(_ probe: ProbeTemplate) -> WatchedToken { Sample.token(Sample.provider(probe)) }

    @Test(arguments: [200, 204, 299])
    func `the whole class 2xx can accept`(status: Int) {
        let judge = Judge(token: token(ProbeTemplate(path: "/me")))
        let reply = status == 204 ? Reply.text(204) : Reply.json(status, "{}")
        #expect(judge.finding(on: reply).verdict == .accepted(nil))
    }

    @Test(arguments: ["hello", "", "{\"a\":"])
    func `a status alone accepts nothing but JSON`(body: String) {
        let judge = Judge(token: token(ProbeTemplate(path: "/me")))
        #expect(judge.finding(on: Reply.text(200, body)).verdict == .indeterminate(.unexpected))
        #expect(judge.controlResult(of: Reply.text(200, body)) == .other)
    }

    @Test(arguments: [
        Reply.text(200, #"{"data":{"id":1}}"#, isCut: true),
        Reply.text(200, #"{"data":{"id":1}}"#, [HeaderField("Content-Encoding", "gzip")]),
        Reply.html(200),
    ])
    func `a rule that looks inside reads no page, no part of a body and nothing compressed`(reply: Exchange) {
        let rule = Matcher(status: .success, body: Sample.pattern("."))
        let judge = Judge(token: token(ProbeTemplate(path: "/me", accepted: [rule])))
        #expect(judge.finding(on: reply).verdict == .indeterminate(.unexpected))
        #expect(judge.controlResult(of: reply) == .other)
    }

    @Test func `a control that is listed as about something else proves no open endpoint`() {
        let oddity = Matcher(status: .exactly(200), json: [Sample.pointer("/guest"): .present])
        let reply = Reply.json(200, #"{"guest":true}"#)
        #expect(Judge(token: token(ProbeTemplate(path: "/me"))).controlResult(of: reply) == .open)
        for probe in [ProbeTemplate(path: "/me", limited: [oddity]), ProbeTemplate(path: "/me", unrelated: [oddity])] {
            #expect(Judge(token: token(probe)).controlResult(of: reply) == .other)
        }
    }

    @Test(arguments: [200, 299])
    func `a control of the whole class 2xx shows an open endpoint`(status: Int) {
        let judge = Judge(token: token(ProbeTemplate(path: "/me")))
        #expect(judge.controlResult(of: Reply.json(status, "{}")) == .open)
    }

    @Test(arguments: [
        Reply.text(403, "{", isCut: true), Reply.text(403, "{}", [HeaderField("Content-Encoding", "br")]),
    ])
    func `a 403 that cannot be read is unexpected, and no control makes it clear`(reply: Exchange) {
        let judge = Judge(token: token(ProbeTemplate(path: "/me")))
        #expect(!judge.needsControl(for: reply))
        #expect(judge.finding(on: reply, control: Reply.unauthenticated).verdict == .indeterminate(.unexpected))
    }

    private func verdict(on page: Exchange, control: Exchange?, siblingsPass: Bool) -> Verdict {
        Judge(token: token(ProbeTemplate(path: "/me")), siblingsPass: siblingsPass).finding(on: page, control: control)
            .verdict
    }

    @Test func `a 403 page is the token's own where it comes without the token too, and siblings pass`() {
        let page = Reply.html(403)
        #expect(Judge(token: token(ProbeTemplate(path: "/me")), siblingsPass: true).needsControl(for: page))
        #expect(verdict(on: page, control: page, siblingsPass: true) == .rejected(.credential))
        #expect(verdict(on: page, control: page, siblingsPass: false) == .indeterminate(.blocked))
    }

    @Test func `a 403 page is a wall's where the request without the token gets another one, or none`() {
        let page = Reply.html(403)
        let other = Reply.text(403, "<html>Incident 7</html>", [HeaderField("Content-Type", "text/html")])
        #expect(verdict(on: page, control: other, siblingsPass: true) == .indeterminate(.blocked))
        #expect(verdict(on: page, control: Reply.unauthenticated, siblingsPass: true) == .indeterminate(.blocked))
        #expect(verdict(on: page, control: nil, siblingsPass: true) == .indeterminate(.blocked))
        #expect(verdict(on: page, control: Reply.failed(.timeout), siblingsPass: true) == .indeterminate(.blocked))
    }

    /// A token that is asked about with another credential, which stands in the header.
    private var asked: WatchedToken {
        var provider = Sample.provider(ProbeTemplate(path: "/introspect"))
        provider.authorization = AuthorizationTemplate(value: "Bearer {asker}")
        return Sample.token(provider)
    }

    @Test(arguments: [(401, "insufficient_user_authentication"), (403, "insufficient_scope")])
    func `what is said of the credential that asks is not said of the token`(status: Int, error: String) {
        let reply = Reply.json(status, "{}", [HeaderField("WWW-Authenticate", "Bearer error=\"\(error)\"")])
        #expect(Judge(token: asked).finding(on: reply).verdict == .misconfigured(.asker))
        #expect(Judge(token: Sample.token()).finding(on: reply).verdict.name == .limited)
    }

    @Test func `a 403 page for the credential that asks is a wall's, even where siblings pass`() {
        let judge = Judge(token: asked, siblingsPass: true)
        #expect(!judge.needsControl(for: Reply.html(403)))
        #expect(judge.finding(on: Reply.html(403), control: Reply.html(403)).verdict == .indeterminate(.blocked))
    }
}
