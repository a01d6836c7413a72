import TokenHealth

/// The same as ``MailBody`` for a mail reader that shows HTML: one column, for a phone, in light and dark.
///
/// It loads nothing from anywhere. Styles are inline, for many readers drop a style sheet; the sheet only darkens.
struct MailPage: Sendable {
    private let story: AlertStory

    init(_ story: AlertStory) {
        self.story = story
    }

    /// The whole document; every line ends with `\n`.
    var text: String {
        let sections = [
            fact, story.isLong ? [] : tokens, evidence, lastDays, causes, dependants, remedy, reasoning,
            story.isLong ? [heading("Tokens")] + tokens : [], details,
        ].filter { !$0.isEmpty }
        let title = HTMLText.escaped(story.alert.summary)
        let lines =
            [
                "<!DOCTYPE html>",
                "<html lang=\"en\"><head><meta charset=\"utf-8\">",
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">",
                "<meta name=\"color-scheme\" content=\"light dark\">",
                "<meta name=\"supported-color-schemes\" content=\"light dark\">",
                "<title>\(title)</title>",
                "<style>",
                ":root { color-scheme: light dark; }",
                "@media (prefers-color-scheme: dark) {",
                ".page { background: #16181c !important; color: #e6e6e6 !important; }",
                ".quiet { color: #a6abb3 !important; }",
                ".box { background: #24272d !important; color: #e6e6e6 !important; }",
                ".line { border-color: #3a3f47 !important; }",
                ".link { color: #8ab4f8 !important; }",
            ] + MailBar.darkStyle(of: story.lastDays) + [
                "}",
                "</style></head>",
                "<body class=\"page\" style=\"margin:0;background:#ffffff;color:#1f2328\">",
                "<div style=\"\(Style.column)\">",
                "<div style=\"\(Style.band);background:\(color)\">\(title)</div>",
            ] + sections.flatMap { $0 } + ["</div>", "</body></html>"]
        return lines.joined(separator: "\n") + "\n"
    }

    /// Dark enough for white text on it.
    private var color: String {
        if story.isGood { return "#1a7f37" }
        switch story.alert.severity {
        case .critical: return "#b3261e"
        case .warning: return "#8a5300"
        case .info: return "#0b57d0"
        }
    }
}

// MARK: - Sections

extension MailPage {
    private var fact: [String] {
        let sentence = "<p style=\"\(Style.sentence)\">\(HTMLText.escaped(story.sentence))</p>"
        let reassurance = story.reassurance.map { "<p style=\"\(Style.text)\">\(HTMLText.escaped($0))</p>" }
        return [sentence] + (reassurance.map { [$0] } ?? [])
    }

    private var evidence: [String] {
        var lines = table(story.times)
        for parts in story.explanations {
            lines += [heading(story.explanationTitle)] + list(parts.map(HTMLText.escaped))
        }
        return lines
    }

    private var lastDays: [String] {
        let bars = story.lastDays
        guard !bars.isEmpty else { return [] }
        return [heading(story.lastDaysTitle)]
            + bars.flatMap { bar in
                (bar.token.map { ["<p style=\"\(Style.text)\">\(HTMLText.escaped($0.text))</p>"] } ?? [])
                    + MailBar(bar.days, words: "\(story.lastDaysTitle): \(bar.words)").lines
                    + [
                        "<p class=\"quiet\" style=\"\(Style.caption)\">\(HTMLText.escaped(bar.words)); today is last</p>"
                    ]
            }
    }

    private var tokens: [String] {
        var lines = list(story.tokenLines.map(HTMLText.escaped))
        if story.alert.omittedTokens > 0 {
            let more = "and \(story.alert.omittedTokens) more: <code>tokenvigil status</code>"
            lines.append("<p class=\"quiet\" style=\"\(Style.quiet)\">\(more)</p>")
        }
        return lines
    }

    private var causes: [String] {
        guard !story.alert.causes.isEmpty else { return [] }
        return [heading("What usually causes this, most likely first")]
            + list(story.alert.causes.map(HTMLText.escaped))
    }

