import AsyncHTTPClient
import FoundationEssentials
import TokenHealth

/// The proxy a probe goes through: `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case, as curl and Go read them.
///
/// Only `https` goes through a proxy, in a tunnel: a secret is never shown to one. Loopback never does.
struct ProxySettings: Sendable {
    struct Server: Sendable, Hashable {
        let host: String
        let port: Int
        /// The login in the address, which only the proxy gets.
        let authorization: HTTPClient.Authorization?
    }

    private let secure: Server?
    private let exceptions: [String]

    init(environment: [String: String]) {
        func value(_ name: String) -> String? {
            let text = environment[name.lowercased()] ?? environment[name]
            return text.flatMap { $0.isEmpty ? nil : $0 }
        }
        secure = (value("HTTPS_PROXY") ?? value("ALL_PROXY")).flatMap(ProxySettings.parse)
        exceptions = (value("NO_PROXY") ?? "").split(whereSeparator: { $0 == "," || $0 == " " }).map {
            $0.lowercased()
        }
    }

    /// The proxy for `url`, or `nil` for a direct connection.
    func server(for url: String) -> Server? {
        guard let secure, let parts = URLComponents(string: url), parts.scheme == "https",
            let host = parts.host?.lowercased(), !Loopback.contains(host), !isExcepted(host, port: parts.port ?? 443)
        else { return nil }
        return secure
    }

    private func isExcepted(_ host: String, port: Int) -> Bool {
        exceptions.contains { exception in
            if exception == "*" { return true }
            var name = Substring(exception)
            if let colon = exception.lastIndex(of: ":"), let only = Int(exception[exception.index(after: colon)...]) {
                guard only == port else { return false }
                name = exception[..<colon]
            }
            if name.hasPrefix("*.") { name = name.dropFirst(2) }
            if name.hasPrefix(".") { name = name.dropFirst() }
            return !name.isEmpty && (host == name || host.hasSuffix("." + name))
        }
    }

    private static func parse(_ text: String) -> Server? {
        let url = text.contains("://") ? text : "http://" + text
        guard let parts = URLComponents(string: url), let host = parts.host, !host.isEmpty else { return nil }
        let login = parts.user.map { HTTPClient.Authorization.basic(username: $0, password: parts.password ?? "") }
        return Server(host: host, port: parts.port ?? 8080, authorization: login)
    }
}
