import ArgumentParser
import FoundationEssentials
import Glibc
import TokenHealth
import VigilConfiguration
import VigilPlatform

/// The status file as the commands that only read it see it.
struct StatusReading {
    let document: StatusDocument
    let names: [String]

    /// Far above what a hundred thousand tokens take, in bytes.
    static let longest = 1 << 30

    /// Reads the status file of `configuration`.
    ///
    /// - Throws: ``Failure`` with exit code 3 for a file that is missing, unreadable or stale, or a name not in it.
    init(configuration: Configuration, names: [String], now: Date) throws {
        try self.init(path: configuration.statusFile, names: names, now: now)
    }

    /// Reads the status file `path`.
    ///
    /// - Throws: ``Failure`` with exit code 3 for a file that is missing, unreadable or stale, or a name not in it.
    init(path: String, names: [String], now: Date) throws {
        let bytes: [UInt8]
        do throws(RegularFile.Failure) {
            bytes = try RegularFile.contents(of: path, atMost: StatusReading.longest)
        } catch .refused(let error) where error.code == ENOENT {
            throw Failure(
                "there is no status file \(path): is the daemon running? (systemctl status tokenvigil)",
                code: .unknown
            )
        } catch {
            throw Failure("the status file \(path) cannot be read: \(error)", code: .unknown)
        }
        guard let document = try? StatusReading.document(of: names, in: Data(bytes)) else {
            throw Failure("the status file \(path) is not one of this program's", code: .unknown)
        }
        guard document.validUntil >= now else {
            let age = Duration.seconds(now.timeIntervalSince(document.generatedAt)).short
            throw Failure(
                "the status file \(path) is \(age) old, nothing is known now: is the daemon running?",
                code: .unknown
            )
        }
        if let unknown = names.first(where: { document.tokens[$0] == nil }) {
            let known = document.tokens.keys.sorted().joined(separator: ", ")
            throw Failure("no token is called '\(unknown)'; there are: \(known)", code: .unknown)
        }
        self.document = document
        self.names = names.isEmpty ? document.tokens.keys.sorted() : names
    }

    /// The whole, or of very many tokens those that are asked for; the whole too where one of them is not there, for then
    /// the others are named.
    private static func document(of names: [String], in file: Data) throws -> StatusDocument {
        if !names.isEmpty {
            let document = try StatusDocument(of: names, in: file)
            if document.tokens.count == Set(names).count { return document }
        }
        return try Wire.decoder().decode(StatusDocument.self, from: file)
    }

    var reports: [(name: String, report: TokenReport)] {
        names.compactMap { name in document.tokens[name].map { (name, $0) } }
    }

    /// The worst exit code among the tokens asked for.
    var exitCode: ExitCode {
        let codes = reports.map { Self.exitCode(of: $0.report.state).rawValue }
        // A dead token outweighs one of which nothing is known.
        if codes.contains(ExitCode.critical.rawValue) { return .critical }
        if codes.contains(ExitCode.unknown.rawValue) { return .unknown }
        return ExitCode(codes.max() ?? 0)
    }

    static func exitCode(of state: StateName) -> ExitCode {
        switch state {
        case .valid: .success
        case .limited, .suspect: .warning
        case .invalid: .critical
        case .unknown, .blind, .misconfigured, .pending: .unknown
        }
    }
}
