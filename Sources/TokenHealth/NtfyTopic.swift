/// Server and topic in the address of a topic of ntfy: `https://ntfy.example.com/alerts`.
package struct NtfyTopic: Sendable, Hashable {
    /// The address without the topic, a query kept.
    package let root: String
    package let name: String

    /// `nil` where the address ends without a topic: letters, digits, `-` and `_`, at most 64.
    package init?(address: String) {
        let end = address.firstIndex(where: { "?#".contains($0) }) ?? address.endIndex
        var path = address[..<end]
        while path.hasSuffix("/") { path = path.dropLast() }
        guard let slash = path.lastIndex(of: "/"), path[..<slash].contains("://"),
            path[..<slash].count > "https://".count
        else { return nil }
        let topic = path[path.index(after: slash)...]
        let isPlain = topic.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || byte == 0x2D || byte == 0x5F
        }
        guard isPlain, (1...64).contains(topic.utf8.count) else { return nil }
        root = path[...slash] + String(address[end...])
        name = String(topic)
    }
}
