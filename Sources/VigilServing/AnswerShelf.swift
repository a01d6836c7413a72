import FoundationEssentials
import VigilHTTP

/// Keeps what everybody asks for: encoded once for each edition of the status, and shared by all who read it.
///
/// Old editions are kept for who still reads them, as long as there is room.
actor AnswerShelf {
    private struct Entry {
        let kind: String
        let edition: String
        weak var bytes: SharedBytes?
    }

    /// The newest of each kind.
    private var newest: [String: (edition: String, bytes: SharedBytes)] = [:]
    /// All that somebody may still read, oldest first.
    private var entries: [Entry] = []

    /// Most bytes of old editions that readers may keep.
    private static let room = 8 * 1_048_576

    /// What is asked for, made by the first who asks while the others wait.
    ///
    /// - Parameters:
    ///   - kind: what it is, whatever the edition.
    ///   - edition: what it shows.
    ///   - make: gives the bytes.
    /// - Returns: what is shared with everybody else who asks.
    /// - Throws: what `make` throws.
    func bytes(_ kind: String, of edition: String, make: @Sendable () throws -> [UInt8]) rethrows -> SharedBytes {
        if let kept = newest[kind], kept.edition == edition { return kept.bytes }
        newest[kind] = nil
        let made = SharedBytes(try make())
        newest[kind] = (edition, made)
        withdrawOldest()
        entries.append(Entry(kind: kind, edition: edition, bytes: made))
        return made
    }

    private func withdrawOldest() {
        entries.removeAll { $0.bytes == nil }
        var kept = 0
        for entry in entries.reversed() {
            guard let bytes = entry.bytes, newest[entry.kind]?.edition != entry.edition else { continue }
            kept += bytes.count
            if kept > AnswerShelf.room { bytes.withdraw() }
        }
    }
}
