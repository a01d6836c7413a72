/// What a refusal looks like, without what changes from one to the next: enough to tell an API's own refusal from that of
/// something in front of it.
package struct RefusalShape: Sendable, Hashable, Codable {
    private let status: Int
    /// The schemes that are asked for, sorted.
    private let schemes: [String]
    private let kind: Kind
    /// The names at the top of a JSON object, sorted.
    private let keys: [String]
    /// What is said, in lower case; whatever holds a digit is an id, a time or an address.
    private let words: String

    private enum Kind: String, Codable {
        case empty, json, page, text
    }

    /// `nil` where there was no answer, or one that was no refusal for want of a token.
    package init?(_ exchange: Exchange) {
        guard case .answered(let answer) = exchange.outcome, [400, 401, 403].contains(answer.status) else { return nil }
        self.init(answer)
    }

    init(_ answer: Answer) {
        status = answer.status
        schemes = Set(answer.challenges.map(\.scheme)).sorted()
        var said = ""
        if let document = answer.document {
            kind = .json
            if case .object(let members) = document { keys = members.keys.sorted() } else { keys = [] }
            said = answer.message ?? ""
        } else {
            keys = []
            said = String(answer.bodyText.prefix(200))
            let isEmpty = said.allSatisfy(\.isWhitespace)
            kind = answer.isHTML ? .page : isEmpty ? .empty : .text
        }
        words = said.lowercased().split { !$0.isLetter && !$0.isNumber }
            .map { $0.contains(where: \.isNumber) ? "#" : String($0) }
            .joined(separator: " ")
    }

    /// Whether a login by `scheme` is asked for.
    func asks(for scheme: String) -> Bool { schemes.contains(scheme) }
}
