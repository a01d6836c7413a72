import TokenHealth
import Yams

/// Turns the text of one file into nodes with places, or into the one reason why it is no YAML.
struct YAMLText {
    /// Most nodes that one file may become with its aliases resolved, unless it has as many characters.
    private static let nodeLimit = 500_000
    /// Most levels of lists and mappings inside each other.
    static let depthLimit = 50

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
        try refuseAliasesInKeys()
        let node: Node?
        do {
            // What a plain word may be is decided where it is used; finding it out for every key takes half the time.
            node = try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot()
        } catch {
            throw ConfigurationErrors(problems: [problem(of: error)])
        }
        guard let node else { return ConfigurationNode(content: .mapping([]), place: place(nil)) }
        var budget = nodeLimit
        return try convert(node, depth: 0, budget: &budget)
    }

    /// What needs no aliases has no more nodes than characters: very many tokens may stand in one file.
    private var nodeLimit: Int { max(YAMLText.nodeLimit, text.utf8.count) }

    private func place(_ mark: Mark?) -> Place {
        Place(file: file, line: mark?.line ?? 1, column: mark?.column ?? 1)
    }

    private func failure(_ message: String, at mark: Mark?) -> ConfigurationErrors {
        ConfigurationErrors(problems: [Problem(message, at: place(mark))])
    }

    private func convert(
        _ node: Node,
        depth: Int,
        budget: inout Int
    ) throws(ConfigurationErrors) -> ConfigurationNode {
        budget -= 1
        guard budget > 0 else {
            throw failure("more than \(nodeLimit) values, with its aliases resolved", at: node.mark)
        }
        guard depth < YAMLText.depthLimit else {
            throw failure("more than \(YAMLText.depthLimit) levels inside each other", at: node.mark)
        }
        switch node {
        case .scalar(let scalar):
            let value = Scalar(text: scalar.string, isPlain: scalar.style == .plain)
            return ConfigurationNode(content: .scalar(value), place: place(scalar.mark))
        case .sequence(let sequence):
            var elements: [ConfigurationNode] = []
            for element in sequence {
                elements.append(try convert(element, depth: depth + 1, budget: &budget))
            }
            return ConfigurationNode(content: .sequence(elements), place: place(sequence.mark))
        case .mapping(let mapping):
            let members = try members(of: mapping, depth: depth, budget: &budget)
            return ConfigurationNode(content: .mapping(members), place: place(mapping.mark))
        case .alias(let alias):
            throw failure("an alias without its anchor", at: alias.mark)
        }
    }

    private func members(
        of mapping: Node.Mapping,
        depth: Int,
        budget: inout Int
    ) throws(ConfigurationErrors) -> [ConfigurationNode.Member] {
        var members: [ConfigurationNode.Member] = []
        var keys: Set<String> = []
        for (key, value) in mapping {
            guard case .scalar(let scalar) = key else {
                throw failure("a key must be a single word, not a list or a mapping", at: key.mark)
            }
            guard keys.insert(scalar.string).inserted else {
                throw failure("duplicate key \(Wording.shown(scalar.string))", at: key.mark)
            }
            let node = try convert(value, depth: depth + 1, budget: &budget)
            members.append(.init(key: scalar.string, keyPlace: place(key.mark), value: node))
        }
        return members
    }

    // MARK: - What can go wrong

    /// Refuses what nobody needs and what could keep the parser busy for ever.
    ///
    /// It compares keys with each other before the nodes can be counted, and a few dozen aliases inside each other make
    /// one key endless.
    private func refuseAliasesInKeys() throws(ConfigurationErrors) {
        guard text.utf8.contains(UInt8(ascii: "*")) else { return }
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated().filter {
            ($0.element.contains("*") || $0.element.contains("?"))
                && $0.element.drop(while: \.isWhitespace).first != "#"
        }
        let patterns = YAMLText.patterns
        guard lines.contains(where: { patterns.alias?.isFound(in: String($0.element)) == true }) else { return }
        for (number, line) in lines {
            let line = String(line)
            let hasAliasKey = patterns.aliasKey?.isFound(in: line) == true
            let hasCompoundKey = patterns.compoundKey?.isFound(in: line) == true
            let hasExplicitKey = patterns.explicitKey?.isFound(in: line) == true
            guard hasAliasKey || hasCompoundKey || hasExplicitKey else { continue }
            let place = Place(file: file, line: number + 1, column: 1)
            let message = "in a file with aliases (*name) every key must be a plain word"
            throw ConfigurationErrors(problems: [Problem(message, at: place)])
        }
    }

    /// They take time in proportion to the line, whatever stands in it.
    private static let patterns = (
        alias: TextPattern(#"(?:^|[\s\[{,:?-])\*[A-Za-z0-9_-]"#),
        aliasKey: TextPattern(#"(?:^|[\s\[{,:?-])\*[A-Za-z0-9_-]+\s*:(?:\s|$)"#),
        compoundKey: TextPattern(
            #"[\[{][^\n]*(?:^|[\s\[{,])\*[A-Za-z0-9_-][^\n]*[\]}]\s*:(?:\s|$|[\[{*\w])"#
        ),
        explicitKey: TextPattern(#"^(?:\s|-\s)*\?(?:\s|$)|[\[{,]\s*\?\s"#)
    )

    private func problem(of error: any Error) -> Problem {
        guard let error = error as? YamlError else { return Problem("not readable as YAML", inFile: file) }
        switch error {
        case .composer(let context, let problem, let mark, _):
            let before = context.map { "\($0.text) " } ?? ""
            return Problem("not YAML: \(before)\(problem)\(hint(at: mark))", at: place(mark))
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _):
            let during = context.map { " \($0.text)" } ?? ""
            return Problem("not YAML: \(problem)\(during)\(hint(at: mark))", at: place(mark))
        case .duplicatedKeysInMapping(let keys, let context):
            let names = keys.map(Wording.shown).joined(separator: ", ")
            let again = secondLine(of: keys.first ?? "", after: context.mark).map { ", again in line \($0)" } ?? ""
            return Problem("duplicate key \(names): it stands twice in one mapping\(again)", at: place(context.mark))
        case .reader(let problem, let offset, _, _):
            return Problem("not YAML: \(problem)", at: place(atOffset: offset ?? 0))
        case .memory:
            return Problem("not readable as YAML: too many levels inside each other", inFile: file)
        case .no, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            return Problem("not readable as YAML", inFile: file)
        }
    }

    private func hint(at mark: Mark) -> String {
        let lines = text.split(maxSplits: mark.line, omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        guard lines.indices.contains(mark.line - 1) else { return "" }
        let rest = lines[mark.line - 1].unicodeScalars.dropFirst(mark.column - 1)
        switch rest.first {
        case "\t": return "; indent with spaces, not with tabs"
        case "@", "`", "%", "*": return "; put the value in quotes"
        default: return ""
        }
    }

    /// Where a key stands for the second time, as far as the indentation tells.
    private func secondLine(of key: String, after first: Mark) -> Int? {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated().dropFirst(first.line) {
            let indentation = line.prefix { $0 == " " }.count
            let rest = line.dropFirst(indentation)
            guard !rest.isEmpty, rest.first != "#" else { continue }
            guard indentation >= first.column - 1 else { return nil }
            let isKey = ["\(key):", "'\(key)':", "\"\(key)\":"].contains { rest.hasPrefix($0) }
            if indentation == first.column - 1, isKey { return index + 1 }
        }
        return nil
    }

    private func place(atOffset offset: Int) -> Place {
        let before = text.prefix(offset)
        let line = before.count(where: \.isNewline) + 1
        let column = before.reversed().prefix { !$0.isNewline }.count + 1
        return Place(file: file, line: line, column: column)
    }
}
