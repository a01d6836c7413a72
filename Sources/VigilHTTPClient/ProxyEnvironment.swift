import TokenHealth

/// The proxies that the environment names, by the rules of curl(1): `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, in
/// either case, the lower one first.
///
/// What the values mean is libcurl's business: schemes, logins, `socks5h`, networks in `NO_PROXY`. Unlike there,
/// `HTTP_PROXY` counts in capitals too, since this is no CGI program, and this host itself is never asked through a proxy.
package struct ProxyEnvironment: Sendable {
    /// What libcurl is told for one URL.
    struct Choice: Sendable, Hashable {
        /// Empty for a direct connection.
        let proxy: String
        /// Names and networks that are asked directly, separated by commas.
        let exceptions: String
        /// Who is asked for the URL; `nil` for a direct connection, also because of an exception.
        var way: Variable?

        static let direct = Choice(proxy: "", exceptions: "")
    }

    /// A variable that names a proxy.
    package struct Variable: Sendable, Hashable {
        /// As it stands in the environment, as in `https_proxy`.
        package let name: String
        let value: String
        /// Where the proxy is, or why the value names none.
        package let address: Result<ProxyAddress, ProxyAddress.Fault>

        fileprivate init(name: String, value: String) {
            self.name = name
            self.value = value
            do throws(ProxyAddress.Fault) {
                address = .success(try ProxyAddress(value))
            } catch {
                address = .failure(error)
            }
        }

        /// What is wrong with it, in one sentence without a login; `nil` where nothing is.
        package var problem: String? {
            guard case .failure(let fault) = address else { return nil }
            return "\(name) in the environment names no proxy: \(fault)"
        }
    }

    /// For `https` URLs.
    package let secure: Variable?
    /// For `http` URLs.
    package let plain: Variable?
    private let exceptions: [Substring]

    /// - `environment`: of the process, with the variables in either case.
    package init(_ environment: [String: String]) {
        func variable(_ name: String) -> Variable? {
            let small = name.lowercased()
            let used = environment[small] == nil ? name : small
            guard let value = environment[used], !value.isEmpty else { return nil }
            return Variable(name: used, value: value)
        }
        let all = variable("ALL_PROXY")
        secure = variable("HTTPS_PROXY") ?? all
        plain = variable("HTTP_PROXY") ?? all
        exceptions = (variable("NO_PROXY")?.value ?? "").split { $0 == "," || $0 == " " }
    }

    /// The schemes of URLs that are asked by a proxy, each with the variable that says by which.
    package var routes: [(scheme: String, variable: Variable)] {
        [("https", secure), ("http", plain)].compactMap { scheme, variable in variable.map { (scheme, $0) } }
    }

    /// The variable that says by which proxy `url` is asked; `nil` where it is asked directly.
    package func way(to url: String) -> Variable? { choice(for: url).way }

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
        let text = names.joined(separator: ",")
        return Choice(
            proxy: proxy.value,
            exceptions: text,
            way: ProxyExceptions.contain(host, in: text) ? nil : proxy
        )
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
