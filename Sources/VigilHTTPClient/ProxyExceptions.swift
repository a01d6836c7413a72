import Glibc

/// The names and networks of `NO_PROXY`, as libcurl compares them (Curl_check_noproxy in its noproxy.c).
///
/// libcurl itself decides who is asked directly; this is for telling people.
enum ProxyExceptions {
    /// Whether one of `exceptions`, separated by commas, is about `host`, which has no brackets.
    static func contain(_ host: some StringProtocol, in exceptions: String) -> Bool {
        guard exceptions != "*" else { return true }
        let host = host.lowercased()
        let address = bytes(of: host)
        return exceptions.split { $0 == "," || $0 == " " }.contains { exception in
            address.map { isNetwork(exception, around: $0) } ?? isDomain(exception.lowercased(), of: host)
        }
    }

    private static func isDomain(_ exception: String, of host: String) -> Bool {
        var name = exception[...]
        if name.hasSuffix(".") { name = name.dropLast() }
        if name.hasPrefix(".") { name = name.dropFirst() }
        let host = host.hasSuffix(".") ? host.dropLast() : host[...]
        return !name.isEmpty && (host == name || host.hasSuffix("." + name))
    }

    private static func isNetwork(_ exception: Substring, around address: [UInt8]) -> Bool {
        let parts = exception.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let network = bytes(of: String(first)), network.count == address.count else {
            return false
        }
        let length = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        // No length, and 0, mean the whole address there.
        let bits = (1...8 * address.count).contains(length) ? length : 8 * address.count
        return zip(network, address).enumerated().allSatisfy { index, pair in
            let mask = UInt8(truncatingIfNeeded: 0xFF00 >> min(max(bits - 8 * index, 0), 8))
            return pair.0 & mask == pair.1 & mask
        }
    }

    /// The address that `text` is in numbers; `nil` for a name.
    private static func bytes(of text: String) -> [UInt8]? {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if unsafe inet_pton(family, text, &bytes) == 1 { return bytes }
        }
        return nil
    }
}
