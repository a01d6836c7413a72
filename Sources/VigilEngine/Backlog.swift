import TokenHealth

/// What waits in memory to be written, in order, and no more of it than is needed.
///
/// A healthy look takes the place of the one before it. Beyond a limit the oldest of what is only history is dropped and
/// counted.
struct Backlog {
    private var writes: [StoreWrite] = []
    /// How many writes were taken off the front so far: a place counts from the first one ever.
    private var gone = 0
    /// The place of the last write about a token, where that is a healthy look and nothing else.
    private var sightings: [TokenName: Int] = [:]
    /// The place of what is to be remembered of hosts; later memories are added to it.
    private var hosts: Int?
    private(set) var dropped = 0
    private let limit: Int

    /// - `limit`: most writes; of what people are still to be told, twice as many.
    init(limit: Int = 20_000) { self.limit = limit }

    var count: Int { writes.count }
    var isEmpty: Bool { writes.isEmpty }

    func first(_ count: Int) -> [StoreWrite] { Array(writes.prefix(count)) }

    mutating func removeFirst(_ count: Int) {
        writes.removeFirst(count)
        gone += count
        sightings = sightings.filter { $0.value >= gone }
        if let place = hosts, place < gone { hosts = nil }
    }

    /// Gives up the first write, which can never be written.
    mutating func dropFirst() {
        removeFirst(1)
        dropped += 1
    }

    mutating func append(_ write: StoreWrite) {
        switch write {
        case .sightings(let all):
            for sighting in all { append(sighting) }
        case .change(let change):
            if let sighting = change.asSighting {
                append(sighting)
            } else {
                sightings[change.token] = nil
                for name in change.news.regrouped.keys { sightings[name] = nil }
                writes.append(write)
            }
        case .news(let news):
            for name in news.regrouped.keys { sightings[name] = nil }
            writes.append(write)
        case .hosts(let memory):
            append(memory)
        case .settlement, .drill:
            writes.append(write)
        }
        if writes.count > limit { thin() }
    }

    private mutating func append(_ sighting: Sighting) {
        if let place = sightings[sighting.token], case .sightings(let before) = writes[place - gone],
            before.first?.interval.start == sighting.interval.start
        {
            var latest = sighting
            latest.belief = sighting.belief ?? before.first?.belief
            writes[place - gone] = .sightings([latest])
            return
        }
        writes.append(.sightings([sighting]))
        sightings[sighting.token] = gone + writes.count - 1
    }

    private mutating func append(_ memory: HostMemory) {
        guard let place = hosts, case .hosts(var before) = writes[place - gone] else {
            writes.append(.hosts(memory))
            return hosts = gone + writes.count - 1
        }
        before.merge(memory)
        writes[place - gone] = .hosts(before)
    }

    private mutating func thin() {
        var latest: [TokenName: Int] = [:]
        for (index, write) in writes.enumerated() {
            if let name = write.token { latest[name] = index }
        }
        var excess = writes.count - limit * 9 / 10
        var kept: [StoreWrite] = []
        for (index, write) in writes.enumerated() {
            if excess > 0, write.isMereHistory, let name = write.token, latest[name] != index {
                excess -= 1
                dropped += 1
            } else {
                kept.append(write)
            }
        }
        if kept.count > limit * 2 {
            dropped += kept.count - limit * 2
            kept.removeFirst(kept.count - limit * 2)
        }
        writes = kept
        gone = 0
        sightings = [:]
        hosts = nil
    }
}

extension StoreWrite {
    /// The token whose belief is written.
    fileprivate var token: TokenName? {
        switch self {
        case .change(let change): change.token
        case .sightings(let sightings): sightings.first?.token
        case .news, .settlement, .drill, .hosts: nil
        }
    }

    /// Whether nobody is told anything by it, now or later.
    fileprivate var isMereHistory: Bool {
        switch self {
        case .change(let change): change.news.isEmpty && change.endedIncident == nil
        case .sightings: true
        case .news, .settlement, .drill, .hosts: false
        }
    }
}

extension HealthChange {
    /// The same as a healthy look, where it is no more.
    fileprivate var asSighting: Sighting? {
        guard transition == nil, endedInterval == nil, endedIncident == nil, news.isEmpty, belief.incident == nil else {
            return nil
        }
        return Sighting(token: token, belief: belief, interval: interval)
    }
}
