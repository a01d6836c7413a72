/// How messages show what was read: short, on one line, and nothing that looks like a credential.
enum Wording {
    /// `'text'`, or only its length where it is long enough to be a credential.
    static func shown(_ text: String) -> String {
        guard text.count <= 40 else { return "(a text of \(text.count) characters)" }
        let printable = String(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? "?" : Character($0) })
        return "'\(printable)'"
    }

    /// `a, b or c`.
    static func choice(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }

    /// The word most like `word`, where one is alike enough to have been meant.
    static func nearest(to word: String, in candidates: [String]) -> String? {
        guard word.count <= 60 else { return nil }
        let limit = max(1, min(3, (word.count + 1) / 3))
        let ranked = candidates.map { (distance(word.lowercased(), $0.lowercased()), $0) }
        if let near = ranked.filter({ $0.0 <= limit }).min(by: <)?.1 { return near }
        return word.count < 4 ? nil : candidates.first { $0.hasPrefix(word) || ($0.count > 3 && word.hasPrefix($0)) }
    }

    /// What those mean who write a key as other programs have it, beginning with a semicolon.
    static func guess(at key: String, among candidates: [String]) -> String? {
        let plain = key.lowercased().filter { $0 != "_" && $0 != "-" }
        if ["proxy", "httpproxy", "httpsproxy", "allproxy", "noproxy", "proxyurl"].contains(plain) {
            return "; proxies are set by HTTPS_PROXY in the environment of the service, see operating.md"
        }
        let meant: String? =
            switch plain {
            case "ca", "cacert", "cacerts", "cabundle", "capath", "cafile": "ca_file"
            case "url", "baseurl", "endpoint": "base_url"
            default: nil
            }
        return meant.flatMap { candidates.contains($0) ? "; did you mean '\($0)'?" : nil }
    }

    /// What those mean who take a service for a type of notifier, beginning with a semicolon.
    static func guess(atNotifierType type: String) -> String? {
        switch type.lowercased() {
        case let format where ["slack", "discord", "teams", "pagerduty", "ntfy"].contains(format):
            "; it is a webhook with a form of its own: type: webhook, format: \(format)"
        case "email", "e-mail", "smtp", "mail": "; did you mean 'sendmail'?"
        default: nil
        }
    }

    /// `; did you mean 'word'?`, or the words that are possible, where there are few.
    static func suggestion(for word: String, in candidates: [String]) -> String {
        if let near = nearest(to: word, in: candidates) { return "; did you mean '\(near)'?" }
        guard !candidates.isEmpty else { return "" }
        return candidates.count <= 24 ? "; known here: \(candidates.joined(separator: ", "))" : ""
    }

    /// Edits from one word to the other; a swap of two neighbours counts once.
    private static func distance(_ left: String, _ right: String) -> Int {
        let (a, b) = (Array(left), Array(right))
        var older: [Int] = []
        var previous = Array(0...b.count)
        for i in a.indices {
            var current = [i + 1]
            for j in b.indices {
                var best = min(previous[j + 1] + 1, current[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { best = min(best, older[j - 1] + 1) }
                current.append(best)
            }
            older = previous
            previous = current
        }
        return previous[b.count]
    }
}
