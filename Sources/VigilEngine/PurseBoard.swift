import Synchronization
import TokenHealth

/// Tokens that were granted to this process: in memory only, and gone with it.
struct Purse: Sendable {
    /// What the tokens were granted to; other settings or another secret get an empty purse.
    let client: ClientCredentials
    let fingerprint: Fingerprint
    var application: Coin?
    var delegated: Coin?

    /// One granted token.
    struct Coin: Sendable {
        let secret: Secret
        /// Uptime of its granting.
        let grantedAt: Duration
        /// `nil` where the answer did not say.
        let life: Duration?
        /// `nil` where the answer did not say: then they are those that were asked for.
        let scopes: [String]?

        /// Whether it should be got anew before it is used: past the half of its life.
        func isWorn(at uptime: Duration) -> Bool {
            guard let life else { return false }
            return uptime - grantedAt >= life / 2
        }
    }
}

/// The purses of all tokens.
final class PurseBoard: Sendable {
    private let purses = Mutex<[TokenName: Purse]>([:])

    /// The purse of a token, empty where there is none for this client and secret.
    func purse(of token: TokenName, client: ClientCredentials, fingerprint: Fingerprint) -> Purse {
        let known = purses.withLock { $0[token] }
        guard let known, known.client == client, known.fingerprint == fingerprint else {
            return Purse(client: client, fingerprint: fingerprint)
        }
        return known
    }

    func put(_ purse: Purse, of token: TokenName) {
        purses.withLock { $0[token] = purse }
    }
}
