import FoundationEssentials
import TokenHealth
import VigilEngine

/// Tells a browser what changes, as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
struct EventFeed: Sendable {
    let bulletin: Bulletin
    let timekeeper: any Timekeeper
    /// Only of this token; `nil` for all.
    let token: String?
    /// `generated_at` of the document that the browser has.
    let seen: String?

    /// Most browsers at once.
    static let mostReaders = 64
    /// How often a word is sent when there is no news, so that a connection that is gone is noticed.
    private static let sign = Duration.seconds(15)

    /// Writes until the browser is gone.
    func run(_ write: (String) async throws -> Void) async throws {
        guard let reader = bulletin.admit(limit: EventFeed.mostReaders) else {
            // An error would keep the browser from coming again.
            return try await write("retry: 30000\n\n")
        }
        defer { bulletin.dismiss(reader) }
        try await write("retry: 2000\n\n")
        var shown = bulletin.latest.flatMap { $0.generatedAt.rfc3339 == seen ? $0 : nil }
        while !Task.isCancelled {
            let latest = bulletin.latest
            if let latest, latest.generatedAt != shown?.generatedAt {
                try await write(event(for: latest, after: shown))
                shown = latest
            } else {
                try await write(": no news\n\n")
            }
            await reader.wakeup.wait(until: timekeeper.now().uptime + EventFeed.sign, on: timekeeper)
        }
    }

    private func event(for document: StatusDocument, after shown: StatusDocument?) throws -> String {
        let change = StatusChange(to: document, from: shown, token: token)
        let json = String(decoding: try Wire.encoder().encode(change), as: UTF8.self)
        return "id: \(document.generatedAt.rfc3339)\nevent: status\ndata: \(json)\n\n"
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
