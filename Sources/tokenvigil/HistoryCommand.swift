import ArgumentParser
import FoundationEssentials
import TokenHealth
import VigilConfiguration
import VigilStorage

/// The record of the past.
struct History: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "When each token was valid, when and why it died, and its uptime.",
        discussion: """
            A death certificate says when a token was last accepted and first rejected, why, on which evidence, what \
            depended on it, how long it lived and how it was repaired. From four deaths of an owner's tokens on, it says \
            what they have in common, if anything; hours and days are those of this host's time zone.

            The table has a timeline of each token, as wide as the terminal: in colour on one, in letters elsewhere, with \
            `NO_COLOR` or where the locale has no UTF-8. `--format svg` is the same as a picture of its own, light and \
            dark, for a page or a mail; its times are those of this host's time zone. `--format csv` has a line for each \
            stretch of time in one state: token, state, reason, start, end, seconds, and the incident that it belongs \
            to. `end` is the last look in it, and times are RFC 3339 in UTC.
            """
    )

    /// How the record is printed.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json, csv, svg
    }

    @OptionGroup var common: CommonOptions
    @Option(help: "How far back: 30d, 12h.") var since = "90d"
    @Option(help: "table, json, csv or svg.") var format = Format.table
    @Argument(help: ArgumentHelp("The token; all without a name.", valueName: "name")) var name: String?

    func run() throws {
        guard let length = DurationText.parse(since) else {
            throw ValidationError("--since takes a number with a unit, such as 30d or 12h, not '\(since)'")
        }
        let configuration = try common.load()
        let token = try name.map { name in
            guard let token = TokenName(name) else { throw Failure("no token is called '\(name)'", code: .unknown) }
            return token
        }
        let now = Date.now
        let records = try read(configuration, token: token, since: now.advanced(by: .zero - length), now: now)
        let clock = WallClock.local(environment: ProcessInfo.processInfo.environment, at: now)
        let pictured = { (records: [HistoryReader.Record]) in
            // Without a daemon the record ends with what is in the database.
            let status = try? StatusReading(configuration: configuration, names: [], now: now).document
            return PicturedHistory(records, since: now.advanced(by: .zero - length), now: now, status: status)
        }
        let owners = OwnerHistory.all(in: records, configured: configuration.tokens, on: clock)
        switch format {
        case .json: try printJSON(HistoryDocument(generatedAt: now, tokens: records, owners: owners))
        case .csv: print(HistorySheet(records: records).text, terminator: "")
        case .svg: print(pictured(records).svg(owners: configuration.owners, on: clock), terminator: "")
        case .table:
            show(records, timelines: TimelineText(pictured(records)))
            owners.flatMap(\.lines).forEach { print($0) }
        }
    }

    private func read(
        _ configuration: Configuration,
        token: TokenName?,
        since: Date,
        now: Date
    ) throws -> [HistoryReader.Record] {
        let records: [HistoryReader.Record]
        do {
            let reader = try HistoryReader(directory: configuration.stateDirectory)
            records = try reader.records(of: token, since: since, now: now)
        } catch {
            throw Failure("\(error)", code: .unknown)
        }
        if let token, records.isEmpty {
            throw Failure("nothing is recorded of a token called '\(token)'", code: .unknown)
        }
        return records
    }

    private func show(_ records: [HistoryReader.Record], timelines: TimelineText) {
        timelines.legend.forEach { print($0) }
        for record in records {
            let uptime =
                record.uptime.month.map { "\(($0 * 1000).rounded() / 10) % of the known time of 30 days" } ?? "unknown"
            print("\(Terminal.bold(record.token.text))  accepted \(uptime)")
            timelines.lines(of: record.token).forEach { print("  \($0)") }
            var table = TextTable("  FROM", "STATE", "TO", "FOR")
            for interval in record.intervals {
                let length = Duration.seconds(interval.end.timeIntervalSince(interval.start)).short
                let state = interval.state.rawValue + (interval.reason.map { " (\($0))" } ?? "")
                table.add(
                    ["  " + interval.start.secondUTC, state, interval.end.secondUTC, length],
                    state: interval.state
                )
            }
            table.lines.forEach { print($0) }
            record.deaths.forEach(show)
            record.interventions.forEach(show)
            print("")
        }
    }

    private func show(_ intervention: Intervention) {
        let until = intervention.until.map { " until \($0.secondUTC)" } ?? ""
        let deed = intervention.deed.rawValue.replacing("_", with: " ")
        let reason = intervention.reason.isEmpty ? "" : ": \(intervention.reason)"
        let secrets = fingerprints(intervention)
        print("  \(intervention.at.secondUTC)  \(deed)\(until) by \(intervention.by)\(secrets)\(reason)")
    }

    private func fingerprints(_ intervention: Intervention) -> String {
        guard intervention.deed == .replaced else { return "" }
        let (old, new) = (intervention.oldFingerprint, intervention.newFingerprint)
        return ", \(old?.text ?? "unknown") by \(new?.text ?? "unknown")"
    }

    private func show(_ death: HistoryReader.Death) {
        print("  incident \(death.incident)  \(death.kind.rawValue)")
        print(
            "    opened \(death.openedAt.secondUTC)"
                + (death.closedAt.map { ", closed \($0.secondUTC)" } ?? ", still open")
        )
        if let last = death.lastAcceptedAt { print("    last accepted  \(last.secondUTC)") }
        if let first = death.firstRejectedAt { print("    first rejected \(first.secondUTC)") }
        guard let certificate = death.certificate else { return print("    \(death.explanation)") }
        (certificate.lines + [death.repairLine].compactMap(\.self)).forEach { print("    \($0)") }
    }
}

extension Configuration {
    /// Whose tokens they are.
    fileprivate var owners: [TokenName: String] {
        Dictionary(tokens.compactMap { token in token.owner.map { (token.name, $0) } }) { first, _ in first }
    }
}

/// What `history --format json` prints.
struct HistoryDocument: Encodable, Sendable {
    let schema = "tokenvigil.history/1"
    let generatedAt: Date
    let tokens: [HistoryReader.Record]
    let owners: [OwnerHistory]

    private enum CodingKeys: String, CodingKey {
        case schema, tokens, owners
        case generatedAt = "generated_at"
    }
}
