import TokenHealth
import Yams

/// Turns the text of one file into nodes with places, or into the one reason why it is no YAML.
struct YAMLText {
    private let text: String
    private let file: String

    /// Keeps a text to be read.
    ///
    /// - Parameters:
    ///   - text: the whole file.
    ///   - file: the name that places carry.
    init(_ text: String, file: String) {
        self.text = text.first == "\u{FEFF}" ? String(text.dropFirst()) : text
        self.file = file
    }

    /// The one document in the text; an empty mapping where there is nothing.
    func root() throws(ConfigurationErrors) -> ConfigurationNode {
        try YAMLBounds.check(text, file: file)
        let node: Node?
        do {
            // What a plain word may be is decided where it is used; finding it out for every key takes half the time.
            node = try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot()
        } catch {
            throw ConfigurationErrors(problems: [problem(of: error)])
        }
        guard let node else { return ConfigurationNode(content: .mapping([]), place: place(nil)) }
        return try convert(node)
    }

    private func place(_ mark: Mark?) -> Place {
        Place(file: file, line: mark?.line ?? 1, column: mark?.column ?? 1)
    }

    private func failure(_ message: String, at mark: Mark?) -> ConfigurationErrors {
        ConfigurationErrors(problems: [Problem(message, at: place(mark))])
    }

    /// No deeper and no larger than ``YAMLBounds`` allows.
    private func convert(_ node: Node) throws(ConfigurationErrors) -> ConfigurationNode {
        switch node {
        case .scalar(let scalar):
            let value = Scalar(text: scalar.string, isPlain: scalar.style == .plain)
            return ConfigurationNode(content: .scalar(value), place: place(scalar.mark))
        case .sequence(let sequence):
            var elements: [ConfigurationNode] = []
            for element in sequence {
                elements.append(try convert(element))
            }
            return ConfigurationNode(content: .sequence(elements), place: place(sequence.mark))
        case .mapping(let mapping):
            return ConfigurationNode(content: .mapping(try members(of: mapping)), place: place(mapping.mark))
        case .alias(let alias):
            throw failure("an alias without its anchor", at: alias.mark)
        }
    }

    private func members(of mapping: Node.Mapping) throws(ConfigurationErrors) -> [ConfigurationNode.Member] {
        var members: [ConfigurationNode.Member] = []
        for (key, value) in mapping {
            guard case .scalar(let scalar) = key else {
                throw failure("a key must be a single word, not a list or a mapping", at: key.mark)
            }
            let node = try convert(value)
            members.append(.init(key: scalar.string, keyPlace: place(key.mark), value: node))
        }
        return members
    }

    // MARK: - What can go wrong

    private func problem(of error: any Error) -> Problem {
        guard let error = error as? YamlError else { return Problem("not readable as YAML", inFile: file) }
        switch error {
        case .composer(let context, let problem, let mark, _):
            let before = context.map { "\($0.text) " } ?? ""
            return Problem("not YAML: \(before)\(problem)\(hint(at: mark, problem))", at: place(mark))
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
            let during = context.map { " \($0.text)" } ?? ""
            return Problem("not YAML: \(problem)\(during)\(hint(at: mark, problem))", at: place(mark))
        case .reader(let problem, let offset, _, _):
            return Problem("not YAML: \(problem)", at: place(atOffset: offset ?? 0))
        case .memory:
            return Problem("not readable as YAML: too many levels inside each other", inFile: file)
        case .no, .writer, .emitter, .representer, .dataCouldNotBeDecoded, .duplicatedKeysInMapping:
            return Problem("not readable as YAML", inFile: file)
        }
    }

    /// A way out, where what the parser says does not show one.
    private func hint(at mark: Mark, _ problem: String) -> String {
        let rest = YAMLText.line(mark.line, of: text)?.unicodeScalars.dropFirst(mark.column - 1)
        switch rest?.first {
        case "\t": return "; indent with spaces, not with tabs"
        case "@", "`", "%", "*": return "; put the value in quotes"
        default: break
        }
        if problem.contains("unknown escape") { return "; in single quotes a backslash is a backslash" }
        let isSecondColon =
            problem.contains("mapping values are not allowed")
            || (problem.contains("expected ',' or '}'") && rest?.first == ":")
        return isSecondColon ? "; put a value with a colon in quotes" : ""
    }

    /// One line of a text, from 1, without what ends it.
    static func line(_ number: Int, of text: String) -> Substring? {
        let lines = text.split(maxSplits: number, omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        return lines.indices.contains(number - 1) ? lines[number - 1] : nil
    }

    private func place(atOffset offset: Int) -> Place {
        let before = String(decoding: text.utf8.prefix(offset), as: UTF8.self)
        let line = before.count(where: \.isNewline) + 1
        let column = before.reversed().prefix { !$0.isNewline }.count + 1
        return Place(file: file, line: line, column: column)
    }
}
