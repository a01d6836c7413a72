/// The requests to one origin: how many are under way, and those that wait for their turn.
///
/// libcurl opens a connection for every request that finds all streams of the others taken, at once for each: beyond a
/// hundred requests at the same time that would be hundreds of connections. Here a second connection is opened by one
/// request alone, and used by others when it stands.
struct OriginQueue {
    /// What servers bear on one connection at least (RFC 9113 section 6.5.2), and libcurl uses.
    static let streams = 100
    /// Most requests under way, over all connections to the origin.
    static let most = 512

    private(set) var running = 0
    private var waiting: [TransferJob] = []
    /// Those in front of this one have had their turn.
    private var next = 0
    private var isHTTP2 = false
    /// Local ports of the connections that were used since the origin was idle.
    private var ports: Set<Int> = []

    /// How many may be under way now.
    private var width: Int {
        guard isHTTP2 else { return OriginQueue.streams }
        return min(OriginQueue.streams * max(1, ports.count) + 1, OriginQueue.most)
    }

    var isIdle: Bool { running == 0 && waiting.isEmpty }
    var isAnybodyWaiting: Bool { !waiting.isEmpty }

    mutating func add(_ job: TransferJob) { waiting.append(job) }

    /// The next whose turn it is; it must be given to ``end(isHTTP2:port:)`` when it is over.
    mutating func take() -> TransferJob? {
        guard running < width, next < waiting.count else { return nil }
        running += 1
        next += 1
        let job = waiting[next - 1]
        if next == waiting.count || next > 1000 {
            waiting.removeFirst(next)
            next = 0
        }
        return job
    }

    /// One of those under way has ended.
    ///
    /// - Parameters:
    ///   - isHTTP2: what its connection speaks; `nil` where there was none.
    ///   - port: the local one of that connection.
    mutating func end(isHTTP2: Bool?, port: Int) {
        running -= 1
        if let isHTTP2 { self.isHTTP2 = isHTTP2 }
        if port > 0 { ports.insert(port) }
        if isIdle { ports = [] }
    }

    /// Takes out those that wait and need wait no longer.
    mutating func removeWaiting(where isOver: (TransferJob) -> Bool) -> [TransferJob] {
        guard isAnybodyWaiting else { return [] }
        let rest = waiting[next...]
        let over = rest.filter(isOver)
        guard !over.isEmpty else { return [] }
        waiting = rest.filter { !isOver($0) }
        next = 0
        return over
    }
}
