import FoundationEssentials
import TokenHealth
import Testing

/// A token that is accepted, and may do less than before.
struct ScopeTests {
    private func told(_ scopes: String...) -> StatedFacts { StatedFacts(scopes: scopes) }

    @Test func `fewer scopes than at first are a limit that names them, told once`() {
        var history = History()
        history.observe(.acceptedOwner, at: 0, facts: told("read", "repo", "write"))
        for step in 1...5 {
            history.observe(.acceptedOwner, at: Double(step * 60), facts: told("read"))
            #expect(history.belief.state == .limited(.scopesShrunk))
        }
        #expect(history.told == [.limited])
        #expect(history.belief.state.reason == "scopes_shrunk")
        #expect(history.belief.explanation.contains("lacks repo, write, which it had when it was first seen"))
    }

    @Test func `it is accepted all the same`() {
        var history = History()
        history.observe(.acceptedOwner, at: 0, control: .refused, facts: told("read", "repo"))
        history.observe(.acceptedOwner, at: 60, facts: told("read"))
        #expect(history.belief.lastAcceptedAt == Sample.moment(60).wall)
        #expect(history.belief.lastProbe?.verdict == .accepted)
        #expect(history.belief.isProven)
        let finding = Finding(.acceptedOwner, "")
        #expect(!history.wantsControl(beside: finding, at: 120))
    }

    @Test func `growing again ends it`() {
        var history = History()
        history.observe(.acceptedOwner, at: 0, facts: told("read", "repo"))
        for step in 1...3 { history.observe(.acceptedOwner, at: Double(step * 60), facts: told("read")) }
        history.observe(.acceptedOwner, at: 240, facts: told("admin", "read", "repo"))
        #expect(history.belief.state == .valid)
        #expect(history.told == [.limited, .recovered])
    }

    @Test func `one stray answer wakes nobody`() {
        var history = History()
        history.observe(.acceptedOwner, at: 0, facts: told("read", "repo"))
        history.observe(.acceptedOwner, at: 60, facts: told("read"))
        history.observe(.acceptedOwner, at: 75, facts: told("read", "repo"))
        #expect(history.belief.state == .valid)
        #expect(history.told == [])
    }

    @Test func `an answer that does not speak of scopes changes nothing`() {
        var history = History()
        history.observe(.acceptedOwner, at: 0, facts: told("read", "repo"))
        history.observe(.acceptedOwner, at: 60)
        #expect(history.belief.state == .valid)
        history.observe(.acceptedOwner, at: 120, facts: told("read"))
        history.observe(.acceptedOwner, at: 180)
        #expect(history.belief.state == .limited(.scopesShrunk))
    }

    @Test func `what was seen first outlives a restart`() throws {
        var history = History()
        history.observe(.acceptedOwner, at: 0, facts: told("read", "repo"))
        try history.restart()
        history.observe(.acceptedOwner, at: 60, facts: told("read"))
        #expect(history.belief.state == .limited(.scopesShrunk))
    }

    @Test func `a new secret has scopes of its own`() {
        var history = History()
        history.observe(.acceptedOwner, at: 0, facts: told("read", "repo"))
        history.fingerprint = Sample.fingerprint(2)
        history.observe(.acceptedOwner, at: 60, facts: told("read"))
        #expect(history.belief.state == .valid)
    }

    @Test func `what is configured counts from the first look`() {
        var history = History()
        history.token.expectedScopes = ["repo"]
        history.observe(.acceptedOwner, at: 0, facts: told("read"))
        #expect(history.belief.state == .limited(.scopesShrunk))
        #expect(history.belief.explanation.contains("lacks repo, which it is expected to have"))
        history.token.expectedScopes = ["read"]
        history.observe(.acceptedOwner, at: 60)
        #expect(history.belief.state == .valid)
    }

    @Test(arguments: [
        (#"{"scope":"b a"}"#, ["a", "b"]), (#"{"scopes":["b","a"]}"#, ["a", "b"]), (#"{"scopes":[]}"#, []),
    ])
    func `a JWT names its scopes as a text or a list`(payload: String, scopes: [String]) {
        let part = Data(payload.utf8).base64EncodedString().filter { $0 != "=" }
        #expect(TokenClaims.allScopes(of: Sample.secret("eyJh.\(part).c2ln")) == scopes)
    }

    @Test func `a JWT with more scopes than can be shown has them all`() {
        let many = (100..<150).map { "\"s\($0)\"" }.joined(separator: ",")
        let part = Data("{\"scopes\":[\(many)]}".utf8).base64EncodedString().filter { $0 != "=" }
        #expect(TokenClaims.allScopes(of: Sample.secret("eyJh.\(part).c2ln"))?.count == 50)
    }

    @Test func `a dead token is dead, whatever its scopes were`() {
        var history = History()
        history.observe(.acceptedOwner, at: 0, facts: told("read", "repo"))
        for step in 1...3 { history.observe(.acceptedOwner, at: Double(step * 60), facts: told("read")) }
        history.die(at: 300)
        #expect(history.belief.state.name == .invalid)
        #expect(history.told == [.limited, .invalidated])
    }

    @Test func `the remedy is about scopes, not about another token`() throws {
        var history = History()
        history.observe(.acceptedOwner, at: 0, facts: told("read", "repo"))
        for step in 1...3 { history.observe(.acceptedOwner, at: Double(step * 60), facts: told("read")) }
        let alert = try #require(history.alert(telling: history.decisions.flatMap(\.notices).first))
        #expect(alert.summary == "LIMITED hr-onboarding (scopes_shrunk) on srv1")
        #expect(alert.remedy.steps.first == "Give the token these scopes again, or make a new one that has them: repo")
        #expect(alert.remedy.command == nil)
    }
}
