import TokenHealth

/// The facts of an alert's tokens as single values: each distinct one once, with commas between them.
///
/// They are cut off before they could fill an environment or a header.
struct AlertGist: Sendable, Hashable {
    let tokens: String
    let states: String
    let reasons: String
    let owners: String
    let providers: String

    init(_ alert: Alert) {
        tokens = AlertGist.list(alert.tokens.map(\.name?.text))
        states = AlertGist.list(alert.tokens.map(\.state.rawValue))
        reasons = AlertGist.list(alert.tokens.map(\.reason))
        owners = AlertGist.list(alert.tokens.map(\.owner))
        providers = AlertGist.list(alert.tokens.map(\.provider))
    }

    private static let maximumLength = 2000

    private static func list(_ values: [String?]) -> String {
        var seen: Set<String> = []
        return values.compactMap { $0?.oneLine }.filter { !$0.isEmpty && seen.insert($0).inserted }
            .joined(separator: ", ").shortened(to: maximumLength)
    }
}
