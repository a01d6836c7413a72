/// What an answer says in words: of the token, of its scopes, or of too many requests.
///
/// The codes of RFC 6750 section 3.1 count, in a challenge or in the body, and what APIs write in their stead: a code or a
/// sentence that has "token" and what is wrong with it. Anything else, and any sentence about another kind of token, says
/// nothing.
struct AnswerWords: Sendable, Hashable {
    /// Whether a code or a sentence says that the token is no good.
    private(set) var saysDead = false
    /// The same, said by a code and not only by a sentence.
    private(set) var saysDeadByCode = false
    /// Expired or revoked, where that is said.
    private(set) var reason: RejectionReason?
    /// Whether it is said that no token arrived.
    private(set) var saysMissing = false
    private(set) var saysScope = false
    private(set) var saysLocked = false
    private(set) var saysTooMany = false

    init(of answer: Answer) {
        var reasons: Set<RejectionReason> = []
        for statement in answer.statements {
            let sentence = Sentence(statement.text)
            saysMissing = saysMissing || sentence.saysMissing
            saysTooMany = saysTooMany || sentence.saysTooMany
            saysLocked = saysLocked || sentence.saysLocked
            saysScope = saysScope || (statement.isCode && sentence.saysScope)
            guard let flaws = sentence.flawsOfToken else { continue }
            saysDead = true
            saysDeadByCode = saysDeadByCode || statement.isCode
            if flaws == ["expired"] { reasons.insert(.expired) }
            if flaws == ["revoked"] { reasons.insert(.revoked) }
        }
        reason = reasons.count == 1 ? reasons.first : nil
        // "Missing or invalid token" says neither.
        saysMissing = saysMissing && !saysDead
    }
}

/// One code or sentence, as words in lower case.
private struct Sentence {
    private static let tokens: Set = ["token", "jwt", "bearer"]
    private static let flaws: Set = ["invalid", "expired", "revoked", "inactive"]
    /// What may stand before "token" where the one that was sent is meant.
    private static let companions: Set = [
        ".", "access", "incoming", "current", "api", "auth", "authentication", "authorization", "bearer", "oauth",
        "oauth2", "jwt", "web", "json",
        "personal", "security", "your", "the", "this", "a", "an", "that", "provided", "given", "supplied", "used", "of",
        "with",
        "is", "or", "and", "invalid", "expired", "revoked", "inactive", "error", "unauthorized", "missing", "no",
        "validating",
        "empty", "without", "m",
    ]
    /// What may be meant instead of the token, where it stands between the token and its flaw.
    private static let others: Set = [
        "account", "audience", "certificate", "client", "issuer", "key", "license", "licence", "organization",
        "password",
        "permission", "permissions", "plan", "scope", "scopes", "session", "subscription", "trial", "type", "user",
    ]
    private static let doubts: Set = ["if", "whether", "may", "might", "could", "possibly", "perhaps"]
    private static let rights: Set = [
        "permission", "permissions", "privilege", "privileges", "right", "rights", "access", "scope", "scopes", "role",
        "roles", "insufficient", "lacks", "allowed",
    ]
    private static let furthest = 6

    private let words: [String]

    init(_ text: String) { words = Sentence.words(of: text) }

    /// What is wrong with the token; `nil` where nothing is said to be.
    var flawsOfToken: Set<String>? {
        var found: Set<String> = []
        for index in words.indices where isToken(at: index) {
            let range = max(0, index - Sentence.furthest)...min(words.count - 1, index + Sentence.furthest)
            for place in range {
                guard let flaw = flaw(at: place), !hasBreak(between: place, and: index) else { continue }
                found.insert(flaw)
            }
        }
        // Whoever names two possibilities does not know.
        if found.contains("invalid"), words.contains("missing") || words.contains("no") { return nil }
        if isHedged { return nil }
        return found.isEmpty ? nil : found
    }

