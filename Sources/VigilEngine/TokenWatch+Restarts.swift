import FoundationEssentials
import OrderedCollections
import TokenHealth

/// Which waits that providers have asked for the store knows of.
struct QuietMemory {
    /// What it is to be told.
    private var news: [TokenName: Date] = [:]
    /// Tokens of which it knows a wait.
    private var known: Set<TokenName>

    /// A shorter wait is over before a restart is.
    private static let shortest = Duration.seconds(2)

    init(_ known: some Sequence<TokenName> = []) { self.known = Set(known) }

    /// Takes note of an answer.
    ///
    /// - Parameters:
    ///   - token: whom it is about.
    ///   - wait: how long it asks for rest.
    ///   - now: when it came.
    mutating func note(_ token: TokenName, wait: Duration, at now: Date) {
        if wait >= QuietMemory.shortest {
            news[token] = now.advanced(by: wait)
            known.insert(token)
        } else if known.remove(token) != nil {
            news[token] = now
        }
    }

    /// What the store is to be told; it counts as told.
    mutating func takeNews() -> [TokenName: Date] {
        defer { news = [:] }
        return news
    }

    /// Has it told once more: it was not stored.
    mutating func takeBack(_ untold: [TokenName: Date]) { news.merge(untold) { newer, _ in newer } }
}

/// What must be known after a restart, so that hosts are asked no more than they bear.
extension TokenWatch {
    /// Stores what must be on disk before a host of these is asked; in calm that is nothing.
    ///
    /// - `always`: whatever is not there.
    func remember(_ realms: @autoclosure () -> [RealmName], always: Bool = false) {
        guard !ledgers.isEmpty else { return }
        let (realms, now) = (realms(), timekeeper.now())
        var memory = HostMemory()
        for realm in realms where ledgers[realm]?.mustBeRecorded ?? false || always {
            memory.records[realm] = ledgers[realm]?.record(at: now)
        }
        keep(memory)
    }

    /// What is to be stored with the decisions on these looks.
    func memory(of looks: [EndedLook]) -> HostMemory {
        var memory = HostMemory(quiet: quiet.takeNews())
        guard !ledgers.isEmpty else { return memory }
        for look in looks {
            guard let realm = entries[look.name]?.realm, memory.records[realm] == nil,
                ledgers[realm]?.mustBeRecorded ?? false
            else { continue }
            memory.records[realm] = ledgers[realm]?.record(at: timekeeper.now())
        }
        return memory
    }

    /// Stores what hosts were asked, after the last look: a start after a crash must reckon with more.
    package func close() {
        let now = timekeeper.now()
        var memory = HostMemory(quiet: quiet.takeNews())
        for realm in ledgers.keys where ledgers[realm]?.isUnrecorded ?? false {
            memory.records[realm] = ledgers[realm]?.lastRecord(at: now)
        }
        keep(memory)
    }

    private func keep(_ memory: HostMemory) {
        guard !memory.isEmpty else { return }
        do {
            try store.keep(memory)
        } catch {
            // Tokens are looked at all the same: a death that is not seen is worse.
            quiet.takeBack(memory.quiet)
            note(problem: "what hosts were asked cannot be written: \(error)", on: "store")
        }
    }
}
