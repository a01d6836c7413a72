/// What an answer looks like, without what changes from one to the next: enough to tell an API's own answer from that of
/// something in front of it.
package struct AnswerShape: Sendable, Hashable, Codable {
    private let status: Int
    /// The schemes that are asked for, sorted.
    private let schemes: [String]
    private let kind: Kind
    /// The names at the top of a JSON object, sorted; whatever holds a digit is an id.
    private let keys: [String]
    /// What a refusal says, in lower case; whatever holds a digit is an id, a time or an address.
    private let words: String

    private enum Kind: String, Codable {
        case empty, json, page, text
    }

    /// `nil` where there was no answer, or one that was no refusal for want of a token.
    package init?(refusal exchange: Exchange) {
        guard case .answered(let answer) = exchange.outcome, [400, 401, 403].contains(answer.status) else { return nil }
        self.init(answer)
    }

    /// `nil` where there was no answer.
    package init?(of exchange: Exchange) {
        guard case .answered(let answer) = exchange.outcome else { return nil }
        self.init(answer)
    }

    init(_ answer: Answer) {
        status = answer.status
        schemes = Set(answer.challenges.map(\.scheme)).sorted()
        var said = ""
        if let document = answer.document {
            kind = .json
            if case .object(let members) = document {
                keys = Set(members.keys.map { $0.contains(where: \.isNumber) ? "#" : $0 }).sorted()
            } else {
                keys = []
            }
            said = answer.message ?? ""
        } else {
            keys = []
            said = String(answer.bodyText.prefix(200))
            let isEmpty = said.allSatisfy(\.isWhitespace)
            kind = answer.isHTML ? .page : isEmpty ? .empty : .text
        }
        // What a success says is the news of the day.
        words =
            (200..<300).contains(answer.status)
            ? ""
            : said.lowercased().split { !$0.isLetter && !$0.isNumber }
                .map { $0.contains(where: \.isNumber) ? "#" : String($0) }
                .joined(separator: " ")
    }

    /// Whether one of them is the other, or says the same and more: an API that adds a detail to its refusal is still the API.
    func isLike(_ other: AnswerShape) -> Bool {
        guard status == other.status, schemes == other.schemes, kind == other.kind, keys == other.keys else {
            return false
        }
        let (shorter, longer) = words.count < other.words.count ? (words, other.words) : (other.words, words)
        return words == other.words || !shorter.isEmpty && longer.hasPrefix(shorter + " ")
    }

    /// Whether a login by `scheme` is asked for.
    func asks(for scheme: String) -> Bool { schemes.contains(scheme) }
}
