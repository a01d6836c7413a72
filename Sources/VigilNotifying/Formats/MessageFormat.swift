import FoundationEssentials
package import TokenHealth

/// How one service wants to be told of an alert, and what its answers mean.
///
/// Contract: a message is never longer than ``maximumSize``, whatever is in the alert; it is made by an encoder; what
/// somebody else wrote has no effect in it but to be read.
protocol MessageFormat: Sendable {
    /// Most bytes of a message that the service takes.
    var maximumSize: Int { get }
    var contentType: String { get }

    /// The message about `story`, of any size.
    ///
    /// - Throws: ``FormatProblem``, or when a value has no JSON form.
    func message(about story: AlertStory) throws -> [UInt8]

    /// Whether the alert has arrived, and whether another attempt may help.
    ///
    /// - Parameters:
    ///   - answer: what the service said.
    ///   - origin: scheme and host of the service, for the text.
    ///   - now: when the answer came.
    /// - Returns: the fate of the delivery.
    func result(of answer: WebhookAnswer, from origin: String, at now: Date) -> DeliveryResult
}

extension MessageFormat {
    var contentType: String { "application/json" }

    func result(of answer: WebhookAnswer, from origin: String, at now: Date) -> DeliveryResult {
        answer.result(from: origin, at: now)
    }

    /// The message with as much of `alert` as fits.
    ///
    /// - Throws: as ``message(about:)``.
    func message(for alert: Alert) throws -> [UInt8] {
        for detail in Detail.ladder {
            let message = try message(about: AlertStory(alert, detail: detail))
            if message.count <= maximumSize { return message }
        }
        throw FormatProblem.tooLong(maximumSize)
    }
}

/// Why there is no message.
enum FormatProblem: Error, Sendable, Hashable {
    /// Even the least detail is longer than so many bytes.
    case tooLong(Int)
    case template(TemplateProblem)
}

/// JSON written down as it looks.
extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral text: String) { self = .string(text) }
    package init(integerLiteral number: Int) { self = JSONValue(number) }
    package init(booleanLiteral flag: Bool) { self = .bool(flag) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

    package init(dictionaryLiteral members: (String, JSONValue)...) {
        self = .object(Dictionary(members) { _, last in last })
    }

    init(_ number: Int) { self = .number(JSONNumber(Double(number))) }

    /// A text, or `null`.
    init(_ text: String?) { self = text.map(JSONValue.string) ?? .null }

    /// This object without the members that are `null`, for services that refuse them.
    var withoutNulls: JSONValue {
        guard case .object(let members) = self else { return self }
        return .object(members.filter { $0.value != .null })
    }

    /// - Throws: when a number has no JSON form.
    func encoded() throws -> [UInt8] { try Array(Wire.encoder().encode(self)) }
}

extension AlertStory {
    /// A colour for the whole, as services paint a bar.
    var color: Int {
        if isGood { return 0x1A7F37 }
        switch alert.severity {
        case .critical: return 0xB3261E
        case .warning: return 0xB76E00
        case .info: return 0x0B57D0
        }
    }

    /// Whether this is good news.
    var isGood: Bool {
        if alert.kind == .expiring { return alert.ending == .renewed }
        return (alert.kind.endsIncident || alert.kind == .replaced) && alert.ending != .removed
    }

    /// Whether this ends its incident.
    ///
    /// Of several tokens that died together some may still be dead.
    var endsIncident: Bool {
        (alert.kind.endsIncident || alert.endsWarning) && alert.openTokens == 0
    }

    /// Address of the page where this is repaired, where it is one that a service takes.
    var repairLink: SafeLink? { alert.remedy.url.flatMap(SafeLink.init) }

    /// The paragraphs of a short message: a title, which may be missing, and lines.
    var paragraphs: [(title: String?, lines: [String])] {
        var paragraphs: [(title: String?, lines: [String])] = [(nil, [sentence] + (reassurance.map { [$0] } ?? []))]
        let more = alert.omittedTokens > 0 ? ["and \(alert.omittedTokens) more: tokenvigil status"] : []
        let tokens = times.map { "\($0.name): \($0.value)" } + tokenLines.map { "• \($0)" } + more
        if !tokens.isEmpty, !isLong { paragraphs.append((nil, tokens)) }
        for parts in explanations { paragraphs.append((explanationTitle, parts.map { "• \($0)" })) }
        let others = omittedDependants > 0 ? ["and \(omittedDependants) more"] : []
        let dependants = dependants.map { "• \($0.name)" + ($0.owner.map { " (\($0))" } ?? "") } + others
        if !dependants.isEmpty { paragraphs.append((dependantsTitle, dependants)) }
        let steps = alert.remedy.steps.enumerated().map { "\($0 + 1). \($1)" }
        if !steps.isEmpty { paragraphs.append((remedyTitle, steps)) }
        if !tokens.isEmpty, isLong { paragraphs.append(("Tokens", tokens)) }
        return paragraphs
    }

    /// Who and what on one line.
    var footer: String { details.map { "\($0.name): \($0.value)" }.joined(separator: " · ") }
}
