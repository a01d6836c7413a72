import FoundationEssentials
import TokenHealth
import Testing

/// What an accepted answer tells besides whose token it is.
struct StatedFactsTests {
    private func facts(
        _ exchange: Exchange,
        expiry: ExpiryPlace? = nil,
        scopes: ScopePlace? = nil
    ) -> StatedFacts {
        var probe = Sample.probe
        probe.expiry = expiry
        probe.scopes = scopes
        return probe.facts(in: exchange, at: Sample.start)
    }

    private func expiry(header value: String) -> Date? {
        facts(Reply.json(200, "{}", [HeaderField("X-Expires", value)]), expiry: .header("x-expires")).expiresAt
    }

    private func expiry(json value: String) -> Date? {
        facts(Reply.json(200, "{\"at\":\(value)}"), expiry: .json(Sample.pointer("/at"))).expiresAt
    }

    @Test(arguments: [
        "2026-12-31 23:59:59 UTC", "2026-12-31 23:59:59  GMT", "2026-12-31T23:59:59Z", "2026-12-31t23:59:59z",
        "2026-12-31T23:59:59.123456Z", "2026-12-31 23:59:59 +0000", "2027-01-01T01:59:59+02:00",
        "2026-12-31 18:59:59 -0500", "Thu, 31 Dec 2026 23:59:59 GMT", "1798761599", "1798761599.0",
    ])
    func `a time may be written in every way that servers do`(text: String) throws {
        let expected = try #require(Date(rfc3339: "2026-12-31T23:59:59Z"))
        #expect(expiry(header: text) == expected)
        #expect(expiry(json: "\"\(text)\"") == expected)
    }

    @Test func `a day ends a token as it begins`() throws {
        #expect(expiry(json: #""2026-12-31""#) == Date(rfc3339: "2026-12-31T00:00:00Z"))
    }

    @Test func `a number is seconds since 1970`() {
        #expect(expiry(json: "1798761599.5") == Date(timeIntervalSince1970: 1_798_761_599.5))
    }

    @Test(arguments: [
        "", "never", "soon", "-1", "0", "2026-13-01", "2026-12-31 25:00:00 UTC", "2026-12-31T23:59:59", "31.12.2026",
        "999999999999999999999", "2026-12-31T23:59:59Z and more", "\u{660}\u{661}", "2026-12-31T23:59:59+2:00",
    ])
    func `what is no time tells nothing`(text: String) {
        #expect(expiry(header: text) == nil)
        #expect(expiry(json: "\"\(text)\"") == nil)
    }

    @Test(arguments: [
        "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31", "1970-01-01T00:00:00Z", "-62135596800",
        "253402300799", "253402300799000", "Fri, 31 Dec 9999 23:59:59 GMT",
    ])
    func `the first and the last time that a system knows mean that there is no end`(text: String) {
        #expect(expiry(header: text) == nil)
        #expect(expiry(json: "\"\(text)\"") == nil)
    }

    @Test func `what is too great for seconds is milliseconds or microseconds`() {
        let expected = Date(timeIntervalSince1970: 1_798_761_599)
        #expect(expiry(json: "1798761599000") == expected)
        #expect(expiry(json: "1798761599000000") == expected)
    }

    @Test(arguments: ["0", "-1", #""-1""#])
    func `no seconds that are left to an accepted token mean that there is no end`(json: String) {
        let exchange = Reply.json(200, "{\"left\":\(json)}")
        #expect(facts(exchange, expiry: .secondsLeft(Sample.pointer("/left"))).expiresAt == nil)
    }

    @Test(arguments: ["null", "true", "[]", "{}", "-5", "1e300", "0"])
    func `nor does what is no text or number`(json: String) {
        #expect(expiry(json: json) == nil)
    }

    @Test(arguments: [("3600", 3600.0), (#""3600""#, 3600), ("0.5", 0.5)])
    func `seconds that are left are counted from the answer`(json: String, seconds: Double) {
        let place = ExpiryPlace.secondsLeft(Sample.pointer("/expires_in"))
        let facts = facts(Reply.json(200, "{\"expires_in\":\(json)}"), expiry: place)
        #expect(facts.expiresAt == Sample.start.addingTimeInterval(seconds))
    }

    @Test(arguments: ["-1", "1e300", #""nan""#, #""inf""#, "null", #""an hour""#])
    func `seconds that cannot be are none`(json: String) {
        let place = ExpiryPlace.secondsLeft(Sample.pointer("/expires_in"))
        #expect(facts(Reply.json(200, "{\"expires_in\":\(json)}"), expiry: place).expiresAt == nil)
    }

    @Test func `an answer that is not whole tells nothing`() {
        let field = [HeaderField("X-Expires", "2026-12-31")]
        for exchange in [
            Reply.html(200, field), Reply.text(200, "{}", field, isCut: true),
            Reply.json(200, "{}", field + [HeaderField("Content-Encoding", "gzip")]), Reply.failed(.timeout),
        ] {
            #expect(facts(exchange, expiry: .header("X-Expires")).expiresAt == nil)
        }
    }

    // MARK: - Scopes

    @Test(arguments: [
        ("repo, read:org", ["read:org", "repo"]), ("repo read:org", ["read:org", "repo"]), ("repo,repo", ["repo"]),
        ("", []), (" , ", []),
    ])
    func `scopes stand in a header, separated by commas or spaces`(value: String, expected: [String]) {
        let exchange = Reply.json(200, "{}", [HeaderField("X-OAuth-Scopes", value)])
        #expect(facts(exchange, scopes: .header("x-oauth-scopes")).scopes == expected)
    }

    @Test(arguments: [
        (#"["b","a"]"#, ["a", "b"]), (#""b a""#, ["a", "b"]), ("[]", []), (#"["a\u001b[2J\nb"]"#, ["a[2Jb"]),
    ])
    func `or in the body, as a list or a text`(json: String, expected: [String]) {
        let exchange = Reply.json(200, "{\"scope\":\(json)}")
        #expect(facts(exchange, scopes: .json(Sample.pointer("/scope"))).scopes == expected)
    }

    @Test(arguments: ["null", "1", "[1]", "{}"])
    func `what lists no scopes does not say that there are none`(json: String) {
        let exchange = Reply.json(200, "{\"scope\":\(json)}")
        #expect(facts(exchange, scopes: .json(Sample.pointer("/scope"))).scopes == nil)
        #expect(facts(Reply.json(200, "{}"), scopes: .header("x-oauth-scopes")).scopes == nil)
    }

    @Test func `thousands of scopes are cut`() {
        let many = (0..<5000).map { "s\($0)" }.joined(separator: " ")
        let exchange = Reply.json(200, "{\"scope\":\"\(many)\"}")
        #expect(facts(exchange, scopes: .json(Sample.pointer("/scope"))).scopes?.count == 200)
    }
}
