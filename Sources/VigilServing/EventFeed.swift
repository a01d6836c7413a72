import FoundationEssentials
import TokenHealth
import VigilEngine
import VigilHTTP

/// Tells a browser what changes, as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
struct EventFeed: Sendable {
    let bulletin: Bulletin
    let shelf: AnswerShelf
    let timekeeper: any Timekeeper
    /// Only of this token; `nil` for all.
    let token: String?
    /// `generated_at` of the document that the browser has.
    let seen: String?

    /// Most browsers at once.
    var mostReaders = 64
    /// How often a word is sent when there is no news, so that a connection that is gone is noticed.
    private static let sign = Duration.seconds(15)

    /// Writes until the browser is gone.
    ///
    /// Who does not keep up is told all of the newest edition instead of what he has missed.
    func run(_ write: (SharedBytes) async throws -> Void) async throws {
        guard let reader = bulletin.admit(limit: mostReaders) else {
            // An error would keep the browser from coming again.
            return try await write(SharedBytes("retry: 30000\n\n"))
        }
        defer { bulletin.dismiss(reader) }
        try await write(SharedBytes("retry: 2000\n\n"))
        // Only the moment: who is held up in a write keeps no document in memory.
        var shown = seen
        while !Task.isCancelled {
            let event = try await event(after: shown)
            shown = event?.edition ?? shown
            try await write(event?.bytes ?? SharedBytes(": no news\n\n"))
            await reader.wakeup.wait(until: timekeeper.now().uptime + EventFeed.sign, on: timekeeper)
        }
    }

    /// What is to be told to who has the edition `shown`.
    private func event(after shown: String?) async throws -> (edition: String, bytes: SharedBytes)? {
        let (latest, previous) = bulletin.editions
        guard let latest, latest.generatedAt.rfc3339 != shown else { return nil }
        let edition = latest.generatedAt.rfc3339
        let old = previous.flatMap { $0.generatedAt.rfc3339 == shown ? $0 : nil }
        let make: @Sendable () throws -> [UInt8] = { [token] in
            let json = try Wire.encoder().encode(StatusChange(to: latest, from: old, token: token))
            return Array("id: \(edition)\nevent: status\ndata: ".utf8) + json + Array("\n\n".utf8)
        }
        guard token == nil else { return (edition, SharedBytes(try make())) }
        return (edition, try await shelf.bytes(old == nil ? "events" : "changes", of: edition, make: make))
    }
}

/// What of a status document is new.
struct StatusChange: Encodable {
    let generatedAt: Date
    let validUntil: Date
    let monitor: MonitorReport
    let summary: [String: Int]
    let worst: StateName
    /// Those that are as they were before are left out.
    let tokens: [String: TokenReport]
    /// Those that are watched no more.
    let gone: [String]

    /// - `token`: the only one that is wanted; `nil` for all.
    init(to new: StatusDocument, from old: StatusDocument?, token: String?) {
        generatedAt = new.generatedAt
        validUntil = new.validUntil
        monitor = new.monitor
        summary = new.summary
        worst = new.worst
        tokens = new.tokens.filter { (token == nil || $0.key == token) && old?.tokens[$0.key] != $0.value }
        gone = (old?.tokens.keys.filter { new.tokens[$0] == nil } ?? []).sorted()
    }

    private enum CodingKeys: String, CodingKey {
        case monitor, summary, worst, tokens, gone
        case generatedAt = "generated_at"
        case validUntil = "valid_until"
    }
}
