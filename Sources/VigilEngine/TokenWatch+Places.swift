import OrderedCollections
import TokenHealth

/// How many are looked at at once.
extension TokenWatch {
    /// Takes the tokens that are due and whose host has a place for them.
    func takePlaces(atMost most: Int, now: Duration) -> [TokenName] {
        hasLeftPlace = false
        var hold = places.hold(at: now)
        for realm in Array(agenda.crowded) { agenda.recall(places.room(at: realm, beside: hold), at: realm) }
        return agenda.takeDue(at: now, limit: min(most, places.limit - places.count)) { name in
            guard let realm = entries.read(name, { $0.realm }) else { return nil }
            return places.take(name, at: realm, beside: &hold) ? nil : realm
        }
    }

    /// What the answer about `name` says of its host.
    func note(_ exchange: Exchange?, of name: TokenName, at now: Duration) {
        guard let news = exchange?.placeNews else { return }
        places.note(news, of: name, now: now)
    }

    /// Nothing is under way at `name` any more; whoever was set aside for its place may go on.
    func leavePlace(of name: TokenName) {
        guard let left = places.end(name, now: timekeeper.now().uptime) else { return }
        guard left.wasShared ? !agenda.crowded.isEmpty : left.hasRoom && agenda.isCrowded(left.realm) else { return }
        hasLeftPlace = true
    }
}