    /// Whether a flaw is only thought possible, or named beside a want of rights: "may have expired", "if your token is
    /// invalid", "is invalid or has insufficient permissions", "invalid for this scope".
    private var isHedged: Bool {
        words.indices.contains { index in
            let rest = words[(index + 1)...].prefix { $0 != "." }
            if Sentence.doubts.contains(words[index]) {
                return rest.contains { Sentence.flaws.contains($0) || $0 == "valid" }
            }
            let reach = words[index] == "or" ? Sentence.furthest : words[index] == "for" ? 3 : 0
            return rest.prefix(reach).contains(where: Sentence.rights.contains)
        }
    }

    private func flaw(at place: Int) -> String? {
        let before = place > 0 ? words[place - 1] : ""
        let isNegated = before == "not" || (before == "be" && place > 1 && words[place - 2] == "not")
        if words[place] == "valid" || words[place] == "active" { return isNegated ? "invalid" : nil }
        return Sentence.flaws.contains(words[place]) && !isNegated ? words[place] : nil
    }

    /// Whether a token is spoken of that is the one that was sent.
    private func isToken(at index: Int) -> Bool {
        guard Sentence.tokens.contains(words[index]) else { return false }
        let next = index + 1 < words.count ? words[index + 1] : "."
        // An access token's type, and a bearer of something else.
        guard !["type", "endpoint", "url", "signature", "scope", "scopes"].contains(next) else { return false }
        guard words[index] != "bearer" || next == "." else { return false }
        return index == 0 || Sentence.companions.contains(words[index - 1])
    }

    /// Whether the flaw is another sentence's, or that of something else the sentence speaks of: before the token, between
    /// the two, or right after the flaw.
    private func hasBreak(between flaw: Int, and token: Int) -> Bool {
        let (first, last) = (min(flaw, token), max(flaw, token))
        let next = flaw + 1 < words.count ? words[flaw + 1] : "."
        let before = words[..<first].reversed().prefix { $0 != "." }
        return words[first...last].contains { $0 == "." || Sentence.others.contains($0) }
            || Sentence.others.contains(next) || before.contains(where: Sentence.others.contains)
    }

    var saysMissing: Bool {
        guard !words.contains("invalid") else { return false }
        for index in words.indices where isCredential(at: index) {
            let start = max(0, index - 3)
            let end = min(words.count, index + 5)
            let before = words[start..<index]
            let after = words[(index + 1)..<end].prefix { $0 != "." }
            if before.contains("missing") || before.contains("empty") || after.contains("missing") { return true }
            let isSupplied = { (word: String) in ["provided", "supplied", "present", "sent", "given"].contains(word) }
            if after.contains("not"), after.contains(where: isSupplied) { return true }
            if before.contains("no"), after.contains(where: { isSupplied($0) || $0 == "found" }) { return true }
        }
        return false
    }

    private func isCredential(at index: Int) -> Bool {
        Sentence.tokens.contains(words[index]) || words[index] == "credentials"
            || (words[index] == "header" && index > 0 && words[index - 1] == "authorization")
    }

    var saysScope: Bool {
        words.contains { $0 == "scope" || $0 == "scopes" } && words.contains { $0 == "insufficient" || $0 == "missing" }
    }

    var saysLocked: Bool {
        words.contains { $0 == "account" || $0 == "user" } && words.contains { $0 == "locked" || $0 == "suspended" }
    }

    var saysTooMany: Bool {
        func has(_ phrase: [String]) -> Bool {
            guard words.count >= phrase.count else { return false }
            return (0...words.count - phrase.count).contains { start in
                zip(words[start...], phrase).allSatisfy { $0 == $1 }
            }
        }
        let phrases = [
            ["rate", "limit"], ["rate", "limited"], ["ratelimit"], ["ratelimited"], ["too", "many"],
            ["quota", "exceeded"],
            ["limit", "exceeded"], ["limits", "exceeded"], ["throttled"], ["throttling"], ["slow", "down"],
        ]
        return phrases.contains { has($0) }
    }

