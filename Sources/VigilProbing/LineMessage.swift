import FoundationEssentials
import NIOCore
import NIOHPACK
import Synchronization
import TokenHealth
import VigilEngine

/// A question as it is sent by a line.
struct LineMessage: Sendable {
    /// Which of the questions that are asked together it is.
    let index: Int
    /// With the pseudo-header fields (RFC 9113 section 8.3.1).
    var headers: HPACKHeaders
    var body: ByteBuffer?
    let deadline: NIODeadline

    /// - `headers`: all but those that carry secrets.
    init(_ request: ProbeRequest, index: Int, headers: HPACKHeaders, deadline: NIODeadline) {
        self.index = index
        self.headers = headers
        self.deadline = deadline
        let question = request.question
        request.exposed { secrets in
            for field in secrets.headers(of: question) {
                // No table of the server remembers a secret (RFC 7541 section 7.1.3).
                self.headers.replaceOrAdd(name: field.name.lowercased(), value: field.value, indexing: .neverIndexed)
            }
            guard let template = question.body else { return }
            let bytes = secrets.body(of: template)
            self.headers.replaceOrAdd(name: "content-type", value: template.contentType)
            self.headers.replaceOrAdd(name: "content-length", value: "\(bytes.count)")
            self.body = ByteBuffer(bytes: bytes)
        }
    }
}

/// Which questions can go by a line, and what of them is the same every time.
final class LineRoutes: Sendable {
    struct Route: Sendable {
        let place: LineSet.Place
        let headers: HPACKHeaders
    }

    private struct Known {
        let question: Question
        let certificateAuthorities: String?
        let route: Route?
    }

    /// Beyond so many, they are worked out anew.
    private static let mostKnown = 1000
    /// What HTTP/2 says otherwise (RFC 9113 section 8.2.2), or is about the connection.
    private static let unsuitable: Set<String> = [
        "connection", "content-length", "host", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade",
    ]

    private let userAgent: String
    private let proxies: ProxySettings
    private let known = Mutex<[String: Known]>([:])

    init(userAgent: String, proxies: ProxySettings) {
        self.userAgent = userAgent
        self.proxies = proxies
    }

    /// How `request` goes by a line; `nil` where it does not.
    func route(of request: ProbeRequest) -> Route? {
        let (question, authorities) = (request.question, request.token.certificateAuthorities)
        return known.withLock { known in
            if let found = known[question.url], found.certificateAuthorities == authorities, found.question == question
            {
                return found.route
            }
            if known.count >= LineRoutes.mostKnown { known = [:] }
            let route = newRoute(of: question, trusting: authorities)
            known[question.url] = Known(question: question, certificateAuthorities: authorities, route: route)
            return route
        }
    }

    private func newRoute(of question: Question, trusting authorities: String?) -> Route? {
        guard let parts = URLComponents(string: question.url), parts.scheme == "https", parts.user == nil,
            let host = parts.host, !host.isEmpty, host.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x3A }),
            proxies.server(for: question.url) == nil, question.method == "GET" || question.body != nil,
            !question.headers.contains(where: { LineRoutes.unsuitable.contains($0.name.lowercased()) })
        else { return nil }
        let path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
        let port = parts.port ?? 443
        var headers = HPACKHeaders()
        headers.add(name: ":method", value: question.method)
        headers.add(name: ":scheme", value: "https")
        headers.add(name: ":authority", value: port == 443 ? host : "\(host):\(port)")
        headers.add(name: ":path", value: path + (parts.percentEncodedQuery.map { "?\($0)" } ?? ""))
        headers.add(name: "user-agent", value: userAgent)
        headers.add(name: "accept-encoding", value: "identity")
        for header in question.headers { headers.replaceOrAdd(name: header.name.lowercased(), value: header.value) }
        let place = LineSet.Place(host: host, port: port, certificateAuthorities: authorities)
        return Route(place: place, headers: headers)
    }
}
