import FoundationEssentials
import Testing

@testable import TokenHealth

struct RealmTests {
    private static let name = RealmName(provider: "example", origin: "https://api.example.test")
    private let first = Sample.name("first")
    private let second = Sample.name("second")
    private let third = Sample.name("third")

    /// Whether a sibling of `token` has been accepted since its trouble began.
    private func passes(_ realm: Realm, besides token: TokenName, since seconds: Double) -> Bool {
        realm.siblings(of: token, owner: Ownership.label("api-bot@example.test"), troubleSince: .seconds(seconds)).pass
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

    @Test func `a suspect is one as long as its newest answer is a rejection`() {
        var realm = Realm()
        let owner = Ownership.label("api-bot@example.test")
        let now = Moment(wall: .init(timeIntervalSince1970: 0), uptime: .zero)
        let once = Suspicion(.revoked, at: now)
        let twice = once.strengthened(.revoked, at: now)
        func note(_ token: TokenName, _ state: TokenState, _ verdict: VerdictName) {
            realm.note(token, owner: owner, state: state, verdict: verdict, at: .seconds(1))
        }
        note(first, .suspect(once), .rejected)
        note(second, .suspect(once), .rejected)
        note(third, .suspect(once), .rejected)
        #expect(realm.suspects == Suspects(fresh: 3))
        note(first, .suspect(twice), .rejected)
        #expect(realm.suspects == Suspects(fresh: 2, doubted: 1))
        // A wall answers, and nothing can be confirmed.
        note(first, .suspect(twice), .indeterminate)
        note(second, .blind(.blocked, suspicion: once), .indeterminate)
        #expect(realm.suspects == Suspects(fresh: 1))
        note(first, .suspect(twice), .rejected)
        #expect(realm.suspects == Suspects(fresh: 1, doubted: 1))
        note(first, .invalid(.revoked), .rejected)
        note(second, .valid, .accepted)
        realm.remove(third)
        #expect(realm.suspects == Suspects())
    }

    @Test func `deaths that were certain before a trouble began are no part of an outage`() {
        var realm = Realm()
        let owners = [first: Ownership.label("a"), second: .label("b"), third: .label("c")]
        func note(_ token: TokenName, _ state: TokenState, at seconds: Int) {
            realm.note(
                token,
                owner: owners[token] ?? .label("x"),
                state: state,
                verdict: .rejected,
                at: .seconds(seconds)
            )
        }
        func meansOutage(since seconds: Int) -> Bool {
            realm.siblings(of: third, owner: .label("c"), troubleSince: .seconds(seconds)).meanOutage
        }
        let suspect = TokenState.suspect(
            Suspicion(.revoked, at: Moment(wall: .init(timeIntervalSince1970: 0), uptime: .zero))
        )
        for token in [first, second] { note(token, suspect, at: 1) }
        #expect(meansOutage(since: 2))
        for (index, token) in [first, second].enumerated() { note(token, .invalid(.revoked), at: 3 + index) }
        #expect(meansOutage(since: 2))
        #expect(meansOutage(since: 3))
        #expect(!meansOutage(since: 5))
        #expect(realm.siblings(of: third, owner: .label("c"), troubleSince: .seconds(5)).rejected == 0)
        // Of the same owner another one died before: one log-out may be seen one token after the other.
        realm.move(second, to: .label("c"))
        #expect(realm.siblings(of: third, owner: .label("c"), troubleSince: .seconds(5)).rejected == 1)
    }

    @Test func `the provider's incident is over where the only doubted owner is accepted with another token`() {
        let owner = Ownership.label("api-bot@example.test")
        var realm = Realm(incident: ProviderIncident(realm: Self.name, openedAt: .init(timeIntervalSince1970: 0)))
        let now = Moment(wall: .init(timeIntervalSince1970: 1), uptime: .seconds(1))
        for token in [first, second] {
            let state = TokenState.suspect(Suspicion(.revoked, at: now))
            realm.note(token, owner: owner, state: state, verdict: .rejected, at: now.uptime)
        }
        #expect(realm.closeIfOver() == nil)
        realm.note(first, owner: owner, state: .valid, verdict: .accepted, at: .seconds(2))
        #expect(realm.closeIfOver() != nil)
    }

    @Test func `whatever happens, no suspect is counted twice or left over`() {
        var generator = SeededGenerator(seed: 7)
        var realm = Realm()
        let owner = Ownership.label("api-bot@example.test")
        let tokens = (0..<6).map { Sample.name("bot-\($0)") }
        let now = Moment(wall: .init(timeIntervalSince1970: 0), uptime: .zero)
        let once = Suspicion(.revoked, at: now)
        let states: [TokenState] = [
            .valid, .suspect(once), .suspect(once.strengthened(.revoked, at: now)), .invalid(.revoked),
            .blind(.blocked, suspicion: once), .blind(.blocked, suspicion: nil), .pending,
        ]
        for step in 0..<3000 {
            let token = tokens.randomElement(using: &generator)!
            if Int.random(in: 0..<20, using: &generator) == 0 {
                realm.remove(token)
            } else {
                let verdict: VerdictName? = [.accepted, .rejected, .indeterminate, nil].randomElement(
                    using: &generator
                )!
                let state = states.randomElement(using: &generator)!
                realm.note(token, owner: owner, state: state, verdict: verdict, at: .seconds(step * 10))
            }
            let suspects = realm.suspects
            #expect(suspects.fresh >= 0 && suspects.doubted >= 0)
            #expect(suspects.fresh + suspects.doubted <= tokens.count)
        }
        for token in tokens { realm.note(token, owner: owner, state: .valid, verdict: .accepted, at: .seconds(40_000)) }
        #expect(realm.suspects == Suspects())
    }
}
