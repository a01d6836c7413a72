import TokenHealth
import VigilHTTP

/// Whom a request may be meant for.
///
/// A page of somebody else's can have its own name point to this host (DNS rebinding), and the browser then sends that
/// name. An address cannot be made to point anywhere, and the names of this host are its own.
struct HostRule: Sendable {
    private let names: Set<String>

    /// - `names`: of this host, without ports.
    init(names: some Sequence<String>) {
        self.names = Set(names.map { $0.lowercased() })
    }

    /// Whether the request is meant for this server; exactly one Host is demanded by RFC 9112, section 3.2.
    func allows(_ request: HTTPRequest) -> Bool {
        let values = request.values(of: "Host")
        guard values.count == 1, let host = HostRule.host(in: values[0]) else { return false }
        return Loopback.contains(host) || HostRule.isAddress(host) || names.contains(host)
    }

    /// The name or address in `host:port`, in lower case.
    private static func host(in value: String) -> String? {
        let value = value.lowercased()
        if value.hasPrefix("[") {
            guard let end = value.firstIndex(of: "]") else { return nil }
            return String(value[...end])
        }
        let host = value.split(separator: ":", omittingEmptySubsequences: false)
        guard host.count <= 2, !host[0].isEmpty else { return nil }
        return String(host[0].hasSuffix(".") ? host[0].dropLast() : host[0])
    }

    private static func isAddress(_ host: String) -> Bool {
        if host.hasPrefix("[") { return host.dropFirst().dropLast().allSatisfy { $0.isHexDigit || ":.".contains($0) } }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil && $0.first != "+" }
    }
}
