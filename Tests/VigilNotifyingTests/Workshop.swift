import FoundationEssentials
import Testing

@testable import VigilNotifying

/// A directory of its own for one test, with programs in it; gone afterwards.
struct Workshop: Sendable {
    let path: String

    static func open<Result>(_ body: (Workshop) async throws -> Result) async throws -> Result {
        let directory = FileManager.default.temporaryDirectory.appending(component: "notifying-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        return try await body(Workshop(path: directory.path))
    }

    /// Makes an executable shell script.
    ///
    /// A child writes the file: if this process held it open for writing while
    /// another test forks, running it could fail with "text file busy".
    func script(_ text: String, named name: String = "program") async throws -> String {
        let file = "\(path)/\(name)"
        let writer = ChildProcess(
            executable: "/bin/sh",
            arguments: ["-c", "cat > \"$1\" && chmod 755 \"$1\"", "sh", file],
            timeLimit: .seconds(30)
        )
        let outcome = await writer.run(input: Array("#!/bin/sh\n\(text)\n".utf8))
        try #require(outcome.ending == .exited(0), "cannot write \(file): \(outcome)")
        return file
    }

    func contents(of name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: "\(path)/\(name)")), as: UTF8.self)
    }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/\(name)") }
}

/// Files of this repository.
enum Repository {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: root.appending(path: path)), as: UTF8.self)
    }
}

/// Records that a test has failed.
func reject(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) {
    Issue.record(Comment(rawValue: text), sourceLocation: sourceLocation)
}
