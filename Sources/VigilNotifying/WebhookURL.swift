import TokenHealth

/// The address of a webhook.
///
/// Its path and query are a secret, so a person is shown ``origin`` and nothing else.
struct WebhookURL: Sendable {
    /// The whole address, for the HTTP client alone.
    let text: String
    /// Scheme and host, without user, port, path and query: `https://hooks.example.com`.
    let origin: String
    /// Whether the way there is encrypted, or never leaves this host.
    let isProtected: Bool

    /// Checks that `text` is an `http` or `https` address with a host; `nil` otherwise.
    init?(_ text: String) {
        guard let colon = text.firstRange(of: "://") else { return nil }
        let scheme = text[..<colon.lowerBound].lowercased()
        guard scheme == "https" || scheme == "http" else { return nil }
        let authority = text[colon.upperBound...].prefix { !"/?#\\".contains($0) }
        let hostAndPort = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? authority
        let host: Substring
        if hostAndPort.hasPrefix("["), let end = hostAndPort.firstIndex(of: "]") {
            host = hostAndPort[...end]
        } else {
            host = hostAndPort.prefix { $0 != ":" }
        }
        guard !host.isEmpty else { return nil }
        self.text = text
        isProtected = scheme == "https" || Loopback.contains(host)
        origin = "\(scheme)://\(host.lowercased())".oneLine.shortened(to: 200)
    }

    /// `message` on one line, without anything of this address but its origin.
    func redacted(_ message: String) -> String {
        var line = message.oneLine.replacing(text, with: origin)
        let start = text.firstRange(of: "://")?.upperBound ?? text.startIndex
        if let tail = text[start...].firstIndex(where: { "/?#".contains($0) }) {
            let target = text[tail...]
            for part in [target] + target.split(whereSeparator: { "/?#&=".contains($0) }) where part.count > 3 {
                line = line.replacing(part, with: "[secret]")
            }
        }
        return line.shortened(to: 200)
    }
}
