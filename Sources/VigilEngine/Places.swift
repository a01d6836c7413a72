import TokenHealth

/// Who is being looked at, and how many more may be at each host: a host that hangs holds no more than its share.
///
/// - A host begins with a window of a few places. It grows with the answers, so that very many tokens at one host are
///   asked fast, and is as small as at first when answers fail to come.
/// - A host that hangs is one whose newest news is a question that is open for longer than usual, or that ended without
///   an answer. All of these share a quarter of the places, in equal parts, and of the connections where those are fewer.
/// - Hosts that have never answered hold no more than half of the connections, and with those that hang three quarters: many
///   that hang would have all of them before that is known of any.
/// - No host gets more than half of what the others leave: there is always a place for one more.
struct Places {
    /// What the end of a look says about its host.
    enum News: Sendable, Hashable {
        /// It said something, if only that it refuses connections.
        case answered
        /// It let the time limit pass.
        case silent
    }

    private struct Host {
        /// Uptime at which each look under way began, the oldest first.
        var begun: [Duration] = []
        /// How many of them began before it had ever answered.
        var strange = 0
        var window: Int
        /// Uptime at which the window was last needed.
        var neededAt = Duration.zero
        /// How long an answer usually takes.
        var usual = Duration.zero
        /// Uptime at which the newest look that got an answer began, and the newest that got none.
        var answered: Duration?
        var missed: Duration?

        /// How long a question may be open before the host is taken to hang.
        var patience: Duration { max(Places.shortestPatience, usual * 3) }

        /// - Returns: whether it had never answered before.
        mutating func begin(at now: Duration) -> Bool {
            begun.append(now)
            if answered == nil { strange += 1 }
            if begun.count * 2 >= window { neededAt = now }
            return answered == nil
        }

        mutating func note(_ news: News, begun start: Duration, now: Duration, windows: ClosedRange<Int>) {
            switch news {
            case .answered:
                // The host of the monitor may have been asleep meanwhile.
                let latency = min(now - start, Places.longestLatency)
                usual = answered == nil ? latency : (usual * 7 + latency) / 8
                answered = max(answered ?? start, start)
                if begun.count * 2 >= window { window = min(window + 1, windows.upperBound) }
            case .silent:
                missed = max(missed ?? start, start)
                window = windows.lowerBound
            }
        }

        /// - Returns: whether it hangs, and whether more may well begin.
        mutating func end(_ start: Duration, isStrange: Bool, now: Duration) -> (hangs: Bool, hasRoom: Bool) {
            if isStrange { strange -= 1 }
            if let index = begun.firstIndex(of: start) { begun.remove(at: index) }
            return (hangs(at: now), begun.count * 2 <= window)
        }

        func hangs(at now: Duration) -> Bool {
            // Mostly the oldest is no older than that.
            let isOpen = begun.first.map { now - $0 > patience } ?? false
            let open = isOpen ? begun.last { now - $0 > patience } : nil
            guard let missed = [missed, open].compactMap(\.self).max() else { return false }
            return answered.map { missed > $0 } ?? true
        }
    }

    /// Most looks under way at once.
    let limit: Int
    /// Most connections that are open at once.
    private let connections: Int
    /// With how many places a host begins.
    private let firstWindow: Int
    private var hosts: [RealmName: Host] = [:]
    private var holders: [TokenName: (realm: RealmName, begun: Duration, isStrange: Bool)] = [:]

    private static let shortestPatience = Duration.seconds(1)
    private static let longestLatency = Duration.seconds(30)
    /// A window that was not needed for so long is closed again.
    private static let windowLife = Duration.seconds(150)

    /// - Parameters:
    ///   - limit: most looks under way at once.
    ///   - connections: most connections that are open at once.
    init(limit: Int, connections: Int = .max) {
        self.limit = limit
        self.connections = connections
        firstWindow = max(1, limit / 16)
    }

    /// How many looks are under way.
    var count: Int { holders.count }
    var isFull: Bool { count >= limit }

