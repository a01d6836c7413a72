import FoundationEssentials
import TokenHealth
import VigilConfiguration

/// Where the files for tests are.
enum Fixtures {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures").path
    static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// The text of a file.
    static func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }

    /// Names of the files in a folder of fixtures, sorted.
    static func names(in folder: String) -> [String] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: "\(directory)/\(folder)")
        return (names ?? []).filter { $0.hasSuffix(".yaml") }.sorted()
    }
}

/// A directory that is gone after the test.
struct TemporaryDirectory: ~Copyable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "tokenvigil-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and the directories it needs; returns its path.
    @discardableResult
    func write(_ text: String, to name: String) throws -> String {
        let file = URL(filePath: "\(path)/\(name)")
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        return file.path
    }
}

/// Loads a text, or says what is wrong with it.
func problems(in text: String) -> [String] {
    do {
        _ = try ConfigurationLoader.load(text: text, name: "test.yaml")
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

/// The shortest configuration there is, with more lines for its token and more after it.
func configuration(token: String = "", rest: String = "") throws -> Configuration {
    let lines = token.split(separator: "\n").map { "    \($0)\n" }.joined()
    let text = """
        version: 1
        tokens:
          bot:
            provider: tallyfy
            secret: {credential: bot}
        \(lines)
        \(rest)
        """
    return try ConfigurationLoader.load(text: text, name: "test.yaml")
}
