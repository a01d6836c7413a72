import FoundationEssentials
import TokenHealth
import VigilStorage

/// The deaths of all the tokens of one owner, and what they have in common.
struct OwnerHistory: Encodable, Sendable {
    /// `nil` for a token without an owner, which then stands alone.
    let owner: String?
    let tokens: [TokenName]
    /// Every token's death counted.
    let deaths: Int
    let pattern: DeathPattern?

    /// One for each owner of whose tokens there is a record.
    static func all(
        in records: [HistoryReader.Record],
        configured: [WatchedToken],
        on clock: WallClock
    ) -> [OwnerHistory] {
        let owners = Dictionary(configured.map { ($0.name, $0.owner) }) { first, _ in first }
        let groups = Dictionary(grouping: records) { record in
            // A token that is configured no more had the owner its last certificate names.
            (owners[record.token] ?? record.deaths.compactMap(\.certificate).last?.owner).map(Subject.owner)
                ?? .token(record.token)
        }
        return groups.map { OwnerHistory(of: $0, records: $1, on: clock) }
            .sorted { ($0.owner ?? "\u{10FFFF}", $0.tokens[0]) < ($1.owner ?? "\u{10FFFF}", $1.tokens[0]) }
    }

    private enum Subject: Hashable {
        case owner(String)
        case token(TokenName)
    }

    private init(of subject: Subject, records: [HistoryReader.Record], on clock: WallClock) {
        owner =
            switch subject {
            case .owner(let owner): owner
            case .token: nil
            }
        tokens = records.map(\.token).sorted()
        let recorded = records.flatMap { record in record.deaths.compactMap { $0.recorded(of: record.token) } }
        deaths = recorded.count
        pattern = DeathPattern(of: recorded, on: clock)
    }

    private enum CodingKeys: CodingKey { case owner, tokens, deaths, pattern }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(owner, forKey: .owner)
        try container.encode(tokens, forKey: .tokens)
        try container.encode(deaths, forKey: .deaths)
        try container.encode(pattern, forKey: .pattern)
    }
}

extension HistoryReader.Death {
    /// This as a death of `token`; `nil` for an incident of another kind, and for one in which nothing had to be
    /// replaced.
    fileprivate func recorded(of token: TokenName) -> RecordedDeath? {
        guard let certificate, repair != .sameSecret else { return nil }
        return RecordedDeath(
            token: token,
            lastAcceptedAt: certificate.lastAcceptedAt,
            diedAt: certificate.diedAt,
            lived: certificate.lived,
            reason: certificate.reason
        )
    }
}

// MARK: - For people

extension OwnerHistory {
    /// The pattern, in lines; nothing below ``DeathPattern/fewest`` deaths.
    var lines: [String] {
        guard let pattern else { return [] }
        let whose = owner.map { "tokens of \($0)" } ?? tokens[0].text
        var lines = ["\(Terminal.bold(whose))  \(pattern.deaths) deaths"]
        lines.append("  pattern   \(pattern.sentence ?? "none to be seen in \(pattern.deaths) deaths")")
        if let lives = pattern.lifetimes {
            lines.append(
                "  lifetimes median \(lives.median.short), shortest \(lives.shortest.short), "
                    + "longest \(lives.longest.short), of \(lives.count)"
            )
        }
        guard pattern.timed > 0 else { return lines + [""] }
        let days = zip(DeathPattern.dayNames, pattern.weekdays).map { "\($0.prefix(2)) \($1)" }
        let hours = pattern.hours.enumerated().filter { $1 > 0 }.map { "\($0 < 10 ? "0" : "")\($0):00 \($1)" }
        lines.append("  weekdays  \(days.joined(separator: ", "))  (\(pattern.zone), \(pattern.timed) of known hour)")
        lines.append("  hours     \(hours.joined(separator: ", "))")
        return lines + [""]
    }
}

extension DeathCertificate {
    /// The certificate for a person, without what the incident says already.
    var lines: [String] {
        var lines = ["confirmed      \(confirmedAt.secondUTC)", "reason         \(reason.rawValue)"]
        if let cause { lines.append("likely cause   \(cause)") }
        if let lived { lines.append("lived          \(lived.short), from the first sight of it") }
        lines.append("evidence       \(explanation)")
        lines += evidence.lines.filter { !["last accepted", "first rejected"].contains($0.subject) }.map {
            "  \($0.subject): \($0.text)"
        }
        for dependant in usedBy {
            lines.append("used by        \(dependant.name)" + (dependant.owner.map { " (\($0))" } ?? ""))
        }
        return lines
    }
}

extension HistoryReader.Death {
    /// How it was repaired, once it was.
    var repairLine: String? {
        guard let closedAt else { return nil }
        let when = "\(closedAt.secondUTC), after \(Duration.seconds(closedAt.timeIntervalSince(openedAt)).short)"
        switch repair {
        case .newSecret: return "repaired       \(when), by a new token"
        case .sameSecret: return "recovered      \(when), with the same token: it was not replaced"
        case nil: return "ended          \(when)"
        }
    }
}
