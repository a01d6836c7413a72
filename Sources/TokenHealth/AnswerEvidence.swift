package import FoundationEssentials

/// What came of one question, or of several in a row that went alike: enough to judge the verdict by, and nothing
/// secret.
package struct AnswerEvidence: Sendable, Hashable, Codable {
    /// Time of the first.
    package private(set) var at: Date
    /// Time of the last.
    package private(set) var until: Date
    /// How many in a row.
    package private(set) var times: Int
    /// The same in the answers of very many tokens.
    @Kept private var content: Content

    private struct Content: Sendable, Hashable {
        var verdict: VerdictName?
        var httpStatus: Int?
        var headers: [String: String] = [:]
        var message: String?
        var failure: String?
    }

    /// What it said about the token; `nil` for the control.
    package var verdict: VerdictName? { content.verdict }
    package var httpStatus: Int? { content.httpStatus }
    /// The headers that matter to a verdict, names in lower case.
    package var headers: [String: String] { content.headers }
    /// What the server said in words.
    package var message: String? { content.message }
    /// Why there was no answer.
    package var failure: String? { content.failure }

    /// What `exchange` shows, without anything that looks like a credential.
    ///
    /// - `rules`: their matchers name further headers that matter.
    package init(of exchange: Exchange, verdict: VerdictName?, rules: ProbeTemplate, at now: Date) {
        at = now
        until = now
        times = 1
        var content = Content(verdict: verdict, httpStatus: exchange.status)
        switch exchange.outcome {
        case .answered(let answer):
            content.headers = answer.telling(HeaderInterest(rules))
            content.message = answer.message
        case .failed(let problem):
            content.failure = "\(problem.kind.rawValue): \(problem.detail.withoutCredentials)"
        case .withheld(let problem):
            content.failure = problem.sentence
        }
        self.content = content
    }

    /// This with one more like it, or `nil` where `next` is another answer.
    func repeated(by next: AnswerEvidence) -> AnswerEvidence? {
        var both = self
        both.until = max(until, next.until)
        both.times = times >= Int(Int32.max) ? times : times + next.times
        var expected = next
        expected.at = both.at
        expected.until = both.until
        expected.times = both.times
        return expected == both ? both : nil
    }

    /// Counts one more that was just like it.
    mutating func noteRepetition(at now: Date) {
        until = max(until, now)
        if times < Int(Int32.max) { times += 1 }
    }

    /// Keeps what is equal in both once.
    mutating func share(with other: AnswerEvidence) { $content.share(with: other.$content) }

    private enum CodingKeys: String, CodingKey {
        case at, until, times, verdict, headers, message, failure
        case httpStatus = "http_status"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        at = try container.decode(Date.self, forKey: .at)
        until = try container.decode(Date.self, forKey: .until)
        times = try container.decode(Int.self, forKey: .times)
        content = Content(
            verdict: try container.decodeIfPresent(VerdictName.self, forKey: .verdict),
            httpStatus: try container.decodeIfPresent(Int.self, forKey: .httpStatus),
            headers: try container.decode([String: String].self, forKey: .headers),
            message: try container.decodeIfPresent(String.self, forKey: .message),
            failure: try container.decodeIfPresent(String.self, forKey: .failure)
        )
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(at, forKey: .at)
        try container.encode(until, forKey: .until)
        try container.encode(times, forKey: .times)
        try container.encode(verdict, forKey: .verdict)
        try container.encode(httpStatus, forKey: .httpStatus)
        try container.encode(headers, forKey: .headers)
        try container.encode(message, forKey: .message)
        try container.encode(failure, forKey: .failure)
    }
}

extension AnswerEvidence {
    /// For a person: `HTTP 401 "Unauthenticated." (content-type: application/json), 3 times from … to …`.
    package var sentence: String {
        var text = httpStatus.map { "HTTP \($0)" } ?? "no answer"
        if let message { text += " \"\(message)\"" }
        if let failure { text += ": \(failure)" }
        if !headers.isEmpty {
            text += " (" + headers.sorted { $0.key < $1.key }.map { "\($0): \($1)" }.joined(separator: "; ") + ")"
        }
        guard times > 1 else { return "\(text), at \(at.secondUTC)" }
        return "\(text), \(times) times from \(at.secondUTC) to \(until.secondUTC)"
    }
}

extension [AnswerEvidence]? {
    /// These and one more, at most four.
    ///
    /// An answer like the last one is counted with it.
    func recording(_ next: AnswerEvidence?) -> [AnswerEvidence]? {
        guard let next else { return self }
        var kept = self ?? []
        if let longer = kept.last?.repeated(by: next) {
            kept[kept.count - 1] = longer
        } else {
            kept = kept.suffix(3) + [next]
        }
        return kept
    }
}

/// Which header fields say something about a verdict.
private struct HeaderInterest {
    private static let known: Set<String> = [
        "cf-mitigated", "content-encoding", "content-type", "location", "ratelimit-remaining", "retry-after", "server",
        "via", "www-authenticate", "x-ratelimit-remaining",
    ]
    /// Parts of the names of fields whose values are credentials, whoever asks for them.
    private static let secretive = ["auth", "cookie", "csrf", "key", "secret", "session", "token"]

    /// Those that the rules ask for.
    private let asked: [String]

    init(_ rules: ProbeTemplate) {
        var asked: [String] = []
        for matchers in [rules.accepted, rules.rejected, rules.limited, rules.unrelated] {
            for matcher in matchers where !matcher.headers.isEmpty {
                asked += matcher.headers.keys.map { $0.lowercased() }
            }
        }
        self.asked = asked.filter { name in !HeaderInterest.secretive.contains { name.holds($0) } }
    }

    func includes(_ name: String) -> Bool { HeaderInterest.known.contains(name) || asked.contains(name) }
}

extension Answer {
    /// The fields of interest, short, printable, without anything that looks like a credential.
    fileprivate func telling(_ interest: HeaderInterest) -> [String: String] {
        var told: [String: String] = [:]
        for header in headers {
            let name = header.name.lowercased()
            guard interest.includes(name) else { continue }
            // What follows the path may be a one-time login; what stands before the host, a password.
            let isAddress = name == "location"
            let value = isAddress ? String(header.value.prefix { !"?#".contains($0) }) : header.value
            guard !isAddress || !value.holds("@") else { continue }
            let safe = value.withoutCredentials
            told[name] = String((told[name].map { "\($0), \(safe)" } ?? safe).prefix(200))
        }
        return told
    }
}

extension String {
    /// On one line of printable ASCII, and every run of more than 40 characters that a token could be replaced.
    var withoutCredentials: String {
        var safe = ""
        var run = ""
        func endRun() {
            safe += run.utf8.count > 40 ? "[…]" : run
            run = ""
        }
        for scalar in unicodeScalars.prefix(2000) {
            if scalar.mayBeOfToken {
                run.unicodeScalars.append(scalar)
            } else {
                endRun()
                safe.unicodeScalars.append((" "..."~").contains(scalar) ? scalar : " ")
            }
        }
        endRun()
        return safe.split(separator: " ").joined(separator: " ")
    }
}

extension Unicode.Scalar {
    /// RFC 6750 section 2.1 `b64token` without the slash, so that an address is no run.
    fileprivate var mayBeOfToken: Bool {
        switch self {
        case "a"..."z", "A"..."Z", "0"..."9", "-", ".", "_", "~", "+": true
        default: false
        }
    }
}
