package import FoundationEssentials

/// Where in an answer a provider says when the token expires.
package enum ExpiryPlace: Sendable, Hashable {
    /// A header with a time.
    case header(String)
    /// A JSON Pointer to a time: seconds since 1970, RFC 3339, or a day.
    case json(JSONPointer)
    /// A JSON Pointer to the seconds that are left.
    case secondsLeft(JSONPointer)
}

/// Where in an answer a provider lists the scopes of the token.
package enum ScopePlace: Sendable, Hashable {
    /// A header, the scopes separated by commas or spaces.
    case header(String)
    /// A JSON Pointer to a list, or to a text like that of the header.
    case json(JSONPointer)
}

/// What an accepted answer tells of a token besides its identity.
package struct StatedFacts: Sendable, Hashable {
    package var expiresAt: Date?
    /// `nil` where the answer does not speak of scopes; empty where it says that there are none.
    package var scopes: [String]?

    package init(expiresAt: Date? = nil, scopes: [String]? = nil) {
        self.expiresAt = expiresAt
        self.scopes = scopes
    }
}

extension ProbeTemplate {
    /// What `exchange` tells besides the verdict; nothing where it is not whole.
    package func facts(in exchange: Exchange, at now: Date) -> StatedFacts {
        guard case .answered(let answer) = exchange.outcome, !answer.isCut, !answer.isEncoded, !answer.isHTML else {
            return StatedFacts()
        }
        return StatedFacts(
            expiresAt: expiry.flatMap { answer.expiry(at: $0, now: now) },
            scopes: scopes.flatMap { answer.scopes(at: $0) }
        )
    }
}

extension Answer {
    fileprivate func expiry(at place: ExpiryPlace, now: Date) -> Date? {
        switch place {
        case .header(let name): return first(name).flatMap { StatedTime.date(in: $0) }
        case .json(let pointer):
            switch document?[pointer] {
            case .string(let text): return StatedTime.date(in: text)
            case .number(let number): return StatedTime.date(seconds: number.value)
            case .null, .bool, .array, .object, nil: return nil
            }
        case .secondsLeft(let pointer):
            guard let text = document?[pointer]?.scalarText, let seconds = Double(text), seconds.isFinite,
                // An accepted token that has no second left is one that never ends.
                seconds > 0, seconds <= 1e10
            else { return nil }
            return StatedTime.date(seconds: now.timeIntervalSince1970 + seconds)
        }
    }

    fileprivate func scopes(at place: ScopePlace) -> [String]? {
        switch place {
        case .header(let name):
            let lines = values(of: name)
            return lines.isEmpty ? nil : ScopeList.scopes(in: lines.joined(separator: ","))
        case .json(let pointer): return document?[pointer].flatMap { ScopeList.scopes(in: $0) }
        }
    }
}

/// Reads scopes as servers write them.
enum ScopeList {
    /// Most scopes that are remembered.
    private static let limit = 200

    /// The scopes in a list or a text; `nil` where it is neither.
    static func scopes(in value: JSONValue) -> [String]? {
        switch value {
        case .string(let text): return scopes(in: text)
        case .array(let elements):
            let texts = elements.compactMap { element -> String? in
                if case .string(let text) = element { return text }
                return nil
            }
            return texts.count == elements.count ? sorted(texts[...]) : nil
        case .null, .bool, .number, .object: return nil
        }
    }

    /// The scopes in a text, separated by spaces (RFC 6749 section 3.3) or commas (GitHub, Slack).
    static func scopes(in text: String) -> [String] {
        sorted(text.split { $0 == "," || $0.isWhitespace }.map(String.init)[...])
    }

    /// Each once, in order, shown safely.
    private static func sorted(_ scopes: ArraySlice<String>) -> [String] {
        let safe = scopes.prefix(limit).map { scope in
            String(scope.unicodeScalars.filter { (0x21...0x7E).contains($0.value) }.prefix(100))
        }
        return Set(safe.filter { !$0.isEmpty }).sorted()
    }
}
