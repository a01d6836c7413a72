import TokenHealth

/// The proxies that the environment names, by the rules of curl(1): `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, in
/// either case, the lower one first.
///
/// What the values mean is libcurl's business: schemes, logins, `socks5h`, networks in `NO_PROXY`. Unlike there,
/// `HTTP_PROXY` counts in capitals too, since this is no CGI program, and this host itself is never asked through a proxy.
struct ProxyEnvironment: Sendable {
    /// What libcurl is told for one URL.
    struct Choice: Sendable, Hashable {
        /// Empty for a direct connection.
        let proxy: String
        /// Names and networks that are asked directly, separated by commas.
        let exceptions: String

        static let direct = Choice(proxy: "", exceptions: "")
    }

    private let secure: String?
    private let plain: String?
    private let exceptions: [Substring]

    init(_ environment: [String: String]) {
        func value(_ name: String) -> String? {
            let text = environment[name.lowercased()] ?? environment[name]
            return text.flatMap { $0.isEmpty ? nil : $0 }
        }
        let all = value("ALL_PROXY")
        secure = value("HTTPS_PROXY") ?? all
        plain = value("HTTP_PROXY") ?? all
        exceptions = (value("NO_PROXY") ?? "").split { $0 == "," || $0 == " " }
    }

    /// How to get to `url`.
    func choice(for url: String) -> Choice {
        guard let start = url.firstRange(of: "://") else { return .direct }
        let isSecure = url[..<start.lowerBound].lowercased() == "https"
        let authority = url[start.upperBound...].prefix { !"/?#".contains($0) }
        let isBracketed = authority.first == "["
        let host = isBracketed ? authority.dropFirst().prefix { $0 != "]" } : authority.prefix { $0 != ":" }
        guard let proxy = isSecure ? secure : plain, !Loopback.contains(host) else { return .direct }
        let rest = authority[host.endIndex...].drop { $0 == "]" }
        let port = Int(rest.dropFirst()) ?? (isSecure ? 443 : 80)
        let names = exceptions.compactMap { exception in ProxyEnvironment.name(in: exception, at: port) }
        return Choice(proxy: proxy, exceptions: names.joined(separator: ","))
    }

    /// An exception as libcurl takes it; `nil` for one that is about another port, of which libcurl knows nothing.
    private static func name(in exception: Substring, at port: Int) -> String? {
        // libcurl knows `.example.com` and not `*.example.com`, which others do.
        var name = exception.hasPrefix("*.") ? exception.dropFirst() : exception
        if let colon = name.lastIndex(of: ":"), let only = Int(name[name.index(after: colon)...]),
            name[..<colon].hasSuffix("]") || !name[..<colon].contains(":")
        {
            guard only == port else { return nil }
            name = name[..<colon]
        }
        return String(name)
    }
}
