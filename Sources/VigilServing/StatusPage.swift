import Crypto
package import FoundationEssentials
package import TokenHealth

/// The page for people: one file that needs nothing else, served or kept.
package struct StatusPage {
    /// The whole file.
    package let html: [UInt8]

    /// The page as it is served: it keeps itself up to date.
    ///
    /// - Parameters:
    ///   - document: what is known now.
    ///   - bars: the last days.
    ///   - token: the one it is about; `nil` for all.
    ///   - history: what is known of the past of that one.
    /// - Throws: where something cannot be encoded.
    init(
        live document: StatusDocument,
        bars: DayBars,
        token: String? = nil,
        history: (any Encodable & Sendable)? = nil
    ) throws {
        var document = document
        if let token { document.tokens = document.tokens.filter { $0.key == token } }
        let facts = PageFacts(isLive: true, token: token, status: document, bars: bars, history: history)
        html = try StatusPage.assembled(facts, policy: nil)
    }

    /// The page as a file of its own: it stays as it is.
    ///
    /// - Parameters:
    ///   - document: what is known now.
    ///   - bars: the last days.
    ///   - history: the document of `history --format json`, of all tokens.
    /// - Throws: where something cannot be encoded.
    package init(kept document: StatusDocument, bars: DayBars, history: any Encodable & Sendable) throws {
        let facts = PageFacts(isLive: false, token: nil, status: document, bars: bars, history: history)
        html = try StatusPage.assembled(facts, policy: StatusPage.keptPolicy)
    }

    // MARK: - The parts

    private static let style = String(decoding: PackageResources.page_css, as: UTF8.self)
    private static let script = String(decoding: PackageResources.page_js, as: UTF8.self)
    private static let frame = String(decoding: PackageResources.page_html, as: UTF8.self)

    /// What the page may do (https://www.w3.org/TR/CSP3/): run its own script, and ask where it came from.
    static let policy = policy(connect: "'self'") + "; frame-ancestors 'none'"
    /// A file has nobody to ask.
    private static let keptPolicy = policy(connect: "'none'")

    private static func policy(connect: String) -> String {
        "default-src 'none'; script-src '\(hash(of: script))'; style-src '\(hash(of: style))'; connect-src \(connect); "
            + "img-src data:; base-uri 'none'; form-action 'none'"
    }

    private static func hash(of text: String) -> String {
        "sha256-\(Data(SHA256.hash(data: Data(text.utf8))).base64EncodedString())"
    }

    /// - `policy`: for a page that comes without a header.
    private static func assembled(_ facts: PageFacts, policy: String?) throws -> [UInt8] {
        let json = String(decoding: try Wire.encoder().encode(facts), as: UTF8.self)
        let parts = [
            "policy": policy.map { "<meta http-equiv=\"Content-Security-Policy\" content=\"\($0)\">" } ?? "",
            "style": style,
            "script": script,
            // No text in it may end the element it stands in (https://html.spec.whatwg.org/#restrictions-for-contents-of-script-elements).
            "facts": json.replacing("<", with: "\\u003c"),
        ]
        var html = ""
        var rest = frame[...]
        while let start = rest.firstRange(of: "{{"), let end = rest[start.upperBound...].firstRange(of: "}}") {
            html += rest[..<start.lowerBound]
            html += parts[String(rest[start.upperBound..<end.lowerBound])] ?? ""
            rest = rest[end.upperBound...]
        }
        return Array((html + rest).utf8)
    }
}

/// The last days of every token.
package struct DayBars: Encodable, Sendable {
    /// How many days there are, today included.
    package static let days = 90

    private let first: String
    private let tokens: [String: String]

    /// - Parameters:
    ///   - bars: of each token, for so many days.
    ///   - now: the end of the last day, so far.
    package init(of bars: [TokenName: DayBar], until now: Date) {
        first = DayBar.firstDay(of: DayBars.days, until: now).dayUTC
        tokens = Dictionary(uniqueKeysWithValues: bars.map { ($0.text, $1.text) })
    }

    private init(first: String, tokens: [String: String]) {
        self.first = first
        self.tokens = tokens
    }

    /// Those of one token.
    func only(_ name: TokenName) -> DayBars {
        DayBars(first: first, tokens: tokens.filter { $0.key == name.text })
    }
}

/// What the script of the page is given.
private struct PageFacts: Encodable {
    let isLive: Bool
    let token: String?
    let status: StatusDocument
    let bars: DayBars
    let history: (any Encodable & Sendable)?

    private enum CodingKeys: String, CodingKey {
        case token, status, bars, history
        case isLive = "live"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(isLive, forKey: .isLive)
        try container.encode(token, forKey: .token)
        try container.encode(status, forKey: .status)
        try container.encode(bars, forKey: .bars)
        guard let history else { return try container.encodeNil(forKey: .history) }
        try history.encode(to: container.superEncoder(forKey: .history))
    }
}
