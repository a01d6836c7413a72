import FoundationEssentials

/// A condition on an answer.
///
/// All the parts that are given must hold.
package struct Matcher: Sendable, Hashable {
    package var status: StatusPattern?
    /// Header name to a regular expression that must be found in its value.
    package var headers: [String: TextPattern]
    /// A regular expression that must be found in the body.
    package var body: TextPattern?
    package var json: [JSONPointer: JSONExpectation]
    /// What a match means more exactly, where the answer says so.
    package var meaning: Meaning?

    /// What a rule for rejections or limitations may add.
    package enum Meaning: Sendable, Hashable {
        case rejection(RejectionReason)
        case limitation(Limitation)
    }

    package init(
        status: StatusPattern? = nil,
        headers: [String: TextPattern] = [:],
        body: TextPattern? = nil,
        json: [JSONPointer: JSONExpectation] = [:],
        meaning: Meaning? = nil
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.json = json
        self.meaning = meaning
    }

    /// Whether the condition looks further than the status code.
    var looksInside: Bool { !headers.isEmpty || body != nil || !json.isEmpty }

    /// Whether it needs all of the body.
    var readsBody: Bool { body != nil || !json.isEmpty }

    func matches(_ answer: Answer) -> Bool {
        if let status, !status.contains(answer.status) { return false }
        for (name, pattern) in headers {
            guard answer.values(of: name).contains(where: pattern.isFound(in:)) else { return false }
        }
        if let body, !body.isFound(in: answer.bodyText) { return false }
        guard !json.isEmpty else { return true }
        guard let document = answer.document else { return false }
        return json.allSatisfy { pointer, expectation in expectation.holds(for: document[pointer]) }
    }
}

/// Status codes: single ones and whole classes.
package struct StatusPattern: Sendable, Hashable {
    package var codes: Set<Int>

    package init(codes: Set<Int>) { self.codes = codes }

    package static func exactly(_ codes: Int...) -> StatusPattern { StatusPattern(codes: Set(codes)) }

    /// All of one class: `.hundreds(4)` is 400 to 499.
    package static func hundreds(_ digit: Int) -> StatusPattern {
        StatusPattern(codes: Set(digit * 100...digit * 100 + 99))
    }

    package static let success = hundreds(2)

    func contains(_ status: Int) -> Bool { codes.contains(status) }

    /// Whether single codes are meant, not a whole class.
    var isOneOfFew: Bool { codes.count < 100 }
}

/// What must stand at a JSON Pointer.
package enum JSONExpectation: Sendable, Hashable {
    /// Anything but `null`.
    case present
    /// Exactly this scalar.
    case equals(JSONValue)

    func holds(for value: JSONValue?) -> Bool {
        switch self {
        case .present:
            guard let value else { return false }
            return value != .null
        case .equals(let expected):
            return value == expected
        }
    }
}
