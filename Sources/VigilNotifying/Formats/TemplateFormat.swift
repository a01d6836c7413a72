import FoundationEssentials
import Mustache
import TokenHealth

/// A message that an administrator's own Mustache template makes.
///
/// Every value is escaped for the content type before the template sees it, so that no text can end a string, begin a
/// member or a field. Whatever claims to be JSON is read before it is sent.
struct TemplateFormat: MessageFormat {
    /// That of the standard body, and twice the template's own text.
    let maximumSize: Int
    let contentType: String
    private let template: MustacheTemplate
    private let escaping: TemplateEscaping

    /// A template of at most so many bytes is read.
    private static let largestTemplate = 65_536

    /// - Parameters:
    ///   - text: the template.
    ///   - contentType: of the message; `application/json` and the like must come out as JSON.
    /// - Throws: what is wrong with the template.
    init(_ text: String, contentType: String) throws(TemplateProblem) {
        guard text.utf8.count <= TemplateFormat.largestTemplate else {
            throw .malformed("it is larger than \(TemplateFormat.largestTemplate / 1024) KiB")
        }
        do {
            // Values are escaped already: what `{{x}}` and `{{{x}}}` write is the same.
            template = try MustacheTemplate(string: "{{% CONTENT_TYPE:TEXT}}\n" + text)
        } catch let error as MustacheTemplate.ParserError {
            let line = max(1, error.context.lineNumber - 1)
            throw .malformed("line \(line): \(TemplateFormat.explanation(of: error.error))")
        } catch {
            throw .malformed("\(error)".oneLine.shortened(to: 80))
        }
        self.contentType = contentType
        escaping = TemplateEscaping(contentType: contentType)
        maximumSize = AlertDocument.maximumSize + text.utf8.count * 2
    }

    func message(about story: AlertStory) throws -> [UInt8] {
        let message = Array(template.render(TemplateValues(story, escaping: escaping).all).utf8)
        guard escaping != .json || JSONValue(parsing: message) != nil else {
            throw FormatProblem.template(.notJSON(story.alert.kind))
        }
        return message
    }

    private static func explanation(of error: any Error) -> String {
        switch error as? MustacheTemplate.Error {
        case .sectionCloseNameIncorrect: "a section is closed under another name than it was opened"
        case .unfinishedName: "a tag has a name that is not one, or no end"
        case .expectedSectionEnd: "a section is not closed"
        case .invalidSetDelimiter: "a tag that sets delimiters is not understood"
        case .invalidConfigVariableSyntax, .unrecognisedConfigVariable: "a pragma {{% … }} is not known"
        case .transformAppliedToInheritanceSection, .illegalTokenInsideInheritSection, .textInsideInheritSection:
            "an inherited block is not understood"
        case nil: "it is not understood"
        }
    }
}

/// What is wrong with a template.
enum TemplateProblem: Error, Sendable, Hashable {
    case unreadable(String)
    case malformed(String)
    /// With an alert of this kind.
    case notJSON(AlertKind)

    /// The end of a sentence that begins with the template's name.
    var fault: String {
        switch self {
        case .unreadable(let cause): "cannot be read (\(cause))"
        case .malformed(let cause): "is not a Mustache template: \(cause)"
        case .notJSON(let kind):
            "gives no valid JSON for an alert of the kind \(kind.rawValue): put every value into quotes, and commas "
                + "between the entries of a list with {{^last()}},{{/last()}}"
        }
    }
}

/// How values are made harmless.
enum TemplateEscaping: Sendable {
    case json, form, markup, none

    init(contentType: String) {
        let type = contentType.lowercased().prefix { $0 != ";" && !$0.isWhitespace }
        if type.hasSuffix("/json") || type.hasSuffix("+json") {
            self = .json
        } else if type == "application/x-www-form-urlencoded" {
            self = .form
        } else if type.hasSuffix("/xml") || type.hasSuffix("+xml") || type == "text/html" {
            self = .markup
        } else {
            self = .none
        }
    }

    /// `text`, which is on one line, as it may stand in a message.
    func escaped(_ text: String) -> String {
        switch self {
        case .json: text.backslashed
        case .form: PercentEscapes.escaped(text)
        case .markup: HTMLText.escaped(text)
        case .none: text
        }
    }
}

/// What a template can name.
struct TemplateValues {
    /// By name; what is not known is absent, so that a section of it is left out.
    let all: [String: Any]

    init(_ story: AlertStory, escaping: TemplateEscaping) {
        let alert = story.alert
        var values = TemplateValues.texts(
            [
                "alert_id": alert.id,
                "incident_id": alert.lastingIncidentID,
                "kind": alert.kind.rawValue,
                "severity": alert.severity.rawValue,
                "summary": alert.summary,
                "sentence": story.sentence,
                "reassurance": story.reassurance,
                "host": alert.host,
                "timestamp": alert.createdAt.rfc3339,
                "remedy_url": alert.remedy.url,
                "remedy_command": alert.remedy.command,
            ],
            escaping
        )
        values["token_count"] = alert.tokenCount
        values["tokens_omitted"] = alert.omittedTokens
        values["is_good_news"] = story.isGood
        values["ends_incident"] = story.endsIncident
        values["remedy_steps"] = alert.remedy.steps.map(escaping.escaped)
        values["causes"] = alert.causes.map(escaping.escaped)
        values["tokens"] = alert.tokens.map { TemplateValues.token($0, escaping) }
        all = values
    }

    private static func token(_ token: TokenReport, _ escaping: TemplateEscaping) -> [String: Any] {
        var values = texts(
            [
                "name": token.name?.text ?? "",
                "state": token.state.rawValue,
                "reason": token.reason,
                "since": token.since.rfc3339,
                "explanation": token.explanation,
                "provider": token.provider,
                "owner": token.owner,
                "fingerprint": token.fingerprint?.text,
                "identity": token.identity?.label,
                "http_status": token.lastProbe?.httpStatus.map(String.init),
                "last_accepted_at": token.lastAcceptedAt?.rfc3339,
                "first_rejected_at": token.firstRejectedAt?.rfc3339,
                "expires_at": token.expiresAt?.rfc3339,
                "expiry_source": token.expirySource?.rawValue,
            ],
            escaping
        )
        values["used_by"] = token.usedBy.map { dependant in
            texts(["name": dependant.name, "owner": dependant.owner, "url": dependant.url], escaping)
        }
        return values
    }

    private static func texts(_ texts: [String: String?], _ escaping: TemplateEscaping) -> [String: Any] {
        texts.compactMapValues { $0.map { escaping.escaped($0.oneLine) } }
    }
}