    /// `jwt_auth_invalid_token`, `ExpiredToken` and `Token is invalid.` alike: words in lower case, a point for each end.
    private static func words(of text: String) -> [String] {
        var words: [String] = []
        var word = ""
        func end() {
            if !word.isEmpty { words.append(word.lowercased()) }
            word = ""
        }
        var wasLower = false
        for scalar in text.unicodeScalars.prefix(600) {
            let isLetter = scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
            let isUpper = ("A"..."Z").contains(scalar)
            if !isLetter || (isUpper && wasLower) { end() }
            if isLetter { word.unicodeScalars.append(scalar) }
            if ".;:!?\n".unicodeScalars.contains(scalar) { words.append(".") }
            wasLower = isLetter && !isUpper
        }
        end()
        return words
    }
}

extension Answer {
    /// A code for programs or a sentence for people.
    struct Statement {
        let text: String
        let isCode: Bool
    }

    private static let keysOfCodes: Set = [
        "code", "errcode", "error", "error_code", "errorcode", "error_name", "name", "reason", "status", "type",
        "__type",
        "serviceerrorcode", ".tag", "error_summary", "category",
    ]
    private static let keysOfSentences: Set = [
        "message", "error_description", "error_message", "errormessage", "detail", "details", "description", "msg",
        "title",
        "errors", "faultstring", "reason", "error",
    ]

    /// The codes and sentences in the challenges and in the body; none of a page, and few of a large document.
    var statements: [Statement] {
        var statements: [Statement] = []
        for challenge in challenges where challenge.scheme == "bearer" || challenge.scheme == "dpop" {
            if let error = challenge.parameters["error"] { statements.append(Statement(text: error, isCode: true)) }
            if let text = challenge.parameters["error_description"] {
                statements.append(Statement(text: text, isCode: false))
            }
        }
        guard !isHTML else { return statements }
        if let document {
            Answer.gather(from: document, under: "", depth: 0, into: &statements)
        } else if !isEncoded, body.count <= 500 {
            statements.append(Statement(text: bodyText, isCode: false))
        }
        return statements
    }

    private static func gather(from value: JSONValue, under key: String, depth: Int, into list: inout [Statement]) {
        guard depth <= 4, list.count < 32 else { return }
        switch value {
        case .string(let text):
            let isCode = keysOfCodes.contains(key) && !text.contains(" ") && text.utf8.count <= 64
            if isCode || depth == 0 || keysOfSentences.contains(key) {
                list.append(Statement(text: text, isCode: isCode))
            }
        case .object(let members):
            for (name, member) in members.sorted(by: { $0.key < $1.key }) {
                gather(from: member, under: name.lowercased(), depth: depth + 1, into: &list)
            }
        case .array(let elements):
            for element in elements.prefix(8) { gather(from: element, under: key, depth: depth + 1, into: &list) }
        case .null, .bool, .number: break
        }
    }

    /// The account that a refusal speaks of, which only a server that knows the token can name.
    var namedAccount: String? {
        for statement in statements where !statement.isCode {
            let text = String(statement.text.prefix(400))
            let quoted = /(?i)\b(?:user|principal|account|client|serviceaccount):? ["'`]([^"'`]{3,200})["'`]/
            let plain = /(?i)\b(?:user|principal):? ([^ ]*[:@][^ ]{3,200})/
            let name = text.firstMatch(of: quoted)?.output.1 ?? text.firstMatch(of: plain)?.output.1
            guard let name else { continue }
            let lower = name.lowercased()
            guard !["anonymous", "unauthenticated", "guest", "unknown", "public"].contains(where: lower.contains) else {
                continue
            }
            return String(name)
        }
        return nil
    }

    var challenges: [Challenge] { values(of: "www-authenticate").flatMap(Challenge.list(in:)) }
}
