import TokenHealth

/// Whether a message is one that this program writes: checked by the helper, which trusts nothing that it is sent.
///
/// It takes a small part of what RFC 5322 allows, and nothing that two readers could take differently: names from a list,
/// each once, written one way; no obsolete forms; one sender; the parts that ``MailMessage`` makes, and no other.
struct MailScrutiny: Sendable {
    /// Why a message is not taken.
    struct Objection: Error, Sendable, Hashable {
        let reason: String
    }

    /// The only sender.
    let from: String
    /// The only recipients that may be named.
    let to: [String]

    /// Longest line, RFC 5322 section 2.1.1.
    private static let longestLine = 998
    /// What a header may be called; anything else could name another sender or recipient, or another kind of content.
    private static let names: Set<String> = [
        "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
        "X-Auto-Response-Suppress", "MIME-Version", "Content-Type", "X-Tokenvigil-Token", "X-Tokenvigil-State",
        "X-Tokenvigil-Incident",
    ]
    /// The headers with one value in every mail.
    private static let fixed = [
        "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All", "MIME-Version": "1.0",
        "Content-Type": MailMessage.contentType,
    ]

    /// - Throws: what is wrong with `message`.
    func check(_ message: String) throws(Objection) {
        let bytes = Array(message.utf8)
        guard bytes.allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x0A || $0 == 0x09 }) else {
            throw Objection(reason: "it has characters that are not plain ASCII")
        }
        // By bytes: for `Character` a letter and a mark behind it are one.
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard lines.allSatisfy({ $0.utf8.count <= MailScrutiny.longestLine }) else {
            throw Objection(reason: "it has a line that is too long")
        }
        guard let end = lines.firstIndex(of: ""), end > 0, lines.count > end + 1 else {
            throw Objection(reason: "it has no empty line between headers and body")
        }
        let headers = try MailScrutiny.headers(in: lines[..<end])
        guard headers["From"] == from else {
            throw Objection(reason: "it is not from \(from.shortened(to: 100)) alone")
        }
        try check(headers)
        let body = Array(lines[(end + 1)...])
        if headers["Content-Type"] != nil { try MailScrutiny.checkParts(body) }
    }

    /// The unfolded values by name.
    private static func headers(in lines: ArraySlice<String>) throws(Objection) -> [String: String] {
        var headers: [String: String] = [:]
        var current: String?
        for line in lines {
            if line.hasPrefix(" ") {
                guard let name = current, name != "From", !line.dropFirst().hasPrefix(" "), line.utf8.count > 1 else {
                    throw Objection(reason: "a header is folded as tokenvigil never does")
                }
                headers[name, default: ""] += line
                continue
            }
            let name = String(line.prefix { $0 != ":" })
            guard names.contains(name) else {
                throw Objection(reason: "it has a header \"\(name.shortened(to: 40))\", which is not allowed")
            }
            guard headers[name] == nil else { throw Objection(reason: "it has the header \(name) twice") }
            let rest = line.dropFirst(name.count)
            guard rest == ":" || rest.hasPrefix(": "), !rest.contains("\t") else {
                throw Objection(reason: "the header \(name) is not written as tokenvigil does it")
            }
            headers[name] = String(rest.dropFirst(2))
            current = name
        }
        return headers
    }

    private func check(_ headers: [String: String]) throws(Objection) {
        for (name, value) in headers {
            switch name {
            case "To":
                let named = value.split(separator: ", ", omittingEmptySubsequences: false).map(String.init)
                guard named.allSatisfy(to.contains) else {
                    throw Objection(reason: "it names a recipient who gets nothing")
                }
            case "Message-ID", "In-Reply-To", "References":
                guard MailScrutiny.isMessageID(value) else { throw Objection(reason: "\(name) is no message id") }
            default:
                guard MailScrutiny.fixed[name].map({ $0 == value }) ?? true else {
                    throw Objection(reason: "the header \(name) says something else than tokenvigil does")
                }
            }
        }
    }

    /// One id, RFC 5322 section 3.6.4, of the characters that ``MailThread`` uses.
    private static func isMessageID(_ text: String) -> Bool {
        guard text.hasPrefix("<"), text.hasSuffix(">") else { return false }
        let halves = text.dropFirst().dropLast().split(separator: "@", omittingEmptySubsequences: false)
        return halves.count == 2
            && halves.allSatisfy { half in
                !half.isEmpty
                    && half.utf8.allSatisfy { byte in
                        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                            || "-_.".utf8.contains(byte)
                    }
            }
    }

    /// Whether the body is the two forms of the text, in quoted-printable, and nothing before, between or behind them.
    private static func checkParts(_ lines: [String]) throws(Objection) {
        let heads = MailMessage.partHeads
        let marks = lines.indices.filter { lines[$0].hasPrefix("--\(MailMessage.boundary)") }
        let isFramed =
            marks.count == heads.count + 1 && marks.first == 0
            && Array(lines[(marks.last ?? 0)...]) == [MailMessage.end, ""]
        guard isFramed else { throw Objection(reason: "its parts are not those of tokenvigil") }
        for (part, head) in heads.enumerated() {
            let text = lines[marks[part]..<marks[part + 1]]
            guard text.count >= head.count, Array(text.prefix(head.count)) == head,
                text.dropFirst(head.count).allSatisfy(isQuotedPrintable)
            else { throw Objection(reason: "its part \(part + 1) is not as tokenvigil writes it") }
        }
    }

    private static let digits = Set("0123456789ABCDEF".utf8)

    /// RFC 2045, section 6.7.
    private static func isQuotedPrintable(_ line: String) -> Bool {
        let bytes = Array(line.utf8)
        guard bytes.count <= 76 else { return false }
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "=") {
            if index == bytes.count - 1 { continue }
            guard index + 2 < bytes.count, digits.contains(bytes[index + 1]), digits.contains(bytes[index + 2]) else {
                return false
            }
        }
        return true
    }
}
