/// The addresses of this host itself, where plain `http` is no risk and a proxy no help.
package enum Loopback {
    /// Whether `host`, a name or an address without a port, is one.
    ///
    /// Names are not looked up.
    package static func contains(_ host: some StringProtocol) -> Bool {
        let name = host.lowercased()
        if name == "localhost" || name.hasSuffix(".localhost") || name == "::1" || name == "[::1]" { return true }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil && $0.first != "+" }
    }
}
