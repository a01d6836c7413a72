import VigilPlatform

/// A place in a configuration file; lines and columns count from 1, columns in characters.
package struct Place: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let file: String
    package let line: Int
    package let column: Int

    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    package var description: String { "\(file):\(line):\(column)" }

    package static func < (left: Place, right: Place) -> Bool {
        (left.file, left.line, left.column) < (right.file, right.line, right.column)
    }
}

/// One thing that is wrong, or doubtful, in the configuration.
///
/// It never holds what could be a secret.
package struct Problem: Sendable, Hashable, CustomStringConvertible {
    package let file: String
    /// From 1; `nil` where the whole file is meant.
    package let line: Int?
    /// From 1; `nil` where the whole file is meant.
    package let column: Int?
    /// Dotted key, `tokens.hr-onboarding.interval`; empty for the whole file.
    package let path: String
    /// What is wrong and what is expected, in one sentence.
    package let message: String

    package init(_ message: String, at place: Place, path: String = "") {
        file = place.file
        line = place.line
        column = place.column
        self.path = path
        self.message = message
    }

    /// A problem with a file as a whole.
    package init(_ message: String, inFile file: String) {
        self.file = file
        line = nil
        column = nil
        path = ""
        self.message = message
    }

    /// `file:line:column: message`, as editors and compilers have it.
    package var description: String {
        guard let line, let column else { return "\(file): \(message)" }
        return "\(file):\(line):\(column): \(message)"
    }
}

/// Everything that is wrong with a configuration, sorted by file and place.
package struct ConfigurationErrors: Error, Sendable, Hashable, CustomStringConvertible {
    /// At least one.
    package let problems: [Problem]

    package init(problems: [Problem]) {
        self.problems = problems
    }

    /// One problem a line.
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// Collects problems while a configuration is read, so that all of them are told at once.
final class ProblemLog {
    /// Most of a kind that are told: nobody reads more, and a wrong file can have a mistake in every line.
    private static let limit = 200

    private(set) var errors: [Problem] = []
    private(set) var warnings: [Problem] = []

    /// What is wrong with the files of authorities that were looked at: many tokens name the same one.
    private var authoritiesFaults: [String: AuthoritiesFile.Fault?] = [:]

    /// What is wrong with the file of authorities at `path`.
    func authoritiesFault(at path: String) -> AuthoritiesFile.Fault? {
        if let known = authoritiesFaults[path] { return known }
        let fault = AuthoritiesFile.fault(at: path)
        authoritiesFaults.updateValue(fault, forKey: path)
        return fault
    }

    /// Whether further errors are not kept.
    var isFull: Bool { errors.count >= ProblemLog.limit }

    func error(_ message: String, at place: Place, path: String = "") {
        error(Problem(message, at: place, path: path))
    }

    func error(_ problem: Problem) {
        if errors.count < ProblemLog.limit { return errors.append(problem) }
        if errors.count == ProblemLog.limit {
            errors.append(
                Problem("more than \(ProblemLog.limit) mistakes: the others are not told", inFile: problem.file)
            )
        }
    }

    func warning(_ message: String, at place: Place, path: String = "") {
        warning(Problem(message, at: place, path: path))
    }

    func warning(_ problem: Problem) {
        if warnings.count < ProblemLog.limit { warnings.append(problem) }
    }

    /// Sorted by place, each told once: an anchor that is used ten times is wrong once.
    static func ordered(_ problems: [Problem]) -> [Problem] {
        var seen: Set<String> = []
        let unique = problems.filter { seen.insert($0.description).inserted }
        return unique.enumerated().sorted { left, right in
            let (a, b) = (left.element, right.element)
            return (a.file, a.line ?? 0, a.column ?? 0, left.offset) < (
                b.file, b.line ?? 0, b.column ?? 0, right.offset
            )
        }.map(\.element)
    }
}
