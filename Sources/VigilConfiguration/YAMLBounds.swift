/// Goes over a text before there are nodes, and refuses what they could not bear.
///
/// Yams compares keys by value while it makes nodes, aliases and all: a few dozen aliases in keys would keep it busy for
/// ever. Names are chosen by whoever writes the file, so what they stand for is counted first, and only single words
/// are keys.
struct YAMLBounds {
    /// Most levels of lists and mappings inside each other, aliases resolved.
    static let depthLimit = 50
    /// Most values that a small file may become with its aliases resolved.
    private static let usualLimit = 500_000
    /// Most values of any file.
    private static let greatestLimit = 2_000_000
    /// Most mistakes that are told at once.
    private static let problemLimit = 20

    private let text: String
    private let file: String
    private let limit: Int
    private var frames: [Frame] = []
    private var anchors: [String: Extent] = [:]
    private var total = 0
    private var documents = 0
    private var problems: [Problem] = []

    /// How much a node is, with its aliases resolved.
    private struct Extent {
        /// Values in it, with itself.
        var size = 1
        /// Levels below it.
        var height = 0
    }

    /// A list or a mapping that has begun.
    private struct Frame {
        let isMapping: Bool
        let anchor: String?
        var awaitsKey: Bool
        var extent = Extent()
        var keys: [String: (line: Int, column: Int)] = [:]
    }

    private init(_ text: String, file: String) {
        self.text = text
        self.file = file
        // Very many tokens may stand in one file.
        limit = min(max(YAMLBounds.usualLimit, text.utf8.count), YAMLBounds.greatestLimit)
    }

    /// Refuses a text that is not to be made into nodes; what is no YAML at all is left to those who make them.
    static func check(_ text: String, file: String) throws(ConfigurationErrors) {
        let problems = YAMLEvents.of(text) { events in
            var bounds = YAMLBounds(text, file: file)
            while let event = events.next(), bounds.takes(event, of: events) {}
            return bounds.problems
        }
        guard problems.isEmpty else { throw ConfigurationErrors(problems: ProblemLog.ordered(problems)) }
    }

    /// Whether to go on after an event.
    private mutating func takes(_ event: YAMLEvent, of events: borrowing YAMLEvents) -> Bool {
        switch event.kind {
        case .other: return true
        case .documentStart:
            documents += 1
            return documents == 1 || ends("a second document begins here: one file is one document", at: event)
        case .end:
            guard let frame = frames.popLast() else { return true }
            close(frame.extent, anchor: frame.anchor)
            return problems.count < YAMLBounds.problemLimit
        case .alias, .scalar, .listStart, .mappingStart:
            if frames.last?.awaitsKey == true { return takesKey(event, of: events) }
            if frames.last?.isMapping == true { frames[frames.count - 1].awaitsKey = true }
            return takesNode(event)
        }
    }

    private mutating func takesKey(_ event: YAMLEvent, of events: borrowing YAMLEvents) -> Bool {
        guard case .scalar = event.kind else {
            if case .alias = event.kind { return ends("a key must be a plain word, not an alias (*name)", at: event) }
            if isTemplate(at: event) {
                let remedy = "write the value itself, or fill in the file before it is put here"
                return ends("templates ({{ }}) are not filled in: \(remedy)", at: event)
            }
            return ends("a key must be a single word, not a list or a mapping", at: event)
        }
        let key = events.text
        let last = frames.count - 1
        if key == "<<", event.isPlain {
            note("merge keys (<<) are not read: use defaults, or repeat the keys", at: event.line, event.column)
        } else if let first = frames[last].keys[key] {
            let again = "it stands twice in one mapping, again in line \(event.line)"
            note("duplicate key \(Wording.shown(key)): \(again)", at: first.line, first.column)
        }
        frames[last].keys[key] = (event.line, event.column)
        frames[last].awaitsKey = false
        return takesNode(event)
    }

    private mutating func takesNode(_ event: YAMLEvent) -> Bool {
        var extent = Extent()
        if case .alias(let name) = event.kind { extent = anchors[name] ?? Extent() }
        guard frames.count + extent.height < YAMLBounds.depthLimit else {
            return ends("more than \(YAMLBounds.depthLimit) levels inside each other", at: event)
        }
        total += extent.size
        guard total <= limit else {
            return ends("more than \(limit) values, with its aliases resolved", at: event)
        }
        // A single ! says nothing but that the value is what it looks like.
        if let tag = event.tag, tag != "!" {
            let remedy = "write the value itself, a text in quotes"
            note("tags (\(shortened(tag))) are not read: \(remedy)", at: event.line, event.column)
        }
        switch event.kind {
        case .listStart: frames.append(Frame(isMapping: false, anchor: event.anchor, awaitsKey: false))
        case .mappingStart: frames.append(Frame(isMapping: true, anchor: event.anchor, awaitsKey: true))
        default: close(extent, anchor: event.anchor)
        }
        return problems.count < YAMLBounds.problemLimit
    }

    /// Adds a node that is complete to the one around it.
    private mutating func close(_ extent: Extent, anchor: String?) {
        if let anchor { anchors[anchor] = extent }
        guard !frames.isEmpty else { return }
        let last = frames.count - 1
        frames[last].extent.size += extent.size
        frames[last].extent.height = max(frames[last].extent.height, extent.height + 1)
    }

    // MARK: - What is told

    private mutating func note(_ message: String, at line: Int, _ column: Int) {
        problems.append(Problem(message, at: Place(file: file, line: line, column: column)))
    }

    private mutating func ends(_ message: String, at event: YAMLEvent) -> Bool {
        note(message, at: event.line, event.column)
        return false
    }

    /// `!vault`, as it was written.
    private func shortened(_ tag: String) -> String {
        let standard = "tag:yaml.org,2002:"
        let written = tag.hasPrefix(standard) ? "!!" + tag.dropFirst(standard.count) : tag
        return written.count <= 40 ? written : "!…"
    }

    /// Whether what stands where a key should be is the second brace of `{{ name }}`.
    private func isTemplate(at event: YAMLEvent) -> Bool {
        guard event.column > 1, let line = YAMLText.line(event.line, of: text) else { return false }
        return line.unicodeScalars.dropFirst(event.column - 2).starts(with: "{{".unicodeScalars)
    }
}
