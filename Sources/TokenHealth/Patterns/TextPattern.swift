/// A regular expression that takes time in proportion to the text, whatever expression and text are.
///
/// It is an engine of its own because both that could be had go back and try again: an answer made for an expression
/// keeps Swift's `Regex` busy for years, and the limits of PCRE2 begin anew at each character (pcre2api(3),
/// `pcre2_set_match_limit`), and do not count what a single repetition passes over. Here the states that an expression
/// can be in are followed side by side (Thompson, 1968), so that nothing is tried twice, and every search ends with a
/// yes or a no.
package struct TextPattern: Sendable, Hashable {
    package let text: String
    let program: PatternProgram

    /// Reads `text` in the syntax of docs/providers.md.
    ///
    /// - Throws: what is wrong with it, or needs what cannot be had in linear time.
    package init(reading text: String) throws(PatternProblem) {
        var reader = try PatternReader(text)
        self.text = text
        program = try PatternProgram(try reader.wholePattern())
    }

    /// `nil` where `text` is no regular expression.
    package init?(_ text: String) {
        do {
            try self.init(reading: text)
        } catch {
            return nil
        }
    }

    /// Whether it is found anywhere in `candidate`.
    package func isFound(in candidate: String) -> Bool {
        var search = PatternSearch(text: candidate.unicodeScalars.map(\.value))
        return search.finds(program)
    }

    package static func == (one: TextPattern, other: TextPattern) -> Bool { one.text == other.text }

    package func hash(into hasher: inout Hasher) { hasher.combine(text) }
}

/// What is wrong with a regular expression.
package struct PatternProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// The end of a sentence that begins with the expression.
    package let description: String

    init(_ description: String) { self.description = description }
}

/// A regular expression, taken apart.
indirect enum PatternNode: Sendable {
    case scalar(ScalarSet)
    case sequence([PatternNode])
    case choice([PatternNode])
    /// `most` is `nil` where there is no bound.
    case repetition(PatternNode, least: Int, most: Int?)
    case position(PatternPosition)
    case look(PatternNode, isAhead: Bool, isNegated: Bool)

    static let empty = PatternNode.sequence([])
}

/// A place between two characters.
enum PatternPosition: Sendable {
    case textStart, textEnd, lineStart, lineEnd, wordBoundary, insideWordOrOutside
    /// The end, or before a line's end that is the last.
    case textEndOrLastLineEnd
}
