import FoundationEssentials
import TokenHealth
import VigilEngine
import VigilHTTP

/// Keeps what is dear about the page for a while: the bars of all tokens, and the page of all tokens itself.
actor PageBoard {
    private var bars: DayBars?
    private var barsMadeAt = Duration.zero
    private let shelf: AnswerShelf
    /// The past is read for a few at a time: each reading takes memory.
    private let gate = Gate(places: 2)

    /// How long bars are kept.
    private static let freshness = Duration.seconds(30)

    init(shelf: AnswerShelf) { self.shelf = shelf }

    /// The page of all tokens.
    ///
    /// - Throws: ``ArchiveRefusal``, or what keeps it from being made.
    func page(of document: StatusDocument, from archive: any Archive, at now: Moment) async throws -> SharedBytes {
        let bars = try await bars(from: archive, at: now)
        return try await shelf.bytes("page", of: document.generatedAt.rfc3339) {
            try StatusPage(live: document, bars: bars).html
        }
    }

    /// What is known of the past.
    ///
    /// - Throws: ``ArchiveRefusal``.
    func history(
        of token: TokenName?,
        since: Date,
        from archive: any Archive,
        at now: Moment
    ) async throws -> HTTPAnswer {
        try await gate.pass {
            HTTPAnswer(200, Opened(try await archive.history(of: token, since: since, now: now.wall)))
        }
    }

    /// The page of one token.
    ///
    /// - Throws: ``ArchiveRefusal``, or what keeps it from being made.
    func page(
        of name: TokenName,
        in document: StatusDocument,
        from archive: any Archive,
        at now: Moment
    ) async throws -> StatusPage {
        let first = DayBar.firstDay(of: DayBars.days, until: now.wall)
        let bars = try await bars(from: archive, at: now)
        let history = try await gate.pass { try await archive.history(of: name, since: first, now: now.wall) }
        return try StatusPage(live: document, bars: bars.only(name), token: name.text, history: history)
    }

    private func bars(from archive: any Archive, at now: Moment) async throws -> DayBars {
        if let kept = keptBars(at: now) { return kept }
        return try await gate.pass {
            // Somebody else may have read them meanwhile.
            if let kept = keptBars(at: now) { return kept }
            let made = DayBars(of: try await archive.dayBars(days: DayBars.days, until: now.wall), until: now.wall)
            (bars, barsMadeAt) = (made, now.uptime)
            return made
        }
    }

    private func keptBars(at now: Moment) -> DayBars? {
        guard let bars, now.uptime - barsMadeAt < PageBoard.freshness else { return nil }
        return bars
    }
}

/// A value of any type, encoded as itself.
private struct Opened: Encodable {
    let value: any Encodable & Sendable

    init(_ value: any Encodable & Sendable) {
        self.value = value
    }

    func encode(to encoder: any Encoder) throws { try value.encode(to: encoder) }
}
