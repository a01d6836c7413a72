import CCurl
import Glibc

/// Where a proxy is, read from its variable as libcurl reads it: `[scheme://][login@]host[:port]`.
///
/// The login is not kept: what is made of this may be shown.
package struct ProxyAddress: Sendable, Hashable, CustomStringConvertible {
    /// How a proxy is spoken to.
    package enum Scheme: String, Sendable, Hashable, CaseIterable {
        case http, https, socks4, socks4a, socks5, socks5h, socks
    }

    /// Why a value names no proxy, as the end of a sentence; nothing of a login is in it.
    package enum Fault: Error, Sendable, Hashable, CustomStringConvertible {
        case scheme(String)
        case port
        case syntax

        package var description: String {
            switch self {
            case .scheme(let scheme):
                "there is no proxy of the scheme '\(scheme)': write http://, https://, socks5:// or socks5h://"
            case .port: "its port is not a number between 1 and 65535"
            case .syntax: "it cannot be read: write it as http://proxy.example.com:3128"
            }
        }
    }

    package let scheme: Scheme
    /// In brackets where it is an IPv6 address.
    package let host: String
    /// What libcurl takes where the value names none: 443 with `https`, 1080 with every other scheme.
    package let port: Int

    package var description: String { "\(host):\(port)" }

    /// Whether it is spoken to in HTTP, and not in SOCKS.
    package var speaksHTTP: Bool { scheme == .http || scheme == .https }

    /// - Throws: ``Fault`` for a value of which libcurl would make nothing.
    package init(_ value: String) throws(Fault) {
        guard let parts = unsafe curl_url() else { throw .syntax }
        defer { unsafe curl_url_cleanup(parts) }
        // As libcurl does it itself for a proxy (parse_proxy in its url.c).
        let flags = UInt32(CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME)
        switch unsafe curl_url_set(parts, CURLUPART_URL, value, flags) {
        case CURLUE_OK: break
        case CURLUE_BAD_PORT_NUMBER: throw .port
        default: throw .syntax
        }
        func part(_ part: CURLUPart) -> String? {
            var text: UnsafeMutablePointer<CChar>?
            guard unsafe curl_url_get(parts, part, &text, 0) == CURLUE_OK, let found = unsafe text else { return nil }
            defer { unsafe curl_free(found) }
            return unsafe String(cString: found)
        }
        let word = (part(CURLUPART_SCHEME) ?? "http").lowercased()
        guard let scheme = Scheme(rawValue: word) else { throw .scheme(String(word.prefix(20))) }
        guard let host = part(CURLUPART_HOST), !host.isEmpty else { throw .syntax }
        self.scheme = scheme
        self.host = host
        port = part(CURLUPART_PORT).flatMap { Int($0) } ?? (scheme == .https ? 443 : 1080)
    }
}
