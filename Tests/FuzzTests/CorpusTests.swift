import FoundationEssentials
import Testing

/// Inputs that the fuzzer began with, and those that once ended the program: none of them does any more.
@Suite struct `The corpus of the fuzzer` {
    private static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus").path

    private static func names(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(directory)/\(folder)")) ?? []).sorted()
    }

    private func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: URL(filePath: "\(Self.directory)/\(name)")))
    }

    @Test(arguments: names(in: "verdict"))
    func `passes from the exchange to the alert`(name: String) throws {
        let input = try bytes("verdict/\(name)")
        VerdictTarget.run(input)
        // Every beginning of it is an input as well.
        for length in stride(from: 0, to: input.count, by: max(1, input.count / 50)) {
            VerdictTarget.run(Array(input.prefix(length)))
        }
        #expect(!input.isEmpty)
    }

    @Test(arguments: names(in: "provider"))
    func `passes through the configuration`(name: String) throws {
        let input = try bytes("provider/\(name)")
        ProviderTarget.run(input)
        for length in stride(from: 0, to: input.count, by: max(1, input.count / 20)) {
            ProviderTarget.run(Array(input.prefix(length)))
        }
        #expect(!input.isEmpty)
    }

    @Test(arguments: names(in: "answer"))
    func `passes from the wire to the answer`(name: String) throws {
        let input = try bytes("answer/\(name)")
        for length in stride(from: 0, to: input.count, by: max(1, input.count / 50)) {
            AnswerTarget.run(Array(input.prefix(length)))
        }
        AnswerTarget.run(input)
        #expect(!input.isEmpty)
    }

    @Test func `is there`() {
        #expect(Self.names(in: "answer").count >= 9)
        #expect(Self.names(in: "verdict").count >= 10)
        #expect(Self.names(in: "provider").count >= 5)
    }
}
