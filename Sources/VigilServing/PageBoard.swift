import FoundationEssentials
import TokenHealth

/// Keeps what is dear about the page for a while: the bars of all tokens, and the page of all tokens itself.
actor PageBoard {
    private var bars: DayBars?
    private var barsMadeAt = Duration.zero
    private var page: StatusPage?
    private var pageShows: Date?

    /// How long bars are kept.
    private static let freshness = Duration.seconds(30)

    /// The page of all tokens.
    ///
    /// - Throws: ``ArchiveRefusal``, or what keeps it from being made.
    func page(of document: StatusDocument, from archive: any Archive, at now: Moment) async throws -> StatusPage {
        if let page, pageShows == document.generatedAt { return page }
        let made = try StatusPage(live: document, bars: try await bars(from: archive, at: now))
        (page, pageShows) = (made, document.generatedAt)
        return made
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
        let history = try await archive.history(of: name, since: first, now: now.wall)
        let bars = try await bars(from: archive, at: now)
        return try StatusPage(live: document, bars: bars.only(name), token: name.text, history: history)
    }

    private func bars(from archive: any Archive, at now: Moment) async throws(ArchiveRefusal) -> DayBars {
        if let bars, now.uptime - barsMadeAt < PageBoard.freshness { return bars }
        let first = DayBar.firstDay(of: DayBars.days, until: now.wall)
        let made = DayBars(of: try await archive.validity(since: first), until: now.wall)
        (bars, barsMadeAt) = (made, now.uptime)
        return made
    }
}
