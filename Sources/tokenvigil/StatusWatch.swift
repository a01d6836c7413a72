import ArgumentParser
import FoundationEssentials
import Glibc
import TokenHealth
import VigilConfiguration

/// `status --watch`: the table as it changes.
struct StatusWatch {
    let configuration: Configuration
    let names: [String]

    private static let period = Duration.seconds(1)

    private func look(at now: Date) -> Result<StatusReading, Failure> {
        do {
            return .success(try StatusReading(configuration: configuration, names: names, now: now))
        } catch let failure as Failure {
            return .failure(failure)
        } catch {
            return .failure(Failure("\(error)", code: .unknown))
        }
    }

    /// Keeps the table on the screen until a person or a signal ends it.
    ///
    /// - Throws: the exit code.
    func live() async throws -> Never {
        let screen = LiveScreen()
        var last: StatusReading?
        var code = ExitCode.unknown
        var end: ExitCode?
        for await event in screen.begin(every: StatusWatch.period) {
            switch event {
            case .redraw:
                let now = Date.now
                let look = look(at: now)
                last = (try? look.get()) ?? last
                code = (try? look.get().exitCode) ?? .unknown
                let board = StatusBoard(reading: last, trouble: look.failure?.message, now: now)
                screen.draw { board.lines(columns: $0, rows: $1) }
            case .quit: end = code
            case .signal(let number): end = ExitCode(128 + number)
            }
            if end != nil { break }
        }
        screen.end()
        throw end ?? code
    }

    /// Prints a table, and another one whenever something has changed, for a file or another program.
    ///
    /// - Throws: when nobody reads any more.
    func printChanges() async throws -> Never {
        var last: Snapshot?
        while true {
            let now = Date.now
            let look = look(at: now)
            let snapshot = Snapshot(look)
            if snapshot != last {
                print((last == nil ? "" : "\n") + now.secondUTC)
                switch look {
                case .success(let reading): StatusTable(reading, now: now).lines.forEach { print($0) }
                case .failure(let failure): print(failure.message)
                }
                Terminal.flush()
                last = snapshot
            }
            try await Task.sleep(for: StatusWatch.period)
            guard Terminal.isRead else { throw ExitCode.success }
        }
    }
}

/// What is worth another table: not the ages, which grow every second.
private struct Snapshot: Equatable {
    struct Token: Equatable {
        let name: String
        let state: StateName
        let reason: String?
        let since: Date
        let owner: String?
        let expiresAt: Date?
        let acknowledged: String?
        let silencedUntil: Date?
    }

    private var tokens: [Token] = []
    private var notices: [String] = []
    private var isKnown = false

    init(_ look: Result<StatusReading, Failure>) {
        guard case .success(let reading) = look else { return }
        isKnown = true
        tokens = reading.reports.map { name, report in
            Token(
                name: name,
                state: report.state,
                reason: report.reason,
                since: report.since,
                owner: report.owner,
                expiresAt: report.expiresAt,
                acknowledged: report.incident?.acknowledged,
                silencedUntil: report.incident?.silencedUntil
            )
        }
        notices =
            reading.document.notifiers.map { "\($0.key) \($0.value.state.rawValue)" }.sorted()
            + reading.document.monitor.problems
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}
