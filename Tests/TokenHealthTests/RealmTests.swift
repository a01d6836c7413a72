import Testing
import TokenHealth

struct RealmTests {
    private let first = Sample.name("first")
    private let second = Sample.name("second")
    private let third = Sample.name("third")

    /// Whether a sibling of `token` has been accepted since its trouble began.
    private func passes(_ realm: Realm, besides token: TokenName, since seconds: Double) -> Bool {
        realm.siblings(of: token, owner: Sample.token().ownership(identity: nil), troubleSince: .seconds(seconds)).pass
    }

    @Test func `an acceptance that is heard of late does not hide the one after it`() {
        var realm = Realm()
        realm.noteCalmAcceptance(of: first, at: .seconds(100))
        realm.noteCalmAcceptance(of: second, at: .seconds(95))
        #expect(passes(realm, besides: third, since: 97))
        #expect(!passes(realm, besides: third, since: 100))
        // Of what the first says of itself it learns nothing, but the second was heard.
        #expect(passes(realm, besides: first, since: 94))
        #expect(!passes(realm, besides: first, since: 95))
    }

    @Test func `nor does an older one of the same token, or of a third`() {
        var realm = Realm()
        realm.noteCalmAcceptance(of: first, at: .seconds(100))
        realm.noteCalmAcceptance(of: second, at: .seconds(95))
        realm.noteCalmAcceptance(of: first, at: .seconds(90))
        realm.noteCalmAcceptance(of: third, at: .seconds(92))
        #expect(passes(realm, besides: second, since: 99))
        #expect(passes(realm, besides: first, since: 94))
    }

    @Test func `the newest counts, and for its own token the newest of another`() {
        var realm = Realm()
        for (second, token) in [first, self.second, first, third].enumerated() {
            realm.noteCalmAcceptance(of: token, at: .seconds(second))
        }
        #expect(passes(realm, besides: first, since: 2.5))
        #expect(passes(realm, besides: third, since: 1.5))
        #expect(!passes(realm, besides: third, since: 2))
    }
}
