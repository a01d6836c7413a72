import Testing

@testable import TokenHealth

/// Whose a token is: the account first, then equal secrets, then the label.
struct OwnerIndexTests {
    private let tokens = (0..<4).map { Sample.name("bot-\($0)") }

    private func clues(
        _ account: String? = nil,
        former: String? = nil,
        secret: Int? = nil,
        _ label: String? = nil
    ) -> OwnerClues {
        OwnerClues(
            account: account,
            formerAccount: former,
            secret: secret.map { Sample.fingerprint($0) },
            label: label
        )
    }

    private func owners(_ clues: OwnerClues...) -> [Ownership] {
        var index = OwnerIndex()
        for (token, known) in zip(tokens, clues) { _ = index.note(token, known) }
        return zip(tokens, clues).map { index.owner(of: $0.0) }
    }

    @Test func `an account outweighs every label`() {
        let found = owners(clues("7", secret: 1, "hr"), clues("7", secret: 2, "sales"), clues("8", secret: 3, "hr"))
        #expect(found == [.account("7"), .account("7"), .account("8")])
    }

    @Test func `an equal secret is of the account that was named for it`() {
        #expect(owners(clues("7", secret: 1, "hr"), clues(secret: 1, "sales")) == [.account("7"), .account("7")])
        #expect(owners(clues(secret: 1, "sales"), clues("7", secret: 1, "hr")) == [.account("7"), .account("7")])
    }

    @Test func `equal secrets are one owner's, whoever that is`() {
        let secret = Ownership.secret(Sample.fingerprint(1))
        #expect(
            owners(clues(secret: 1, "hr"), clues(secret: 1, "sales"), clues(secret: 2, "it")) == [
                secret, secret, .label("it"),
            ]
        )
        #expect(owners(clues(former: "7", secret: 1), clues(former: "8", secret: 1)) == [secret, secret])
    }

    @Test func `a label counts while nothing better is known, and follows what is known of the others`() {
        #expect(owners(clues(secret: 1, "hr"), clues(secret: 2, "hr")) == [.label("hr"), .label("hr")])
        #expect(owners(clues("7", secret: 1, "hr"), clues(secret: 2, "hr")) == [.account("7"), .account("7")])
        #expect(
            owners(clues("7", secret: 1, "hr"), clues("8", secret: 2, "hr"), clues(secret: 3, "hr")) == [
                .account("7"), .account("8"), .label("hr"),
            ]
        )
        #expect(owners(clues(secret: 1), clues()) == [.token(tokens[0]), .token(tokens[1])])
    }

    @Test func `a secret that was never accepted is its token's former account's, unless it is known to be another's`()
    {
        #expect(owners(clues(former: "7", secret: 1, "hr")) == [.account("7")])
        let replaced = owners(clues(former: "7", secret: 2, "hr"), clues("8", secret: 2, "sales"))
        #expect(replaced == [.account("8"), .account("8")])
    }

    @Test func `an account that turns out later moves those that follow it`() {
        var index = OwnerIndex()
        for (number, token) in tokens.enumerated() { _ = index.note(token, clues(secret: number, "hr")) }
        #expect(index.tokens(of: .label("hr")) == Set(tokens))
        #expect(index.note(tokens[0], clues("7", secret: 0, "hr")) == Set(tokens))
        #expect(index.note(tokens[1], clues("8", secret: 1, "hr")) == [tokens[1], tokens[2], tokens[3]])
        #expect(index.owner(of: tokens[2]) == .label("hr"))
        #expect(index.remove(tokens[1]) == [tokens[2], tokens[3]])
        #expect(index.owner(of: tokens[2]) == .account("7"))
    }

    @Test(arguments: 0..<100) func `whatever happens, it is as if all had been told at once`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var index = OwnerIndex()
        var known: [TokenName: OwnerClues] = [:]
        func text(_ prefix: String) -> String? {
            Bool.random(using: &generator) ? "\(prefix)\(Int.random(in: 0..<3, using: &generator))" : nil
        }
        for _ in 0..<200 {
            let token = Sample.name("bot-\(Int.random(in: 0..<8, using: &generator))")
            if Int.random(in: 0..<6, using: &generator) == 0 {
                known[token] = nil
                _ = index.remove(token)
            } else {
                let secret = Int.random(in: 0..<5, using: &generator)
                let next = clues(text("a"), former: text("f"), secret: secret, text("l"))
                let before = known.keys.map { ($0, index.owner(of: $0)) }
                known[token] = next
                let moved = index.note(token, next)
                for (other, owner) in before { #expect((index.owner(of: other) != owner) == moved.contains(other)) }
            }
            var anew = OwnerIndex()
            for (token, clues) in known { _ = anew.note(token, clues) }
            for token in known.keys {
                #expect(index.owner(of: token) == anew.owner(of: token), "seed \(seed)")
                #expect(index.tokens(of: index.owner(of: token)) == anew.tokens(of: anew.owner(of: token)))
            }
        }
    }

    @Test func `a doubt goes over to the new owner with its token`() {
        var realm = Realm()
        let now = Sample.moment(0)
        let suspicion = TokenState.suspect(Suspicion(.revoked, at: now))
        for token in tokens.prefix(3) {
            realm.note(token, owner: .token(token), state: suspicion, verdict: .rejected, at: .zero)
        }
        #expect(realm.siblings(of: tokens[0], owner: .token(tokens[0]), troubleSince: nil).meanOutage)
        for token in tokens.prefix(3) { realm.move(token, to: .account("7")) }
        #expect(realm.doubtedOwnerCount == 1)
        #expect(!realm.siblings(of: tokens[0], owner: .account("7"), troubleSince: nil).meanOutage)
        realm.note(tokens[0], owner: .account("7"), state: .invalid(.revoked), verdict: .rejected, at: .seconds(1))
        realm.move(tokens[0], to: .account("8"))
        #expect(realm.siblings(of: tokens[1], owner: .account("8"), troubleSince: nil).speaker == tokens[0])
        #expect(realm.siblings(of: tokens[1], owner: .account("7"), troubleSince: nil).speaker == nil)
    }
}