    func contains(_ name: TokenName) -> Bool { holders[name] != nil }

    /// A look at `name` begins.
    mutating func begin(_ name: TokenName, at realm: RealmName, now: Duration) {
        guard holders[name] == nil else { return }
        let isStrange = hosts[realm, default: Host(window: firstWindow)].begin(at: now)
        holders[name] = (realm, now, isStrange)
    }

    /// What the look at `name` came to, before it ends.
    mutating func note(_ news: News, of name: TokenName, now: Duration) {
        guard let (realm, begun, _) = holders[name] else { return }
        hosts[realm]?.note(news, begun: begun, now: now, windows: firstWindow...max(firstWindow, limit / 2))
    }

    /// Nothing is under way at `name` any more.
    ///
    /// - Returns: where it was, whether more may well begin there, and whether other hosts have waited for this place: that
    ///   host hangs, or was not known.
    mutating func end(_ name: TokenName, now: Duration) -> (realm: RealmName, hasRoom: Bool, wasShared: Bool)? {
        guard let (realm, begun, isStrange) = holders.removeValue(forKey: name),
            let left = hosts[realm]?.end(begun, isStrange: isStrange, now: now)
        else { return nil }
        return (realm, left.hangs || left.hasRoom, left.hangs || isStrange)
    }

    /// Forgets hosts that nobody asks any more.
    mutating func keep(_ realms: Set<RealmName>) {
        hosts = hosts.filter { realms.contains($0.key) || !$0.value.begun.isEmpty }
    }

    /// What hosts that hang hold now.
    func hold(at now: Duration) -> Hold {
        var hold = Hold(now: now)
        for host in hosts.values where !host.begun.isEmpty {
            guard host.hangs(at: now) else {
                hold.strangers += host.strange
                continue
            }
            hold.hosts += 1
            hold.places += host.begun.count
        }
        return hold
    }

    /// How many more looks may begin at `realm`.
    func room(at realm: RealmName, beside hold: Hold) -> Int {
        let host = hosts[realm] ?? Host(window: firstWindow)
        let own = host.begun.count
        let half = max(1, (limit - (count - own)) / 2)
        guard host.hangs(at: hold.now) else {
            let isIdle = hold.now - host.neededAt > Places.windowLife
            let room = min(isIdle ? firstWindow : host.window, half) - own
            guard host.answered == nil else { return max(0, room) }
            let left = max(1, connections / 4 * 3) - hold.strangers - hold.places
            return max(0, min(room, left, max(1, connections / 2) - hold.strangers))
        }
        let pool = max(1, min(limit, connections) / 4)
        let share = max(1, pool / max(1, own == 0 ? hold.hosts + 1 : hold.hosts))
        return max(0, min(share - own, pool - hold.places))
    }

    /// Begins a look at `name` if there is room for it.
    mutating func take(_ name: TokenName, at realm: RealmName, beside hold: inout Hold) -> Bool {
        guard !isFull, room(at: realm, beside: hold) > 0 else { return false }
        if let host = hosts[realm], host.hangs(at: hold.now) {
            hold.places += 1
            if host.begun.isEmpty { hold.hosts += 1 }
        } else if hosts[realm]?.answered == nil {
            hold.strangers += 1
        }
        begin(name, at: realm, now: hold.now)
        return true
    }
}

extension Places {
    /// What hosts that hang hold of the places, at one time.
    struct Hold {
        let now: Duration
        /// How many of them have questions open, and how many those are.
        var hosts = 0
        var places = 0
        /// How many places are held by hosts that have never answered, and are not known to hang.
        var strangers = 0
    }
}

extension Exchange {
    /// What it says about the host; `nil` where that was not asked.
    var placeNews: Places.News? {
        switch outcome {
        case .answered: .answered
        // One that refuses at once holds nobody up.
        case .failed: latency < .seconds(1) ? .answered : .silent
        case .withheld: nil
        }
    }
}
