import FoundationEssentials
import Glibc
import Logging
import TokenHealth
import VigilConfiguration
import VigilHTTP
import VigilServing
import VigilStorage
import VigilSystemd

/// The record of the past, for who asks over HTTP.
struct StateArchive: Archive {
    let directory: String
    let tokens: @Sendable () -> [WatchedToken]
    let environment: [String: String]

    /// About how many rows of each kind one answer holds: some 20 MB.
    private static let mostRows = 50_000

    func history(
        of token: TokenName?,
        since: Date,
        now: Date
    ) async throws(ArchiveRefusal) -> any Encodable & Sendable {
        do {
            let reader = try HistoryReader(directory: directory)
            let records = try reader.records(of: token, since: since, now: now, most: StateArchive.mostRows)
            let clock = WallClock.local(environment: environment, at: now)
            let owners = OwnerHistory.all(in: records, configured: tokens(), on: clock)
            return HistoryDocument(generatedAt: now, tokens: records, owners: owners)
        } catch {
            throw ArchiveRefusal("\(error)")
        }
    }

    func dayBars(days: Int, until now: Date) async throws(ArchiveRefusal) -> [TokenName: DayBar] {
        do {
            return try HistoryReader(directory: directory).dayBars(days: days, until: now)
        } catch {
            throw ArchiveRefusal("\(error)")
        }
    }
}

extension ListenSettings {
    /// Where to listen; `nil`, with a line in the log, where systemd has handed over no socket.
    func listener(_ logger: Logger) -> HTTPListener? {
        switch place {
        case .address(let host, let port): return .address(host: host, port: port)
        case .systemd:
            // A copy: the socket outlives a server that has to make room for another.
            if let descriptor = ServiceManager().handedSocket.map({ fcntl($0, F_DUPFD_CLOEXEC, 3) }), descriptor >= 0 {
                return .descriptor(descriptor)
            }
            logger.error("the status page cannot be served: systemd has handed over no socket, see docs/http-api.md")
            return nil
        }
    }
}
