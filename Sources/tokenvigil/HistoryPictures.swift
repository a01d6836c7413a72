import FoundationEssentials
import TokenHealth
import VigilConfiguration
import VigilServing
import VigilStorage

/// The record of the past with what pictures of it need beside.
struct PicturedHistory {
    let records: [HistoryReader.Record]
    /// The time that is shown: from the first thing recorded on, where that is later than what was asked for.
    let from: Date
    let until: Date

    /// - `since`: the beginning that was asked for.
    /// - `status`: what is known now; the daemon writes healthy sightings down once a minute.
    init(_ records: [HistoryReader.Record], since: Date, now: Date, status: StatusDocument?) {
        self.records = records.map { $0.continued(by: status?.tokens[$0.token.text]) }
        let first = self.records.compactMap(\.intervals.first?.start).min()
        until = now
        // A watch that has just begun has some width.
        from = min(max(since, first ?? since), max(since, now.addingTimeInterval(-60)))
    }

    /// As one SVG file.
    func svg(owners: [TokenName: String], on clock: WallClock) -> String {
        let rows = records.map { record in
            HistoryPicture.Row(
                name: record.token.text,
                owner: owners[record.token] ?? record.lastOwner,
                intervals: record.intervals,
                deaths: record.deathMarks,
                uptime: record.uptime.month
            )
        }
        return HistoryPicture(of: rows, from: from, until: until, on: clock).svg
    }
}

extension HistoryReader.Record {
    /// The deaths in which a secret had to be replaced, or still has to be.
    var deathMarks: [HistoryPicture.Death] {
        deaths.compactMap { death in
            guard let certificate = death.certificate, death.repair != .sameSecret else { return nil }
            return HistoryPicture.Death(at: certificate.diedAt, reason: certificate.reason.rawValue)
        }
    }

    /// Of a token that is configured no more.
    fileprivate var lastOwner: String? { deaths.compactMap(\.certificate).last?.owner }

    /// The same record up to the last look, where that has changed nothing.
    fileprivate func continued(by report: TokenReport?) -> HistoryReader.Record {
        guard let report, let seen = report.lastProbe?.at else { return self }
        return continued(as: report.state, until: seen)
    }
}

/// The validity intervals as a table for other programs: RFC 4180, lines that end with `\n`.
///
/// Every field is a name, a word, a time or a number of this program's: none begins with what a spreadsheet runs.
struct HistorySheet {
    static let columns = ["token", "state", "reason", "start", "end", "seconds", "incident"]

    let records: [HistoryReader.Record]

    var text: String {
        let lines = records.flatMap { record in
            record.intervals.map { interval -> [String] in
                let seconds = max(0, interval.end.timeIntervalSince(interval.start)).rounded()
                return [
                    record.token.text, interval.state.rawValue, interval.reason ?? "", interval.start.rfc3339,
                    interval.end.rfc3339, "\(Int(seconds))", record.incident(during: interval) ?? "",
                ]
            }
        }
        return ([HistorySheet.columns] + lines).map { $0.map(quoted).joined(separator: ",") + "\n" }.joined()
    }

    private func quoted(_ field: String) -> String {
        let isPlain = field.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x2C && $0 < 0x7F }
        return isPlain ? field : "\"" + field.replacing("\"", with: "\"\"") + "\""
    }
}

extension HistoryReader.Record {
    /// The incident that was open when an interval ended: one opens some time after its trouble has begun.
    fileprivate func incident(during interval: ValidityInterval) -> String? {
        guard interval.state != .valid else { return nil }
        return deaths.first { death in
            death.openedAt <= interval.end && (death.closedAt.map { $0 > interval.start } ?? true)
        }?.incident
    }
}