    private var dependants: [String] {
        guard !story.dependants.isEmpty else { return [] }
        let items = story.dependants.map { dependant in
            var item = HTMLText.escaped(dependant.name)
            if let owner = dependant.owner {
                item += " <span class=\"quiet\" style=\"color:#59636e\">(\(HTMLText.escaped(owner)))</span>"
            }
            if let url = dependant.url { item += "<br>\(HTMLText.link(url))" }
            return item
        }
        let more = story.omittedDependants > 0 ? ["and \(story.omittedDependants) more"] : []
        return [heading(story.dependantsTitle)] + list(items + more)
    }

    private var remedy: [String] {
        guard story.hasRemedy else { return [] }
        let remedy = story.alert.remedy
        var lines = [heading(story.remedyTitle)] + list(remedy.steps.map(HTMLText.escaped), tag: "ol")
        if let url = remedy.url { lines.append("<p style=\"\(Style.text)\">\(HTMLText.link(url))</p>") }
        if let command = remedy.command {
            let host = HTMLText.escaped(story.alert.host)
            lines += [
                "<p style=\"\(Style.text)\">Command, on \(host) (it waits for you to paste the new token):</p>",
                box(command),
            ]
        }
        return lines
    }

    private var reasoning: [String] {
        guard let reasoning = story.reasoning else { return [] }
        let facts = reasoning.facts.map { "\(HTMLText.escaped($0.name)): \(HTMLText.escaped($0.value))" }
        let note = "<p style=\"\(Style.text)\">\(HTMLText.escaped(reasoning.note))</p>"
        let command = reasoning.command.map { box($0) }
        return [heading("Evidence" + (reasoning.token.map { " on \($0)" } ?? ""))] + list(facts) + [note]
            + (command.map { [$0] } ?? [])
    }

    private var details: [String] {
        [heading("Details")] + table(story.details)
    }
}

// MARK: - Parts

extension MailPage {
    private enum Style {
        static let font = "font-family:-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
        static let column =
            "max-width:600px;margin:0 auto;padding:16px;\(font);font-size:16px;line-height:1.45;overflow-wrap:anywhere"
        static let band =
            "color:#ffffff;padding:10px 14px;border-radius:8px;font-size:15px;font-weight:600"
        static let sentence = "margin:16px 0 12px;font-size:20px;line-height:1.35;font-weight:600"
        static let heading = "margin:24px 0 6px;font-size:16px;line-height:1.35"
        static let text = "margin:8px 0"
        static let quiet = "margin:8px 0;color:#59636e"
        static let caption = "margin:2px 0 8px;color:#59636e;font-size:14px"
        static let list = "margin:0;padding:0 0 0 22px"
        static let item = "margin:0 0 6px"
        static let table = "width:100%;border-collapse:collapse"
        static let cell = "padding:5px 0;border-bottom:1px solid #d1d9e0;vertical-align:top;text-align:left"
        /// Of the first column: narrow, so that a phone has room for the second.
        static let name = "width:34%;padding-right:12px;color:#59636e;font-weight:400"
        static let box =
            "margin:8px 0;padding:10px 12px;border-radius:6px;background:#f0f2f5;color:#1f2328;font-size:13px;"
            + "white-space:pre-wrap;overflow-wrap:anywhere"
    }

    private func box(_ text: String) -> String {
        "<pre class=\"box\" style=\"\(Style.box)\">\(HTMLText.escaped(text))</pre>"
    }

    private func heading(_ text: String) -> String {
        "<h2 style=\"\(Style.heading)\">\(HTMLText.escaped(text))</h2>"
    }

    /// A list whose items are HTML already.
    private func list(_ items: [String], tag: String = "ul") -> [String] {
        guard !items.isEmpty else { return [] }
        return ["<\(tag) style=\"\(Style.list)\">"]
            + items.map { "<li style=\"\(Style.item)\">\($0)</li>" } + ["</\(tag)>"]
    }

    private func table(_ facts: [AlertStory.Fact]) -> [String] {
        guard !facts.isEmpty else { return [] }
        let rows = facts.flatMap { fact in
            [
                "<tr><th class=\"quiet line\" scope=\"row\" style=\"\(Style.cell);\(Style.name)\">"
                    + "\(HTMLText.escaped(fact.name))</th>",
                "<td class=\"line\" style=\"\(Style.cell)\">\(HTMLText.escaped(fact.value))</td></tr>",
            ]
        }
        return ["<table role=\"presentation\" style=\"\(Style.table)\">"] + rows + ["</table>"]
    }
}
