/// Whose a token is among the tokens of one API, by the best that is known.
package enum Ownership: Sendable, Hashable {
    /// The account that the API has named.
    case account(String)
    /// Whoever has this secret, which several tokens share.
    case secret(Fingerprint)
    /// The configured owner, in lower case.
    case label(String)
    /// Nobody's but this token's own.
    case token(TokenName)
}

/// What is known of the owner of one token.
package struct OwnerClues: Sendable, Hashable {
    /// The account that the API named for this very secret.
    let account: String?
    /// The account that it named for a secret before this one.
    let formerAccount: String?
    let secret: Fingerprint?
    /// The configured owner, in lower case.
    let label: String?
}

extension WatchedToken {
    /// What configuration and answers say of whose it is.
    package func ownerClues(_ belief: Belief) -> OwnerClues {
        OwnerClues(
            account: belief.isProven ? belief.identity?.id : nil,
            formerAccount: belief.isProven ? nil : belief.identity?.id,
            secret: belief.fingerprint,
            label: owner?.lowercased()
        )
    }
}

/// Finds the owner of each token of one API from what is known of all of them.
///
/// Tokens of one account die together by one log-out. That they are one account's is certain where the API has named the
/// account, or where their secrets are equal. What the configuration calls their owner counts as long as nothing better is
/// known, and joins nothing that accounts part.
package struct OwnerIndex: Sendable {
    private struct Entry: Sendable {
        let clues: OwnerClues
        var owner: Ownership?
        /// What it counts for under its label; `nil` while it is not listed there.
        var listing: Listing?
    }

    private enum Listing: Sendable {
        case known(Ownership)
        case follower
    }

    /// The tokens with one secret.
    private struct SecretGroup: Sendable {
        var tokens: Set<TokenName> = []
        /// The accounts that the API named for it, and how many tokens heard it.
        var accounts: [String: Int] = [:]

        func owner(_ secret: Fingerprint) -> Ownership? {
            if accounts.count == 1, let account = accounts.keys.first { return .account(account) }
            return tokens.count > 1 ? .secret(secret) : nil
        }
    }

    /// The tokens under one label.
    private struct LabelGroup: Sendable {
        /// Owners that are known by something better, and of how many tokens.
        var known: [Ownership: Int] = [:]
        /// Those of whom nothing better is known.
        var followers: Set<TokenName> = []

        func owner(_ label: String) -> Ownership {
            guard known.count == 1, let owner = known.keys.first else { return .label(label) }
            return owner
        }
    }

    private var entries: [TokenName: Entry] = [:]
    private var members: [Ownership: Set<TokenName>] = [:]
    private var secrets: [Fingerprint: SecretGroup] = [:]
    private var labels: [String: LabelGroup] = [:]

    package init() {}

    /// Whose `token` is.
    package func owner(of token: TokenName) -> Ownership { entries[token]?.owner ?? .token(token) }

    /// The tokens of `owner`.
    package func tokens(of owner: Ownership) -> Set<TokenName> { members[owner] ?? [] }

    /// Takes note of what is known of `token` now.
    ///
    /// - Returns: the tokens that have another owner than before, this one among them if it is new.
    package mutating func note(_ token: TokenName, _ clues: OwnerClues) -> Set<TokenName> {
        guard entries[token]?.clues != clues else { return [] }
        var affected = withdraw(token)
        entries[token] = Entry(clues: clues, owner: entries[token]?.owner)
        affected.formUnion(
            changing(clues.secret) { group in
                group.tokens.insert(token)
                if let account = clues.account { group.accounts[account, default: 0] += 1 }
            }
        )
        return settle(affected.union([token]))
    }

    /// `token` is no longer watched.
    ///
    /// - Returns: the tokens that have another owner than before.
    package mutating func remove(_ token: TokenName) -> Set<TokenName> {
        let affected = withdraw(token)
        if let owner = entries.removeValue(forKey: token)?.owner { leave(token, owner) }
        return settle(affected.subtracting([token]))
    }
}

// MARK: - What follows from a change

extension OwnerIndex {
    /// Takes back the clues of `token`, and says to whom they may have mattered.
    private mutating func withdraw(_ token: TokenName) -> Set<TokenName> {
        guard let clues = entries[token]?.clues else { return [] }
        let affected = changing(clues.secret) { group in
            group.tokens.remove(token)
            if let account = clues.account { group.accounts.drop(account) }
        }
        return affected.union(unlist(token))
    }

    /// Finds the owners of `tokens` anew, and of those whom a label joins with them.
    private mutating func settle(_ tokens: Set<TokenName>) -> Set<TokenName> {
        var affected = tokens
        for token in tokens { affected.formUnion(unlist(token).union(list(token))) }
        return affected.filter { move($0) }
    }

    private mutating func list(_ token: TokenName) -> Set<TokenName> {
        guard let clues = entries[token]?.clues, let label = clues.label else { return [] }
        let owner = knownOwner(clues)
        entries[token]?.listing = owner.map { .known($0) } ?? .follower
        return changing(label) { group in
            if let owner { group.known[owner, default: 0] += 1 } else { group.followers.insert(token) }
        }
    }

    private mutating func unlist(_ token: TokenName) -> Set<TokenName> {
        guard let entry = entries[token], let label = entry.clues.label, let listing = entry.listing else { return [] }
        entries[token]?.listing = nil
        return changing(label) { group in
            switch listing {
            case .known(let owner): group.known.drop(owner)
            case .follower: group.followers.remove(token)
            }
        }
    }

    /// Changes a group, and says whose owner may be another one by that.
    private mutating func changing(_ secret: Fingerprint?, _ change: (inout SecretGroup) -> Void) -> Set<TokenName> {
        guard let secret else { return [] }
        var group = secrets.removeValue(forKey: secret) ?? SecretGroup()
        let before = group.owner(secret)
        change(&group)
        if !group.tokens.isEmpty { secrets[secret] = group }
        return group.owner(secret) == before ? [] : group.tokens
    }

    private mutating func changing(_ label: String, _ change: (inout LabelGroup) -> Void) -> Set<TokenName> {
        var group = labels.removeValue(forKey: label) ?? LabelGroup()
        let before = group.owner(label)
        change(&group)
        if !group.known.isEmpty || !group.followers.isEmpty { labels[label] = group }
        return group.owner(label) == before ? [] : group.followers
    }

    /// Gives `token` to its owner of now; `false` where that is whose it was.
    private mutating func move(_ token: TokenName) -> Bool {
        guard let entry = entries[token] else { return false }
        let byLabel = entry.clues.label.map { labels[$0]?.owner($0) ?? .label($0) }
        let owner = knownOwner(entry.clues) ?? byLabel ?? .token(token)
        guard entry.owner != owner else { return false }
        if let before = entry.owner { leave(token, before) }
        entries[token]?.owner = owner
        members[owner, default: []].insert(token)
        return true
    }

    private mutating func leave(_ token: TokenName, _ owner: Ownership) {
        members[owner]?.remove(token)
        if members[owner]?.isEmpty == true { members[owner] = nil }
    }

    /// What is known better than by a label.
    private func knownOwner(_ clues: OwnerClues) -> Ownership? {
        if let account = clues.account { return .account(account) }
        if let secret = clues.secret, let owner = secrets[secret]?.owner(secret) { return owner }
        return clues.formerAccount.map { .account($0) }
    }
}

extension Dictionary where Value == Int {
    /// Counts one less of `key`; of the last nothing is left.
    mutating func drop(_ key: Key) {
        if let count = self[key] { self[key] = count > 1 ? count - 1 : nil }
    }
}
