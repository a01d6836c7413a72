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
    /// What must be looked up before there is a connection; `nil` where that is nothing, or libcurl's business.
    let name: HostName?

    init(_ request: HTTPRequest, proxies: ProxyEnvironment) {
        let start = request.url.firstRange(of: "://")?.upperBound ?? request.url.startIndex
        let end = request.url[start...].firstIndex { "/?#".contains($0) } ?? request.url.endIndex
        url = request.url
        socketPath = request.socketPath
        origin = request.url[..<end] + (request.socketPath.map { " " + $0 } ?? "")
        proxy = request.socketPath == nil ? proxies.choice(for: request.url) : .direct
        if request.socketPath != nil {
            name = nil
        } else if let way = proxy.way {
            name = (try? way.address.get()).flatMap { HostName($0.host, port: $0.port) }
        } else {
            let (host, port) = Destination.authority(request.url[start..<end])
            let usual = request.url[..<start].lowercased() == "https://" ? 443 : 80
            name = HostName(host, port: port.isEmpty ? usual : Int(port) ?? 0)
        }
    }

    /// Host and port, the latter empty where it is not said.
    private static func authority(_ text: Substring) -> (host: Substring, port: Substring) {
        let place = text.split(separator: "@", omittingEmptySubsequences: false).last ?? text
        guard !place.hasSuffix("]"), let colon = place.lastIndex(of: ":") else { return (place, "") }
        return (place[..<colon], place[place.index(after: colon)...])
    }

    /// `api.example.com port 443`, without anything else of the URL, for messages.
    var place: String {
        guard let start = url.firstRange(of: "://")?.upperBound else { return "the server" }
        let (host, port) = Destination.authority(url[start...].prefix { !"/?#".contains($0) })
        let usual = url.hasPrefix("https") ? "443" : "80"
        return "\(host) port \(port.isEmpty ? usual : String(port))".oneLine.shortened(to: 200)
    }
}

/// A name that has addresses, and the port that is asked there.
struct HostName: Sendable, Hashable {
    let text: String
    let port: Int

    /// `nil` for an address, for this host itself, and for what only libcurl knows how to write.
    init?(_ host: some StringProtocol, port: Int) {
        let name = host.lowercased()
        let isAddress = name.hasPrefix("[") || name.allSatisfy { $0.isNumber || $0 == "." } || name.hasPrefix("0x")
        guard (1...65535).contains(port), !name.isEmpty, !isAddress, name != "localhost",
            !name.hasSuffix(".localhost"), name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        text = name
        self.port = port
    }
}

/// What is known of the addresses of a destination.
enum KnownAddresses: Sendable {
    /// They are asked for when a connection is wanted.
    case none
    /// They have just been looked up, and that took so long.
    case found([String], after: Duration)
    /// libcurl looks them up itself.
    case leftToLibcurl
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
