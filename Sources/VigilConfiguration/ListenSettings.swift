import TokenHealth

/// Where the status page is shown.
package struct ListenSettings: Sendable, Hashable {
    /// Where callers connect.
    package enum Place: Sendable, Hashable {
        case address(host: String, port: Int)
        /// A socket that systemd hands over.
        case systemd
    }

    package let place: Place
    /// Further names of this host.
    package let hosts: [String]

    package init(_ place: Place, hosts: [String] = []) {
        self.place = place
        self.hosts = hosts
    }
}

extension Setting {
    /// A port, an address with a port, `systemd`, or a mapping with one of these.
    func listen() -> ListenSettings? {
        if case .scalar = node.content { return listenPlace().map { ListenSettings($0) } }
        guard let fields = mapping(.listen) else { return nil }
        let place = fields.required("address", "where, as in 127.0.0.1:9718 or systemd")?.listenPlace()
        let hosts = fields["hosts"]?.list("a list of host names")?.compactMap { $0.hostName() }
        return place.map { ListenSettings($0, hosts: hosts ?? []) }
    }

    private func listenPlace() -> ListenSettings.Place? {
        guard let text = text("an address with a port, as 127.0.0.1:9718, or systemd") else { return nil }
        if text == "systemd" { return .systemd }
        let colon = text.lastIndex(of: ":")
        let port = Int(text[(colon.map(text.index(after:)) ?? text.startIndex)...])
        var host = colon.map { String(text[..<$0]) } ?? "127.0.0.1"
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard let port, (1...65_535).contains(port), host == "localhost" || Setting.isAddress(host) else {
            report("\(key) \(Wording.shown(text)) is no address with a port: write 9718, 127.0.0.1:9718 or [::1]:9718")
            return nil
        }
        if !Loopback.contains(host) {
            let advice = "put a web server with TLS and a login before it"
            log.warning(
                "\(key): everybody who reaches this address can read the status page: \(advice)",
                at: node.place
            )
        }
        return .address(host: host, port: port)
    }

    /// Numbers alone: a name could mean another address tomorrow.
    private static func isAddress(_ host: String) -> Bool {
        if host.contains(":") { return host.allSatisfy { $0.isHexDigit || ":.".contains($0) } }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0) != nil && $0.first != "+" }
    }

    private func hostName() -> String? {
        guard let name = text("a host name") else { return nil }
        let isName =
            name.utf8.count <= 253
            && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".-".contains($0)) }
        guard isName else {
            report("\(key) \(Wording.shown(name)) is no host name: without a scheme, a port and a path")
            return nil
        }
        return name
    }
}
