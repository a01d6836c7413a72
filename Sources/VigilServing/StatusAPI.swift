package import FoundationEssentials
package import TokenHealth
import VigilEngine
import VigilHTTP

/// What is known of the past, for who asks over HTTP.
///
/// Contract: it writes nothing; what it throws is a sentence for a person, without a secret.
package protocol Archive: Sendable {
    /// The document of `history --format json`.
    ///
    /// - Throws: ``ArchiveRefusal``.
    func history(of token: TokenName?, since: Date, now: Date) async throws(ArchiveRefusal) -> any Encodable & Sendable

    /// What every token was, oldest first.
    ///
    /// - Throws: ``ArchiveRefusal``.
    func dayBars(days: Int, until now: Date) async throws(ArchiveRefusal) -> [TokenName: DayBar]
}

/// Why nothing is told of the past.
package struct ArchiveRefusal: Error, Sendable, Hashable {
    package let message: String

    package init(_ message: String) {
        self.message = message
    }
}

/// Answers what is asked over HTTP; nothing can be changed by it.
struct StatusAPI: Sendable {
    let bulletin: Bulletin
    let tally: Tally
    let archive: any Archive
    let shelf: AnswerShelf
    let board: PageBoard
    let hosts: HostRule
    let timekeeper: any Timekeeper
    /// Most readers of events at once.
    var mostReaders = 64

    /// Longest history that is told.
    private static let longestHistory = Duration.seconds(366 * 86_400)

    func answer(to request: HTTPRequest) async -> HTTPAnswer {
        var answer = await route(request)
        answer.headers += StatusAPI.protection
        if !answer.headers.contains(where: { $0.name == "Content-Security-Policy" }) {
            answer.headers.append(("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"))
        }
        return answer
    }

    /// What a browser is told of every answer: neither guess, nor keep, nor embed, nor pass on where one came from.
    private static let protection = [
        (name: "X-Content-Type-Options", value: "nosniff"),
        (name: "Cache-Control", value: "no-store"),
        (name: "Referrer-Policy", value: "no-referrer"),
        (name: "Cross-Origin-Resource-Policy", value: "same-origin"),
        (name: "X-Frame-Options", value: "DENY"),
    ]

    private func route(_ request: HTTPRequest) async -> HTTPAnswer {
        guard hosts.allows(request) else {
            let sentence = "this server has another name: add it to listen.hosts to use it"
            return HTTPAnswer(421, ["error": sentence])
        }
        guard ["GET", "HEAD"].contains(request.method) else {
            var refusal = HTTPAnswer(405, ["error": "nothing can be changed here: only GET and HEAD"])
            refusal.headers.append(("Allow", "GET, HEAD"))
            return refusal
        }
        switch request.path {
        case "/status.json": return await status()
        case "/metrics": return await metrics(for: request)
        case "/healthz": return health()
        case "/api/v1/history": return await history(request)
        case "/events": return events(request)
        case "/": return await page(of: nil)
        case let path where path.hasPrefix("/token/"):
            return await page(of: HTTPRequest.decoded(path.dropFirst("/token/".count)) ?? "")
        default: return HTTPAnswer(404, ["error": "there is no such thing here: see docs/http-api.md"])
        }
    }

    private func status() async -> HTTPAnswer {
        guard let document = bulletin.latest else { return StatusAPI.nothingYet }
        do {
            let bytes = try await shelf.bytes("status", of: document.generatedAt.rfc3339) {
                Array(try Wire.encoder().encode(document)) + [0x0A]
            }
            return HTTPAnswer(200, type: "application/json", body: .shared(bytes))
        } catch {
            // A number that is no number, perhaps: said rather than trapped on.
            return HTTPAnswer(500, ["error": "the answer cannot be encoded"])
        }
    }

    private static var nothingYet: HTTPAnswer {
        var refusal = HTTPAnswer(503, ["error": "nothing is known yet"])
        refusal.headers.append(("Retry-After", "1"))
        return refusal
    }

    private func metrics(for request: HTTPRequest) async -> HTTPAnswer {
        guard let document = bulletin.latest else { return StatusAPI.nothingYet }
        let isOpen = request.values(of: "Accept").contains { $0.contains("application/openmetrics-text") }
        let dialect = isOpen ? Exposition.Dialect.openMetrics : .text
        let counts = tally.counts
        let edition = "\(document.generatedAt.rfc3339) \(counts)"
        let bytes = await shelf.bytes(dialect.type, of: edition) {
            Array(Exposition.text(of: document, counts: counts, in: dialect).utf8)
        }
        return HTTPAnswer(200, type: dialect.type, body: .shared(bytes))
    }

    private func health() -> HTTPAnswer {
        let health = HealthAnswer(of: bulletin.latest, at: timekeeper.now().wall)
        return HTTPAnswer(health.status == .pass ? 200 : 503, health, type: "application/health+json")
    }

    private func events(_ request: HTTPRequest) -> HTTPAnswer {
        let feed = EventFeed(
            bulletin: bulletin,
            shelf: shelf,
            timekeeper: timekeeper,
            token: request.query("token"),
            seen: request.values(of: "Last-Event-ID").first ?? request.query("seen"),
            mostReaders: mostReaders
        )
        return HTTPAnswer(200, type: "text/event-stream", body: .stream { try await feed.run($0) })
    }

    /// - `token`: the name of the one that is wanted; `nil` for all.
    private func page(of token: String?) async -> HTTPAnswer {
        guard let document = bulletin.latest else { return StatusAPI.nothingYet }
        let name = token.flatMap(TokenName.init)
        if let token, name == nil || document.tokens[token] == nil {
            return HTTPAnswer(404, ["error": "no such token is watched"])
        }
        let now = timekeeper.now()
        do {
            let body: HTTPAnswer.Body
            if let name {
                body = .whole(try await board.page(of: name, in: document, from: archive, at: now).html)
            } else {
                body = .shared(try await board.page(of: document, from: archive, at: now))
            }
            let policy = [(name: "Content-Security-Policy", value: StatusPage.policy)]
            return HTTPAnswer(200, type: "text/html; charset=utf-8", body: body, headers: policy)
        } catch let refusal as ArchiveRefusal {
            return HTTPAnswer(503, ["error": refusal.message])
        } catch {
            return HTTPAnswer(500, ["error": "the page cannot be made"])
        }
    }

    private func history(_ request: HTTPRequest) async -> HTTPAnswer {
        guard let since = DurationText.parse(request.query("since") ?? "90d"), since <= StatusAPI.longestHistory else {
            return HTTPAnswer(400, ["error": "since must be a number with a unit, up to 366d, as in 30d"])
        }
        var token: TokenName?
        if let name = request.query("token") {
            guard let known = TokenName(name), bulletin.latest?.tokens[name] != nil else {
                return HTTPAnswer(404, ["error": "no such token is watched"])
            }
            token = known
        }
        let now = timekeeper.now()
        do {
            let start = now.wall.advanced(by: .zero - since)
            return try await board.history(of: token, since: start, from: archive, at: now)
        } catch let refusal as ArchiveRefusal {
            return HTTPAnswer(503, ["error": refusal.message])
        } catch {
            return HTTPAnswer(503, ["error": "too many ask for the past at once"])
        }
    }
}
