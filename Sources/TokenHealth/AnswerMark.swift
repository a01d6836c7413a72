/// What an answer looked like, in everything that a verdict on an acceptance and the facts in it rest on.
///
/// Two answers with the same mark, under the same rules, mean the same: the second one need not be read again. It lasts as
/// long as the process: its hash is seeded anew at each start, so no server can make two answers collide.
package struct AnswerMark: Sendable, Hashable {
    package let status: Int
    private let hash: Int

    /// - Parameters:
    ///   - status: of the answer.
    ///   - rules: what says which header fields matter.
    ///   - body: all of it.
    ///   - values: of a header field in any case, all of them in order.
    package init(
        status: Int,
        under rules: ProbeTemplate,
        body: UnsafeRawBufferPointer,
        values: (_ field: String) -> [String]
    ) {
        var hasher = Hasher()
        for name in AnswerMark.framing { hasher.combine(values(name)) }
        rules.eachTellingHeader { hasher.combine(values($0)) }
        unsafe hasher.combine(bytes: body)
        self.status = status
        hash = hasher.finalize()
    }

    /// What every verdict looks at, whatever the rules.
    private static let framing = ["content-type", "content-encoding", "retry-after", "age", "warning"]
}

extension ProbeTemplate {
    /// Names the header fields that the rules look at.
    fileprivate func eachTellingHeader(_ body: (String) -> Void) {
        for matchers in [accepted, rejected, limited, unrelated] {
            for matcher in matchers where !matcher.headers.isEmpty { matcher.headers.keys.sorted().forEach(body) }
        }
        if case .header(let name)? = expiry { body(name) }
        if case .header(let name)? = scopes { body(name) }
    }
}

/// An answer that would be no news, and the question it was given to.
package struct KnownAnswer: Sendable, Hashable {
    package let mark: AnswerMark
    /// The same for very many tokens, where nothing of the token stands in the URL.
    package var question: Question { _read { yield kept.wrappedValue } }
    private var kept: Kept<Question>

    package init(mark: AnswerMark, question: Question) {
        self.mark = mark
        kept = Kept(wrappedValue: question)
    }

    /// Keeps what is equal in both once.
    package mutating func share(with other: KnownAnswer) { kept.share(with: other.kept) }
}
