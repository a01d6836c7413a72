package import FoundationEssentials
import OrderedCollections
package import TokenHealth

/// That a person has put a new secret in the place of a token's.
package struct Replacement: Sendable, Hashable, Codable {
    package let token: String
    package let by: String
    /// Whether the new one may be somebody else's.
    package let acceptsNewIdentity: Bool
    /// When it was; `nil` for now.
    package let at: Date?

    package init(token: String, by: String, acceptsNewIdentity: Bool, at: Date? = nil) {
        self.token = token
        self.by = by
        self.acceptsNewIdentity = acceptsNewIdentity
        self.at = at
    }

    /// The same of another token that has the same secret.
    func also(of other: TokenName) -> Replacement {
        Replacement(token: other.text, by: by, acceptsNewIdentity: acceptsNewIdentity, at: at)
    }

    private enum CodingKeys: String, CodingKey {
        case token, by, at
        case acceptsNewIdentity = "new_identity"
    }
}

/// What came of a replacement: the record, the token as it is then, and others with this secret, some of very many.
package typealias ReplacementOutcome = (
    record: Intervention, report: TokenReport, others: [TokenName: TokenReport]
)

extension TokenWatch {
    /// Records a replacement, and asks the provider about the new secret now, unless its host must be left alone.
    ///
    /// - Throws: ``InterventionRefusal``, and nothing is recorded.
    package func replaced(
        _ replacement: Replacement
    ) async throws(InterventionRefusal) -> ReplacementOutcome {
        let source = try entry(called: replacement.token).token.secret
        let record = try await note(replacement)
        let others = entries.values.filter { $0.token.secret == source && $0.name != record.token }.map(\.name)
        for other in others { _ = try? await note(replacement.also(of: other)) }
        let asked = others.prefix(TokenWatch.mostAskedForOne)
        await withDiscardingTaskGroup { group in
            for name in [record.token] + asked { group.addTask { await self.lookAtNewSecret(of: name) } }
        }
        let now = timekeeper.now()
        for name in others.dropFirst(TokenWatch.mostAskedForOne) { hurry(name, at: now.uptime) }
        return (
            record,
            report(on: try entry(called: replacement.token), at: now.wall),
            asked.reduce(into: [:]) { $0[$1] = entries[$1].map { report(on: $0, at: now.wall) } }
        )
    }

    /// How many tokens are asked about while somebody waits for a new secret of theirs; the others follow at once.
    private static let mostAskedForOne = 32

    private func lookAtNewSecret(of name: TokenName) async {
        guard let entry = entries[name], await restEnd(of: entry) == nil else { return }
        await lookAnew(at: name)
    }

    /// Records a replacement without asking anybody.
    ///
    /// - Returns: the record.
    /// - Throws: ``InterventionRefusal``, and nothing is recorded.
    @discardableResult
    package func note(_ replacement: Replacement) async throws(InterventionRefusal) -> Intervention {
        let fingerprint = await observer.fingerprint(of: try entry(called: replacement.token).token)
        let entry = try entry(called: replacement.token)
        var belief = entry.belief
        // The new one may have been seen before this was told.
        let isSeen = fingerprint != nil && fingerprint == belief.fingerprint
        var record = Intervention(
            at: replacement.at ?? timekeeper.now().wall,
            token: entry.name,
            deed: .replaced,
            by: replacement.by,
            reason: replacement.acceptsNewIdentity ? "another identity is intended" : "",
            incident: belief.incident?.sharedID
        )
        record.oldFingerprint = isSeen ? belief.previousFingerprint : belief.fingerprint
        record.newFingerprint = fingerprint
        var news = News()
        news.interventions = [record]
        if replacement.acceptsNewIdentity {
            belief.identity = nil
            news.regrouped[entry.name] = belief
        }
        try keep(news)
        return record
    }
}
