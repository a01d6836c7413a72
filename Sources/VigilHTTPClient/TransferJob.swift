import Synchronization
import TokenHealth

/// A request that was handed over, and where what comes of it goes.
///
/// A class, since it goes through several hands, and a copy of all that is in it costs more than the rest of the way.
final class TransferJob: Sendable {
    let index: Int
    let request: HTTPRequest
    let destination: Destination
    let submittedAt: ContinuousClock.Instant
    let batch: TransferBatch

    init(
        index: Int,
        request: HTTPRequest,
        destination: Destination,
        submittedAt: ContinuousClock.Instant,
        batch: TransferBatch
    ) {
        self.index = index
        self.request = request
        self.destination = destination
        self.submittedAt = submittedAt
        self.batch = batch
    }

    /// See ``Destination/origin``.
    var origin: String { destination.origin }

    var deadline: ContinuousClock.Instant { submittedAt + request.timeLimit }
}

/// Requests that were handed over together; compared by identity.
final class TransferBatch: Sendable {
    /// Called on the client's thread with what has come at once.
    let deliver: @Sendable ([HTTPReply]) -> Void
    /// Whether nobody waits for what comes of them any more.
    let isCancelled = Atomic(false)

    init(deliver: @escaping @Sendable ([HTTPReply]) -> Void) { self.deliver = deliver }
}

/// What is found out about a URL once, and holds for every request to it; one that is the same object is the same URL.
final class Destination: Sendable {
    let url: String
    let proxy: ProxyEnvironment.Choice
    /// Where the server listens on this host; see ``HTTPRequest/socketPath``.
    let socketPath: String?
    /// Whom it goes to, as far as connections can be shared: scheme, host and port, and the socket.
    let origin: String

    init(_ request: HTTPRequest, proxies: ProxyEnvironment) {
        let start = request.url.firstRange(of: "://")?.upperBound ?? request.url.startIndex
        let end = request.url[start...].firstIndex { "/?#".contains($0) } ?? request.url.endIndex
        url = request.url
        socketPath = request.socketPath
        origin = request.url[..<end] + (request.socketPath.map { " " + $0 } ?? "")
        proxy = request.socketPath == nil ? proxies.choice(for: request.url) : .direct
    }
}

/// The destinations of the URLs that were asked lately.
struct Destinations: Sendable {
    /// Beyond so many, they are found out anew.
    private static let most = 1000

    private let proxies: ProxyEnvironment
    private var known: [String: Destination] = [:]

    init(_ proxies: ProxyEnvironment) { self.proxies = proxies }

    mutating func destination(of request: HTTPRequest) -> Destination {
        guard request.socketPath == nil else { return Destination(request, proxies: proxies) }
        if let found = known[request.url] { return found }
        if known.count >= Destinations.most { known = [:] }
        let destination = Destination(request, proxies: proxies)
        known[request.url] = destination
        return destination
    }
}
