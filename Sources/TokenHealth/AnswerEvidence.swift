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
    /// What it said about the token; `nil` for the control.
    package let verdict: VerdictName?
    package let httpStatus: Int?
    /// The headers that matter to a verdict, names in lower case.
    package let headers: [String: String]
    /// What the server said in words.
    package let message: String?
    /// Why there was no answer.
    package let failure: String?

    /// What `exchange` shows, without anything that looks like a credential.
    ///
    /// - `rules`: their matchers name further headers that matter.
    package init(of exchange: Exchange, verdict: VerdictName?, rules: ProbeTemplate, at now: Date) {
        at = now
        until = now
        times = 1
        self.verdict = verdict
        httpStatus = exchange.status
        switch exchange.outcome {
        case .answered(let answer):
            headers = answer.telling(HeaderInterest(rules))
            message = answer.message
            failure = nil
        case .failed(let problem):
            headers = [:]
            message = nil
            failure = "\(problem.kind.rawValue): \(problem.detail.withoutCredentials)"
        case .withheld(let problem):
            headers = [:]
            message = nil
            failure = problem.sentence
        }
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

    private enum CodingKeys: String, CodingKey {
        case at, until, times, verdict, headers, message, failure
        case httpStatus = "http_status"
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

    private let names: Set<String>

    init(_ rules: ProbeTemplate) {
        let matchers = rules.accepted + rules.rejected + rules.limited + rules.unrelated
        let asked = matchers.flatMap(\.headers.keys).map { $0.lowercased() }
        names = HeaderInterest.known.union(
            asked.filter { name in !HeaderInterest.secretive.contains { name.contains($0) } }
        )
    }

    func includes(_ name: String) -> Bool { names.contains(name) }
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
            guard !isAddress || !value.contains("@") else { continue }
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
