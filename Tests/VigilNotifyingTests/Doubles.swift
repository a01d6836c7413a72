import FoundationEssentials
import Synchronization
import TokenHealth
import Testing
import VigilEngine
import VigilNotifying
import VigilSystemd

/// Secrets that stand in a table; the others are missing.
struct ScriptedSecrets: SecretReader {
    var values: [SecretSource: String] = [:]

    func secret(from source: SecretSource) async throws(SecretProblem) -> Secret {
        guard let value = values[source] else { throw .missing(source: "\(source)") }
        return try SecretLint.secret(in: Array(value.utf8), source: "\(source)")
    }
}

/// A journal that keeps what it is given, or refuses it.
final class RecordingJournal: JournalWriter {
    private let entries = Mutex<[[String: [String]]]>([])
    private let failure: JournalError?

    init(failure: JournalError? = nil) {
        self.failure = failure
    }

    /// Entries so far: for every field its values in order.
    var written: [[String: [String]]] { entries.withLock { $0 } }

    func send(_ fields: [(name: String, value: String)]) throws(JournalError) {
        if let failure { throw failure }
        let entry = Dictionary(fields.map { ($0.name, [$0.value]) }, uniquingKeysWith: +)
        entries.withLock { $0.append(entry) }
    }
}

/// Things that were seen, from any task.
final class Recording<Value: Sendable>: Sendable {
    private let storage = Mutex<[Value]>([])

    var values: [Value] { storage.withLock { $0 } }

    func append(_ value: Value) {
        storage.withLock { $0.append(value) }
    }
}

extension JSONValue {
    /// What stands at a JSON Pointer.
    func value(at path: String) throws -> JSONValue? {
        self[try #require(JSONPointer(path))]
    }
}
