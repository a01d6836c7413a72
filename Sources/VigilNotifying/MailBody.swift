import TokenHealth

/// What a person reads in a mail without markup.
struct MailBody: Sendable {
    private let story: AlertStory

    init(_ story: AlertStory) {
        self.story = story
    }

    /// The whole text; every line ends with `\n`.
    var text: String {
        let sections = [
            fact, story.isLong ? [] : tokens, evidence, lastDays, causes, dependants, remedy, reasoning,
            story.isLong ? ["TOKENS"] + tokens : [],
            details,
        ]
        return sections.filter { !$0.isEmpty }.map { $0.joined(separator: "\n") + "\n" }.joined(separator: "\n")
    }

    private var fact: [String] {
        let reassurance = story.reassurance.map { [""] + Paragraph.lines($0) } ?? []
        return Paragraph.lines(story.sentence) + reassurance
    }

    private var evidence: [String] {
        var lines = story.times.map { "\($0.name): \($0.value)" }
        for parts in story.explanations {
            if parts.count == 1 {
                lines += Paragraph.lines(parts[0], first: "\(story.explanationTitle): ")
            } else {
                lines += ["\(story.explanationTitle):"] + parts.flatMap { Paragraph.lines($0, first: "- ") }
            }
        }
        return lines
    }

    /// One letter a day: a line of 30 for each token.
    private var lastDays: [String] {
        let bars = story.lastDays
        guard !bars.isEmpty else { return [] }
        return ["\(story.lastDaysTitle.uppercased()), today last"]
            + bars.flatMap { bar in
                [bar.token.map { "\($0):" }, "  \(bar.letters)"].compactMap(\.self)
                    + Paragraph.lines(bar.words, first: "  ")
            }
    }

    private var tokens: [String] {
        var lines = story.tokenLines.flatMap { Paragraph.lines($0, first: "- ") }
        if story.alert.omittedTokens > 0 { lines.append("and \(story.alert.omittedTokens) more: tokenvigil status") }
        return lines
    }

    private var causes: [String] {
        guard !story.alert.causes.isEmpty else { return [] }
        return ["What usually causes this, most likely first:"]
            + story.alert.causes.flatMap { Paragraph.lines($0, first: "- ") }
    }
}

// MARK: - The reasoning

extension MailBody {
    private var reasoning: [String] {
        guard let reasoning = story.reasoning else { return [] }
        return ["EVIDENCE" + (reasoning.token.map { " ON \($0)" } ?? "")]
            + reasoning.facts.flatMap { Paragraph.lines("\($0.name): \($0.value)", first: "- ") }
            + Paragraph.lines(reasoning.note) + (reasoning.command.map { ["  \($0)"] } ?? [])
    }
}

// MARK: - What breaks, and what to do

extension MailBody {
    private var dependants: [String] {
        guard !story.dependants.isEmpty else { return [] }
        var lines = [story.dependantsTitle.uppercased()]
        for dependant in story.dependants {
            let owner = dependant.owner.map { " (\($0))" } ?? ""
            lines += Paragraph.lines(dependant.name + owner, first: "- ")
            if let url = dependant.url { lines += Paragraph.lines(url, first: "  ") }
        }
        if story.omittedDependants > 0 { lines.append("and \(story.omittedDependants) more") }
        return lines
    }

    private var remedy: [String] {
        guard story.hasRemedy else { return [] }
        let remedy = story.alert.remedy
        var lines = [story.remedyTitle.uppercased()]
        for (index, step) in remedy.steps.enumerated() { lines += Paragraph.lines(step, first: "\(index + 1). ") }
        if let url = remedy.url { lines += ["Where:"] + Paragraph.lines(url, first: "  ") }
        if let command = remedy.command {
            lines += Paragraph.lines("Command, on \(story.alert.host) (it waits for you to paste the new token):")
            lines += ["  \(command.oneLine)"]
        }
        return lines
    }

    private var details: [String] {
        ["DETAILS"] + story.details.flatMap { Paragraph.lines($0.value, first: "\($0.name): ") }
    }
}
